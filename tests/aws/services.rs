//! Whole deployments of a service at AWS ECS: task sets and weights by real requests, and the weights are those of real load
//! balancers, before which requests flow.

use std::fs;

use aws_sdk_ecs::types::DeploymentControllerType;
use libtest_mimic::Trial;
use serde_json::Value;

use crate::backend::Backend;
use crate::cloud::Bridge;
use crate::ecs::{CLUSTER, Ecs, SERVICE};
use crate::lab::Lab;
use crate::lambda::write;
use crate::load::{Connections, Load};
use crate::server::{REGION, until};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("task_sets_at_ecs_take_turns", turns),
        trial("a_first_task_set_at_ecs_gets_everything_at_once", first),
        trial("what_serves_at_ecs_stays_though_it_is_no_primary", unled),
        trial("what_ecs_does_not_name_yet_is_not_gone", unseen),
        trial("a_hook_brings_the_task_set_at_ecs_back", back),
        trial("a_task_set_at_ecs_is_made_once", kills),
        trial("a_split_left_at_ecs_is_refused_and_rolled_back", split),
        trial("nobody_waits_for_ecs_who_has_stopped", stopped),
        trial("what_is_no_service_for_task_sets_is_told", unfit),
        trial("what_ecs_refuses_has_a_code_and_a_remedy", refused),
    ]
}

/// A tenth of the traffic, and the rest half an hour later: minutes last a second here.
const CANARY: &str = "computePlatform: ECS
trafficRoutingConfig: { type: TimeBasedCanary, timeBasedCanary: { canaryPercentage: 10, canaryInterval: 1800 } }
";

/// A tenth more every minute.
const LINEAR: &str = "CodeDeployDefault.ECSLinear10PercentEvery1Minutes";

const AT_ONCE: &str = "CodeDeployDefault.ECSAllAtOnce";

const CONTINUE: &str = "{ actionOnTimeout: CONTINUE_DEPLOYMENT }";

/// A service, and a project that deploys it.
struct Site {
    ecs: Ecs,
    lab: Lab,
}

impl Site {
    async fn up() -> Self {
        let site = Self {
            ecs: Ecs::start().await,
            lab: Lab::up(1),
        };
        let hook = |name: &str, run: &str| {
            format!("    - {{ name: {name}, via: {{ command: {{ run: ['{run}'] }} }} }}\n")
        };
        let service = |name: &str| {
            format!(
                "    - {{ name: {name}, cluster: {CLUSTER}, via: {{ ecs: {{ account: prod, launchType: FARGATE }} }} }}\n"
            )
        };
        let document = format!(
            "name: lab
settings: {{ stateDirectory: .state, limits: {{ shiftMinuteSeconds: 1 }} }}
connections:
  aws: [{{ name: prod, region: {REGION}, endpointUrl: '{}' }}]
  hooks:
{}{}  services:
{}{}{}hosts: []
",
            site.ecs.between.url(),
            hook("agrees", "true"),
            hook("objects", "false"),
            service(SERVICE),
            service("rolling"),
            service("nowhere"),
        );
        let folder = site.lab.folder();
        write(&folder, "cutover.yaml", &document);
        write(
            &folder,
            "applications/checkout/application.yaml",
            "computePlatform: ECS\n",
        );
        write(&folder, "configurations/Canary.yaml", CANARY);
        site.group(SERVICE, &["blue", "green"], CONTINUE, true);
        for number in 1..=3 {
            site.push(number, &number.to_string(), "");
        }
        site
    }

    /// The group, with the service and the target groups that it names, and what it does when it could move traffic.
    fn group(&self, service: &str, groups: &[&str; 2], ready: &str, rolls_back: bool) {
        let [one, two] = groups;
        let text = format!(
            "ecsServices: [{{ serviceName: {service}, clusterName: {CLUSTER} }}]
loadBalancerInfo:
  targetGroupPairInfoList:
    - targetGroups: [{{ name: {one} }}, {{ name: {two} }}]
      prodTrafficRoute: {{ listenerArns: ['{}'] }}
      testTrafficRoute: {{ listenerArns: ['{}'] }}
blueGreenDeploymentConfiguration:
  deploymentReadyOption: {ready}
  terminateBlueInstancesOnDeploymentSuccess: {{ action: TERMINATE, terminationWaitTimeInMinutes: 0 }}
autoRollbackConfiguration: {{ enabled: {rolls_back}, events: [DEPLOYMENT_FAILURE] }}
",
            self.ecs.cloud.listener, self.ecs.test
        );
        write(&self.lab.folder(), "applications/checkout/live.yaml", &text);
    }

