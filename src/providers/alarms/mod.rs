//! Alarms: who knows their state, one file a kind of source.
//!
//! A source is asked and answers with a [`Reading`], or it can't be read and says why. No answer is ever taken for a good one:
//! an empty answer is no data, and one that makes no sense is an error. It knows nothing of deployments.

#[cfg(feature = "aws")]
mod cloudwatch;
mod command;
mod http;
mod prometheus;
mod rules;
mod value;

use std::time::Duration;

use crate::agent::facts::bound;
use crate::clock;
use crate::model::alarm::{Observation, Outcome, Reading};
use crate::model::connections::{AlarmConnection, AlarmSource};
use crate::model::secret::mask::Mask;
use crate::providers::aws::Accounts;
use crate::providers::secrets::Secrets;

/// How long a source may take to answer. A command is asked to end then, and killed if it does not.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// How long reading an alarm takes at most.
pub const LONGEST: Duration = DEADLINE.saturating_add(command::GRACE);

/// No answer is longer, in bytes, unless somebody wants to fill the memory. A large Prometheus server lists thousands of rules.
const LONGEST_ANSWER: usize = 16 << 20;

/// Reads alarms.
#[derive(Clone, Debug)]
pub struct Reader {
    http: reqwest::Client,
    /// What they are sent; commands run in its folder.
    secrets: Secrets,
    accounts: Accounts,
}

/// Why the state of an alarm can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlarmError {
    /// Nobody answered, or not in time.
    #[error("{who} does not answer: {reason}")]
    Unreachable {
        /// Who was asked.
        who: String,
        /// What went wrong.
        reason: String,
    },
    /// It answered, and refused: what it was asked is wrong.
    #[error("{who} refused: {reason}")]
    Refused {
        /// Who was asked.
        who: String,
        /// Its reason.
        reason: String,
    },
    /// It answered what tells no state.
    #[error("{who} answered what tells no state: {reason}")]
    Unclear {
        /// Who was asked.
        who: String,
        /// What was wrong with the answer, and what to do.
        reason: String,
    },
    /// A secret that it is to be asked with can't be read, or can't be sent.
    #[error("{0}")]
    Secret(String),
    /// The project does not say who knows it.
    #[error("no alarm of `connections` in cutover.yaml is called {0}")]
    Undefined(String),
}

impl Reader {
    /// A reader for the project with these secrets and AWS accounts. Nothing is asked yet.
    ///
    /// # Errors
    /// If the HTTP client can't be set up.
    pub fn new(secrets: Secrets, accounts: Accounts) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .timeout(DEADLINE)
            // A login page answers 200 to whoever is sent there.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            http,
            secrets,
            accounts,
        })
    }

    /// Asks for the state of an alarm. Takes [`LONGEST`] at most.
    ///
    /// # Errors
    /// If its state can't be read.
    pub async fn read(&self, alarm: &AlarmConnection) -> Result<Reading, AlarmError> {
        let threshold = alarm.source.threshold();
        let answer = match &alarm.source {
            AlarmSource::Prometheus(ask) => prometheus::read(&self.http, &self.secrets, ask).await,
            AlarmSource::Http(ask) => http::read(&self.http, &self.secrets, ask).await,
            AlarmSource::Command(ask) => command::read(&self.secrets, ask, DEADLINE).await,
            #[cfg(feature = "aws")]
            AlarmSource::CloudWatch(ask) => {
                cloudwatch::read(&self.accounts, ask, &alarm.name).await
            }
            #[cfg(not(feature = "aws"))]
            AlarmSource::CloudWatch(ask) => Err(AlarmError::Refused {
                who: self.accounts.label("CloudWatch", ask.account.as_deref()),
                reason: crate::providers::aws::ABSENT.to_owned(),
            }),
        }?;
        let Answer {
            state,
            mut value,
            mut message,
        } = answer;
        bound(&mut message);
        if let Some(value) = &mut value {
            bound(value);
        }
        Ok(Reading {
            state,
            value,
            threshold,
            message,
        })
    }

    /// Asks for the state of an alarm of this name, which the project may not have, and says when it was known.
    pub async fn observe(&self, name: &str, alarm: Option<&AlarmConnection>) -> Observation {
        let read = match alarm {
            Some(alarm) => self.read(alarm).await,
            None => Err(AlarmError::Undefined(name.to_owned())),
        };
        let outcome = read.map_or_else(
            |error| {
                let mut reason = error.to_string();
                bound(&mut reason);
                Outcome::Unreadable(reason)
            },
            Outcome::Reading,
        );
        Observation {
            at: clock::steady(),
            outcome,
        }
    }
}

/// What a source said.
struct Answer {
    state: crate::model::alarm::AlarmState,
    value: Option<String>,
    message: String,
}

/// Sends a request and takes the answer whole: its status and its body.
async fn ask(
    request: reqwest::RequestBuilder,
    who: &str,
) -> Result<(reqwest::StatusCode, Vec<u8>), AlarmError> {
    let lost = |error: &reqwest::Error| AlarmError::Unreachable {
        who: who.to_owned(),
        reason: if error.is_timeout() {
            format!("not within {} s", DEADLINE.as_secs())
        } else {
            root(error)
        },
    };
    let mut response = request.send().await.map_err(|error| lost(&error))?;
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| lost(&error))? {
        body.extend_from_slice(&piece);
        if body.len() > LONGEST_ANSWER {
            return Err(AlarmError::Unclear {
                who: who.to_owned(),
                reason: format!("more than {LONGEST_ANSWER} bytes"),
            });
        }
    }
    Ok((response.status(), body))
}

/// The innermost cause: the outermost message of an HTTP client only repeats the address.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// The first line with something in it, without blanks around it and what the mask hides.
fn first_line(text: &[u8], mask: &Mask) -> String {
    let text = mask.text(&String::from_utf8_lossy(text));
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    line.unwrap_or_default().to_owned()
}
