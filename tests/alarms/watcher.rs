//! What the alarms of deployments mean while they are polled.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cutover::api::feed::FeedItem;
use cutover::api::snapshot::Snapshot;
use cutover::api::view::View;
use cutover::model::alarm::{AlarmState, UNREADABLE_AFTER, Verdict};
use cutover::model::connections::AlarmConnection;
use cutover::model::project::Project;
use cutover::model::secret::SecretSources;
use cutover::orchestrator::alarms::{Alarms, Subscription};
use cutover::providers::alarms::Reader;
use cutover::providers::aws::Accounts;
use cutover::providers::secrets::Secrets;
use cutover::store::documents;
use tempfile::TempDir;
use tokio::sync::broadcast;
use tokio::time::timeout;

use crate::reading::alarm;
use crate::server::{ERRORS, Prometheus, Service};

/// A project whose alarms are watched.
struct Watched {
    folder: TempDir,
    project: Arc<Mutex<Arc<Project>>>,
    alarms: Alarms,
    feed: broadcast::Sender<FeedItem>,
}

impl Watched {
    fn new(all: Vec<AlarmConnection>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cutover.yaml"), "name: demo\n").unwrap();
        let mut project = documents::load(folder.path()).unwrap().project;
        project.connections.alarms = all;
        project.settings.alarms.interval_seconds = 1;
        let project = Arc::new(Mutex::new(Arc::new(project)));
        let (feed, _) = broadcast::channel(1000);
        let current = Arc::clone(&project);
        let alarms = Alarms::new(
            Reader::new(
                Secrets::new(folder.path(), SecretSources::new),
                Accounts::default(),
            )
            .unwrap(),
            Arc::new(move || Arc::clone(&current.lock().unwrap())),
            feed.clone(),
        );
        Self {
            folder,
            project,
            alarms,
            feed,
        }
    }

    /// As if the documents had been edited.
    fn define(&self, all: Vec<AlarmConnection>) {
        let mut current = self.project.lock().unwrap();
        let mut project = (**current).clone();
        project.connections.alarms = all;
        *current = Arc::new(project);
    }

    fn write(&self, file: &str, text: &str) {
        // Whole at once: whoever reads it meanwhile finds the one or the other.
        let new = self.folder.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.folder.path().join(file)).unwrap();
    }

    /// How often an alarm has been polled since it is watched.
    fn polls(&self, name: &str) -> usize {
        let all = self.alarms.statuses();
        let status = all.iter().find(|status| status.name == name);
        status.map_or(0, |status| status.history.len())
    }
}

/// The next verdict.
async fn next(subscription: &mut Subscription) -> Verdict {
    let verdict = timeout(Duration::from_secs(40), subscription.next()).await;
    verdict.unwrap()
}

/// The verdict once it is known.
async fn known(subscription: &mut Subscription) -> Verdict {
    loop {
        let verdict = next(subscription).await;
        if !matches!(verdict, Verdict::Unknown { .. }) {
            return verdict;
        }
    }
}

/// An alarm whose state is the exit code in a file; each poll leaves a line.
fn by_file(name: &str) -> AlarmConnection {
    let script = format!("echo polled >> {name}.polls; echo {name} says so; exit $(cat {name})");
    alarm(
        name,
        &format!("{{ command: {{ run: [sh, -c, '{script}'] }} }}"),
    )
}

#[tokio::test]
async fn a_rising_error_rate_is_an_alarm_within_two_polls() {
    let service = Service::start().await;
    let server = Prometheus::start(&service).await;
    server.warm().await;
    let watched = Watched::new(vec![alarm("errors", &server.above(ERRORS, "0.05"))]);
    let mut deployment = watched.alarms.watch(["errors"], false);
    assert_eq!(known(&mut deployment).await, Verdict::Quiet);
    service.fail(50).await;
    let before = watched.polls("errors");
    let verdict = next(&mut deployment).await;
    let polls = watched.polls("errors") - before;
    assert!(polls <= 2, "{polls} polls");
    let Verdict::Active { alarms } = &verdict else {
        panic!("{verdict:?}")
    };
    assert!(
        alarms[0]
            .message
            .contains("for {host=\"web-2\"} is above 0.05"),
        "{verdict}"
    );
    assert!(verdict.stops());
    // The rate of the last two seconds falls again.
    service.fail(0).await;
    while next(&mut deployment).await != Verdict::Quiet {}
}

