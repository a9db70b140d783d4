//! Where revisions come from that are not on this machine: one file a real system. Each says where the archive of a revision
//! is and how it is asked for, and `download` gets it.

mod download;
mod refusal;
mod repositories;

use std::sync::OnceLock;
use std::time::Duration;

use tokio::fs::File;
use tokio::sync::Semaphore;

use crate::model::connections::SourceConnection;
use crate::model::source::Source;
use crate::providers::secrets::Secrets;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a server may say nothing.
const SILENCE: Duration = Duration::from_secs(30);

/// How many at a time: each may fill a disk that the journal is on, too.
const AT_ONCE: usize = 4;

/// How long the whole of it may take.
const LONGEST: Duration = Duration::from_mins(30);

/// Why the archive of a revision was not had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// There is none.
    #[error("{0}")]
    Missing(String),
    /// It will not be had, however often it is asked for.
    #[error("{0}")]
    Refused(String),
    /// It may be if it is asked for again.
    #[error("{0}")]
    NotNow(String),
}

/// Gets archives for a project.
#[derive(Debug)]
pub struct Sources {
    secrets: Secrets,
    /// Made when it is needed first: it reads the machine's certificates.
    http: OnceLock<reqwest::Client>,
    /// Who may fetch now.
    turns: Semaphore,
}

/// Where an archive is, and how it is asked for.
struct Place {
    /// Who is asked, as people call it.
    who: String,
    /// What is asked for, as people call it.
    what: String,
    url: String,
    /// Header lines beside those of the connection.
    headers: &'static [(&'static str, &'static str)],
}

impl Sources {
    /// For the project with these secrets.
    pub fn new(secrets: Secrets) -> Self {
        Self {
            secrets,
            http: OnceLock::new(),
            turns: Semaphore::new(AT_ONCE),
        }
    }

    /// Writes an archive into a file, with what is known of where it is.
    ///
    /// # Errors
    /// If it can't be had: what is left in the file is of no use then.
    pub async fn fetch(
        &self,
        source: &Source,
        known: Option<&SourceConnection>,
        into: File,
    ) -> Result<(), SourceError> {
        let Ok(_turn) = self.turns.try_acquire() else {
            let message = format!("{AT_ONCE} archives are being fetched already: try again");
            return Err(SourceError::NotNow(message));
        };
        let server = known.and_then(SourceConnection::server);
        let place = match source {
            Source::Github(commit) => repositories::on_github(commit, server),
            Source::Bitbucket(commit) => repositories::on_bitbucket(commit, server),
            Source::Http(address) => Place {
                who: host(address).to_owned(),
                what: address.clone(),
                url: address.clone(),
                headers: &[],
            },
        };
        let getting = self.download(&place, known, into);
        let got = tokio::time::timeout(LONGEST, getting).await;
        got.unwrap_or_else(|_| {
            let minutes = LONGEST.as_secs() / 60;
            let message = format!(
                "{} had not sent all of it after {minutes} minutes: try again, or fetch it yourself and push the file",
                place.who
            );
            Err(SourceError::NotNow(message))
        })
    }

    fn http(&self) -> Result<&reqwest::Client, SourceError> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            // A token must not follow to wherever it leads.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("cutover/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                SourceError::Refused(format!("the HTTP client can't be set up: {error}"))
            })?;
        Ok(self.http.get_or_init(|| http))
    }
}

/// The host of an address, with its port.
fn host(address: &str) -> &str {
    let behind = address
        .split_once("://")
        .map_or(address, |(_, behind)| behind);
    behind.split(['/', '?', '#']).next().unwrap_or_default()
}