    fn push(&self, number: u32, label: &str, hooks: &str) {
        let path = self.lab.folder().join(format!("{label}.yaml"));
        let text = format!(
            "version: 0.0\nResources:\n  - TargetService:\n      Type: AWS::ECS::Service\n      Properties:\n        TaskDefinition: checkout:{number}\n        LoadBalancerInfo: {{ ContainerName: web, ContainerPort: 80 }}\n{hooks}"
        );
        fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap();
        self.lab.ok(&["push", "checkout", path, "--label", label]);
    }

    fn begin(&self, revision: &str, configuration: &str) -> String {
        let deploy = ["deploy", "checkout", "live", revision];
        let arguments = [&deploy[..], &["--config", configuration]].concat();
        self.lab.ok(&arguments).trim().to_owned()
    }

    fn succeeds(&self, revision: &str, configuration: &str) -> String {
        let id = self.begin(revision, configuration);
        let ended = self.lab.wait_for_end(&id);
        assert_eq!(ended, "Succeeded", "{:#}", self.lab.show(&id));
        id
    }

    /// Deploys what fails with this error, in a sentence with these words.
    fn failing(&self, revision: &str, code: &str, because: &[&str]) -> String {
        let id = self.begin(revision, AT_ONCE);
        let ended = self.lab.wait_for_end(&id);
        let shown = self.lab.show(&id);
        assert_eq!(ended, "Failed", "{code}: {shown:#}");
        let error = &shown["deploymentInfo"]["errorInformation"];
        let text = |field: &str| error[field].as_str().unwrap_or_default();
        let why = text("message");
        assert_eq!(text("code"), code, "{why}");
        for words in because {
            assert!(why.contains(words), "{words}: {why}");
        }
        id
    }
}

/// Load balancers with the weights of the listeners, and requests that flow through each.
struct Traffic {
    production: Load,
    test: Load,
    bridges: [Bridge; 2],
    _apps: Vec<Backend>,
}

impl Traffic {
    /// Begins once the first revision has the production traffic.
    async fn begin(site: &Site) -> Self {
        let (bridges, apps) = site.ecs.bridges().await;
        bridges[0].serve(&["127.0.0.2"]).await;
        let load = |bridge: &Bridge| Load::start(bridge.front, "/?ms=2", 100, Connections::Kept);
        Self {
            production: load(&bridges[0]),
            test: load(&bridges[1]),
            bridges,
            _apps: apps,
        }
    }
}

/// Waits until about this share of the requests is answered by a revision.
async fn comes_near(load: &Load, revision: &str, share: f64) {
    for _ in 0..60 {
        if (load.next(150).await.share(revision) - share).abs() < 0.05 {
            return;
        }
    }
    panic!("{revision} has not {share}: {:?}", load.count());
}

fn stands(sets: &[(&str, &str)]) -> Vec<(String, String)> {
    let sets = sets.iter();
    sets.map(|(revision, status)| ((*revision).to_owned(), (*status).to_owned()))
        .collect()
}

