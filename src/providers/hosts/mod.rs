//! Hosts: the agent's HTTP client. It knows messages and nothing of deployments. [`network`] is how agents are reached.

mod introduce;
pub mod network;
mod said;
mod signer;
mod trouble;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::{Method, StatusCode};
use tokio::time::timeout;
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};
use tokio_util::io::StreamReader;

pub use self::introduce::NotMet;
pub use self::network::{Network, Unmet, Way};
pub use self::signer::{Signer, Wanted};
use crate::agent::facts::bound;
use crate::agent::haproxy::exchange;
use crate::agent::protocol::{
    AgentInfo, ExecutionState, HEARTBEAT, HaProxyAnswer, HaProxyCommand, KEYS, KeyOrder, Keys,
    Leases, Message, Order, Problem, TaskSetOrder, TaskSetState, UpstreamOrder, UpstreamState,
};
use crate::clock;
use crate::identity::Pin;
use crate::identity::command::Verb;
use crate::model::deployment::{DeploymentId, ExecutionId};
use crate::model::name::Name;
use crate::model::revision::Digest;
use crate::model::timestamp::Timestamp;
use crate::text::date_time;

/// A client of one host's agent.
#[derive(Clone, Debug)]
pub struct AgentClient {
    way: Way,
    signer: Signer,
    host: Name,
    address: String,
}

/// Who wants what nobody asked for.
const ITSELF: &str = "orchestrator";

/// What an agent said of itself, and when.
#[derive(Clone, Debug)]
pub struct Greeting {
    /// What it said.
    pub info: AgentInfo,
    /// When it was asked.
    pub asked: Timestamp,
    /// When its answer was there.
    pub answered: Timestamp,
    /// The key that it is known by; none if it was spoken to plainly.
    pub key: Option<Pin>,
    /// Whether it has heard of this start of the orchestrator: until then, it obeys the former too.
    pub obeys: bool,
}

/// Why a request to an agent failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// It could not be reached, or the connection broke: try again.
    #[error("the agent at {address} does not answer: {reason}")]
    Unreachable {
        /// Where it should listen.
        address: String,
        /// What went wrong.
        reason: String,
    },
    /// Nothing may be sent, or nobody would hear: one does not know the other, or another is there.
    #[error("{reason}: {remedy}")]
    Untrusted {
        /// Who does not know whom.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// It does not know what it was asked about.
    #[error("the agent at {address} does not know what it was asked about")]
    Unknown {
        /// Which agent.
        address: String,
    },
    /// It refused, for good.
    #[error("the agent at {address} refused: {reason}")]
    Refused {
        /// Which agent.
        address: String,
        /// Its reason.
        reason: String,
    },
}

