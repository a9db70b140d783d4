//! A client of the door.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncBufReadExt as _;
use tokio_util::io::StreamReader;

use super::command::{Answer, ApiError, Command, Deploy, Preview};
use super::feed::{FeedItem, OutputLine};
use super::snapshot::Ping;
use crate::engine::ledger::LedgerRecord;
use crate::engine::{Deployment, Record};
use crate::identity::enrolment::TokenView;
use crate::model::alarm::AlarmStatus;
use crate::model::deployment::DeploymentId;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::notification::Delivery;
use crate::model::s3::Destination;
use crate::model::traffic::status::BalancerDetails;

/// A connection to a project's orchestrator.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    socket: PathBuf,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The orchestrator refused.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The orchestrator could not be reached, or the connection broke.
    #[error("the orchestrator does not answer on {socket}: {reason}", socket = .socket.display())]
    Connection {
        /// Where it should listen.
        socket: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// The answer is not what this version understands.
    #[error("the orchestrator's answer can't be read: {0}")]
    Answer(String),
}

/// A stream of lines, each a `T`.
pub type Lines<T> = std::pin::Pin<Box<dyn Stream<Item = Result<T, ClientError>> + Send>>;

impl Client {
    /// A client of the orchestrator that listens on this socket. Nothing is sent yet.
    ///
    /// # Errors
    /// If the HTTP client can't be set up.
    pub fn new(socket: &Path) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder()
            .unix_socket(socket)
            .connect_timeout(Duration::from_secs(5))
            // A connection that was kept can end in the moment in which it is used, and hyper then forgets the request (its issue
            // 4122). A new one to a socket costs next to nothing.
            .pool_max_idle_per_host(0)
            // A socket needs no certificates, and reading the machine's takes longer than most commands.
            .tls_certs_only([])
            .build()
            .map_err(|error| ClientError::Connection {
                socket: socket.to_owned(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            http,
            socket: socket.to_owned(),
        })
    }

    /// Asks for a change. Use [`gate::send`](super::gate::send), the only caller.
    pub(super) async fn command(&self, command: &Command) -> Result<Answer, ClientError> {
        self.post("/v1/commands", command).await
    }

    /// Sends a bundle in. Use [`gate::upload`](super::gate::upload), the only caller.
    pub(super) async fn upload(
        &self,
        application: &Name,
        label: Option<&str>,
        to: Option<&Destination>,
        bundle: tokio::fs::File,
    ) -> Result<Answer, ClientError> {
        let path = url(&format!("/v1/applications/{application}/revisions"));
        let object = to.map(|to| to.object.to_string());
        let all = [
            ("label", label),
            ("to", object.as_deref()),
            ("account", to.and_then(|to| to.account.as_deref())),
        ];
        let query: Vec<_> = all
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        let request = self.http.post(path).query(&query).body(bundle);
        self.read(request).await
    }

    /// Who orchestrates.
    ///
    /// # Errors
    /// If nobody answers.
    pub async fn ping(&self) -> Result<Ping, ClientError> {
        self.get("/v1/ping").await
    }

    /// What a deployment would do.
    ///
    /// # Errors
    /// If the request names something that does not exist.
    pub async fn preview(&self, deploy: &Deploy) -> Result<Preview, ClientError> {
        self.post("/v1/preview", deploy).await
    }

    /// What is known of each alarm that is watched.
    ///
    /// # Errors
    /// If nobody answers.
    pub async fn alarms(&self) -> Result<Vec<AlarmStatus>, ClientError> {
        self.get("/v1/alarms").await
    }

    /// A deployment, whole.
    ///
    /// # Errors
    /// If there is none of this id.
    pub async fn deployment(&self, id: &DeploymentId) -> Result<Deployment, ClientError> {
        self.get(&format!("/v1/deployments/{id}")).await
    }

    /// Where the traffic of a deployment goes that is not over.
    ///
    /// # Errors
    /// If there is none of this id.
    pub async fn traffic(&self, id: &DeploymentId) -> Result<Vec<BalancerDetails>, ClientError> {
        self.get(&format!("/v1/deployments/{id}/traffic")).await
    }

    /// A deployment's journal.
    ///
    /// # Errors
    /// If there is none of this id.
    pub async fn records(&self, id: &DeploymentId) -> Result<Vec<Record>, ClientError> {
        self.get(&format!("/v1/deployments/{id}/records")).await
    }

