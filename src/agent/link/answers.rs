//! What the executor answers.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{sleep, timeout};

use super::LinkError;
use super::frame::Status;
use super::servant::{Message, Servant};
use super::wire::Channel;
use crate::agent::core;
use crate::agent::haproxy::HaProxyError;
use crate::agent::log::{Follower, LogError};
use crate::agent::orders::OrderError;
use crate::agent::protocol::AgentInfo;
use crate::agent::task_sets::TaskSetError;
use crate::agent::trust::Peer;
use crate::agent::upstream::UpstreamError;
use crate::store::bundles::BundleError;
use crate::store::watch::Watch;

/// How often it is looked whether others are known than before, where nobody says so: while somebody is expected, for whom time
/// runs out, and where the kernel has no more to watch with.
const LOOK: Duration = Duration::from_millis(200);

/// Why a request is not done.
#[derive(Debug)]
pub struct Refused(pub Status, pub String);

/// How an answer begins, and what it says.
type Answer = Result<(Status, Vec<u8>), Refused>;

#[expect(
    clippy::needless_pass_by_value,
    reason = "errors are handed over as they are"
)]
impl Refused {
    /// The request makes no sense.
    pub fn invalid(message: impl ToString) -> Self {
        Self(Status::Invalid, message.to_string())
    }

    /// The host cannot do it.
    pub fn failed(message: impl ToString) -> Self {
        Self(Status::Failed, message.to_string())
    }
}

impl From<OrderError> for Refused {
    fn from(error: OrderError) -> Self {
        let status = match error {
            OrderError::Refused(core::Refusal::Invalid(_)) => Status::Invalid,
            OrderError::Refused(core::Refusal::Conflict(_)) => Status::Conflict,
            OrderError::Refused(core::Refusal::Unknown(_)) => Status::Unknown,
            OrderError::Log(_) => Status::Failed,
        };
        Self(status, error.to_string())
    }
}

impl From<BundleError> for Refused {
    fn from(error: BundleError) -> Self {
        let status = match error {
            BundleError::Digest { .. } => Status::Unprocessable,
            _ => Status::Failed,
        };
        Self(status, error.to_string())
    }
}

impl From<UpstreamError> for Refused {
    fn from(error: UpstreamError) -> Self {
        let status = match error {
            UpstreamError::Unknown(_) => Status::Unknown,
            UpstreamError::Invalid(_) => Status::Invalid,
            UpstreamError::Foreign { .. } => Status::Conflict,
            UpstreamError::Refused(_) => Status::Unprocessable,
            UpstreamError::NotTaken(_) => Status::Unavailable,
            UpstreamError::Io { .. } => Status::Failed,
        };
        Self(status, error.to_string())
    }
}

impl From<HaProxyError> for Refused {
    fn from(error: HaProxyError) -> Self {
        // Not unknown: that is how an agent answers that is too old to know the request.
        Self(Status::Forbidden, error.to_string())
    }
}

impl From<TaskSetError> for Refused {
    fn from(error: TaskSetError) -> Self {
        let status = match error {
            TaskSetError::Unknown(_) => Status::Unknown,
            TaskSetError::Invalid(_) => Status::Invalid,
            TaskSetError::Conflict(_) => Status::Conflict,
            TaskSetError::Over(_) => Status::Gone,
            TaskSetError::Full => Status::Unprocessable,
            TaskSetError::Unkept { .. } => Status::Failed,
        };
        Self(status, error.to_string())
    }
}

