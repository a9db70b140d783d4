//! Receivers alone, and how long an orchestrator stays for them.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use cutover::model::connections::{CommandReceiver, Receiver, ReceiverKind, Slack, Webhook};
use cutover::model::group::TriggerEvent;
use cutover::model::notification::{Message, Notification};
use cutover::model::secret::{SecretRef, SecretSource, SecretSources, TextOrSecret};
use cutover::orchestrator::Orchestrator;
use cutover::providers::aws::Accounts;
use cutover::providers::notify::{Answer, Notifier};
use cutover::providers::secrets::Secrets;
use cutover::store::journal::{Batch, Journal};
use cutover::store::state::State;

use crate::hook::{Act, Hook};
use crate::lab::until;

fn message() -> Message {
    Message {
        id: "0000-1".to_owned(),
        event: "DeploymentStart".to_owned(),
        body: r#"{"schema":1}"#.to_owned(),
        sentence: "<!here> it started & runs".to_owned(),
    }
}

fn receiver(via: ReceiverKind) -> Receiver {
    Receiver {
        name: "ops".to_owned(),
        via,
    }
}

/// A secret `token` in a file of the same name.
fn secrets(folder: &Path) -> Secrets {
    let token = SecretSource::File("token".into());
    let sources = SecretSources::from([("token".parse().unwrap(), token)]);
    Secrets::new(folder, move || sources.clone())
}

fn private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn webhook(url: String) -> Receiver {
    receiver(ReceiverKind::Webhook(Webhook {
        url: TextOrSecret::Text(url),
        token: Some(SecretRef("token".parse().unwrap())),
        secret: None,
    }))
}

fn not_now(why: &str) -> Answer {
    Answer::NotNow {
        why: why.to_owned(),
        wait: None,
    }
}

fn script(folder: &Path, text: &str) -> Receiver {
    let path = folder.join("run.sh");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
    receiver(ReceiverKind::Command(CommandReceiver {
        run: vec!["./run.sh".to_owned()],
        secrets: BTreeMap::new(),
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_hangs_asks_to_wait_or_repeats_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let notifier = Notifier::new(
        secrets(folder.path()),
        Accounts::default(),
        Duration::from_millis(300),
    );
    let asks = Act::Answer(503, vec![("Retry-After", "7".to_owned())]);
    let away = Act::Answer(307, vec![("Location", "https://else.example/".to_owned())]);
    let hook = tokio::task::spawn_blocking(|| Hook::start([Act::Hang, asks, away]))
        .await
        .unwrap();
    let ops = webhook(hook.url());
    let message = message();
    let send = || notifier.send(&ops, &message);
    let Answer::NotNow { why, .. } = send().await else {
        panic!("nothing was sent without its token");
    };
    assert!(
        why.starts_with("the secret token can't be read from token: No such file"),
        "{why}"
    );
    private(&folder.path().join("token"), "it says\n");
    assert_eq!(send().await, not_now("no answer in time"));
    let asked = Answer::NotNow {
        why: "503 Service Unavailable: so [secret token]".to_owned(),
        wait: Some(Duration::from_secs(7)),
    };
    assert_eq!(send().await, asked);
    let moved =
        "307 Temporary Redirect to https://else.example/: write the address that it answers at";
    assert_eq!(send().await, Answer::Refused(moved.to_owned()));
    hook.now_does([Act::status(200)]);
    let slack = receiver(ReceiverKind::Slack(Slack {
        url: TextOrSecret::Text(hook.url()),
    }));
    assert_eq!(
        notifier.send(&slack, &message).await,
        Answer::Taken("200 OK".to_owned())
    );
    let last = hook.seen().pop().unwrap();
    assert_eq!(
        last.text,
        r#"{"text":"&lt;!here&gt; it started &amp; runs"}"#
    );
    tokio::task::spawn_blocking(move || drop(hook))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_command_answers_by_its_exit_code_and_is_ended_with_all_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let notifier = Notifier::new(
        secrets(folder.path()),
        Accounts::default(),
        Duration::from_secs(30),
    );
    let send = |text: &str| {
        let ops = script(folder.path(), text);
        let notifier = notifier.clone();
        async move { notifier.send(&ops, &message()).await }
    };
    let taken = Answer::Taken("exit status: 0: {\"schema\":1}".to_owned());
    assert_eq!(send("cat >&2").await, taken);
    assert_eq!(
        send("echo no room >&2; exit 3").await,
        not_now("exit status: 3: no room")
    );
    // It reads nothing, writes much, and leaves something behind that keeps its output open.
    let much = "sleep 60 & head -c 300000 /dev/zero >&2; kill %1 2>/dev/null; exit 4";
    let Answer::NotNow { why, .. } = send(much).await else {
        panic!("it failed");
    };
    assert!(why.starts_with("exit status: 4"), "{why}");
    let missing = receiver(ReceiverKind::Command(CommandReceiver {
        run: vec!["./missing".to_owned()],
        secrets: BTreeMap::new(),
    }));
    let Answer::NotNow { why, .. } = notifier.send(&missing, &message()).await else {
        panic!("there is no such program");
    };
    assert!(why.starts_with("./missing can't be started: "), "{why}");

    let hasty = Notifier::new(
        secrets(folder.path()),
        Accounts::default(),
        Duration::from_secs(1),
    );
    let ops = script(
        folder.path(),
        "trap '' TERM; sleep 61 & echo $! > child; wait; sleep 61",
    );
    let began = Instant::now();
    let ended = hasty.send(&ops, &message()).await;
    assert_eq!(
        ended,
        not_now("./run.sh did not end within 1 s, and was ended")
    );
    assert!(began.elapsed() < Duration::from_secs(30));
    let child = std::fs::read_to_string(folder.path().join("child")).unwrap();
    until("what it started has ended", || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.trim()));
        stat.is_err() || stat.is_ok_and(|stat| stat.contains(") Z "))
    });
}

