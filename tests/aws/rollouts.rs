//! Whole deployments behind target groups, with requests flowing, and an alarm of `CloudWatch` that stops one.

use std::fmt::Write as _;

use aws_sdk_cloudwatch::types::{ComparisonOperator, StateValue, Statistic};
use aws_sdk_elasticloadbalancingv2::types::{TargetDescription, TargetTypeEnum};
use cutover::model::connections::Elbv2Weights;
use libtest_mimic::Trial;
use serde_json::Value;

use crate::backend::Backend;
use crate::cloud::{Bridge, Cloud, weights};
use crate::lab::Lab;
use crate::load::{Connections, Load};
use crate::server::{REGION, Server};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a_deployment_shifts_weights_and_goes_back", shift),
        trial("instances_leave_their_target_group_and_come_back", in_place),
        trial("an_alarm_of_cloudwatch_stops_a_deployment", alarm),
    ]
}

/// A tenth of the traffic first, and the rest half an hour later.
const SHIFTING: &str = "deploymentConfigName: shifting
minimumHealthyHosts: { type: HOST_COUNT, value: 0 }
trafficRoutingConfig: { type: TimeBasedCanary, timeBasedCanary: { canaryPercentage: 10, canaryInterval: 30 } }
";

const TRAFFIC: &str = "deploymentOption: WITH_TRAFFIC_CONTROL }\nloadBalancerInfo: { targetGroupInfoList: [{ name: web }] }\n";

const OPTIONS: &str = "blueGreenDeploymentConfiguration:
  deploymentReadyOption: { actionOnTimeout: STOP_DEPLOYMENT, waitTimeInMinutes: 10 }
  greenFleetProvisioningOption: { action: DISCOVER_EXISTING }
  terminateBlueInstancesOnDeploymentSuccess: { action: KEEP_ALIVE }
deploymentConfigName: CodeDeployDefault.AllAtOnce
";

/// Agents behind a load balancer, and requests that flow. The first hosts are the original.
struct Site {
    cloud: Cloud,
    lab: Lab,
    bridge: Bridge,
    _apps: Vec<Backend>,
}

impl Site {
    /// So many hosts that serve, and so many that are a replacement.
    async fn up(blue: usize, green: usize, control: impl Fn(&Cloud) -> String) -> Self {
        let cloud = Cloud::start(TargetTypeEnum::Ip).await;
        let lab = Lab::up(blue + green);
        let (mut apps, mut ids) = (Vec::new(), Vec::new());
        for n in 0..blue + green {
            let side = if n < blue { "blue" } else { "green" };
            apps.push(Backend::start(&format!("{side}-{n}")).await);
            ids.push(format!("127.0.0.{}", n + 2));
        }
        let targets = ids.iter().take(blue).map(|id| {
            let target = TargetDescription::builder().id(id).port(8080);
            target.build()
        });
        let entering = cloud.client.register_targets();
        let entering = entering.target_group_arn(&cloud.groups[0]);
        let entering = entering.set_targets(Some(targets.collect()));
        entering.send().await.unwrap();
        let known: Vec<(&str, &Backend)> = ids.iter().map(String::as_str).zip(&apps).collect();
        let bridge = Bridge::start(&cloud, &known).await;
        let serving: Vec<&str> = ids.iter().take(blue).map(String::as_str).collect();
        bridge.serve(&serving).await;
        let site = Self {
            lab,
            bridge,
            _apps: apps,
            cloud,
        };
        site.documents(blue, blue + green, &control(&site.cloud));
        site.lab.push("1.0", "0", None);
        site
    }

    fn documents(&self, blue: usize, hosts: usize, control: &str) {
        let mut text = format!(
            "name: lab
settings: {{ stateDirectory: .state }}
connections:
  aws: [{{ name: prod, region: {REGION}, endpointUrl: '{}' }}]
  loadBalancers:
    - name: web
      drainSeconds: 20
      provider: {{ elbv2: {{ account: prod, control: {control} }} }}
hosts:
",
            self.cloud.server.url()
        );
        for n in 0..hosts {
            let side = if n < blue { "blue" } else { "green" };
            let name = format!("web-{}", n + 1);
            let ready = self.lab.folder().join("hosts").join(&name).join("ready");
            let address = std::fs::read_to_string(ready).unwrap();
            writeln!(
                text,
                "  - {{ name: {name}, address: '{}', tags: {{ role: web, side: {side} }}, endpoints: {{ web: '127.0.0.{}:8080' }} }}",
                address.trim(),
                n + 2
            )
            .unwrap();
        }
        let folder = self.lab.folder();
        std::fs::write(folder.join("cutover.yaml"), text).unwrap();
        std::fs::create_dir_all(folder.join("configurations")).unwrap();
        std::fs::write(folder.join("configurations/shifting.yaml"), SHIFTING).unwrap();
        let style = |kind: &str| format!("deploymentStyle: {{ deploymentType: {kind}, {TRAFFIC}");
        self.lab
            .group("rolling", "side", "blue", &style("IN_PLACE"));
        let swap = format!("{}{OPTIONS}", style("BLUE_GREEN"));
        self.lab.group("swap", "side", "blue", &swap);
    }

    fn load(&self) -> Load {
        Load::start(self.bridge.front, "/?ms=2", 200, Connections::Kept)
    }

