//! Where revisions come from that are not on this machine: one file a real system. Each says where the archive of a revision
//! is and how it is asked for, and `download` gets it.

mod download;
mod refusal;
mod repositories;
mod watch;

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::fs::File;
use tokio::sync::Semaphore;

pub use self::watch::Sighting;
use crate::model::connections::SourceConnection;
use crate::model::s3::S3Object;
use crate::model::source::Source;
use crate::providers::aws::Accounts;
use crate::providers::secrets::Secrets;
use crate::store::bundles::LARGEST;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a server may say nothing.
const SILENCE: Duration = Duration::from_secs(30);

/// How many at a time: each may fill a disk that the journal is on, too.
const AT_ONCE: usize = 4;

/// How long the whole of it may take.
const LONGEST: Duration = Duration::from_mins(30);

/// Why the archive of a revision was not had, or not taken where it was to be kept.
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
    accounts: Accounts,
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
    /// For the project with these secrets and AWS accounts.
    pub fn new(secrets: Secrets, accounts: Accounts) -> Self {
        Self {
            secrets,
            accounts,
            http: OnceLock::new(),
            turns: Semaphore::new(AT_ONCE),
        }
    }

    /// Writes an archive into a file, with what is known of where it is. Answers where exactly it was: in S3, which version it
    /// was and with what content.
    ///
    /// # Errors
    /// If it can't be had: what is left in the file is of no use then.
    pub async fn fetch(
        &self,
        source: &Source,
        known: Option<&SourceConnection>,
        into: File,
    ) -> Result<Source, SourceError> {
        let Ok(_turn) = self.turns.try_acquire() else {
            let message = format!("{AT_ONCE} archives are being fetched already: try again");
            return Err(SourceError::NotNow(message));
        };
        let server = known.and_then(SourceConnection::server);
        let place = match source {
            Source::Github(commit) => repositories::on_github(commit, server),
            Source::Bitbucket(commit) => repositories::on_bitbucket(commit, server),
            Source::Http(address) => at(address),
            Source::S3(object) => {
                let account = known.and_then(SourceConnection::account);
                let getting = Box::pin(self.accounts.download(account, object, into));
                return in_time(&object.to_string(), getting).await.map(Source::S3);
            }
        };
        in_time(&place.who, self.download(&place, known, into)).await?;
        Ok(source.clone())
    }

    /// Writes a file to S3, and says which version of which content it is there.
    ///
    /// # Errors
    /// If it is not taken.
    pub async fn store(
        &self,
        file: &Path,
        object: &S3Object,
        account: Option<&str>,
    ) -> Result<S3Object, SourceError> {
        let putting = Box::pin(self.accounts.upload(account, file, object));
        in_time(&object.to_string(), putting).await
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

/// At this address.
fn at(address: &str) -> Place {
    Place {
        who: host(address).to_owned(),
        what: address.to_owned(),
        url: address.to_owned(),
        headers: &[],
    }
}

/// What comes of a transfer, if it does not take for ever.
async fn in_time<T>(
    who: &str,
    moving: impl Future<Output = Result<T, SourceError>>,
) -> Result<T, SourceError> {
    let moved = tokio::time::timeout(LONGEST, moving).await;
    moved.unwrap_or_else(|_| {
        let minutes = LONGEST.as_secs() / 60;
        let message = format!(
            "{who} had not sent or taken all of it after {minutes} minutes: try again, or bring the file here yourself and push it"
        );
        Err(SourceError::NotNow(message))
    })
}

/// It is more than any bundle has.
pub(crate) fn too_large(who: &str) -> SourceError {
    let gigabytes = LARGEST >> 30;
    SourceError::Refused(format!(
        "{who} sends more than {gigabytes} GiB, and no bundle has more: keep what is not deployed out of it"
    ))
}

/// The host of an address, with its port.
fn host(address: &str) -> &str {
    let behind = address
        .split_once("://")
        .map_or(address, |(_, behind)| behind);
    behind.split(['/', '?', '#']).next().unwrap_or_default()
}