/// In the background it stays for what was told of lately, and not for what was told of long ago.
#[tokio::test(flavor = "multi_thread")]
async fn an_orchestrator_stays_for_what_it_owes() {
    let folder = tempfile::tempdir().unwrap();
    let hook = tokio::task::spawn_blocking(|| Hook::start([Act::status(500)]))
        .await
        .unwrap();
    let text = format!(
        "name: demo\nsettings: {{ stateDirectory: state }}\nhosts: []\nconnections:\n  receivers:\n    - {{ name: ops, via: {{ webhook: {{ url: '{}' }} }} }}\n    - {{ name: dead, via: {{ webhook: {{ url: 'http://127.0.0.1:9/' }} }} }}\n",
        hook.url()
    );
    std::fs::write(folder.path().join("cutover.yaml"), text).unwrap();
    let state = State::of(folder.path(), Some("state")).unwrap();
    let lock = state.lock().unwrap();
    let notification = |receiver: &str, hours: u64| Notification {
        message: Message {
            id: format!("{receiver}-{hours}"),
            ..message()
        },
        deployment_id: "d-AAAAAAAAA".parse().unwrap(),
        entry: 2,
        event: TriggerEvent::DeploymentStart,
        target: None,
        trigger: "all".to_owned(),
        receiver: receiver.to_owned(),
        at: cutover::clock::now() - Duration::from_hours(hours),
    };
    let (old, new) = (notification("dead", 1), notification("ops", 0));
    let journal = Journal::open(&state.journal()).unwrap();
    let batch = Batch {
        notifications: vec![old.clone(), new],
        ..Batch::default()
    };
    journal.append(batch).await.unwrap();
    let orchestrator = Orchestrator::start(&state).unwrap();
    let patience = Duration::from_secs(1);
    let idle = tokio::time::timeout(Duration::from_secs(4), orchestrator.idle(patience));
    assert!(idle.await.is_err(), "it left before it had told everything");
    hook.now_does([Act::status(200)]);
    tokio::time::timeout(Duration::from_mins(1), orchestrator.idle(patience))
        .await
        .unwrap();
    assert_eq!(journal.newest_pending().unwrap(), Some(old.at));
    drop(lock);
    tokio::task::spawn_blocking(move || drop(hook))
        .await
        .unwrap();
}