async fn changed(watch: Option<Watch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

fn done(answer: &impl Serialize) -> Answer {
    let bytes = serde_json::to_vec(answer).map_err(Refused::failed)?;
    Ok((Status::Done, bytes))
}

const NOTHING: Answer = Ok((Status::Nothing, Vec::new()));

impl Servant {
    /// Does what a message asks for. A bundle's pieces come over the channel.
    pub(super) async fn answer(&self, message: Message, channel: &mut Channel) -> Answer {
        let agent = &self.parts.executor;
        match message {
            Message::Info(peer) => done(&self.info(peer).await),
            Message::HasBundle(digest) => {
                // Whoever asks is about to order what needs it.
                if agent.bundles.renew(&digest) {
                    Ok((Status::Done, Vec::new()))
                } else {
                    let message = format!("the bundle {} is not here", digest.short());
                    Err(Refused(Status::Unknown, message))
                }
            }
            Message::Bundle(digest) => {
                self.bundles.receive(agent, digest, channel).await?;
                Ok((Status::Made, Vec::new()))
            }
            Message::Order(id, order) => {
                crate::crash_point::here!("agent.before-order");
                let state = agent.order(id, *order).await?;
                crate::crash_point::here!("agent.after-order");
                done(&state)
            }
            Message::Stop(id) => {
                crate::crash_point::here!("agent.before-stop");
                let state = agent.stop(&id).await?;
                crate::crash_point::here!("agent.after-stop");
                done(&state)
            }
            Message::Renew(leases) => {
                agent.renew(&leases);
                NOTHING
            }
            Message::Upstream(name) => {
                let upstreams = Arc::clone(&self.parts.upstreams);
                // Reads files.
                let state = tokio::task::spawn_blocking(move || upstreams.state(&name)).await;
                done(&state.map_err(Refused::failed)??)
            }
            Message::ChangeUpstream(name, order) => {
                let upstreams = Arc::clone(&self.parts.upstreams);
                done(&upstreams.change(&name, &order).await?)
            }
            Message::HaProxy(command) => done(&self.parts.haproxies.relay(&command).await?),
            Message::TaskSets => done(&self.parts.task_sets.states()),
            Message::TaskSet(id) => done(&self.parts.task_sets.state(&id)?),
            Message::OrderTaskSet(id, order) => {
                done(&self.parts.task_sets.order(&id, *order).await?)
            }
            Message::EndTaskSet(id) => done(&self.parts.task_sets.end(&id).await?),
            Message::Standing(peer, introduces) => {
                done(&self.parts.trust.standing(peer, introduces))
            }
            Message::Introduce(peer, introduction) => {
                let (trust, host) = (Arc::clone(&self.parts.trust), agent.config.name.clone());
                // Writes files, and waits for others who do.
                let meeting = move || trust.introduce(&host, peer, &introduction);
                let introduced = tokio::task::spawn_blocking(meeting).await;
                let introduced = introduced.map_err(Refused::failed)?;
                done(&introduced.map_err(|why| Refused(Status::Forbidden, why))?)
            }
            Message::Keys(peer, order) => {
                let trust = Arc::clone(&self.parts.trust);
                // Writes files, and waits for others who do.
                let keys = tokio::task::spawn_blocking(move || trust.keys_after(peer, order)).await;
                let keys = keys.map_err(Refused::failed)?;
                done(&keys.map_err(|why| Refused(Status::Forbidden, why))?)
            }
            Message::Follow(_) | Message::Trust => Err(Refused::failed("a stream has no end")),
        }
    }

    async fn info(&self, peer: Peer) -> AgentInfo {
        let (agent, source) = (Arc::clone(&self.parts.executor), self.source);
        // Reads files.
        let facts = tokio::task::spawn_blocking(move || Arc::new(source.facts(&agent))).await;
        let known = self.parts.executor.log.known();
        AgentInfo {
            name: self.parts.executor.config.name.clone(),
            agent_id: known.agent_id.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seq: known.seq,
            facts: facts.ok(),
            keys: self.parts.trust.keys().ok(),
            obeys: self.parts.commands.obeyed(&self.parts.trust, peer),
        }
    }

    /// Tells with what key the agent shows itself, and whose it knows, for as long as somebody listens.
    pub(super) async fn tell_trust(&self, channel: &mut Channel) -> Result<(), LinkError> {
        let stopping = self.stopping();
        let (mut told, mut odd) = (None, None);
        channel.begin(Status::Done).await?;
        loop {
            // An agent without work sleeps: it is woken when `cutover agent join` or `forget` have changed something.
            let watch = self.parts.trust.watch();
            let trouble = self
                .parts
                .trust
                .renew()
                .err()
                .map(|error| error.to_string());
            if let Some(error) = trouble.as_ref().filter(|_| trouble != odd) {
                tracing::error!(error, "going on with the certificate that this host has");
            }
            odd = trouble;
            let shown = self.parts.trust.shown();
            let looks = !shown.heard.is_empty() || shown.certified.is_some() || watch.is_err();
            if told.as_ref() != Some(&shown) {
                let bytes = serde_json::to_vec(&shown).map_err(std::io::Error::other)?;
                channel.send(&bytes).await?;
                told = Some(shown);
            }
            tokio::select! {
                () = sleep(LOOK), if looks => {}
                () = changed(watch.ok()) => {}
                () = channel.hung_up() => return Ok(()),
                () = stopping.cancelled() => return channel.end().await,
            }
        }
    }

    /// Tells what is in the log from here on, for as long as somebody listens.
    pub(super) async fn follow(&self, after: u64, channel: &mut Channel) -> Result<(), LinkError> {
        let log = self.parts.executor.log.clone();
        // Finding the place reads files.
        let opened = tokio::task::spawn_blocking(move || log.follow(after)).await;
        let refused = match opened {
            Ok(Ok(follower)) => {
                channel.begin(Status::Done).await?;
                return self.tell(follower, channel).await;
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        channel.answer(Status::Failed, refused.as_bytes()).await
    }

    async fn tell(&self, mut follower: Follower, channel: &mut Channel) -> Result<(), LinkError> {
        let (stopping, heartbeat) = (self.stopping(), self.parts.executor.config.heartbeat);
        loop {
            let lines = tokio::select! {
                lines = timeout(heartbeat, follower.next()) => lines,
                () = channel.hung_up() => return Ok(()),
                () = stopping.cancelled() => return channel.end().await,
            };
            let lines = match lines {
                Ok(Ok(lines)) => lines,
                Err(_) => b"\n".to_vec(),
                // The reader connects again, and is told then.
                Ok(Err(LogError::Closed)) => return channel.end().await,
                Ok(Err(error)) => {
                    tracing::error!(%error, "a stream ends");
                    return channel.end().await;
                }
            };
            crate::crash_point::here!("agent.before-telling");
            match stopping.run_until_cancelled(channel.send(&lines)).await {
                Some(told) => told?,
                // Whoever reads too slowly for the end of the agent finds the stream cut off.
                None => return Ok(()),
            }
        }
    }
}
