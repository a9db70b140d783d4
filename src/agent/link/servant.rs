//! The executor's end of the link: it hands out channels, and turns what comes over them into typed messages, here and
//! nowhere else.

use std::io::{self, ErrorKind};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::error::Category;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::LinkError;
use super::answers::Refused;
use super::bundle::Receiver;
use super::frame::{Kind, Request, Required, Status};
use super::wire::{self, Channel};
use crate::agent::commands::{Commands, Refusal};
use crate::agent::executor::Executor;
use crate::agent::facts::Source;
use crate::agent::haproxy::HaProxies;
use crate::agent::protocol::{
    HaProxyCommand, Introduction, KeyOrder, Leases, Order, Problem, TaskSetOrder, UpstreamOrder,
};
use crate::agent::task_sets::TaskSets;
use crate::agent::trust::{Peer, Trust, turned_away};
use crate::agent::upstream::Upstreams;
use crate::clock;
use crate::identity::orchestrators::Standing;
use crate::model::deployment::{DeploymentId, ExecutionId};
use crate::model::revision::Digest;

/// So many requests of a front are served at a time, event streams included.
pub const CHANNELS: usize = 128;

/// How long a request may take to arrive, once its channel is there.
const ARRIVING: Duration = Duration::from_secs(10);

/// How long the executor waits when it cannot make a channel.
const SHORTAGE: Duration = Duration::from_millis(100);

/// What carries requests out.
#[derive(Debug)]
pub struct Parts {
    /// Executions, and what they need.
    pub executor: Arc<Executor>,
    /// What nginx is told.
    pub upstreams: Arc<Upstreams>,
    /// What `HAProxy` is told.
    pub haproxies: Arc<HaProxies>,
    /// The processes of container services.
    pub task_sets: Arc<TaskSets>,
    /// Who is obeyed.
    pub trust: Arc<Trust>,
    /// What was obeyed.
    pub commands: Commands,
}

/// Answers a front's requests.
#[derive(Debug)]
pub struct Servant {
    pub(super) parts: Parts,
    pub(super) source: Source,
    pub(super) bundles: Receiver,
}

/// What the executor is asked for.
#[derive(Debug)]
pub enum Message {
    Info(Peer),
    HasBundle(Digest),
    Bundle(Digest),
    Order(ExecutionId, Box<Order>),
    Stop(ExecutionId),
    Renew(Leases),
    Follow(u64),
    Upstream(String),
    ChangeUpstream(String, UpstreamOrder),
    HaProxy(HaProxyCommand),
    TaskSets,
    TaskSet(DeploymentId),
    OrderTaskSet(DeploymentId, Box<TaskSetOrder>),
    EndTaskSet(DeploymentId),
    Trust,
    Standing(Peer, bool),
    Introduce(Peer, Introduction),
    Keys(Peer, KeyOrder),
}

/// What a request means: `body` is what it says, or what the signed command says that it is. Nothing of either is read as a
/// message before this, and nothing of it anywhere else.
fn open(request: Request, body: &[u8]) -> Result<Message, Refused> {
    let Request {
        kind,
        peer,
        name,
        digest,
        ..
    } = request;
    let digest = || digest.ok_or_else(|| Refused::invalid("a request without its digest"));
    let peer = || peer.ok_or_else(|| Refused::invalid("a request of nobody's"));
    Ok(match kind {
        Kind::Info => Message::Info(peer()?),
        Kind::HasBundle => Message::HasBundle(digest()?),
        Kind::Bundle => Message::Bundle(digest()?),
        Kind::Order => Message::Order(ExecutionId(name.into()), Box::new(read(body)?)),
        Kind::Stop => {
            let () = read(body)?;
            Message::Stop(ExecutionId(name.into()))
        }
        Kind::Renew => Message::Renew(read(body)?),
        Kind::Follow => Message::Follow(read(body)?),
        Kind::Upstream => Message::Upstream(name),
        Kind::ChangeUpstream => Message::ChangeUpstream(name, read(body)?),
        Kind::HaProxy => Message::HaProxy(read(body)?),
        Kind::TaskSets => Message::TaskSets,
        Kind::TaskSet => Message::TaskSet(task_set(&name)?),
        Kind::OrderTaskSet => Message::OrderTaskSet(task_set(&name)?, Box::new(read(body)?)),
        Kind::EndTaskSet => {
            let () = read(body)?;
            Message::EndTaskSet(task_set(&name)?)
        }
        Kind::Trust => Message::Trust,
        Kind::Standing => Message::Standing(peer()?, read(body)?),
        Kind::Introduce => Message::Introduce(peer()?, read(body)?),
        Kind::Keys => Message::Keys(peer()?, read(body)?),
    })
}

