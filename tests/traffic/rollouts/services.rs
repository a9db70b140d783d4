//! Container services without AWS: tasks are processes that agents supervise, and listeners are load balancers.

use std::fmt::Write as _;
use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::each;
use super::front::{Front, Kind};
use super::site::{Clients, event};
use crate::lab::{Lab, until};

/// A tenth of the traffic, and the rest five minutes later: minutes last a second here.
const CANARY: &str = "CodeDeployDefault.ECSCanary10Percent5Minutes";

/// A tenth more every minute.
const LINEAR: &str = "CodeDeployDefault.ECSLinear10PercentEvery1Minutes";

const AT_ONCE: &str = "CodeDeployDefault.ECSAllAtOnce";

/// What a task is: it answers with what it is called.
const TASK: &str = r#"
import http.server, os
class Task(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = (os.environ["ANSWER"] + " " + os.environ["PORT"]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Task).serve_forever()
"#;

/// How many tasks a task set has, over two hosts.
const TASKS: usize = 3;

/// A service of two hosts, with a listener for production traffic and one for test traffic. Nothing serves.
struct Service {
    kind: Kind,
    lab: Lab,
    production: Front,
    test: Front,
}

impl Service {
    async fn up(kind: Kind) -> Self {
        let service = Self {
            kind,
            lab: Lab::up(2),
            production: Front::start(kind, &[]).await,
            test: Front::start(Kind::Router, &[]).await,
        };
        service.documents();
        for number in 1..=5 {
            service.push(number, &format!("checkout-{number}"), "");
        }
        service
    }

    fn documents(&self) {
        let folder = self.lab.folder();
        let write = |file: &str, text: &str| {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("task.py", TASK);
        let mut definitions = String::new();
        for number in 1..=5 {
            // The fourth ends at once, and the fifth never serves.
            let run = match number {
                4 => "[sh, -c, 'echo no database >&2; exit 3']".to_owned(),
                5 => "[sleep, '600']".to_owned(),
                _ => format!("[python3, '{}']", folder.join("task.py").display()),
            };
            writeln!(
                definitions,
                "            'checkout:{number}': {{ run: {run}, count: {TASKS}, port: 23000-23999, health: /health, environment: {{ ANSWER: v{number}, LAB: '{}' }}, startSeconds: {} }}",
                folder.display(),
                if number == 5 { 2 } else { 60 }
            )
            .unwrap();
        }
        let mut hosts = self.production.host();
        for name in ["web-1", "web-2"] {
            let ready = folder.join("hosts").join(name).join("ready");
            let address = fs::read_to_string(ready).unwrap();
            writeln!(
                hosts,
                "  - {{ name: {name}, address: '{}' }}",
                address.trim()
            )
            .unwrap();
        }
        let hook = |name: &str, command: &str| {
            format!("    - {{ name: {name}, via: {{ command: {{ run: [{command}] }} }} }}\n")
        };
        let document = format!(
            "name: lab\nsettings: {{ stateDirectory: .state, limits: {{ shiftMinuteSeconds: 1 }} }}\nconnections:\n  loadBalancers:\n    - {{ name: edge, provider: {{ {} }} }}\n    - {{ name: edge-test, provider: {{ {} }} }}\n  hooks:\n{}{}  services:\n    - name: checkout\n      cluster: lab\n      via:\n        processes:\n          hosts: [web-1, web-2]\n          taskDefinitions:\n{definitions}hosts:\n{hosts}",
            // Its tasks come and go.
            self.production
                .provider()
                .replace("backend: app", "backend: app, addServers: true"),
            self.test.provider(),
            hook("agrees", "\"true\""),
            hook("objects", "\"false\""),
        );
        write("cutover.yaml", &document);
        write(
            "applications/checkout/application.yaml",
            "computePlatform: ECS\n",
        );
        self.group("{ actionOnTimeout: CONTINUE_DEPLOYMENT }");
    }

    /// The group, with what its deployments do when they could move traffic.
    fn group(&self, ready: &str) {
        let text = format!(
            "ecsServices: [{{ serviceName: checkout, clusterName: lab }}]
loadBalancerInfo:
  targetGroupPairInfoList:
    - targetGroups: [{{ name: one }}, {{ name: two }}]
      prodTrafficRoute: {{ listenerArns: [edge] }}
      testTrafficRoute: {{ listenerArns: [edge-test] }}
blueGreenDeploymentConfiguration:
  deploymentReadyOption: {ready}
  terminateBlueInstancesOnDeploymentSuccess: {{ action: TERMINATE, terminationWaitTimeInMinutes: 0 }}
autoRollbackConfiguration: {{ enabled: true, events: [DEPLOYMENT_FAILURE] }}
"
        );
        let path = self.lab.folder().join("applications/checkout/live.yaml");
        fs::write(path, text).unwrap();
    }

    fn push(&self, number: u32, label: &str, hooks: &str) {
        let path = self.lab.folder().join(format!("{label}.yaml"));
        let text = format!(
            "version: 0.0\nResources:\n  - TargetService:\n      Type: AWS::ECS::Service\n      Properties:\n        TaskDefinition: checkout:{number}\n        LoadBalancerInfo: {{ ContainerName: web, ContainerPort: 8080 }}\n{hooks}"
        );
        fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap();
        self.lab.ok(&["push", "checkout", path, "--label", label]);
    }

    /// Deploys, and answers the deployment's id.
    fn begin(&self, revision: &str, configuration: &str) -> String {
        let deploy = ["deploy", "checkout", "live", revision];
        let arguments = [&deploy[..], &["--config", configuration]].concat();
        self.lab.ok(&arguments).trim().to_owned()
    }

    /// The same, and waits for its end.
    fn ends(&self, revision: &str, configuration: &str) -> Value {
        let id = self.begin(revision, configuration);
        self.lab.wait_for_end(&id);
        self.lab.show(&id)
    }

    fn succeeds(&self, revision: &str, configuration: &str) -> Value {
        let shown = self.ends(revision, configuration);
        assert_eq!(status(&shown), "Succeeded", "{shown:#}");
        shown
    }

    fn load(&self) -> Clients {
        Clients::start(self.kind, self.production.address())
    }

    fn test_load(&self) -> Clients {
        Clients::start(Kind::Router, self.test.address())
    }

    /// How many processes of tasks run that answer so.
    fn tasks(&self, answer: &str) -> usize {
        let program = self.lab.folder().join("task.py");
        let wanted = [format!("ANSWER={answer}")];
        let runs = |pid: &Pid| words(*pid, "cmdline").contains(&program.display().to_string());
        let tasks = self.processes(&wanted).into_iter();
        tasks.filter(runs).count()
    }

    /// The processes of tasks with these variables.
    fn processes(&self, variables: &[String]) -> Vec<Pid> {
        let ours = format!("LAB={}", self.lab.folder().display());
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let is_one = |pid: &Pid| {
            let environment = words(*pid, "environ");
            environment.contains(&ours) && variables.iter().all(|it| environment.contains(it))
        };
        pids.map(Pid::from_raw).filter(is_one).collect()
    }

    /// Whoever orchestrates is killed, and somebody else takes the deployment up.
    fn is_taken_over(&self, id: &str) {
        self.lab.kill_orchestrator();
        self.lab.show(id);
    }
}

impl Drop for Service {
    /// Tasks outlive their agents.
    fn drop(&mut self) {
        for name in ["web-1", "web-2"] {
            self.lab.signal_agent(name, Signal::SIGKILL);
        }
        for pid in self.processes(&[]) {
            let _gone = kill(pid, Signal::SIGKILL);
        }
    }
}

/// The words of a list of a process's, as `/proc` has it.
fn words(pid: Pid, list: &str) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/{list}")).unwrap_or_default();
    let words = bytes.split(|byte| *byte == 0);
    words
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

fn status(shown: &Value) -> &str {
    shown["deploymentInfo"]["status"].as_str().unwrap()
}

fn error(shown: &Value) -> (&str, &str) {
    let error = &shown["deploymentInfo"]["errorInformation"];
    (
        error["code"].as_str().unwrap(),
        error["message"].as_str().unwrap(),
    )
}

async fn one_task_set_follows_another(kind: Kind) {
    let service = Service::up(kind).await;
    let lab = &service.lab;
    // Nothing has the traffic, so that nobody can share it.
    let shown = service.succeeds("checkout-1", CANARY);
    for name in ["Install", "AllowTestTraffic", "AllowTraffic"] {
        assert_eq!(event(&shown, "checkout", name).0, "Succeeded");
    }
    assert_eq!(service.tasks("v1"), TASKS);
    let clients = service.load();
    clients.all_go_to("v1").await;
    let test = service.test_load();
    test.all_go_to("v1").await;
    // Whoever looks at the replacement finds it at the test listener alone.
    service.group("{ actionOnTimeout: STOP_DEPLOYMENT, waitTimeInMinutes: 10 }");
    let id = service.begin("checkout-2", LINEAR);
    lab.wait_for(&id, |now| now["deploymentInfo"]["status"] == "Ready");
    test.come_to("v2").await;
    clients.all_go_to("v1").await;
    lab.ok(&["reroute", &id]);
    assert_eq!(lab.wait_for_end(&id), "Succeeded");
    clients.come_to("v2").await;
    clients.all_go_to("v2").await;
    assert_eq!((service.tasks("v1"), service.tasks("v2")), (0, TASKS));
    clients.nothing_was_lost();
    test.nothing_was_lost();
}

each!(one_task_set_follows_another:
    services_behind_haproxy HaProxy,
    services_behind_envoy EnvoyEndpoints,
    services_behind_the_router Router);

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_objects_brings_the_original_task_set_back() {
    let service = Service::up(Kind::HaProxy).await;
    service.succeeds("checkout-1", AT_ONCE);
    let clients = service.load();
    service.push(2, "bad", "Hooks:\n  - AfterAllowTraffic: objects\n");
    let shown = service.ends("bad", AT_ONCE);
    assert_eq!(status(&shown), "Failed");
    assert_eq!(error(&shown).0, "HOOK_EXECUTION_FAILURE");
    let back = &service.lab.created_by("codeDeployRollback")[0];
    assert_eq!(service.lab.wait_for_end(back), "Succeeded");
    clients.come_to("v1").await;
    service.test_load().all_go_to("v1").await;
    assert_eq!((service.tasks("v1"), service.tasks("v2")), (TASKS, 0));
    // What was deployed before is the original again.
    service.succeeds("checkout-3", CANARY);
    clients.come_to("v3").await;
    assert_eq!((service.tasks("v1"), service.tasks("v3")), (0, TASKS));
    clients.nothing_was_lost();
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_are_not_well_get_no_traffic() {
    let service = Service::up(Kind::Router).await;
    service.succeeds("checkout-1", AT_ONCE);
    let clients = service.load();
    for (revision, because) in [
        ("checkout-4", "no database"),
        ("checkout-5", "was well within 2.0 s (startSeconds)"),
    ] {
        let shown = service.ends(revision, AT_ONCE);
        assert_eq!(status(&shown), "Failed");
        let (code, _) = error(&shown);
        assert_eq!(code, "CUSTOMER_APPLICATION_UNHEALTHY", "{shown:#}");
        let (_, why) = event(&shown, "checkout", "Install");
        assert!(why.contains(because), "{why}");
        let back = service.lab.created_by("codeDeployRollback");
        for back in &back {
            assert_eq!(service.lab.wait_for_end(back), "Succeeded");
        }
    }
    clients.all_go_to("v1").await;
    clients.nothing_was_lost();
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_counted_for_as_long_as_a_deployment_runs() {
    let service = Service::up(Kind::Router).await;
    let lab = &service.lab;
    let shown = service.succeeds("checkout-1", AT_ONCE);
    assert_eq!(shown["tasks"], Value::Null);
    service.group("{ actionOnTimeout: STOP_DEPLOYMENT, waitTimeInMinutes: 10 }");
    let id = service.begin("checkout-2", LINEAR);
    for side in ["original", "replacement"] {
        lab.wait_for(&id, |now| {
            let counts = &now["tasks"][side];
            ["desired", "running", "well"]
                .iter()
                .all(|count| counts[count] == TASKS)
        });
    }
    let told = lab.ok(&["traffic", &id]);
    let words = format!("tasks of the replacement: {TASKS}/{TASKS} running");
    assert!(told.contains(&words), "{told}");
    // Whoever does not answer is named, and what the others say is told all the same.
    lab.signal_agent("web-2", Signal::SIGSTOP);
    let now = lab.wait_for(&id, |now| now["tasks"]["original"]["silent"][0] == "web-2");
    let left = now["tasks"]["original"]["running"].as_u64().unwrap();
    assert!((1..TASKS as u64).contains(&left), "{now:#}");
    let told = lab.ok(&["show", &id]);
    assert!(told.contains("no answer from web-2"), "{told}");
    lab.signal_agent("web-2", Signal::SIGCONT);
    lab.ok(&["stop", &id]);
}

/// However often whoever orchestrates is killed, each task set is created once, and the former goes when it has lost the traffic.
#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_survives_whoever_drives_it() {
    let service = Service::up(Kind::HaProxy).await;
    let lab = &service.lab;
    service.succeeds("checkout-1", AT_ONCE);
    let clients = service.load();
    let id = service.begin("checkout-2", LINEAR);
    for tasks in 1..=TASKS {
        until("tasks are started", || service.tasks("v2") >= tasks);
        service.is_taken_over(&id);
    }
    for share in [0.1, 0.5] {
        clients.goes_beyond("v2", share).await;
        service.is_taken_over(&id);
    }
    until("the original ends", || service.tasks("v1") < TASKS);
    service.is_taken_over(&id);
    assert_eq!(lab.wait_for_end(&id), "Succeeded");
    assert_eq!((service.tasks("v1"), service.tasks("v2")), (0, TASKS));
    clients.come_to("v2").await;
    clients.nothing_was_lost();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_known_beforehand_is_refused_at_once() {
    let service = Service::up(Kind::Router).await;
    let lab = &service.lab;
    let refused = |revision: &str| {
        let output = lab.run(&["deploy", "checkout", "live", revision]);
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    service.push(9, "unknown", "");
    let why = refused("unknown");
    assert!(
        why.contains("no task definition called checkout:9") && why.contains("taskDefinitions"),
        "{why}"
    );
    let path = lab.folder().join("applications/checkout/live.yaml");
    let good = fs::read_to_string(&path).unwrap();
    for (from, to, because) in [
        (
            "serviceName: checkout",
            "serviceName: check",
            "no service called check",
        ),
        (
            "listenerArns: [edge]",
            "listenerArns: [egde]",
            "did you mean edge?",
        ),
    ] {
        fs::write(&path, good.replace(from, to)).unwrap();
        until("the document is read", || {
            let output = lab.run(&["deploy", "checkout", "live", "checkout-1"]);
            String::from_utf8(output.stderr).unwrap().contains(because)
        });
    }
}