#[tokio::test]
async fn a_server_that_is_gone_makes_its_alarm_unreadable_after_three_polls() {
    let service = Service::start().await;
    let mut server = Prometheus::start(&service).await;
    server.warm().await;
    let watched = Watched::new(vec![alarm("errors", &server.above(ERRORS, "0.05"))]);
    let mut strict = watched.alarms.watch(["errors"], false);
    let mut lenient = watched.alarms.watch(["errors"], true);
    assert_eq!(known(&mut strict).await, Verdict::Quiet);
    assert_eq!(known(&mut lenient).await, Verdict::Quiet);
    server.kill();
    let verdict = next(&mut strict).await;
    let Verdict::Unreadable { alarms } = &verdict else {
        panic!("{verdict:?}")
    };
    assert!(alarms[0].message.contains("does not answer"), "{verdict}");
    let status = watched.alarms.statuses().remove(0);
    assert_eq!(status.failures, UNREADABLE_AFTER);
    let mut last = status.history.iter().rev();
    assert!(last.by_ref().take(3).all(|sample| sample.state.is_none()));
    assert_eq!(last.next().unwrap().state, Some(AlarmState::Ok));
    assert_eq!(lenient.verdict(), Verdict::Quiet);
    // It comes back.
    server.up().await;
    assert_eq!(next(&mut strict).await, Verdict::Quiet);
}

#[tokio::test]
async fn an_alarm_is_polled_once_for_all_and_only_while_somebody_wants_it() {
    let watched = Watched::new(vec![by_file("disk"), by_file("memory")]);
    watched.write("disk", "0");
    watched.write("memory", "0");
    let mut items = watched.feed.subscribe();
    let mut one = watched.alarms.watch(["disk", "memory", "disk"], false);
    let mut other = watched.alarms.watch(["disk"], false);
    assert_eq!(
        one.verdict(),
        Verdict::Unknown {
            waiting: vec!["disk".to_owned(), "memory".to_owned()]
        }
    );
    assert_eq!(known(&mut one).await, Verdict::Quiet);
    assert_eq!(known(&mut other).await, Verdict::Quiet);

    watched.write("memory", "1");
    let verdict = next(&mut one).await;
    assert_eq!(verdict.to_string(), "alarm active: memory: memory says so");
    assert_eq!(other.verdict(), Verdict::Quiet);
    watched.write("disk", "1");
    let told = "alarms active: disk: disk says so; memory: memory says so";
    assert_eq!(next(&mut one).await.to_string(), told);
    assert!(next(&mut other).await.stops());

    // What clients fold from the feed is what is known here.
    let mut view = view(&watched);
    drop(one);
    drop(other);
    let mut released = Vec::new();
    while released.len() < 2 {
        let item = timeout(Duration::from_secs(40), items.recv())
            .await
            .unwrap()
            .unwrap();
        if let FeedItem::AlarmReleased { name } = &item {
            let polled =
                std::fs::read_to_string(watched.folder.path().join(format!("{name}.polls")));
            let seen = view.alarms[name].history.len();
            assert_eq!(polled.unwrap().lines().count(), seen, "{name}");
            released.push(name.clone());
        }
        // Also what was in the snapshot already.
        view.apply(item).unwrap();
    }
    assert!(watched.alarms.statuses().is_empty() && view.alarms.is_empty());

    // Whoever comes later begins anew.
    let mut later = watched.alarms.watch(["disk"], false);
    assert!(matches!(next(&mut later).await, Verdict::Unknown { .. }));
    assert!(next(&mut later).await.stops());
    assert_eq!(watched.polls("disk"), 1);
}

/// A client's picture of the alarms as they are now.
fn view(watched: &Watched) -> View {
    View::from(Snapshot {
        freezes: Vec::new(),
        pid: 1,
        version: String::new(),
        project: (**watched.project.lock().unwrap()).clone(),
        problems: Vec::new(),
        person: None,
        deployments: Vec::new(),
        active: Vec::new(),
        ledgers: Vec::new(),
        revisions: Vec::new(),
        hosts: Vec::new(),
        alarms: watched.alarms.statuses(),
        traffic: Vec::new(),
        tasks: Vec::new(),
        looks: Vec::new(),
    })
}

#[tokio::test]
async fn an_alarm_that_is_not_defined_is_unreadable_until_it_is() {
    let watched = Watched::new(Vec::new());
    watched.write("disk", "0");
    let began = Instant::now();
    let mut deployment = watched.alarms.watch(["disk"], false);
    let verdict = known(&mut deployment).await;
    assert!(began.elapsed() < watched.alarms.patience("disk"));
    let told = "the state of the alarm is unavailable: disk: no alarm of `connections` in cutover.yaml is called disk";
    assert_eq!(verdict.to_string(), told);
    assert_eq!(watched.polls("disk"), 3);
    watched.define(vec![by_file("disk")]);
    assert_eq!(next(&mut deployment).await, Verdict::Quiet);
    // No data is no alarm, and is told.
    watched.write("disk", "2");
    crate::reading::until("no data", async || {
        watched.alarms.statuses()[0].state() == Some(AlarmState::InsufficientData)
    })
    .await;
    assert_eq!(deployment.verdict(), Verdict::Quiet);
}

#[tokio::test]
async fn without_alarms_a_deployment_is_quiet_at_once() {
    let watched = Watched::new(Vec::new());
    let mut deployment = watched.alarms.watch(Vec::<String>::new(), false);
    assert_eq!(next(&mut deployment).await, Verdict::Quiet);
    let more = timeout(Duration::from_millis(50), deployment.next()).await;
    assert!(more.is_err(), "{more:?}");
}
