//! Hooks that are called: real programs, and a real server.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::sync::mpsc;

use super::super::Request;
use super::*;
use crate::appspec::lambda::{AppSpec, Function};
use crate::engine::event::{Event, Record};
use crate::engine::input::{Input, Report};
use crate::engine::spec::{Options, Spec, TargetSpec};
use crate::engine::{Deployment, decide, plan};
use crate::model::connections::{CommandReceiver, HookKind, Webhook};
use crate::model::deployment::{
    Creator, DeploymentStatus, ErrorCode, InstanceHealth, RevisionHealth,
};
use crate::model::diagnostics::Diagnostics;
use crate::model::revision::{Digest, Revision};
use crate::model::secret::{SecretSources, TextOrSecret};
use crate::model::timestamp::Timestamp;
use crate::model::traffic::Side;

const HOOK: &str = "CodeDeployHook_check";

/// A deployment of a function whose first hook is to be called.
struct World {
    state: Arc<RwLock<Deployment>>,
    hooks: Arc<Hooks>,
    reports: mpsc::Sender<Request>,
    folder: tempfile::TempDir,
}

fn spec() -> Spec {
    Spec {
        deployment_id: "d-AAAAAAAAA".parse().unwrap(),
        group: crate::model::yaml::from_str("applicationName: thumbs\ndeploymentGroupName: live\n")
            .unwrap(),
        configuration: crate::model::yaml::from_str(
            "deploymentConfigName: all\ncomputePlatform: Lambda\nminimumHealthyHosts: {type: FLEET_PERCENT, value: 0}\ntrafficRoutingConfig: {type: AllAtOnce}\n",
        )
        .unwrap(),
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
        limits: crate::model::limits::Limits::default(),
        options: Options::default(),
    }
}

fn record(seq: u64, event: Event) -> Record {
    Record {
        seq,
        at: Timestamp(1_000),
        event,
    }
}

fn hear(state: &RwLock<Deployment>, input: &Input) {
    let mut deployment = state.write().unwrap();
    for event in decide(&deployment, input, Timestamp(1_000)) {
        let record = record(deployment.seq + 1, event);
        deployment.evolve(&record);
    }
}