/// Names a folder, so nothing else will do.
fn task_set(name: &str) -> Result<DeploymentId, Refused> {
    name.parse().map_err(Refused::invalid)
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let status = match &refusal {
            Refusal::Unreadable(error) if error.classify() == Category::Data => {
                Status::Unprocessable
            }
            Refusal::Unreadable(_) => Status::Invalid,
            Refusal::Forged(_)
            | Refusal::Stranger(_)
            | Refusal::Elsewhere { .. }
            | Refusal::OtherKey
            | Refusal::Otherwise { .. } => Status::Distrusted,
            Refusal::Fenced { .. } => Status::Fenced,
            Refusal::Late { .. } | Refusal::Early { .. } | Refusal::Seen { .. } => {
                return stale(&refusal);
            }
        };
        Self(status, refusal.to_string())
    }
}

/// Whoever sent the command has another clock, perhaps: the answer says what this host's is.
fn stale(refusal: &Refusal) -> Refused {
    let problem = Problem {
        message: refusal.to_string(),
        clock: Some(clock::now()),
    };
    match serde_json::to_string(&problem) {
        Ok(answer) => Refused(Status::Stale, answer),
        Err(error) => Refused::failed(error),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Data => Refused(Status::Unprocessable, error.to_string()),
        Category::Io | Category::Syntax | Category::Eof => Refused::invalid(error),
    })
}

/// Makes a channel, and sends the front its end.
async fn channel(control: &UnixStream) -> io::Result<Channel> {
    let (own, theirs) = UnixStream::pair()?;
    wire::send(control, theirs.as_fd()).await?;
    Ok(Channel::new(own))
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
    )
}

impl Servant {
    /// Answers with these.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            parts,
            source: Source::new(),
            bundles: Receiver::default(),
        })
    }

    /// Cancelled when the agent is told to end.
    pub fn stopping(&self) -> CancellationToken {
        self.parts.executor.stopping()
    }

    /// Serves the front at the other end of this control until it is gone or the agent is told to end. Requests that are
    /// under way then come to their end.
    pub async fn serve(self: &Arc<Self>, control: UnixStream) {
        let stopping = self.stopping();
        let serving = self.hand_out(control);
        stopping.run_until_cancelled(serving).await;
    }

    async fn hand_out(self: &Arc<Self>, mut control: UnixStream) {
        let places = Arc::new(Semaphore::new(CHANNELS));
        while let Ok(1) = control.read(&mut [0]).await {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            let own = loop {
                match channel(&control).await {
                    Ok(own) => break own,
                    Err(error) if is_gone(&error) => return,
                    Err(error) => tracing::error!(%error, "a request has to wait"),
                }
                sleep(SHORTAGE).await;
            };
            tokio::spawn(Arc::clone(self).one(own, place));
        }
    }

    /// Serves a request to its end, whether or not anybody still waits for the answer.
    async fn one(self: Arc<Self>, mut channel: Channel, _place: OwnedSemaphorePermit) {
        let served = match timeout(ARRIVING, wire::requested(&mut channel)).await {
            Ok(Ok(request)) => self.carry_out(request, &mut channel).await,
            Ok(Err(error)) => Err(error),
            Err(_) => Err(LinkError::Silent),
        };
        match served {
            Ok(()) | Err(LinkError::Gone | LinkError::Io(_)) => {}
            Err(error) => tracing::warn!(%error, "a request of the front's is given up"),
        }
    }

    /// What somebody who may ask for it wants; if it is a command, one that is to be obeyed, and written down.
    async fn understand(&self, mut request: Request) -> Result<Message, Refused> {
        self.may(&request)?;
        let body = std::mem::take(&mut request.body);
        let (Some(verb), Some(peer)) = (request.kind.verb(), request.peer) else {
            return open(request, &body);
        };
        let sent = (peer, verb, request.name.as_str());
        let command = self.parts.commands.judge(&self.parts.trust, sent, &body)?;
        let message = open(request, command.wanted.get().as_bytes())?;
        let kept = self.parts.commands.keep(command).await;
        kept.map_err(|error| Refused(Status::Unkept, error.to_string()))?;
        Ok(message)
    }

    /// Goes by the table of what each kind requires, whatever the front has looked at.
    fn may(&self, request: &Request) -> Result<(), Refused> {
        let introduces = match request.kind.requires() {
            Required::Front => return Ok(()),
            Required::Expected => true,
            Required::Orchestrator => false,
        };
        let peer = request.peer;
        let peer = peer.ok_or_else(|| Refused::invalid("a request of nobody's"))?;
        match self.parts.trust.standing(peer, introduces) {
            Some(Standing::Orchestrator) => Ok(()),
            Some(Standing::Expected) if introduces => Ok(()),
            _ => Err(Refused(Status::Stranger, turned_away(peer))),
        }
    }

    async fn carry_out(&self, request: Request, channel: &mut Channel) -> Result<(), LinkError> {
        let answer = match self.understand(request).await {
            Ok(Message::Follow(after)) => return self.follow(after, channel).await,
            Ok(Message::Trust) => return self.tell_trust(channel).await,
            Ok(message) => self.answer(message, channel).await,
            Err(refused) => Err(refused),
        };
        match answer {
            Ok((status, bytes)) => channel.answer(status, &bytes).await,
            Err(Refused(status, message)) => channel.answer(status, message.as_bytes()).await,
        }
    }
}
