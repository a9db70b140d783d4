//! The tasks that bring messages from the orchestrator: the feed, and the output that is being followed.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;

use super::message::{Journal, Message, OutputNews};
use crate::api::afterwards::past::{Given, given};
use crate::api::client::{Client, ClientError};
use crate::model::deployment::DeploymentId;
use crate::model::group::GroupKey;
use crate::model::name::Name;

/// A feed that is silent for longer than this is broken: it says at least every few seconds that it lives.
const SILENCE: Duration = Duration::from_secs(10);
/// The first pause before another attempt, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(4));
/// Lines of output that become one message at most.
const LINES: usize = 512;

/// Fetches what is written of a deployment.
pub(super) async fn journal(
    client: &Client,
    id: &DeploymentId,
    group: GroupKey,
) -> Result<Journal, ClientError> {
    let records = client.records(id).await?;
    let ledger = client.ledger(&group).await?;
    Ok(Journal {
        records,
        group,
        ledger,
    })
}

/// Finds out what groups have given a host.
pub(super) async fn past(
    client: &Client,
    host: &Name,
    groups: Vec<GroupKey>,
) -> Result<Vec<Given>, ClientError> {
    let mut all = Vec::new();
    for group in groups {
        all.extend(given(host, &group, &client.ledger(&group).await?));
    }
    Ok(all)
}

/// Reads the feed for ever, connecting again with growing pauses.
pub(super) fn feed(client: Client, messages: Sender<Message>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut pause = PAUSES.0;
        loop {
            let opened = tokio::time::timeout(SILENCE, client.feed()).await;
            let reason = match opened {
                Ok(Ok(mut items)) => loop {
                    match tokio::time::timeout(SILENCE, items.next()).await {
                        Ok(Some(Ok(item))) => {
                            crate::crash_point::fails!("cockpit.feed");
                            pause = PAUSES.0;
                            // A full channel makes the orchestrator wait, which cuts off who is too slow.
                            if messages.send(Message::Feed(Box::new(item))).await.is_err() {
                                return;
                            }
                        }
                        Ok(Some(Err(error))) => break error.to_string(),
                        Ok(None) => break "the orchestrator ended the connection".to_owned(),
                        Err(_) => break "the orchestrator is silent".to_owned(),
                    }
                },
                Ok(Err(error)) => error.to_string(),
                Err(_) => "the orchestrator does not answer".to_owned(),
            };
            if messages.send(Message::Lost(reason)).await.is_err() {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    })
}

/// Follows the output of a target.
pub(super) fn follow(
    client: Client,
    messages: Sender<Message>,
    stream: u64,
    (deployment, target, after): (DeploymentId, Name, u64),
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let ended = match client.output(&deployment, &target, after, true).await {
            Ok(lines) => read(lines, &messages, stream).await,
            Err(error) => Some(error.to_string()),
        };
        // Nobody listens any more: then nobody needs to know.
        let _ = messages
            .send(Message::Output(stream, OutputNews::Ended(ended)))
            .await;
    })
}

/// Passes lines on; answers why the stream broke, if it did.
async fn read(
    lines: crate::api::client::Lines<crate::api::feed::OutputLine>,
    messages: &Sender<Message>,
    stream: u64,
) -> Option<String> {
    let mut chunks = lines.ready_chunks(LINES);
    while let Some(chunk) = chunks.next().await {
        let mut good = Vec::with_capacity(chunk.len());
        let mut bad: Option<ClientError> = None;
        for line in chunk {
            match line {
                Ok(line) => good.push(line),
                Err(error) => bad = Some(error),
            }
        }
        let news = Message::Output(stream, OutputNews::Lines(good));
        if messages.send(news).await.is_err() {
            return None;
        }
        if let Some(error) = bad {
            return Some(error.to_string());
        }
    }
    None
}
