//! A project whose journal has deployments of functions that have just begun, and whoever orchestrates it.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Output};
use std::sync::Arc;

use cutover::appspec::lambda::{AppSpec, Function};
use cutover::clock;
use cutover::engine::event::{Event, Record};
use cutover::engine::ledger::{LedgerEvent, LedgerRecord};
use cutover::engine::spec::{Options, Spec, TargetSpec};
use cutover::engine::{Deployment, Input, Summary, decide, plan};
use cutover::model::deployment::{Creator, InstanceHealth, RevisionHealth};
use cutover::model::lifecycle::LifecycleEvent;
use cutover::model::limits::Limits;
use cutover::model::revision::{Digest, Revision};
use cutover::model::traffic::Side;
use cutover::store::journal::{Batch, Journal};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::hook::{Act, Hook};
use crate::lab::{cutover, until};
use crate::program::free_port;

pub const HOOK: &str = "CodeDeployHook_check";
pub const TARGET: &str = "CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus";
pub const JSON: &str = "application/x-amz-json-1.1";

/// An orchestrator that has such deployments to go on with.
pub struct World {
    folder: tempfile::TempDir,
    pub hook: Hook,
    pub port: u16,
    serve: Option<Child>,
}

/// What a hook is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub deployment: String,
    pub ticket: String,
    pub report_to: String,
}

/// What somebody who reports is answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Value,
}

impl Answer {
    /// The exception.
    pub fn kind(&self) -> &str {
        self.body["__type"].as_str().unwrap_or("none")
    }
}

impl World {
    /// With deployments of these numbers, whose hooks have so many seconds, and with more settings of the call-backs.
    pub fn new(numbers: &[u8], seconds: u32, hook: Act, settings: &str) -> Self {
        let mut world = Self {
            folder: tempfile::tempdir().unwrap(),
            hook: Hook::start([hook]),
            port: free_port(),
            serve: None,
        };
        let state = world.project().join(".state");
        std::fs::create_dir_all(&state).unwrap();
        world.document(settings, "");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let journal = Journal::open(&state.join("journal.sqlite")).unwrap();
        for number in numbers {
            let written = journal.append(begun(*number, seconds));
            runtime.block_on(written).unwrap();
        }
        drop(journal);
        world.serve();
        world
    }

    pub fn usual(numbers: &[u8]) -> Self {
        Self::new(numbers, 4200, Act::status(200), "")
    }

    pub fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// Writes the root document, with more settings of the call-backs, and more settings.
    pub fn document(&self, more: &str, others: &str) {
        let (port, url) = (self.port, self.hook.url());
        let text = format!(
            "name: demo\n\
             settings: {{ stateDirectory: .state, hooks: {{ listen: '127.0.0.1:{port}'{more} }}{others} }}\n\
             hosts: []\n\
             connections:\n  hooks:\n    - {{ name: {HOOK}, via: {{ webhook: {{ url: '{url}' }} }} }}\n"
        );
        std::fs::write(self.project().join("cutover.yaml"), text).unwrap();
    }

