//! Hosts: the agent's HTTP client. It knows messages and nothing of deployments.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::io::AsyncBufReadExt as _;
use tokio::time::timeout;
use tokio_util::io::StreamReader;

use crate::agent::facts::bound;
use crate::agent::haproxy::exchange;
use crate::agent::protocol::{
    AgentInfo, ExecutionState, HEARTBEAT, HaProxyAnswer, HaProxyCommand, Leases, Message, Order,
    Problem, UpstreamOrder, UpstreamState,
};
use crate::clock;
use crate::model::deployment::ExecutionId;
use crate::model::name::Name;
use crate::model::revision::Digest;
use crate::model::timestamp::Timestamp;

/// A client of one host's agent.
#[derive(Clone, Debug)]
pub struct AgentClient {
    http: reqwest::Client,
    address: String,
}

/// What an agent said of itself, and when.
#[derive(Clone, Debug)]
pub struct Greeting {
    /// What it said.
    pub info: AgentInfo,
    /// When it was asked.
    pub asked: Timestamp,
    /// When its answer was there.
    pub answered: Timestamp,
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
    /// It does not know the execution.
    #[error("the agent at {address} does not know the execution")]
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
            Self::Unreachable { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }
}

/// An agent's event stream.
pub type Messages =
    std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<Message, HostError>> + Send>>;

impl AgentClient {
    /// A client of the agent at this address. Nothing is sent yet.
    pub fn new(http: reqwest::Client, address: &str) -> Self {
        Self {
            http,
            address: address.trim_end_matches('/').to_owned(),
        }
    }

    /// Settings that suit agents: quick to notice that one is gone.
    ///
    /// # Errors
    /// If the HTTP client can't be set up.
    pub fn http() -> Result<reqwest::Client, reqwest::Error> {
        reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(3))
            .tcp_keepalive(Duration::from_secs(5))
            .pool_idle_timeout(Duration::from_secs(30))
            // Agents speak plain HTTP: reading the machine's certificates would be for nothing.
            .tls_certs_only([])
            .build()
    }

    /// Makes sure that the agent is there, and that it is this host's: an address may have been mixed up. Answers what it
    /// says of itself and its host, with whatever it says bounded and made safe.
    ///
    /// # Errors
    /// If it does not answer, or is another host's.
    pub async fn greet(&self, host: &Name) -> Result<Greeting, HostError> {
        let request = self.http.get(self.url("/v1/agent")).timeout(PATIENCE);
        let asked = clock::now();
        let mut info: AgentInfo = self.read(request).await?;
        if &info.name == host {
            info.facts = info
                .facts
                .map(|facts| Arc::new(Arc::unwrap_or_clone(facts).bounded()));
            bound(&mut info.version);
            return Ok(Greeting {
                info,
                asked,
                answered: clock::now(),
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
        let url = self.url(&format!("/v1/bundles/{digest}"));
        let head = self.http.head(&url).timeout(PATIENCE).send().await;
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
            .http
            .put(&url)
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

    /// Gives an order, or asks after it: the same id again changes nothing.
    ///
    /// # Errors
    /// If the agent does not answer or refuses the order.
    pub async fn place(
        &self,
        id: &ExecutionId,
        order: &Order,
    ) -> Result<ExecutionState, HostError> {
        let url = self.url(&format!("/v1/executions/{id}"));
        self.read(self.http.put(url).timeout(PATIENCE).json(order))
            .await
    }

    /// Tells an execution to start no further event.
    ///
    /// # Errors
    /// If the agent does not answer, or does not know the execution.
    pub async fn stop(&self, id: &ExecutionId) -> Result<ExecutionState, HostError> {
        let url = self.url(&format!("/v1/executions/{id}/stop"));
        self.read(self.http.post(url).timeout(PATIENCE)).await
    }

    /// Renews the leases of these executions.
    ///
    /// # Errors
    /// If the agent does not answer.
    pub async fn renew(&self, leases: &Leases) -> Result<(), HostError> {
        let request = self
            .http
            .post(self.url("/v1/leases"))
            .timeout(PATIENCE)
            .json(leases);
        self.open(request).await.map(|_| ())
    }

    /// How an upstream of an nginx on the host is.
    ///
    /// # Errors
    /// If the agent does not answer, does not know the upstream, or refuses.
    pub async fn upstream(&self, name: &str) -> Result<UpstreamState, HostError> {
        let url = self.url(&format!("/v1/upstreams/{name}"));
        self.read(self.http.get(url).timeout(PATIENCE)).await
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
        let url = self.url(&format!("/v1/upstreams/{name}"));
        self.read(self.http.put(url).timeout(RELOAD).json(order))
            .await
    }

    /// Has the agent pass a command on to an `HAProxy` on the host.
    ///
    /// # Errors
    /// If the agent does not answer, is too old to know the request (it is unknown then), or refuses.
    pub async fn haproxy(&self, command: &HaProxyCommand) -> Result<HaProxyAnswer, HostError> {
        let request = self.http.post(self.url("/v1/haproxy"));
        let response = self.open(request.timeout(RELAY).json(command)).await?;
        self.parse_up_to(2 * exchange::LIMIT, response).await
    }

    /// The host's messages after this number, for ever. A silent connection ends with an error after some heartbeats.
    ///
    /// # Errors
    /// If the agent does not answer; each item can be an error too, after which the stream ends.
    pub async fn stream(&self, after: u64) -> Result<Messages, HostError> {
        let request = self
            .http
            .get(self.url(&format!("/v1/stream?after={after}")));
        let opened = timeout(PATIENCE, self.open(request)).await;
        let response = opened.unwrap_or_else(|_| Err(self.stuck("the stream")))?;
        let body = response
            .bytes_stream()
            .map(|chunk| chunk.map_err(std::io::Error::other));
        let lines = StreamReader::new(body).lines();
        let address = self.address.clone();
        let stream = futures_util::stream::unfold(Some(lines), move |state| {
            let address = address.clone();
            async move {
                let mut lines = state?;
                let unreachable = |reason: String| HostError::Unreachable { address, reason };
                loop {
                    // The agent writes a blank line at least this often.
                    let next = timeout(3 * HEARTBEAT, lines.next_line()).await;
                    return match next {
                        Err(_) => Some((Err(unreachable("it has gone silent".to_owned())), None)),
                        Ok(Err(error)) => Some((Err(unreachable(error.to_string())), None)),
                        Ok(Ok(None)) => {
                            Some((Err(unreachable("it closed the stream".to_owned())), None))
                        }
                        Ok(Ok(Some(line))) if line.trim().is_empty() => continue,
                        Ok(Ok(Some(line))) => match serde_json::from_str(&line) {
                            Ok(message) => Some((Ok(message), Some(lines))),
                            Err(error) => Some((
                                Err(unreachable(format!("its message can't be read: {error}"))),
                                None,
                            )),
                        },
                    };
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

    async fn open(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, HostError> {
        let response = request.send().await.map_err(|error| self.lost(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let problem = self.parse::<Problem>(response).await;
        let reason = problem.map_or_else(|_| format!("status {status}"), |p| p.message);
        let address = self.address.clone();
        Err(match status.as_u16() {
            404 => HostError::Unknown { address },
            // The agent is there but can't serve now.
            500.. => HostError::Unreachable { address, reason },
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

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    fn lost(&self, error: &reqwest::Error) -> HostError {
        // The outermost message of an HTTP client only repeats the address.
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        HostError::Unreachable {
            address: self.address.clone(),
            reason: cause.to_string(),
        }
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