    /// A group's ledger, entry by entry.
    ///
    /// # Errors
    /// If it can't be read.
    pub async fn ledger(&self, group: &GroupKey) -> Result<Vec<LedgerRecord>, ClientError> {
        let GroupKey { application, group } = group;
        self.get(&format!("/v1/groups/{application}/{group}/ledger"))
            .await
    }

    /// The tokens by which instances join, without what they go by.
    ///
    /// # Errors
    /// If nobody answers.
    pub async fn tokens(&self) -> Result<Vec<TokenView>, ClientError> {
        self.get("/v1/tokens").await
    }

    /// The audit trail, as it is on the orchestrator's disk.
    ///
    /// # Errors
    /// If it can't be read.
    pub async fn audit(&self) -> Result<Vec<u8>, ClientError> {
        let response = self.open(self.http.get(url("/v1/audit"))).await?;
        let bytes = response.bytes().await.map_err(|error| self.lost(&error))?;
        Ok(bytes.to_vec())
    }

    /// The newest notifications, of one deployment or of all, newest first.
    ///
    /// # Errors
    /// If there is no such deployment.
    pub async fn notifications(
        &self,
        deployment: Option<&DeploymentId>,
        limit: u32,
    ) -> Result<Vec<Delivery>, ClientError> {
        let of = deployment.map_or_else(String::new, |id| format!("&deployment={id}"));
        self.get(&format!("/v1/notifications?limit={limit}{of}"))
            .await
    }

    /// Everything that happens, beginning with a snapshot.
    ///
    /// # Errors
    /// If the orchestrator can't be reached; each item can be an error too, after which the stream ends.
    pub async fn feed(&self) -> Result<Lines<FeedItem>, ClientError> {
        self.lines("/v1/feed").await
    }

    /// The output of a target: from the line after `after` on, and what is still to come if `follow`.
    ///
    /// # Errors
    /// If there is no such deployment or target.
    pub async fn output(
        &self,
        id: &DeploymentId,
        target: &Name,
        after: u64,
        follow: bool,
    ) -> Result<Lines<OutputLine>, ClientError> {
        let path =
            format!("/v1/deployments/{id}/targets/{target}/output?after={after}&follow={follow}");
        self.lines(&path).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.read(self.http.get(url(path))).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, ClientError> {
        self.read(self.http.post(url(path)).json(body)).await
    }

    async fn read<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, ClientError> {
        let bytes = self
            .open(request)
            .await?
            .bytes()
            .await
            .map_err(|error| self.lost(&error))?;
        serde_json::from_slice(&bytes).map_err(|error| ClientError::Answer(error.to_string()))
    }

    /// Sends a request and turns an error answer into an error.
    async fn open(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<reqwest::Response, ClientError> {
        let response = request.send().await.map_err(|error| self.lost(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let bytes = response.bytes().await.map_err(|error| self.lost(&error))?;
        let error = serde_json::from_slice::<ApiError>(&bytes)
            .map_err(|_| ClientError::Answer(format!("status {status}")))?;
        Err(error.into())
    }

    async fn lines<T: DeserializeOwned + 'static>(
        &self,
        path: &str,
    ) -> Result<Lines<T>, ClientError> {
        let response = self.open(self.http.get(url(path))).await?;
        let socket = self.socket.clone();
        let body = response
            .bytes_stream()
            .map(|chunk| chunk.map_err(std::io::Error::other));
        let lines = StreamReader::new(body).lines();
        let stream = futures_util::stream::unfold(Some((lines, socket)), |state| async move {
            let (mut lines, socket) = state?;
            loop {
                return match lines.next_line().await {
                    Ok(Some(line)) if line.is_empty() => continue,
                    Ok(Some(line)) => match serde_json::from_str(&line) {
                        Ok(item) => Some((Ok(item), Some((lines, socket)))),
                        Err(error) => Some((Err(ClientError::Answer(error.to_string())), None)),
                    },
                    Ok(None) => None,
                    Err(error) => {
                        let reason = error.to_string();
                        Some((Err(ClientError::Connection { socket, reason }), None))
                    }
                };
            }
        });
        Ok(Box::pin(stream))
    }

    fn lost(&self, error: &reqwest::Error) -> ClientError {
        // The outermost message of an HTTP client only repeats the address.
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        ClientError::Connection {
            socket: self.socket.clone(),
            reason: cause.to_string(),
        }
    }
}

/// The host part is ignored: the connection goes to the socket.
fn url(path: &str) -> String {
    format!("http://cutover{path}")
}