    /// Orchestrates, and waits until it can be called.
    pub fn serve(&mut self) {
        let log = std::fs::File::options();
        let log = log.clone().create(true).append(true).open(self.log());
        let mut command = self.command(&["serve"]);
        command.stderr(log.unwrap());
        self.serve = Some(command.spawn().unwrap());
        let port = self.port;
        until("it listens", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
    }

    /// Ends the orchestrator as `kill -9` does.
    pub fn kill(&mut self) {
        let mut serve = self.serve.take().unwrap();
        let id = Pid::from_raw(serve.id().try_into().unwrap());
        kill(id, Signal::SIGKILL).unwrap();
        serve.wait().unwrap();
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("serve.log")
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = cutover(self.folder.path());
        let project = self.project();
        command.arg("--project").arg(project).args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--output", "json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The status of the hook's event.
    pub fn event(&self, deployment: &str) -> String {
        let shown = self.json(&["show", deployment]);
        let event = &shown["targets"][0]["events"][0];
        event["status"].as_str().unwrap().to_owned()
    }

    /// Waits until the hook's event has this status.
    pub fn until_event(&self, deployment: &str, status: &str) {
        until(&format!("{deployment} is {status}"), || {
            self.event(deployment) == status
        });
    }

    /// What the hook has been called with for this deployment, which it waits for.
    pub fn called(&self, deployment: &str) -> Call {
        let find = || {
            let seen = self.hook.seen().into_iter().map(|seen| seen.body());
            let mut ours = seen.filter(|body| body["DeploymentId"] == deployment);
            ours.next()
        };
        until("the hook is called", || find().is_some());
        let body = find().unwrap();
        let word = |field: &str| body[field].as_str().unwrap().to_owned();
        Call {
            deployment: word("DeploymentId"),
            ticket: word("LifecycleEventHookExecutionId"),
            report_to: word("CallbackUrl"),
        }
    }

    /// Reports as clients of AWS do.
    pub fn report(&self, deployment: &str, ticket: &str, status: &str) -> Answer {
        let body = json!({
            "deploymentId": deployment,
            "lifecycleEventHookExecutionId": ticket,
            "status": status,
        });
        self.post(TARGET, &body.to_string())
    }

    pub fn post(&self, target: &str, body: &str) -> Answer {
        let length = body.len();
        self.send(&format!(
            "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: {target}\r\nContent-Type: {JSON}\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    }

    /// Sends a request as it is, and reads all that comes back.
    pub fn send(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer {
            status,
            head: head.to_lowercase(),
            body: serde_json::from_str(body).unwrap(),
        }
    }

    /// What the audit trail says of hooks: who, what came of it, and what they were told.
    pub fn audit(&self) -> Vec<String> {
        let trail = self.json(&["audit"]);
        let entries = trail["entries"].as_array().unwrap().clone();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        entries
            .iter()
            .filter(|entry| entry["what"]["type"] == "reportHook")
            .map(|entry| {
                let whom = entry["uid"].as_u64().map_or("", |_| " (somebody)");
                let (who, how) = (word(&entry["user"]), word(&entry["outcome"]));
                format!("{who}{whom} {} {how}", word(&entry["where"]))
            })
            .collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if self.serve.is_some() {
            self.kill();
        }
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            eprintln!("== serve.log\n{log}");
        }
    }
}

/// The id of the deployment of this number.
pub fn id(number: u8) -> String {
    format!("d-{}", char::from(b'A' + number).to_string().repeat(9))
}

fn spec(number: u8, seconds: u32) -> Spec {
    let group = format!("applicationName: thumbs\ndeploymentGroupName: live-{number}\n");
    let configuration = "deploymentConfigName: all\ncomputePlatform: Lambda\n\
                         minimumHealthyHosts: {type: FLEET_PERCENT, value: 0}\ntrafficRoutingConfig: {type: AllAtOnce}\n";
    Spec {
        deployment_id: id(number).parse().unwrap(),
        group: cutover::model::yaml::from_str(&group).unwrap(),
        configuration: cutover::model::yaml::from_str(configuration).unwrap(),
        revision: Revision {
            digest: Digest::from_bytes(&[1; 32]),
            label: "2".to_owned(),
            size: 1,
        },
        previous_revision: None,
        targets: vec![TargetSpec {
            name: "thumbs".parse().unwrap(),
            zone: None,
            side: Some(Side::Green),
            fleet: None,
            instance_health: InstanceHealth::Unhealthy,
            revision_health: RevisionHealth::Unknown,
        }],
        up_to_date: 0,
        creator: Creator::User,
        by: "ana".to_owned(),
        uid: None,
        description: String::new(),
        sides: None,
        service: None,
        task_sets: None,
        function: Some(AppSpec {
            function: Function {
                name: "thumbs".to_owned(),
                alias: "live".to_owned(),
                current_version: Some(1),
                target_version: 2,
            },
            hooks: BTreeMap::from([(LifecycleEvent::BeforeAllowTraffic, HOOK.to_owned())]),
        }),
        provision: None,
        rolls_back: None,
        way_back: false,
        approvals: BTreeMap::new(),
        from_split: None,
        updates: None,
        token: None,
        limits: Limits {
            event_seconds: seconds,
            ..Limits::default()
        },
        options: Options::default(),
    }
}

/// The journal of a deployment that was created and let in, and whose hook is to be called.
fn begun(number: u8, seconds: u32) -> Batch {
    let at = clock::now();
    let spec = spec(number, seconds);
    let (id, key) = (spec.deployment_id.clone(), spec.group_key());
    let created = Record {
        seq: 1,
        at,
        event: Event::Created {
            plan: Arc::new(plan(&spec)),
            spec: Arc::new(spec),
        },
    };
    let mut deployment = Deployment::created(&created).unwrap();
    let ledger = LedgerRecord {
        seq: 1,
        at,
        event: LedgerEvent::opening(&deployment),
    };
    let mut records = vec![(id.clone(), created)];
    for event in decide(&deployment, &Input::Admitted, at) {
        let seq = deployment.seq + 1;
        let record = Record { seq, at, event };
        deployment.evolve(&record);
        records.push((id.clone(), record));
    }
    Batch {
        records,
        ledger: vec![(key, ledger)],
        summaries: vec![Summary::from(&deployment)],
        ..Batch::default()
    }
}
