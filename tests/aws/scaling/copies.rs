//! Auto Scaling groups that are copied: replacements of blue/green deployments.

use std::collections::BTreeSet;
use std::io::Write as _;

use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types::{
    AutoScalingGroup, MetricType, PredefinedMetricSpecification, Tag, TargetTrackingConfiguration,
};
use aws_sdk_elasticloadbalancingv2::types::TargetTypeEnum;

use super::denying;
use super::places::COPYING;
use crate::cloud;
use crate::instances::{SCALED, Site, scaling};
use crate::server::until;

/// A deployment group whose replacement is a copy.
const COPIES: &str =
    "deploymentStyle: { deploymentType: BLUE_GREEN, deploymentOption: WITH_TRAFFIC_CONTROL }
loadBalancerInfo: { targetGroupInfoList: [{ name: web }] }
deploymentConfigName: CodeDeployDefault.AllAtOnce
blueGreenDeploymentConfiguration:
  greenFleetProvisioningOption: { action: COPY_AUTO_SCALING_GROUP }
  terminateBlueInstancesOnDeploymentSuccess: { action: ";

/// An Auto Scaling group behind a target group.
struct Ground {
    site: Site,
    client: Client,
    balancers: aws_sdk_elasticloadbalancingv2::Client,
    targets: String,
    known: BTreeSet<String>,
}

impl Ground {
    async fn up() -> Self {
        let site = Site::up().await;
        let client = scaling(&site, "pool", 2).await;
        let balancers = aws_sdk_elasticloadbalancingv2::Client::new(&site.server.config().await);
        let kind = TargetTypeEnum::Instance;
        let targets = cloud::group(&balancers, &site.vpc, "web", &kind).await;
        let mut ground = Self {
            site,
            client,
            balancers,
            targets,
            known: BTreeSet::new(),
        };
        ground.documents(&ground.site.server.url());
        ground.group("TERMINATE");
        ground.agents(2).await;
        ground
    }

    /// Writes the project, with AWS at this address.
    fn documents(&self, url: &str) {
        self.site.documents_at("", url);
        let path = self.site.lab.folder().join("cutover.yaml");
        let mut file = std::fs::File::options().append(true).open(path).unwrap();
        let text = format!(
            "  loadBalancers: [{{ name: web, port: 80, provider: {{ elbv2: {{ account: prod, control: {{ targetGroup: '{}' }} }} }} }}]\n",
            self.targets
        );
        file.write_all(text.as_bytes()).unwrap();
    }

    fn group(&self, original: &str) {
        let text = format!("{SCALED}{COPIES}{original}, terminationWaitTimeInMinutes: 0 }}\n");
        self.site.group("scaled", &text);
    }

    /// Starts agents on so many new instances, once they are there.
    async fn agents(&mut self, count: usize) -> BTreeSet<String> {
        let mut new = Vec::new();
        let (site, known) = (&self.site, &self.known);
        until("there are new instances", async || {
            let now = site.instances().await.into_iter();
            new = now.filter(|(id, _)| !known.contains(id)).collect();
            new.len() == count
        })
        .await;
        for instance in &new {
            self.site.agent_on(instance).await;
        }
        let new: BTreeSet<String> = new.into_iter().map(|(id, _)| id).collect();
        self.known.extend(new.iter().cloned());
        new
    }

    /// Deploys to a copy, and answers the deployment and the new instances.
    async fn deploy(&mut self) -> (String, BTreeSet<String>) {
        let id = self.site.lab.ok(&["deploy", "shop", "scaled", "1.0"]);
        let new = self.agents(2).await;
        let ended = self.site.lab.wait_for_end(&id);
        assert_eq!(ended, "Succeeded", "{:#}", self.site.lab.show(&id));
        (id, new)
    }

    async fn groups(&self) -> Vec<AutoScalingGroup> {
        let told = self.client.describe_auto_scaling_groups().send().await;
        told.unwrap().auto_scaling_groups.unwrap()
    }

    async fn named(&self) -> Vec<String> {
        let all = self.groups().await.into_iter();
        all.filter_map(|one| one.auto_scaling_group_name).collect()
    }

    async fn serving(&self) -> BTreeSet<String> {
        let targets = cloud::targets(&self.balancers, &self.targets).await;
        targets.into_iter().collect()
    }
}

/// How it scales, and what it is called by.
async fn furnish(client: &Client) {
    let tag = |key: &str, launched: bool| {
        let tag = Tag::builder().resource_type("auto-scaling-group");
        let tag = tag.resource_id("pool").key(key).value("shop");
        tag.propagate_at_launch(launched).build()
    };
    let tags = client.create_or_update_tags();
    let tags = tags.tags(tag("team", true)).tags(tag("cost", false));
    tags.send().await.unwrap();
    let metric = PredefinedMetricSpecification::builder()
        .predefined_metric_type(MetricType::AsgAverageCpuUtilization);
    let tracking = TargetTrackingConfiguration::builder()
        .predefined_metric_specification(metric.build())
        .target_value(60.0);
    client
        .put_scaling_policy()
        .auto_scaling_group_name("pool")
        .policy_name("cpu")
        .policy_type("TargetTrackingScaling")
        .target_tracking_configuration(tracking.build())
        .send()
        .await
        .unwrap();
    client
        .put_scheduled_update_group_action()
        .auto_scaling_group_name("pool")
        .scheduled_action_name("night")
        .recurrence("0 22 * * *")
        .min_size(1)
        .send()
        .await
        .unwrap();
}

pub async fn whole() {
    let mut ground = Ground::up().await;
    furnish(&ground.client).await;
    let planned = ground.site.lab.ok(&["plan", "shop", "scaled", "1.0"]);
    let first = "the Auto Scaling group pool is copied first, with 2 instances";
    assert!(planned.contains(first), "{planned}");
    let original = ground.known.clone();
    let (id, new) = ground.deploy().await;
    let name = format!("CodeDeploy_scaled_{id}");
    let groups = ground.groups().await;
    let [copy] = &groups[..] else {
        panic!("the original is gone: {groups:#?}");
    };
    assert_eq!(copy.auto_scaling_group_name(), Some(name.as_str()));
    assert_eq!((copy.min_size(), copy.max_size()), (Some(0), Some(9)));
    assert_eq!(copy.desired_capacity(), Some(2));
    assert_eq!(copy.launch_configuration_name(), Some("pool"));
    assert_eq!(
        copy.vpc_zone_identifier(),
        Some(ground.site.subnet.as_str())
    );
    let tags = copy.tags().iter();
    let tags = tags.map(|tag| (tag.key().unwrap(), tag.value().unwrap()));
    let made_for = ("CodeDeployProvisioningDeploymentId", id.as_str());
    let wanted = BTreeSet::from([("team", "shop"), ("cost", "shop"), made_for]);
    assert_eq!(tags.collect::<BTreeSet<_>>(), wanted);
    let policies = ground.client.describe_policies();
    let policies = policies
        .auto_scaling_group_name(&name)
        .send()
        .await
        .unwrap();
    assert_eq!(policies.scaling_policies()[0].policy_name(), Some("cpu"));
    let actions = ground.client.describe_scheduled_actions();
    let actions = actions.auto_scaling_group_name(&name).send().await.unwrap();
    let night = &actions.scheduled_update_group_actions()[0];
    assert_eq!(night.recurrence(), Some("0 22 * * *"));
    until("it scales from now on", async || {
        let copy = ground.groups().await.remove(0);
        copy.suspended_processes().is_empty()
    })
    .await;
    assert_eq!(ground.serving().await, new);
    let shown = ground.site.lab.ok(&["show", &id]);
    let gone: Vec<&str> = original.iter().map(String::as_str).collect();
    assert!(
        gone.iter().all(|one| shown.contains(one)) && shown.contains("terminated: "),
        "{shown}"
    );
    // Nobody misses what was deleted on purpose.
    assert_eq!(ground.site.snapshot().await.problems, [""; 0]);

    // The copy is copied. This time it stays, and gets the traffic back.
    ground.group("KEEP_ALIVE");
    let (second, newer) = ground.deploy().await;
    let both = [name.clone(), format!("CodeDeploy_scaled_{second}")];
    assert_eq!(ground.named().await, both);
    assert_eq!(ground.serving().await, newer);
    let back = ground.site.lab.ok(&["rollback", &second]);
    let back = back.lines().next().unwrap();
    assert_eq!(ground.site.lab.wait_for_end(back), "Succeeded");
    assert_eq!(ground.serving().await, new);
    assert_eq!(ground.named().await, both);
}

pub async fn crashed() {
    let mut ground = Ground::up().await;
    for place in COPYING.into_iter().chain(["fleets.answered"]) {
        let lab = &ground.site.lab;
        // Whoever takes the command is to crash.
        lab.wait_until_nobody_orchestrates();
        let mut deploy = lab.command(&["deploy", "shop", "scaled", "1.0"]);
        let deploy = deploy.env("CUTOVER_CRASH_AT", place).output().unwrap();
        let id = String::from_utf8(deploy.stdout).unwrap();
        let id = id.trim();
        assert!(id.starts_with("d-"), "{place}: {id}");
        let new = if place == "fleets.deleted" {
            Some(ground.agents(2).await)
        } else {
            None
        };
        ground.site.lab.wait_until_nobody_orchestrates();
        // Somebody takes over.
        let _runs = ground.site.lab.status(id);
        let new = match new {
            Some(new) => new,
            None => ground.agents(2).await,
        };
        assert_eq!(ground.site.lab.wait_for_end(id), "Succeeded", "{place}");
        let only = [format!("CodeDeploy_scaled_{id}")];
        assert_eq!(ground.named().await, only, "{place}");
        assert_eq!(ground.serving().await, new, "{place}");
        ground.site.lab.kill_orchestrator();
    }
}

pub async fn refused() {
    let ground = Ground::up().await;
    let lab = &ground.site.lab;
    for (status, code, error, said) in [
        (
            403,
            "AccessDenied",
            "AUTO_SCALING_IAM_ROLE_PERMISSIONS",
            "let its user or role have autoscaling:CreateAutoScalingGroup",
        ),
        (
            400,
            "LimitExceeded",
            "RESOURCE_LIMIT_EXCEEDED",
            "LimitExceeded: not you",
        ),
        (
            400,
            "ValidationError",
            "AUTOSCALING_VALIDATION_ERROR",
            "ValidationError: not you",
        ),
    ] {
        let denied = vec![("CreateAutoScalingGroup", status, code)];
        let url = denying(ground.site.server.url(), denied).await;
        ground.documents(&url);
        let (id, _) = lab.deploy(&["scaled", "1.0"]);
        let shown = lab.show(&id);
        let told = &shown["deploymentInfo"]["errorInformation"];
        assert_eq!(told["code"], error, "{shown:#}");
        let message = told["message"].as_str().unwrap();
        assert!(message.starts_with("pool can't be copied: "), "{message}");
        assert!(message.contains(said), "{message}");
    }
    assert_eq!(ground.named().await, ["pool"]);
    // Somebody else's group does not end with this one.
    ground.documents(&ground.site.server.url());
    ground.site.group("other", SCALED);
    let mut ground = ground;
    let (id, _) = ground.deploy().await;
    let shown = ground.site.lab.ok(&["show", &id]);
    let why = "pool: it is an Auto Scaling group of shop/other, too, and stays";
    assert!(shown.contains(why), "{shown}");
    assert_eq!(ground.named().await.len(), 2);
}

pub async fn left() {
    let ground = Ground::up().await;
    let lab = &ground.site.lab;
    // A name that may mean a fleet is refused.
    let path = lab.folder().join("cutover.yaml");
    let before = std::fs::read_to_string(&path).unwrap();
    let fleet = "  fleets: [{ name: pool, provider: { command: { provision: [./p], terminate: [./t] } } }]\n";
    std::fs::write(&path, format!("{before}{fleet}")).unwrap();
    let output = lab.run(&["deploy", "shop", "scaled", "1.0"]);
    let why = String::from_utf8(output.stderr).unwrap();
    assert!(
        why.contains("pool is a fleet of `connections`") && why.contains("take `account` out"),
        "{why}"
    );
    std::fs::write(&path, before).unwrap();

    // Its agents never come, and somebody stops it.
    let id = lab.ok(&["deploy", "shop", "scaled", "1.0"]);
    let name = format!("CodeDeploy_scaled_{id}");
    until("it is copied", async || {
        ground.named().await.contains(&name)
    })
    .await;
    let terminate = || lab.run(&["hosts", "terminate", &name]);
    let refused = terminate();
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(why.contains(&format!("{id} runs on {name}")), "{why}");
    lab.ok(&["stop", &id]);
    assert_eq!(lab.wait_for_end(&id), "Stopped");
    assert!(terminate().status.success());
    until("it is gone", async || ground.named().await == ["pool"]).await;
    // What serves is nobody's to terminate.
    let output = lab.run(&["hosts", "terminate", "pool"]);
    assert!(!output.status.success());
    assert_eq!(ground.named().await, ["pool"]);
}