async fn turns() {
    let site = Site::up().await;
    site.ecs.primary().await;
    let traffic = Traffic::begin(&site).await;
    let (lab, ecs) = (&site.lab, &site.ecs);
    let wait = "{ actionOnTimeout: STOP_DEPLOYMENT, waitTimeInMinutes: 10 }";
    site.group(SERVICE, &["blue", "green"], wait, true);
    let id = site.begin("2", "Canary");
    lab.wait_for(&id, |now| now["deploymentInfo"]["status"] == "Ready");
    comes_near(&traffic.test, "v2", 1.0).await;
    assert!(traffic.production.next(100).await.share("v1") > 0.999);
    let made = ecs
        .sets()
        .await
        .into_iter()
        .find(|set| set.external_id() == Some(&id));
    assert_eq!(made.unwrap().status(), Some("ACTIVE"));
    lab.ok(&["reroute", &id]);
    comes_near(&traffic.production, "v2", 0.1).await;
    assert_eq!(ecs.weights().await, [90, 10]);
    lab.ok(&["weight", &id, "60"]);
    comes_near(&traffic.production, "v2", 0.6).await;
    let shown = lab.ok(&["traffic", &id, "--output", "json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let balancers = shown["traffic"][0]["balancers"].as_array().unwrap();
    let names: Vec<&str> = balancers
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["checkout:production", "checkout:test"]);
    lab.ok(&["weight", &id, "100"]);
    lab.ok(&["resume", &id]);
    assert_eq!(lab.wait_for_end(&id), "Succeeded", "{:#}", lab.show(&id));
    comes_near(&traffic.production, "v2", 1.0).await;
    assert_eq!(ecs.weights().await, [0, 100]);
    assert_eq!(ecs.stands().await, stands(&[("2", "PRIMARY")]));
    // The target groups have changed their parts.
    site.group(SERVICE, &["blue", "green"], CONTINUE, true);
    site.succeeds("3", LINEAR);
    comes_near(&traffic.production, "v3", 1.0).await;
    traffic.bridges[1].serve(&["127.0.0.4"]).await;
    assert_eq!(ecs.weights().await, [100, 0]);
    assert_eq!(ecs.stands().await, stands(&[("3", "PRIMARY")]));
    let count = traffic.production.count();
    assert_eq!(count.failed(), 0, "{count:?}");
}

async fn first() {
    let site = Site::up().await;
    site.succeeds("1", LINEAR);
    assert_eq!(site.ecs.stands().await, stands(&[("1", "PRIMARY")]));
    let weights = site.ecs.weights().await;
    assert_eq!(weights.iter().filter(|weight| **weight > 0).count(), 1);
    let (bridges, _apps) = site.ecs.bridges().await;
    for bridge in &bridges {
        bridge.serve(&["127.0.0.2"]).await;
    }
    site.succeeds("2", AT_ONCE);
    assert_eq!(site.ecs.stands().await, stands(&[("2", "PRIMARY")]));
    bridges[0].serve(&["127.0.0.3"]).await;
}

async fn unled() {
    let site = Site::up().await;
    let ecs = &site.ecs;
    site.succeeds("1", AT_ONCE);
    let traffic = Traffic::begin(&site).await;
    ecs.nobody_leads().await;
    site.succeeds("2", LINEAR);
    comes_near(&traffic.production, "v2", 1.0).await;
    assert_eq!(ecs.stands().await, stands(&[("2", "PRIMARY")]));
    let count = traffic.production.count();
    assert_eq!(count.failed(), 0, "{count:?}");
    // Who serves is no stranger's to delete, either.
    let stranger = Site::up().await;
    stranger.ecs.primary().await;
    stranger.ecs.nobody_leads().await;
    stranger.failing(
        "2",
        "INVALID_ECS_SERVICE",
        &["make it the primary one if it has the traffic"],
    );
    assert_eq!(stranger.ecs.between.came("DeleteTaskSet"), 0);
}

async fn unseen() {
    let site = Site::up().await;
    let (ecs, lab) = (&site.ecs, &site.lab);
    ecs.primary().await;
    site.group(SERVICE, &["blue", "green"], CONTINUE, false);
    ecs.between.is_blind_for(3);
    site.succeeds("2", AT_ONCE);
    assert!(!ecs.between.is_blind());
    assert_eq!(ecs.between.came("CreateTaskSet"), 1);
    // Nor on the way back.
    site.push(3, "bad", "Hooks:\n  - AfterInstall: objects\n");
    let id = site.failing("bad", "HOOK_EXECUTION_FAILURE", &["exit status: 1"]);
    assert_eq!(ecs.sets().await.len(), 2);
    ecs.between.is_blind_for(2);
    let back = lab.ok(&["rollback", &id]);
    assert_eq!(lab.wait_for_end(back.trim()), "Succeeded");
    assert!(!ecs.between.is_blind());
    assert_eq!(ecs.stands().await, stands(&[("2", "PRIMARY")]));
}

async fn back() {
    let site = Site::up().await;
    let original = site.ecs.primary().await;
    let traffic = Traffic::begin(&site).await;
    site.push(2, "bad", "Hooks:\n  - AfterAllowTraffic: objects\n");
    site.failing("bad", "HOOK_EXECUTION_FAILURE", &["exit status: 1"]);
    let back = site.lab.created_by("codeDeployRollback");
    assert_eq!(site.lab.wait_for_end(&back[0]), "Succeeded");
    comes_near(&traffic.production, "v1", 1.0).await;
    let sets = site.ecs.sets().await;
    assert_eq!(sets.len(), 1, "{sets:?}");
    assert_eq!(sets[0].task_set_arn(), Some(original.as_str()));
    assert_eq!(sets[0].status(), Some("PRIMARY"));
    assert_eq!(site.ecs.weights().await, [100, 0]);
    // By the hook before anything has moved, likewise.
    site.push(2, "worse", "Hooks:\n  - AfterInstall: objects\n");
    site.failing("worse", "HOOK_EXECUTION_FAILURE", &["exit status: 1"]);
    let back = site.lab.created_by("codeDeployRollback");
    for id in &back {
        assert_eq!(site.lab.wait_for_end(id), "Succeeded");
    }
    assert_eq!((back.len(), site.ecs.sets().await.len()), (2, 1));
    let count = traffic.production.count();
    assert_eq!(count.failed(), 0, "{count:?}");
}

async fn kills() {
    let site = Site::up().await;
    site.ecs.primary().await;
    let traffic = Traffic::begin(&site).await;
    let (lab, between) = (&site.lab, &site.ecs.between);
    between.is_steady(false);
    let id = site.begin("2", LINEAR);
    for _ in 0..2 {
        until("it is made", async || site.ecs.sets().await.len() == 2).await;
        lab.kill_orchestrator();
        let before = between.came("DescribeServices");
        lab.show(&id);
        until("it is looked at", async || {
            between.came("DescribeServices") > before
        })
        .await;
    }
    assert_eq!(lab.status(&id), "InProgress");
    between.is_steady(true);
    until("half of it is shifted", async || {
        site.ecs.weights().await[1] >= 50
    })
    .await;
    lab.kill_orchestrator();
    assert_eq!(lab.wait_for_end(&id), "Succeeded", "{:#}", lab.show(&id));
    assert_eq!(between.came("CreateTaskSet"), 1);
    assert_eq!(site.ecs.stands().await, stands(&[("2", "PRIMARY")]));
    comes_near(&traffic.production, "v2", 1.0).await;
    let count = traffic.production.count();
    assert_eq!(count.failed(), 0, "{count:?}");
}

async fn split() {
    let site = Site::up().await;
    site.ecs.primary().await;
    site.group(SERVICE, &["blue", "green"], CONTINUE, false);
    let (lab, ecs) = (&site.lab, &site.ecs);
    let id = site.begin("2", "Canary");
    until("a tenth is shifted", async || {
        ecs.weights().await == [90, 10]
    })
    .await;
    lab.ok(&["stop", &id]);
    assert_eq!(lab.wait_for_end(&id), "Stopped");
    let next = site.failing(
        "3",
        "ELASTIC_LOAD_BALANCING_INVALID",
        &[
            "the target group green gets requests",
            "roll this deployment back",
        ],
    );
    assert_eq!(ecs.weights().await, [90, 10]);
    let back = lab.ok(&["rollback", &next]);
    assert_eq!(lab.wait_for_end(back.trim()), "Succeeded");
    assert_eq!(ecs.weights().await, [100, 0]);
    // Without traffic, what was left makes way.
    assert_eq!(ecs.sets().await.len(), 2);
    site.succeeds("3", AT_ONCE);
    assert_eq!(ecs.stands().await, stands(&[("3", "PRIMARY")]));
}

async fn unfit() {
    let site = Site::up().await;
    let ecs = &site.ecs;
    ecs.primary().await;
    ecs.service("rolling", DeploymentControllerType::Ecs).await;
    let is = |service: &str, groups: &[&str; 2]| site.group(service, groups, CONTINUE, false);
    is("rolling", &["blue", "green"]);
    site.failing(
        "2",
        "INVALID_ECS_SERVICE",
        &["not under external deployment control", "type=EXTERNAL"],
    );
    is("nowhere", &["blue", "green"]);
    site.failing("2", "INVALID_ECS_SERVICE", &["there is no service nowhere"]);
    ecs.cloud.another("loose").await;
    is(SERVICE, &["blue", "loose"]);
    site.failing(
        "2",
        "ELASTIC_LOAD_BALANCING_INVALID",
        &[
            "the target group loose is not attached",
            "with a weight of 0",
        ],
    );
    is(SERVICE, &["blue", "absent"]);
    site.failing("2", "ELASTIC_LOAD_BALANCING_INVALID", &["absent"]);
    // Nothing of all that has made a task set, or moved anything.
    assert_eq!(ecs.between.came("CreateTaskSet"), 0);
    assert_eq!(ecs.between.came("ModifyListener"), 0);
    // A listener of the wrong kind, and one that is a name of this project's.
    let path = site.lab.folder().join("applications/checkout/live.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let network = ecs.cloud.listener.replace("listener/app/", "listener/net/");
    for (listener, words) in [
        (network.as_str(), "is a listener of a network load balancer"),
        (
            "edge",
            "\"edge\" is no ARN of a listener of an application load balancer",
        ),
    ] {
        fs::write(&path, text.replace(&ecs.cloud.listener, listener)).unwrap();
        let output = site.lab.run(&["deploy", "checkout", "live", "2"]);
        let why = String::from_utf8(output.stderr).unwrap();
        assert!(why.contains(words), "{why}");
    }
}

async fn refused() {
    let site = Site::up().await;
    site.ecs.primary().await;
    site.group(SERVICE, &["blue", "green"], CONTINUE, false);
    let between = &site.ecs.between;
    between.refuses("CreateTaskSet", "AccessDeniedException", 1);
    site.failing(
        "2",
        "IAM_ROLE_PERMISSIONS",
        &["access is denied", "ecs:CreateTaskSet", "account prod"],
    );
    between.refuses("DescribeListeners", "AccessDenied", usize::MAX);
    site.failing(
        "2",
        "IAM_ROLE_PERMISSIONS",
        &["elasticloadbalancing:DescribeListeners"],
    );
    between.refuses("DescribeListeners", "", 0);
    between.refuses("DescribeServices", "ThrottlingException", usize::MAX);
    site.failing("2", "THROTTLED", &["it is asked too often"]);
    between.refuses("DescribeServices", "ExpiredTokenException", usize::MAX);
    site.failing("2", "IAM_ROLE_PERMISSIONS", &["credentials have expired"]);
    between.refuses("DescribeServices", "", 0);
    // A load balancer says so, too, and goes on to do so.
    for (code, error, words) in [
        ("Throttling", "THROTTLED", "it is asked too often"),
        (
            "ExpiredToken",
            "IAM_ROLE_PERMISSIONS",
            "credentials have expired",
        ),
        (
            "TooManyTargets",
            "RESOURCE_LIMIT_EXCEEDED",
            "TooManyTargets",
        ),
    ] {
        between.refuses("DescribeTargetGroups", code, usize::MAX);
        site.failing("2", error, &[words]);
    }
    between.refuses("DescribeTargetGroups", "", 0);
    between.refuses("CreateTaskSet", "LimitExceededException", 1);
    site.failing("2", "RESOURCE_LIMIT_EXCEEDED", &["a test says so"]);
    between.refuses("CreateTaskSet", "InvalidParameterException", 1);
    site.failing("2", "ECS_UPDATE_ERROR", &["a test says so"]);
    assert_eq!(site.ecs.sets().await.len(), 1);
    // What passes in time does no harm.
    between.refuses("CreateTaskSet", "ThrottlingException", 2);
    between.refuses("ModifyListener", "Throttling", 2);
    site.succeeds("2", AT_ONCE);
    assert_eq!(site.ecs.stands().await, stands(&[("2", "PRIMARY")]));
}

async fn stopped() {
    let site = Site::up().await;
    site.ecs.primary().await;
    site.ecs.between.is_steady(false);
    let id = site.begin("2", AT_ONCE);
    until("it is made", async || site.ecs.sets().await.len() == 2).await;
    site.lab.ok(&["stop", &id]);
    assert_eq!(site.lab.wait_for_end(&id), "Stopped");
    let shown = site.lab.show(&id);
    let error = &shown["deploymentInfo"]["errorInformation"];
    assert_eq!(error["code"], "MANUAL_STOP", "{shown:#}");
    let back = site.lab.ok(&["rollback", &id]);
    assert_eq!(site.lab.wait_for_end(back.trim()), "Succeeded");
    assert_eq!(site.ecs.stands().await, stands(&[("1", "PRIMARY")]));
}
