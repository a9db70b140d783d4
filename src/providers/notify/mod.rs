//! Receivers of notifications. They know messages and nothing of deployments: they send one once and say what came back.

mod command;
mod post;
mod slack;
mod webhook;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use crate::model::connections::{Receiver, ReceiverKind};
use crate::model::notification::Message;
use crate::text::safe;

/// How long a receiver may take to answer.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// So much of what a receiver says is kept, in bytes.
const KEPT: usize = 300;

/// What a receiver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It took the message.
    Taken(String),
    /// It did not, and may do so later; not before this time has passed.
    NotNow {
        /// Why.
        why: String,
        /// What it asked to wait.
        wait: Option<Duration>,
    },
    /// It never will.
    Refused(String),
}

impl Answer {
    /// What came back, in words.
    pub fn words(&self) -> &str {
        match self {
            Self::Taken(words) | Self::Refused(words) | Self::NotNow { why: words, .. } => words,
        }
    }

    fn not_now(why: impl Into<String>) -> Self {
        Self::NotNow {
            why: why.into(),
            wait: None,
        }
    }
}

/// Tells receivers of a project.
#[derive(Clone, Debug)]
pub struct Notifier {
    /// Made when it is needed first: it reads the machine's certificates.
    http: OnceLock<reqwest::Client>,
    folder: PathBuf,
    deadline: Duration,
}

impl Notifier {
    /// A notifier of the project in this folder, whose receivers may take so long to answer.
    pub fn new(folder: &Path, deadline: Duration) -> Self {
        Self {
            http: OnceLock::new(),
            folder: folder.to_owned(),
            deadline,
        }
    }

    fn http(&self) -> Result<&reqwest::Client, String> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let http = reqwest::Client::builder()
            .timeout(self.deadline)
            // A redirected POST becomes a GET, and tells nobody anything.
            .redirect(reqwest::redirect::Policy::none())
            // Messages are few and far between: nobody keeps a connection for the next.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("cutover/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("the HTTP client can't be set up: {error}"))?;
        Ok(self.http.get_or_init(|| http))
    }

    /// Sends a message once. Ends within the deadline, and what a program takes to end when it is told to.
    pub async fn send(&self, receiver: &Receiver, message: &Message) -> Answer {
        let sent = match &receiver.via {
            ReceiverKind::Webhook(webhook) => self.webhook(webhook, message).await,
            ReceiverKind::Slack(slack) => self.slack(slack, message).await,
            ReceiverKind::Command(command) => self.command(command, message).await,
        };
        // What a receiver's own files can be read for is said on the way; nothing is sent then.
        sent.unwrap_or_else(Answer::not_now)
    }

    /// The first line of a file of the project: a token, a key or an address, which is never shown.
    fn first_line(&self, file: &Path) -> Result<String, String> {
        let text = std::fs::read_to_string(self.folder.join(file))
            .map_err(|error| format!("{} can't be read: {error}", file.display()))?;
        match text.lines().next().map(str::trim) {
            Some(line) if !line.is_empty() => Ok(line.to_owned()),
            _ => Err(format!("the first line of {} is empty", file.display())),
        }
    }
}

/// What a receiver said, short, on one line and harmless, without what it must not have repeated.
fn short(said: &[u8], secrets: &[&str]) -> String {
    let mut text = String::from_utf8_lossy(said).into_owned();
    for secret in secrets {
        text = text.replace(secret, "***");
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut line = safe(&words.join(" "));
    if line.len() > KEPT {
        line.truncate(line.floor_char_boundary(KEPT));
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_short_and_holds_no_secret() {
        assert_eq!(
            short(b" no\r\n such \x1b[1m hook ", &[]),
            "no such \u{241b}[1m hook"
        );
        assert_eq!(short(b"bad token s3cret!", &["s3cret"]), "bad token ***!");
        let long = "ä".repeat(400);
        let kept = short(long.as_bytes(), &[]);
        assert_eq!(kept.chars().count(), KEPT / 2 + 1);
    }
}
