//! Receivers of notifications, and hooks. They know messages and nothing of deployments: they send one once and say what came back.

mod command;
#[cfg(feature = "aws")]
mod lambda;
mod post;
mod slack;
#[cfg(feature = "aws")]
mod sns;
mod webhook;

use std::sync::OnceLock;
use std::time::Duration;

use crate::model::connections::{Hook, HookKind, Receiver, ReceiverKind};
use crate::model::notification::Message;
use crate::model::secret::TextOrSecret;
use crate::model::secret::mask::Mask;
use crate::providers::aws::Accounts;
use crate::providers::secrets::{Secrets, Shown};
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
    secrets: Secrets,
    accounts: Accounts,
    deadline: Duration,
}

impl Notifier {
    /// A notifier of the project with these secrets and AWS accounts, whose receivers may take so long to answer.
    pub fn new(secrets: Secrets, accounts: Accounts, deadline: Duration) -> Self {
        Self {
            http: OnceLock::new(),
            secrets,
            accounts,
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
            #[cfg(feature = "aws")]
            ReceiverKind::Sns(topic) => Ok(self.sns(topic, message).await),
            #[cfg(not(feature = "aws"))]
            ReceiverKind::Sns(topic) => Ok(Answer::Refused(format!(
                "{}: {}",
                self.accounts.label("SNS", topic.account.as_deref()),
                crate::providers::aws::ABSENT
            ))),
        };
        // A secret that can't be read is said on the way; nothing is sent then.
        sent.unwrap_or_else(Answer::not_now)
    }

    /// Calls a hook once.
    pub async fn call(&self, hook: &Hook, message: &Message) -> Answer {
        let called = match &hook.via {
            HookKind::Webhook(webhook) => self.webhook(webhook, message).await,
            HookKind::Command(command) => self.command(command, message).await,
            #[cfg(feature = "aws")]
            HookKind::Lambda(lambda) => Ok(self.lambda(&hook.name, lambda, message).await),
            #[cfg(not(feature = "aws"))]
            HookKind::Lambda(lambda) => Ok(Answer::Refused(format!(
                "{}: {}",
                self.accounts.label("Lambda", lambda.account.as_deref()),
                crate::providers::aws::ABSENT
            ))),
        };
        called.unwrap_or_else(Answer::not_now)
    }

    /// Where to; what of it is a secret is shown to whoever is there.
    async fn address(&self, url: &TextOrSecret, shown: &mut Shown) -> Result<String, String> {
        match url {
            TextOrSecret::Text(url) => Ok(url.clone()),
            TextOrSecret::Secret(secret) => {
                let secret = shown.add_address(self.secrets.read(secret).await)?;
                Ok(secret.expose().trim().to_owned())
            }
        }
    }
}

/// What a receiver said, short, on one line and harmless, without what it must not have repeated.
fn short(said: &[u8], mask: &Mask) -> String {
    let text = mask.text(&String::from_utf8_lossy(said));
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
    use zeroize::Zeroizing;

    use super::*;
    use crate::model::secret::Secret;

    #[test]
    fn what_is_kept_is_short_and_holds_no_secret() {
        assert_eq!(
            short(b" no\r\n such \x1b[1m hook ", &Mask::default()),
            "no such \u{241b}[1m hook"
        );
        let secret = Secret::new("token", Zeroizing::new("s3cret".to_owned()));
        let mask = Mask::new([&secret]);
        let kept = short(b"bad token s3cret!", &mask);
        assert_eq!(kept, "bad token [secret token]!");
        let long = "ä".repeat(400);
        let kept = short(long.as_bytes(), &Mask::default());
        assert_eq!(kept.chars().count(), KEPT / 2 + 1);
    }
}
