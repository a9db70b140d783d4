//! Real commands.

use std::path::Path;

use cutover::model::alarm::AlarmState;
use cutover::providers::alarms::{AlarmError, LONGEST};

use crate::reading::{read, said};

/// A source that runs these lines in a shell.
fn shell(lines: &str) -> String {
    format!("{{ command: {{ run: [sh, -c, {lines:?}] }} }}")
}

#[tokio::test]
async fn the_exit_code_is_the_state_and_the_first_line_the_message() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("limit"), "90\n").unwrap();
    let ask = async |lines: &str| read(folder.path(), &shell(lines)).await;
    let well = said(ask("echo; echo 'disk 40 %'; echo more").await);
    assert_eq!(well, (AlarmState::Ok, "disk 40 %".to_owned()));
    // It runs in the project's folder.
    let reading = ask("echo value=$(cat limit); echo full; exit 1")
        .await
        .unwrap();
    assert_eq!(reading.state, AlarmState::Alarm);
    assert_eq!(reading.value.as_deref(), Some("90"));
    assert_eq!(
        (&*reading.message, &*reading.threshold),
        ("full", "exit code 1")
    );
    let (state, message) = said(ask("exit 2").await);
    assert_eq!(state, AlarmState::InsufficientData);
    assert_eq!(message, "sh -c exit 2: exit status: 2");
    // However much it writes.
    let much = said(ask("echo much; yes | head -c 3000000; exit 1").await);
    assert_eq!(much, (AlarmState::Alarm, "much".to_owned()));
}

#[tokio::test]
async fn every_other_end_is_unreadable_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let ask = async |lines: &str| read(folder.path(), &shell(lines)).await.unwrap_err();
    let broken = ask("echo out; echo 'no such metric' >&2; exit 3").await;
    assert!(matches!(broken, AlarmError::Unclear { .. }), "{broken:?}");
    let told = "exit status: 3, not 0, 1 or 2: no such metric";
    assert!(broken.to_string().ends_with(told), "{broken}");
    let killed = ask("kill -9 $$").await.to_string();
    assert!(killed.contains("signal: 9"), "{killed}");
    let missing = read(
        folder.path(),
        "{ command: { run: [./no-such-check, --now] } }",
    )
    .await;
    let missing = missing.unwrap_err().to_string();
    let told = "./no-such-check --now refused: it can't be run: No such file or directory";
    assert!(missing.starts_with(told), "{missing}");
}

fn lives(pid: &str) -> bool {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    // The state follows the name in parentheses.
    status.is_ok_and(|status| !status.rsplit_once(") ").unwrap().1.starts_with('Z'))
}

#[tokio::test]
async fn one_that_does_not_end_is_killed_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let stubborn = shell("trap '' TERM; sleep 1000 & echo $! $$ > pids; wait; wait; sleep 1000");
    let began = std::time::Instant::now();
    let error = read(folder.path(), &stubborn).await.unwrap_err();
    assert!(matches!(error, AlarmError::Unreachable { .. }), "{error:?}");
    let told = "does not answer: it did not end within 5s and was ended";
    assert!(error.to_string().ends_with(told), "{error}");
    assert!(began.elapsed() < 2 * LONGEST, "{:?}", began.elapsed());
    let pids = std::fs::read_to_string(folder.path().join("pids")).unwrap();
    assert_eq!(pids.split_whitespace().count(), 2);
    crate::reading::until("all have ended", async || {
        !pids.split_whitespace().any(lives)
    })
    .await;
}

#[tokio::test]
async fn one_whose_child_holds_its_output_has_answered_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let leaving = shell("sleep 1000 & echo $! > pid; echo well");
    let well = said(read(folder.path(), &leaving).await);
    assert_eq!(well, (AlarmState::Ok, "well".to_owned()));
    let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap();
    crate::reading::until("the child has ended", async || !lives(pid.trim())).await;
}
