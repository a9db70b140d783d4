//! Functions without AWS: their versions are servers behind a load balancer, and their alias is its route.

use std::fs;

use cutover::model::endpoint::Endpoint;
use cutover::model::traffic::Side;
use cutover::providers::traffic::{Server, Service};
use serde_json::Value;

use super::each;
use super::front::{Front, Kind};
use super::site::{Clients, event};
use crate::backend::Backend;
use crate::lab::Lab;

/// A quarter of the traffic, and the rest half an hour later: minutes last a second here.
const CANARY: &str = "computePlatform: Lambda
trafficRoutingConfig: { type: TimeBasedCanary, timeBasedCanary: { canaryPercentage: 25, canaryInterval: 1800 } }
";

/// A tenth more every minute, which lasts a second here.
const LINEAR: &str = "CodeDeployDefault.LambdaLinear10PercentEvery1Minute";

/// Three versions of a function; answers begin with their numbers. The first has the traffic.
struct Function {
    kind: Kind,
    lab: Lab,
    front: Front,
    _versions: Vec<Backend>,
}

impl Function {
    async fn up(kind: Kind) -> Self {
        let lab = Lab::up(1);
        let (mut versions, mut servers) = (Vec::new(), Vec::new());
        for version in 1..=3 {
            let backend = Backend::start(&format!("v{version}")).await;
            servers.push(Server {
                name: format!("thumbs-{version}").parse().unwrap(),
                endpoint: Endpoint::parse(&backend.address.to_string()).unwrap(),
                side: Side::Blue,
                service: if version == 1 {
                    Service::In
                } else {
                    Service::Out
                },
            });
            versions.push(backend);
        }
        let front = Front::start(kind, &servers).await;
        let function = Self {
            kind,
            lab,
            front,
            _versions: versions,
        };
        function.documents(&servers);
        for (current, target) in [(1, 2), (2, 3), (1, 3)] {
            function.push(current, target);
        }
        function
    }