impl HostError {
    /// What went wrong, for those who know which agent is meant.
    pub fn reason(&self) -> String {
        match self {
            Self::Unreachable { reason, .. } | Self::Untrusted { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }

    /// What to do, if it is that one does not know the other.
    pub fn remedy(&self) -> Option<&str> {
        match self {
            Self::Untrusted { remedy, .. } => Some(remedy),
            _ => None,
        }
    }
}

/// An agent's event stream.
pub type Messages =
    std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<Message, HostError>> + Send>>;

impl AgentClient {
    /// A client of this host's agent, at this address. Nothing is sent yet.
    pub fn new(way: Way, signer: Signer, host: &Name, address: &str) -> Self {
        Self {
            way,
            signer,
            host: host.clone(),
            address: address.trim_end_matches('/').to_owned(),
        }
    }

    /// Makes sure that the agent is there, and that it is this host's: an address may have been mixed up. Answers what it
    /// says of itself and its host, with whatever it says bounded and made safe.
    ///
    /// # Errors
    /// If it does not answer, or is another host's.
    pub async fn greet(&self, host: &Name) -> Result<Greeting, HostError> {
        let request = self.request(Method::GET, "/v1/agent")?.timeout(PATIENCE);
        let asked = clock::now();
        let known = self.way.key();
        let mut info: AgentInfo = self.read(request).await?;
        if &info.name == host {
            if let (Some(known), Some(keys)) = (known, &info.keys) {
                // Before anything is signed for its former key.
                self.way.shows(known, keys.current);
            }
            let obeys = self.signer.is_obeyed(host, &info.obeys).map_err(|other| {
                let (since, epoch) = (date_time(other.since), other.epoch);
                network::fenced(format!(
                    "{host} obeys another orchestrator of this project since {since}, epoch {epoch}; this one is fenced off (epoch {})",
                    self.signer.epoch()
                ))
            })?;
            info.facts = info
                .facts
                .map(|facts| Arc::new(Arc::unwrap_or_clone(facts).bounded()));
            bound(&mut info.version);
            return Ok(Greeting {
                info,
                asked,
                answered: clock::now(),
                key: known,
                obeys,
            });
        }
        Err(HostError::Unreachable {
            address: self.address.clone(),
            reason: format!("the agent there is {}'s, not {host}'s", info.name),
        })
    }

    /// Makes sure that the host has a bundle, and sends it if not.
    ///
    /// # Errors
    /// If it does not answer or refuses the bundle.
    pub async fn ensure_bundle(&self, digest: &Digest, file: &Path) -> Result<(), HostError> {
        let path = format!("/v1/bundles/{digest}");
        let head = self.request(Method::HEAD, &path)?.timeout(PATIENCE);
        let head = head.send().await;
        if head
            .map_err(|error| self.lost(&error))?
            .status()
            .is_success()
        {
            return Ok(());
        }
        let refused = |error: std::io::Error| HostError::Refused {
            address: self.address.clone(),
            reason: format!("the bundle {digest} can't be read here: {error}"),
        };
        let file = tokio::fs::File::open(file).await.map_err(refused)?;
        let length = file.metadata().await.map_err(refused)?.len();
        // However long it takes: as long as pieces go out, the connection lives.
        let (sent, mut moving) = tokio::sync::watch::channel(());
        let pieces = tokio_util::io::ReaderStream::new(file);
        let pieces = pieces.inspect(move |_| sent.send_replace(()));
        let request = self
            .request(Method::PUT, &path)?
            .header(reqwest::header::CONTENT_LENGTH, length)
            .body(reqwest::Body::wrap_stream(pieces));
        let mut sending = std::pin::pin!(self.open(request));
        loop {
            let moved = async {
                if moving.changed().await.is_err() {
                    // Everything has gone out: only the answer is missing.
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                answer = &mut sending => return answer.map(|_| ()),
                moved = timeout(STUCK, moved) => if moved.is_err() {
                    return Err(self.stuck("the bundle"));
                },
            }
        }
    }

    /// Gives an order for somebody, or asks after it: the same id again changes nothing.
    ///
    /// # Errors
    /// If the agent does not answer or refuses the order.
    pub async fn place(
        &self,
        id: &ExecutionId,
        order: &Order,
        by: &str,
    ) -> Result<ExecutionState, HostError> {
        let wanted = Wanted {
            kind: Verb::Order,
            name: &id.0,
            by,
            command: order,
        };
        let place = (Method::PUT, &*format!("/v1/executions/{id}"));
        let answer = self.command(place, PATIENCE, wanted).await?;
        Ok(said::state(self.parse(answer).await?))
    }

    /// Tells an execution for somebody to start no further event.
    ///
    /// # Errors
    /// If the agent does not answer, or does not know the execution.
    pub async fn stop(&self, id: &ExecutionId, by: &str) -> Result<ExecutionState, HostError> {
        let wanted = Wanted {
            kind: Verb::Stop,
            name: &id.0,
            by,
            command: &(),
        };
        let place = (Method::POST, &*format!("/v1/executions/{id}/stop"));
        let answer = self.command(place, PATIENCE, wanted).await?;
        Ok(said::state(self.parse(answer).await?))
    }

    /// Has the agent change a key, its own or the one that it knows the orchestrator by.
    ///
    /// # Errors
    /// If the agent does not answer, is too old to know the request (it is unknown then), or refuses.
    pub async fn keys(&self, order: KeyOrder) -> Result<Keys, HostError> {
        let wanted = Wanted {
            kind: Verb::Keys,
            name: "",
            by: ITSELF,
            command: &order,
        };
        let response = self.command((Method::POST, KEYS), PATIENCE, wanted).await?;
        self.parse(response).await
    }

    /// Renews the leases of these executions.
    ///
    /// # Errors
    /// If the agent does not answer.
    pub async fn renew(&self, leases: &Leases) -> Result<(), HostError> {
        let wanted = Wanted {
            kind: Verb::Renew,
            name: "",
            by: ITSELF,
            command: leases,
        };
        let place = (Method::POST, "/v1/leases");
        self.command(place, PATIENCE, wanted).await.map(|_| ())
    }

    /// Tells a host that obeys a former start of this orchestrator that it is over.
    ///
    /// # Errors
    /// If the agent does not answer, or refuses.
    pub async fn succeed(&self) -> Result<(), HostError> {
        self.renew(&Leases::default()).await
    }

    /// How an upstream of an nginx on the host is.
    ///
    /// # Errors
    /// If the agent does not answer, does not know the upstream, or refuses.
    pub async fn upstream(&self, name: &str) -> Result<UpstreamState, HostError> {
        let request = self.request(Method::GET, &format!("/v1/upstreams/{name}"))?;
        self.read(request.timeout(PATIENCE)).await
    }

    /// Changes an upstream of an nginx on the host: the same again changes nothing. Answers when nginx works by it.
    ///
    /// # Errors
    /// If the agent does not answer, does not know the upstream, or refuses.
    pub async fn change_upstream(
        &self,
        name: &str,
        order: &UpstreamOrder,
    ) -> Result<UpstreamState, HostError> {
        let wanted = Wanted {
            kind: Verb::ChangeUpstream,
            name,
            by: ITSELF,
            command: order,
        };
        let place = (Method::PUT, &*format!("/v1/upstreams/{name}"));
        self.parse(self.command(place, RELOAD, wanted).await?).await
    }

    /// Has the agent pass a command on to an `HAProxy` on the host.
    ///
    /// # Errors
    /// If the agent does not answer, is too old to know the request (it is unknown then), or refuses.
    pub async fn haproxy(&self, command: &HaProxyCommand) -> Result<HaProxyAnswer, HostError> {
        let wanted = Wanted {
            kind: Verb::HaProxy,
            name: "",
            by: ITSELF,
            command,
        };
        let place = (Method::POST, "/v1/haproxy");
        let response = self.command(place, RELAY, wanted).await?;
        self.parse_up_to(2 * exchange::LIMIT, response).await
    }

    /// The task sets that have tasks on the host.
    ///
    /// # Errors
    /// If the agent does not answer, is too old to know the request (it is unknown then), or refuses.
    pub async fn task_sets(&self) -> Result<Vec<TaskSetState>, HostError> {
        let request = self.request(Method::GET, "/v1/task-sets")?;
        let states: Vec<_> = self.read(request.timeout(PATIENCE)).await?;
        Ok(states.into_iter().map(said::task_set).collect())
    }

    /// How a task set is on the host.
    ///
    /// # Errors
    /// If the agent does not answer, does not know the task set, or refuses.
    pub async fn task_set(&self, id: &DeploymentId) -> Result<TaskSetState, HostError> {
        let request = self.request(Method::GET, &format!("/v1/task-sets/{id}"))?;
        let state = self.read(request.timeout(PATIENCE)).await?;
        Ok(said::task_set(state))
    }

    /// Has the host run tasks of a task set: the same again changes nothing.
    ///
    /// # Errors
    /// If the agent does not answer, is too old to know the request (it is unknown then), or refuses, as it does once the
    /// task set was ended.
    pub async fn order_task_set(
        &self,
        id: &DeploymentId,
        order: &TaskSetOrder,
    ) -> Result<TaskSetState, HostError> {
        let wanted = Wanted {
            kind: Verb::OrderTaskSet,
            name: id.as_str(),
            by: id.as_str(),
            command: order,
        };
        self.command_task_set(Method::PUT, wanted).await
    }

    /// Ends a task set on the host: the same again changes nothing. Answers what is not gone yet.
    ///
    /// # Errors
    /// If the agent does not answer, is too old to know the request (it is unknown then), or refuses.
    pub async fn end_task_set(&self, id: &DeploymentId) -> Result<TaskSetState, HostError> {
        let wanted = Wanted {
            kind: Verb::EndTaskSet,
            name: id.as_str(),
            by: ITSELF,
            command: &(),
        };
        self.command_task_set(Method::DELETE, wanted).await
    }

    async fn command_task_set<T: serde::Serialize>(
        &self,
        method: Method,
        wanted: Wanted<'_, T>,
    ) -> Result<TaskSetState, HostError> {
        let path = format!("/v1/task-sets/{}", wanted.name);
        let answer = self.command((method, &path), PATIENCE, wanted).await?;
        Ok(said::task_set(self.parse(answer).await?))
    }

    /// The host's messages after this number, for ever. A silent connection ends with an error after some heartbeats.
    ///
    /// # Errors
    /// If the agent does not answer; each item can be an error too, after which the stream ends.
    pub async fn stream(&self, after: u64) -> Result<Messages, HostError> {
        let request = self.request(Method::GET, &format!("/v1/stream?after={after}"))?;
        let opened = timeout(PATIENCE, self.open(request)).await;
        let response = opened.unwrap_or_else(|_| Err(self.stuck("the stream")))?;
        let body = response
            .bytes_stream()
            .map(|chunk| chunk.map_err(std::io::Error::other));
        let longest = LinesCodec::new_with_max_length(said::LONGEST_LINE);
        let lines = FramedRead::new(StreamReader::new(body), longest);
        let address = self.address.clone();
        let stream = futures_util::stream::unfold(Some(lines), move |state| {
            let address = address.clone();
            async move {
                let mut lines = state?;
                let unreachable = |reason: String| HostError::Unreachable { address, reason };
                loop {
                    // The agent writes a blank line at least this often.
                    let next = timeout(3 * HEARTBEAT, lines.next()).await;
                    let trouble = match next {
                        Err(_) => "it has gone silent".to_owned(),
                        Ok(None) => "it closed the stream".to_owned(),
                        Ok(Some(Err(LinesCodecError::MaxLineLengthExceeded))) => {
                            "its message can't be read: it is too long".to_owned()
                        }
                        Ok(Some(Err(LinesCodecError::Io(error)))) => error.to_string(),
                        Ok(Some(Ok(line))) if line.trim().is_empty() => continue,
                        Ok(Some(Ok(line))) => match said::message(&line) {
                            Ok(message) => return Some((Ok(message), Some(lines))),
                            Err(error) => format!("its message can't be read: {error}"),
                        },
                    };
                    return Some((Err(unreachable(trouble)), None));
                }
            }
        });
        Ok(Box::pin(stream))
    }

    /// The error of a stream that ended.
    pub fn silent(&self) -> HostError {
        HostError::Unreachable {
            address: self.address.clone(),
            reason: "its stream ended".to_owned(),
        }
    }

    async fn read<T: serde::de::DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, HostError> {
        let response = self.open(request).await?;
        self.parse(response).await
    }

    /// What an answer says.
    async fn parse<T: serde::de::DeserializeOwned>(
        &self,
        response: reqwest::Response,
    ) -> Result<T, HostError> {
        self.parse_up_to(LONGEST_ANSWER, response).await
    }

    /// What an answer says that may have so many bytes.
    async fn parse_up_to<T: serde::de::DeserializeOwned>(
        &self,
        longest: usize,
        mut response: reqwest::Response,
    ) -> Result<T, HostError> {
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.lost(&error))? {
            body.extend_from_slice(&piece);
            if body.len() > longest {
                return Err(self.unreadable(&"it is too long"));
            }
        }
        serde_json::from_slice(&body).map_err(|error| self.unreadable(&error))
    }

    fn unreadable(&self, reason: &dyn std::fmt::Display) -> HostError {
        HostError::Unreachable {
            address: self.address.clone(),
            reason: format!("its answer can't be read: {reason}"),
        }
    }

    /// Signs what is wanted and sends it. What a host calls stale is signed once more, by the clock that it told: it may have
    /// been under way for long, have been overtaken, or the clocks differ.
    async fn command<T: serde::Serialize>(
        &self,
        (method, path): (Method, &str),
        patience: Duration,
        wanted: Wanted<'_, T>,
    ) -> Result<reqwest::Response, HostError> {
        let mut tried = false;
        loop {
            let there = (&self.host, self.way.key());
            let signed = self.signer.sign(there, &wanted, clock::now());
            let body = signed.map_err(|error| HostError::Refused {
                address: self.address.clone(),
                reason: error.to_string(),
            })?;
            let request = self
                .request(method.clone(), path)?
                .header(reqwest::header::CONTENT_TYPE, "application/json")
                .timeout(patience)
                .body(body);
            let response = request.send().await.map_err(|error| self.lost(&error))?;
            if response.status() != StatusCode::PRECONDITION_FAILED || tried {
                return self.checked(response).await;
            }
            tried = true;
            let problem = self.parse::<Problem>(response).await?;
            if let Some(theirs) = problem.clock {
                self.signer.learn(&self.host, theirs, clock::now());
            }
        }
    }

    async fn open(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, HostError> {
        let response = request.send().await.map_err(|error| self.lost(&error))?;
        self.checked(response).await
    }

    async fn checked(&self, response: reqwest::Response) -> Result<reqwest::Response, HostError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let problem = self.parse::<Problem>(response).await;
        let reason =
            problem.map_or_else(|_| format!("status {status}"), |p| said::words(&p.message));
        let address = self.address.clone();
        Err(match status.as_u16() {
            401 => self.way.turned_away(&reason),
            404 => HostError::Unknown { address },
            421 => self.way.distrusted(&reason),
            423 => {
                self.signer.refused(&self.host);
                network::fenced(reason)
            }
            507 => HostError::Untrusted {
                reason: format!(
                    "{} can't write commands down, and carries out none but stops and renewals of what it obeys already: {reason}",
                    self.host
                ),
                remedy: "make room on the disk of its agent's root_dir: it goes on by itself then"
                    .to_owned(),
            },
            // The agent is there but can't serve now, or calls a command stale that was just signed by its clock.
            412 | 500.. => HostError::Unreachable { address, reason },
            _ => HostError::Refused { address, reason },
        })
    }

    /// The error of a connection that is open and moves nothing.
    fn stuck(&self, what: &str) -> HostError {
        HostError::Unreachable {
            address: self.address.clone(),
            reason: format!("{what} got stuck on the way"),
        }
    }

    /// A request, if this host may be spoken to at all.
    fn request(&self, method: Method, path: &str) -> Result<reqwest::RequestBuilder, HostError> {
        let http = self.way.http(&self.address)?;
        Ok(http.request(method, format!("{}{path}", self.address)))
    }

    fn lost(&self, error: &reqwest::Error) -> HostError {
        trouble::of(error, &self.way, &self.address)
    }
}

/// No answer to a request is longer, in bytes, unless somebody wants to fill the memory.
const LONGEST_ANSWER: usize = 4 << 20;

/// How long nothing of a bundle may go out, and how long the host may take to keep it. What it has kept by then is not
/// sent again.
const STUCK: Duration = Duration::from_secs(30);

/// How long an nginx may take to test and to work by a change, and those before it in the queue.
const RELOAD: Duration = Duration::from_mins(1);

/// How long a command for an `HAProxy` may take: the agent gives up first, and says why.
const RELAY: Duration = exchange::PATIENCE.saturating_add(Duration::from_secs(3));

/// How long an answer to a small request may take.
const PATIENCE: Duration = Duration::from_secs(5);