    /// Waits until AWS has this share, and requests follow it.
    async fn arrives(&self, id: &str, load: &Load, share: i32, serving: &[&str]) {
        self.lab.wait_for(id, |_| {
            let text = self.lab.ok(&["traffic", id, "--output", "json"]);
            let now: Value = serde_json::from_str(&text).unwrap();
            now["traffic"][0]["balancers"][0]["inEffect"] == share
        });
        let (client, listener) = (&self.cloud.client, &self.cloud.listener);
        let now = weights(client, listener, &self.cloud.groups).await;
        assert_eq!(now, [100 - share, share]);
        self.bridge.serve(serving).await;
        load.next(20).await;
        let found = load.next(400).await.share("green");
        let asked = f64::from(share) / 100.0;
        assert!((found - asked).abs() <= 0.04, "{share} %: {found}");
    }
}

async fn shift() {
    let site = Site::up(2, 2, |cloud| {
        let [original, replacement] = cloud.groups.clone();
        let weights = Elbv2Weights {
            original,
            replacement,
            listener: cloud.listener.clone(),
        };
        let weights = serde_json::to_string(&weights).unwrap();
        format!("{{ weights: {weights} }}")
    })
    .await;
    let (lab, load) = (&site.lab, site.load());
    let deploy = [
        "deploy",
        "shop",
        "swap",
        "1.0",
        "--replacement",
        "side=green",
    ];
    let id = lab.ok(&[&deploy[..], &["--config", "shifting"]].concat());
    lab.wait_for(&id, |now| now["deploymentInfo"]["status"] == "Ready");
    lab.ok(&["reroute", &id]);
    let all = ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"];
    site.arrives(&id, &load, 10, &all).await;
    lab.ok(&["weight", &id, "60"]);
    site.arrives(&id, &load, 60, &all).await;
    // Whoever takes it up finds the weights where they were.
    lab.kill_orchestrator();
    site.arrives(&id, &load, 60, &all).await;
    lab.ok(&["weight", &id, "100"]);
    site.arrives(&id, &load, 100, &all[2..]).await;
    lab.ok(&["resume", &id]);
    let ended = lab.wait_for_end(&id);
    assert_eq!(ended, "Succeeded", "{}", lab.show(&id));
    assert_eq!(site.cloud.targets(&site.cloud.groups[0]).await, [""; 0]);

    let back = lab.ok(&["rollback", &id, "--wait"]);
    let back = back.lines().next().unwrap();
    assert_eq!(lab.wait_for_end(back), "Succeeded");
    site.bridge.serve(&all[..2]).await;
    load.next(20).await;
    assert!(load.next(100).await.share("blue") > 0.999);
    assert_eq!(load.count().failed(), 0, "{:?}", load.count());
}

async fn in_place() {
    let group = |cloud: &Cloud| format!("{{ targetGroup: '{}' }}", cloud.groups[0]);
    let site = Site::up(3, 0, group).await;
    let load = site.load();
    load.next(50).await;
    let (id, code) = site.lab.deploy(&["rolling", "1.0"]);
    assert_eq!(code, 0, "{}", site.lab.show(&id));
    assert_eq!(site.cloud.targets(&site.cloud.groups[0]).await.len(), 3);
    let all = ["127.0.0.2", "127.0.0.3", "127.0.0.4"];
    site.bridge.serve(&all).await;
    load.next(20).await;
    let after = load.next(120).await;
    assert_eq!(after.answers.len(), 3, "all are back: {after:?}");
    assert_eq!(load.count().failed(), 0, "{:?}", load.count());
}

async fn alarm() {
    let server = Server::ministack().await;
    let client = aws_sdk_cloudwatch::Client::new(&server.config().await);
    client
        .put_metric_alarm()
        .alarm_name("errors")
        .namespace("shop")
        .metric_name("errors")
        .statistic(Statistic::Sum)
        .period(10)
        .evaluation_periods(1)
        .threshold(5.0)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .send()
        .await
        .unwrap();
    let lab = Lab::up(2);
    let path = lab.folder().join("cutover.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let connections = format!(
        "connections:
  aws: [{{ name: prod, region: {REGION}, endpointUrl: '{}' }}]
  alarms: [{{ name: errors, intervalSeconds: 1, source: {{ cloudwatch: {{}} }} }}]
",
        server.url()
    );
    std::fs::write(&path, format!("{text}{connections}")).unwrap();
    let alarms = "alarmConfiguration: { enabled: true, alarms: [{ name: errors }] }\n";
    lab.group("watched", "role", "web", alarms);
    lab.push("1.0", "2", None);
    let id = lab.ok(&["deploy", "shop", "watched", "1.0"]);
    lab.wait_for(&id, |now| now["deploymentInfo"]["status"] == "InProgress");
    client
        .set_alarm_state()
        .alarm_name("errors")
        .state_value(StateValue::Alarm)
        .state_reason("a test says so")
        .send()
        .await
        .unwrap();
    let ended = lab.wait_for(&id, |now| now["deploymentInfo"]["status"] == "Stopped");
    let error = &ended["deploymentInfo"]["errorInformation"];
    assert_eq!(error["code"], "ALARM_ACTIVE", "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("errors is ALARM: a test says so"),
        "{message}"
    );
}