    fn documents(&self, servers: &[Server]) {
        let versions = servers.iter().zip(1..);
        let versions = versions
            .map(|(server, version)| format!("            {version}: '{}'\n", server.endpoint))
            .collect::<Vec<_>>()
            .concat();
        let write = |file: &str, text: &str| {
            let path = self.lab.folder().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let hook = |name: &str, command: &str| {
            format!("    - {{ name: {name}, via: {{ command: {{ run: [{command}] }} }} }}\n")
        };
        let document = format!(
            "name: lab\nsettings: {{ stateDirectory: .state, limits: {{ shiftMinuteSeconds: 1 }} }}\nconnections:\n  loadBalancers:\n    - name: edge\n      provider:\n        {}\n  hooks:\n{}{}  functions:\n    - name: thumbs\n      alias: live\n      via:\n        endpoints:\n          loadBalancer: edge\n          versions:\n{versions}hosts:\n{}",
            self.front.provider(),
            hook("agrees", "\"true\""),
            hook("objects", "\"false\""),
            match self.front.host() {
                none if none.is_empty() => "  []\n".to_owned(),
                host => host,
            },
        );
        write("cutover.yaml", &document);
        write(
            "applications/thumbs/application.yaml",
            "computePlatform: Lambda\n",
        );
        let rollback =
            "autoRollbackConfiguration: { enabled: true, events: [DEPLOYMENT_FAILURE] }\n";
        write("applications/thumbs/live.yaml", rollback);
        write("configurations/Canary.yaml", CANARY);
    }

    /// Registers the move from one version to another; the hook after it is called `after`.
    fn push_with(&self, current: u32, target: u32, label: &str, after: &str) {
        let hooks =
            format!("Hooks:\n  - BeforeAllowTraffic: agrees\n  - AfterAllowTraffic: {after}\n");
        self.register(current, target, label, &hooks);
    }

    fn push(&self, current: u32, target: u32) {
        self.push_with(current, target, &format!("{current}-{target}"), "agrees");
    }

    fn register(&self, current: u32, target: u32, label: &str, hooks: &str) {
        let path = self.lab.folder().join(format!("{label}.yaml"));
        let text = format!(
            "version: 0.0\nResources:\n  - thumbs:\n      Type: AWS::Lambda::Function\n      Properties: {{ Name: thumbs, Alias: live, CurrentVersion: {current}, TargetVersion: {target} }}\n{hooks}"
        );
        fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap();
        self.lab.ok(&["push", "thumbs", path, "--label", label]);
    }

    /// Deploys, and answers the deployment's id.
    fn begin(&self, revision: &str, configuration: &str) -> String {
        let deploy = ["deploy", "thumbs", "live", revision];
        let arguments = [&deploy[..], &["--config", configuration]].concat();
        self.lab.ok(&arguments).trim().to_owned()
    }

    fn all_at_once(&self, revision: &str) -> Value {
        let id = self.begin(revision, "CodeDeployDefault.LambdaAllAtOnce");
        self.lab.wait_for_end(&id);
        self.lab.show(&id)
    }

    fn load(&self) -> Clients {
        Clients::start(self.kind, self.front.address())
    }
}

fn status(shown: &Value) -> &str {
    shown["deploymentInfo"]["status"].as_str().unwrap()
}

fn shown_id(shown: &Value) -> String {
    let id = shown["deploymentInfo"]["deploymentId"].as_str();
    id.unwrap().to_owned()
}

async fn one_version_follows_another(kind: Kind) {
    let function = Function::up(kind).await;
    let clients = function.load();
    clients.all_go_to("v1").await;
    let shown = function.all_at_once("1-2");
    let first = shown.clone();
    assert_eq!(status(&shown), "Succeeded", "{shown:#}");
    for name in ["BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic"] {
        assert_eq!(event(&shown, "thumbs", name).0, "Succeeded");
    }
    clients.come_to("v2").await;
    clients.all_go_to("v2").await;
    // The one before last is out of it.
    assert_eq!(status(&function.all_at_once("2-3")), "Succeeded");
    clients.come_to("v3").await;
    let id = function.begin("2-3", "Canary");
    assert_eq!(function.lab.wait_for_end(&id), "Failed");
    let shown = function.lab.show(&id);
    let (_, why) = event(&shown, "thumbs", "AllowTraffic");
    assert!(why.contains("leads to version 3, and not to 2"), "{why}");
    let error = &shown["deploymentInfo"]["errorInformation"]["code"];
    assert_eq!(error, "INVALID_LAMBDA_CONFIGURATION");
    // Neither what moved nothing nor what is long past can be rolled back, and nothing is deployed instead.
    let refused = |id: &str| {
        let output = function.lab.run(&["rollback", id]);
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let why = refused(&id);
    assert!(why.contains("no traffic had moved"), "{why}");
    let first = shown_id(&first);
    let why = refused(&first);
    assert!(why.contains("has moved the traffic since"), "{why}");
    clients.all_go_to("v3").await;
    clients.nothing_was_lost();
}

each!(one_version_follows_another:
    functions_behind_haproxy HaProxy,
    functions_behind_nginx Nginx,
    functions_behind_envoy EnvoyEndpoints,
    functions_behind_the_router Router);

#[tokio::test(flavor = "multi_thread")]
async fn a_split_that_a_stop_left_is_told_and_rolled_back() {
    let function = Function::up(Kind::HaProxy).await;
    let lab = &function.lab;
    let clients = function.load();
    let id = function.begin("1-2", "Canary");
    clients.comes_near("v2", 0.25).await;
    lab.ok(&["stop", &id]);
    assert_eq!(lab.wait_for_end(&id), "Stopped");
    clients.comes_near("v2", 0.25).await;
    // The trap: nothing is deployed to an alias that two versions share, and nothing of it changes.
    let shown = function.all_at_once("1-3");
    assert_eq!(status(&shown), "Failed");
    let (_, why) = event(&shown, "thumbs", "AllowTraffic");
    assert!(
        why.contains("is split: version 1 and version 2") && why.contains("cutover rollback"),
        "{why}"
    );
    clients.comes_near("v2", 0.25).await;
    // The way out.
    let back = lab.ok(&["rollback", &id]);
    assert_eq!(lab.wait_for_end(back.trim()), "Succeeded");
    clients.come_to("v1").await;
    assert_eq!(status(&function.all_at_once("1-3")), "Succeeded");
    clients.come_to("v3").await;
    clients.nothing_was_lost();
}

/// The shares that a deployment asked for, each with when, and with when it was in effect.
fn shares(lab: &Lab, id: &str) -> Vec<(u64, i64, i64)> {
    let recording = lab.ok(&["export", id]);
    let mut shares: Vec<(u64, i64, i64)> = Vec::new();
    for line in recording.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let (event, at) = (&line["record"]["event"], line["record"]["at"].as_i64());
        match (event["type"].as_str(), at) {
            (Some("shifted"), Some(at)) => {
                shares.push((event["split"].as_u64().unwrap(), at, i64::MAX));
            }
            (Some("inEffect"), Some(at)) => shares.last_mut().unwrap().2 = at,
            _ => {}
        }
    }
    shares
}

/// However often whoever orchestrates is killed, each share is asked for once, in its order, and has its time.
#[tokio::test(flavor = "multi_thread")]
async fn a_shift_survives_whoever_drives_it() {
    let function = Function::up(Kind::HaProxy).await;
    let lab = &function.lab;
    let clients = function.load();
    // Without hooks: a program that was running when its orchestrator was killed is not run again, and has failed.
    function.register(1, 2, "bare", "");
    let id = function.begin("bare", LINEAR);
    for share in [10, 30, 60, 90, 100] {
        lab.wait_for(&id, |_| shares(lab, &id).iter().any(|it| it.0 == share));
        lab.kill_orchestrator();
    }
    assert_eq!(lab.wait_for_end(&id), "Succeeded");
    clients.come_to("v2").await;
    let shares = shares(lab, &id);
    let asked: Vec<u64> = shares.iter().map(|it| it.0).collect();
    assert_eq!(asked, [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
    for two in shares.windows(2) {
        assert!(two[1].1 >= two[0].2 + 1000, "{shares:?}");
    }
    clients.nothing_was_lost();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_objects_afterwards_gives_the_former_version_everything_back() {
    let function = Function::up(Kind::Router).await;
    let clients = function.load();
    function.push_with(1, 2, "bad", "objects");
    let shown = function.all_at_once("bad");
    assert_eq!(status(&shown), "Failed");
    let error = &shown["deploymentInfo"]["errorInformation"]["code"];
    assert_eq!(error, "HOOK_EXECUTION_FAILURE");
    let back = &function.lab.created_by("codeDeployRollback")[0];
    assert_eq!(function.lab.wait_for_end(back), "Succeeded");
    clients.come_to("v1").await;
    clients.nothing_was_lost();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_known_beforehand_is_refused_at_once() {
    let function = Function::up(Kind::Router).await;
    let lab = &function.lab;
    let refused = |revision: &str| {
        let output = lab.run(&["deploy", "thumbs", "live", revision]);
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    function.push(1, 4);
    let why = refused("1-4");
    assert!(
        why.contains("version 4 of thumbs has no address")
            && why.contains("INVALID_LAMBDA_FUNCTION"),
        "{why}"
    );
    let write = |name: &str, alias: &str, current: &str| {
        let path = lab.folder().join("other.yaml");
        let text = format!(
            "version: 0.0\nResources:\n  - f:\n      Type: AWS::Lambda::Function\n      Properties: {{ Name: {name}, Alias: {alias}, {current} TargetVersion: 2 }}\n"
        );
        fs::write(&path, text).unwrap();
        let output = lab.run(&["push", "thumbs", path.to_str().unwrap(), "--label", "other"]);
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(write("thumbs", "beta", "CurrentVersion: 1,"), "");
    let why = refused("other");
    assert!(
        why.contains("no alias beta") && why.contains("only live"),
        "{why}"
    );
    assert_eq!(write("frames", "live", "CurrentVersion: 1,"), "");
    let why = refused("other");
    assert!(
        why.contains("nothing says where the function frames is"),
        "{why}"
    );
    // What it leads to is known once something has been deployed here.
    assert_eq!(write("thumbs", "live", ""), "");
    let why = refused("other");
    assert!(why.contains("names no CurrentVersion"), "{why}");
    let why = write("thumbs", "live", "CurrentVersion: 2,");
    assert!(why.contains("from version 2 to the same"), "{why}");
    let servers = lab.folder().join("servers.yaml");
    fs::write(&servers, "version: 0.0\nos: linux\n").unwrap();
    let output = lab.run(&["push", "thumbs", servers.to_str().unwrap()]);
    let why = String::from_utf8(output.stderr).unwrap();
    assert!(why.contains("this is an AppSpec for Server"), "{why}");
}