impl World {
    fn new() -> Self {
        let spec = spec();
        let plan = Arc::new(plan(&spec));
        let spec = Arc::new(spec);
        let created = record(1, Event::Created { spec, plan });
        let state = Arc::new(RwLock::new(Deployment::created(&created).unwrap()));
        hear(&state, &Input::Admitted);
        let (reports, mut heard) = mpsc::channel(16);
        let journal = Arc::clone(&state);
        tokio::spawn(async move {
            while let Some(Request::Input(input)) = heard.recv().await {
                hear(&journal, &input);
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let hooks = Arc::new(hooks(folder.path()));
        Self {
            state,
            hooks,
            reports,
            folder,
        }
    }

    fn call(&self, via: Option<HookKind>, mode: Mode) {
        let deployment = self.state.read().unwrap();
        let target = &deployment.targets[0];
        let name = HOOK.to_owned();
        self.hooks.assign(Call {
            duty: Duty {
                execution: target.execution.clone().unwrap(),
                target: target.name.clone(),
                event: LifecycleEvent::BeforeAllowTraffic,
                state: Arc::clone(&self.state),
                reports: self.reports.clone(),
            },
            deployment: deployment.id().clone(),
            hook: via.map(|via| Hook {
                name: name.clone(),
                via,
            }),
            name,
            report_to: None,
            mode,
        });
    }

    fn event(&self) -> (EventStatus, Option<Diagnostics>) {
        let deployment = self.state.read().unwrap();
        let entry = &deployment.targets[0].events[0];
        (entry.status, entry.diagnostics.clone())
    }

    async fn until(&self, status: EventStatus) -> Option<Diagnostics> {
        let there = async {
            while self.event().0 != status {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), there).await;
        assert!(waited.is_ok(), "{:?} and never {status:?}", self.event());
        self.event().1
    }

    /// It is written that the hook has reported so, and nobody has said yet that it is over.
    fn has_succeeded(&self) {
        let input = {
            let deployment = self.state.read().unwrap();
            let target = &deployment.targets[0];
            Input::Report {
                execution: target.execution.clone().unwrap(),
                target: target.name.clone(),
                report: Report::EventEnded {
                    event: LifecycleEvent::BeforeAllowTraffic,
                    status: EventStatus::Succeeded,
                    at: Timestamp(1_000),
                    diagnostics: None,
                },
            }
        };
        hear(&self.state, &input);
    }

    /// Waits until that is said.
    async fn goes_on(&self) {
        let goes_on = async {
            while self.state.read().unwrap().stage == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), goes_on).await;
        assert!(waited.is_ok(), "{:?}", self.event());
    }

    fn ran(&self) -> usize {
        let file = std::fs::read_to_string(self.folder.path().join("ran"));
        file.map_or(0, |text| text.lines().count())
    }
}

fn hooks(folder: &Path) -> Hooks {
    let secrets = Secrets::new(folder, SecretSources::default);
    Hooks::new(&folder.join("hooks.json"), &secrets, &Accounts::default()).unwrap()
}

fn program(script: &str) -> HookKind {
    HookKind::Command(CommandReceiver {
        run: ["sh", "-c", script].map(ToOwned::to_owned).to_vec(),
        secrets: BTreeMap::new(),
    })
}

/// A server that answers so, one after the other and then the last one for ever, and tells what it was asked.
async fn server(answers: Vec<StatusCode>) -> (HookKind, mpsc::UnboundedReceiver<(String, String)>) {
    let (asked, heard) = mpsc::unbounded_channel();
    let answers = Arc::new(Mutex::new(answers));
    let handler = move |headers: HeaderMap, body: Bytes| async move {
        let key = headers["idempotency-key"].to_str().unwrap().to_owned();
        let body = String::from_utf8(body.to_vec()).unwrap();
        asked.send((key, body)).unwrap();
        let mut answers = answers.lock().unwrap();
        if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers[0]
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/check", listener.local_addr().unwrap());
    let router = Router::new().route("/check", post(handler));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let webhook = Webhook {
        url: TextOrSecret::Text(url),
        token: None,
        secret: None,
    };
    (HookKind::Webhook(webhook), heard)
}

#[tokio::test]
async fn a_webhook_is_told_what_it_checks_and_is_waited_for() {
    let world = World::new();
    let (via, mut asked) = server(vec![StatusCode::OK]).await;
    world.call(Some(via), Mode::Run);
    let (key, body) = asked.recv().await.unwrap();
    world.until(EventStatus::InProgress).await;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let ticket = body["LifecycleEventHookExecutionId"].as_str().unwrap();
    assert_eq!(body["DeploymentId"], "d-AAAAAAAAA");
    assert_eq!(body["LifecycleEvent"], "BeforeAllowTraffic");
    assert_eq!(key, ticket);
    let execution = world.state.read().unwrap().targets[0].execution.clone();
    assert_eq!(world.hooks.tickets().execution(ticket), execution);
}

#[tokio::test]
async fn one_that_is_busy_is_called_again_under_the_same_id() {
    let world = World::new();
    let busy = StatusCode::SERVICE_UNAVAILABLE;
    let (via, mut asked) = server(vec![busy, StatusCode::OK]).await;
    world.call(Some(via), Mode::Run);
    let (first, _) = asked.recv().await.unwrap();
    assert_eq!(world.event().0, EventStatus::Pending, "it has not taken it");
    let (second, _) = asked.recv().await.unwrap();
    assert_eq!(first, second);
    world.until(EventStatus::InProgress).await;
}

#[tokio::test]
async fn one_whose_answer_was_lost_and_that_has_reported_is_not_called_again() {
    let world = World::new();
    let (via, mut asked) = server(vec![StatusCode::SERVICE_UNAVAILABLE]).await;
    world.call(Some(via), Mode::Run);
    asked.recv().await.unwrap();
    world.has_succeeded();
    world.goes_on().await;
    assert!(asked.try_recv().is_err(), "it was called again");
}

#[tokio::test]
async fn one_that_is_not_there_has_failed() {
    let world = World::new();
    let (via, _asked) = server(vec![StatusCode::NOT_FOUND]).await;
    world.call(Some(via), Mode::Run);
    let why = world.until(EventStatus::Failed).await.unwrap();
    assert_eq!(why.ends_with, Some(ErrorCode::HookExecutionFailure));
    assert!(why.message.starts_with("404"), "{}", why.message);
    let deployment = world.state.read().unwrap();
    assert_eq!(
        deployment.error.as_ref().unwrap().code,
        ErrorCode::HookExecutionFailure
    );
}

#[tokio::test]
async fn what_nobody_explains_has_failed() {
    let world = World::new();
    world.call(None, Mode::Run);
    let why = world.until(EventStatus::Failed).await.unwrap();
    assert!(why.message.contains("connections.hooks"), "{}", why.message);
}

#[tokio::test]
async fn a_program_is_run_once_and_its_exit_code_counts() {
    let world = World::new();
    let script = "echo run >> ran; grep -q DeploymentId";
    world.call(Some(program(script)), Mode::Run);
    world.until(EventStatus::Succeeded).await;
    world.call(Some(program(script)), Mode::Run);
    assert_eq!(world.ran(), 1);

    let world = World::new();
    world.call(Some(program("echo no good >&2; exit 3")), Mode::Run);
    let why = world.until(EventStatus::Failed).await.unwrap();
    assert!(why.message.contains("no good"), "{}", why.message);
}

#[tokio::test]
async fn after_a_restart_a_program_is_not_run_again_and_a_webhook_may_still_report() {
    let world = World::new();
    let begun = |world: &World| {
        let deployment = world.state.read().unwrap();
        let target = &deployment.targets[0];
        let input = Input::Report {
            execution: target.execution.clone().unwrap(),
            target: target.name.clone(),
            report: Report::EventStarted {
                event: LifecycleEvent::BeforeAllowTraffic,
                at: Timestamp(1_000),
            },
        };
        drop(deployment);
        hear(&world.state, &input);
    };
    begun(&world);
    world.call(Some(program("echo run >> ran")), Mode::Run);
    let why = world.until(EventStatus::Failed).await.unwrap();
    assert!(why.message.contains("started anew"), "{}", why.message);
    assert_eq!(world.ran(), 0);

    let world = World::new();
    begun(&world);
    let (via, mut asked) = server(vec![StatusCode::OK]).await;
    world.call(Some(via.clone()), Mode::Run);
    // Another one is called after it: had this one been called, it would have been before.
    let other = World::new();
    other.call(Some(via), Mode::Run);
    other.until(EventStatus::InProgress).await;
    asked.recv().await.unwrap();
    assert!(asked.try_recv().is_err());
    assert_eq!(world.event().0, EventStatus::InProgress);
}

#[tokio::test]
async fn what_had_ended_when_the_orchestrator_died_is_over_when_it_is_back() {
    let world = World::new();
    world.has_succeeded();
    world.call(Some(program("echo run >> ran")), Mode::Run);
    world.goes_on().await;
    assert_eq!(world.ran(), 0);
}

#[tokio::test]
async fn a_stop_ends_what_has_not_begun() {
    let world = World::new();
    let (via, mut asked) = server(vec![StatusCode::SERVICE_UNAVAILABLE]).await;
    world.call(Some(via.clone()), Mode::Run);
    asked.recv().await.unwrap();
    let stop = crate::engine::input::What::Stop {
        auto_rollback: None,
    };
    let stop = crate::engine::input::Command::new(stop, "ana");
    hear(&world.state, &Input::Command(stop));
    world.call(Some(via), Mode::Halt);
    let stopped = async {
        while world.state.read().unwrap().status != DeploymentStatus::Stopped {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), stopped).await;
    assert!(waited.is_ok(), "{:?}", world.event());
}
