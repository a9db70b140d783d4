//! What an orchestrator has left to resume.

use std::time::Duration;

use cutover::engine::ledger::{LedgerEvent, LedgerRecord};
use cutover::model::deployment::DeploymentId;
use cutover::model::group::{GroupKey, ScalingProcess, SuspendedProcesses};
use cutover::orchestrator::Orchestrator;
use cutover::orchestrator::command::Command;
use cutover::store::journal::{Batch, Journal};
use cutover::store::state::State;

use crate::credentials::Witness;
use crate::server::{REGION, until};

/// Something is suspended for a deployment that is over, in two accounts, one of which the documents have not any more.
pub async fn lost() {
    let witness = Witness::start().await;
    let folder = tempfile::tempdir().unwrap();
    let url = &witness.url;
    let documents = |accounts: &str| {
        let text = format!(
            "name: demo\nsettings: {{ stateDirectory: state }}\nhosts: []\nconnections: {{ aws: [{{ name: other, region: {REGION}, endpointUrl: '{url}' }}, {accounts}] }}\n"
        );
        std::fs::write(folder.path().join("cutover.yaml"), text).unwrap();
    };
    documents("");
    let state = State::of(folder.path(), Some("state")).unwrap();
    let _lock = state.lock().unwrap();
    let key = GroupKey {
        application: "shop".parse().unwrap(),
        group: "scaled".parse().unwrap(),
    };
    let in_account = |account: &str| SuspendedProcesses {
        account: account.to_owned(),
        group: "pool".to_owned(),
        processes: [ScalingProcess::Terminate].into(),
    };
    let suspending = LedgerEvent::Suspending {
        deployment: "d-AAAAAAAAA".parse().unwrap(),
        processes: vec![in_account("prod"), in_account("other")],
    };
    let suspending = LedgerRecord {
        seq: 1,
        at: cutover::clock::now(),
        event: suspending,
    };
    let batch = Batch {
        ledger: vec![(key, suspending)],
        ..Batch::default()
    };
    let journal = Journal::open(&state.journal()).unwrap();
    journal.append(batch).await.unwrap();
    witness.answers(200, "<ResumeProcessesResponse/>");
    let orchestrator = Orchestrator::start(&state).unwrap();
    let left = async || {
        let ledgers = orchestrator.snapshot().await.ledgers;
        let mut all = ledgers.into_iter();
        all.next().unwrap().1.suspended
    };
    // What is not in its way is resumed at once, and once.
    let whose: DeploymentId = "d-AAAAAAAAA".parse().unwrap();
    let is_one = async || left().await.get(&whose) == Some(&vec![in_account("prod")]);
    until("the other account's is resumed", is_one).await;
    assert_eq!(witness.seen().len(), 1);
    let told = async |words: &str| {
        let problems = orchestrator.snapshot().await.problems;
        problems.iter().any(|problem| problem.contains(words))
    };
    let gone = "no account of `connections.aws` is called prod any more: put it back until Terminate of pool is resumed";
    until("it says what is left", async || told(gone).await).await;
    let shutdown = async || Box::pin(orchestrator.command(Command::Shutdown)).await;
    let refusal = shutdown().await.unwrap_err();
    let whose = "what d-AAAAAAAAA suspended stays suspended";
    assert!(refusal.message.contains(whose), "{refusal:?}");
    let patience = Duration::from_secs(1);
    let idle = tokio::time::timeout(Duration::from_secs(4), orchestrator.idle(patience));
    assert!(idle.await.is_err(), "it left before that was resumed");

    // It is back; who asks there may not resume, nor see whether there is anything to resume.
    witness.answers(403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>");
    documents(&format!(
        "{{ name: prod, region: {REGION}, endpointUrl: '{url}' }}"
    ));
    let denied = "access is denied: let its user or role have autoscaling:ResumeProcesses";
    until("it says what is missing", async || told(denied).await).await;
    witness.answers(200, "<ResumeProcessesResponse/>");
    let idle = tokio::time::timeout(Duration::from_mins(1), orchestrator.idle(patience));
    idle.await.unwrap();
    assert_eq!(orchestrator.snapshot().await.problems, [""; 0]);
    shutdown().await.unwrap();
}
