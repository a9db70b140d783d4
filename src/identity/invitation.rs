//! How a host and an orchestrator that have never met come to know each other's keys: by a secret that one person carries from
//! the one to the other.
//!
//! The orchestrator calls. The host answers nobody but the key that the token names; the orchestrator believes nobody but
//! who has the secret. Each proves that it has it by a digest over both keys (and the one that signs commands), so that somebody between them, who would have a
//! key of his own, can use neither proof.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rustls::crypto::aws_lc_rs;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::command::Commander;
use super::pin::Pin;
use crate::model::name::Name;

/// How many bytes a secret has: more than anybody can try.
const SECRET: usize = 16;

/// How many bytes a pin has.
const PIN: usize = 32;

/// So many characters of a fingerprint tell a token from all others of a project.
const ID: usize = 9;

/// What every token begins with: people and scanners for secrets know it by that, and no command takes it for an option, as
/// it would bytes that happen to begin with a hyphen.
const TOKEN_PREFIX: &str = "join-";

/// What an invitation goes by: whoever has it may join as the host that it is for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Secret([u8; SECRET]);

/// What a person carries to the host: whom to expect there, and the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The orchestrator's key.
    pub orchestrator: Pin,
    /// What both prove that they have.
    pub secret: Secret,
}

/// This is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no token: copy the whole command again that `cutover hosts add` or `cutover hosts invite` printed"
)]
pub struct TokenError;

/// Who proves something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one that calls.
    Orchestrator,
    /// The one on the host.
    Agent,
}

/// Those who meet.
#[derive(Clone, Copy, Debug)]
pub struct Meeting<'a> {
    /// As which host the agent joins.
    pub host: &'a Name,
    /// The agent's key, as the connection shows it.
    pub agent: Pin,
    /// The orchestrator's key, as the connection shows it.
    pub orchestrator: Pin,
    /// The key that signs the orchestrator's commands.
    pub commander: Commander,
}

impl Meeting<'_> {
    /// What the two prove something about, each in its role.
    pub(super) fn statement(&self, role: Role) -> String {
        let role = match role {
            Role::Orchestrator => "orchestrator",
            Role::Agent => "agent",
        };
        let Meeting {
            host,
            agent,
            orchestrator,
            commander,
        } = self;
        // None of the parts can have a line's end in it.
        format!("cutover join 1\n{role}\n{host}\n{agent}\n{orchestrator}\n{commander}\n")
    }
}

impl Secret {
    /// One that nobody knows yet.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn new() -> Result<Self, rustls::Error> {
        let mut bytes = [0; SECRET];
        let random = aws_lc_rs::default_provider().secure_random;
        random
            .fill(&mut bytes)
            .map_err(|_| rustls::Error::FailedToGetRandomBytes)?;
        Ok(Self(bytes))
    }

    /// What people tell it by, and nobody can find it from.
    pub fn id(&self) -> String {
        let mut digest = Sha256::new();
        digest.update("cutover token 1\n");
        digest.update(self.0);
        let shown = Pin::from_bytes(digest.finalize().into()).fingerprint();
        shown.chars().take(ID).collect()
    }

    /// What shows to the other end that one has the secret, in this role and at this meeting alone.
    pub fn proof(&self, role: Role, meeting: Meeting<'_>) -> String {
        BASE64.encode(self.digest(role, meeting).finalize().into_bytes())
    }

    /// Whether that is the proof.
    pub fn proves(&self, role: Role, meeting: Meeting<'_>, proof: &str) -> bool {
        let digest = self.digest(role, meeting);
        // In a time that says nothing of where they differ.
        BASE64
            .decode(proof)
            .is_ok_and(|proof| digest.verify_slice(&proof).is_ok())
    }

    fn digest(&self, role: Role, meeting: Meeting<'_>) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
        let mut digest = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length");
        digest.update(meeting.statement(role).as_bytes());
        digest
    }
}

/// Secrets stay out of logs.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl TryFrom<String> for Secret {
    type Error = TokenError;

    fn try_from(text: String) -> Result<Self, TokenError> {
        let bytes = BASE64.decode(text).map_err(|_| TokenError)?;
        Ok(Self(bytes.try_into().map_err(|_| TokenError)?))
    }
}

impl From<Secret> for String {
    fn from(secret: Secret) -> Self {
        BASE64.encode(secret.0)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.orchestrator.as_bytes().as_slice(), &self.secret.0].concat();
        write!(f, "{TOKEN_PREFIX}{}", BASE64.encode(bytes))
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let text = text.trim().strip_prefix(TOKEN_PREFIX).ok_or(TokenError)?;
        let bytes = BASE64.decode(text).map_err(|_| TokenError)?;
        let (pin, secret) = bytes.split_at_checked(PIN).ok_or(TokenError)?;
        Ok(Self {
            orchestrator: Pin::from_bytes(pin.try_into().map_err(|_| TokenError)?),
            secret: Secret(secret.try_into().map_err(|_| TokenError)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::command::CommandKey;
    use super::*;

    fn pin(byte: u8) -> Pin {
        Pin::from_bytes([byte; PIN])
    }

    #[test]
    fn a_token_is_read_as_it_is_written() {
        let secret = Secret::new().unwrap();
        assert_ne!(secret, Secret::new().unwrap());
        let token = Token {
            orchestrator: pin(7),
            secret,
        };
        let text = token.to_string();
        assert_eq!(text.len(), 69);
        assert_eq!(text.parse::<Token>().unwrap(), token);
        for wrong in ["", "a", &text[1..], &text[..60], &format!("{text}AAAA")] {
            assert!(wrong.parse::<Token>().is_err(), "{wrong}");
        }
        assert!(!format!("{token:?}").contains(&text[49..]));
    }

    #[test]
    fn no_token_looks_like_an_option() {
        let token = Token {
            orchestrator: pin(0xfb),
            secret: Secret([0xff; SECRET]),
        };
        assert!(token.to_string().starts_with("join--_v7"), "{token}");
    }

    #[test]
    fn a_proof_holds_for_one_role_and_one_meeting() {
        let secret = Secret::new().unwrap();
        let (web, db): (Name, Name) = ("web-1".parse().unwrap(), "db-1".parse().unwrap());
        let meeting = Meeting {
            host: &web,
            agent: pin(1),
            orchestrator: pin(2),
            commander: CommandKey::new().unwrap().commander(),
        };
        let proof = secret.proof(Role::Agent, meeting);
        assert!(secret.proves(Role::Agent, meeting, &proof));
        assert!(!secret.proves(Role::Orchestrator, meeting, &proof));
        for other in [
            Meeting {
                host: &db,
                ..meeting
            },
            Meeting {
                agent: pin(3),
                ..meeting
            },
            Meeting {
                orchestrator: pin(3),
                ..meeting
            },
            Meeting {
                commander: CommandKey::new().unwrap().commander(),
                ..meeting
            },
        ] {
            assert!(!secret.proves(Role::Agent, other, &proof), "{other:?}");
        }
        assert!(!Secret::new().unwrap().proves(Role::Agent, meeting, &proof));
        assert!(!secret.proves(Role::Agent, meeting, ""));
        assert!(!secret.proves(Role::Agent, meeting, "not base64!"));
    }
}
