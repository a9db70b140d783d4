//! Commands that prove where they come from: what an orchestrator wants of a host, signed by a key that is for nothing else.
//!
//! ```text
//! {"key":"ed25519:…","signature":"…","statement":{…}}
//! ```
//!
//! The signature (Ed25519, base64) is over `cutover command 1`, a line break and the statement's bytes as they stand there. So
//! whoever passes a command on can keep it back and can't change it, and what was kept is evidence. The key says only whose it
//! is: whether that is somebody who may command is for the reader to know.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rcgen::{KeyPair, PKCS_ED25519, SigningKey as _};
use rustls::SignatureScheme;
use rustls::crypto::aws_lc_rs;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::key::{self, IdentityError};
use super::pin::Pin;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;

/// Keeps these signatures apart from all others.
const DOMAIN: &[u8] = b"cutover command 1\n";

/// How a public key begins as text.
const PREFIX: &str = "ed25519:";

/// The bytes of a public key.
const PUBLIC: usize = 32;

/// The secret half: what signs.
pub struct CommandKey(KeyPair);

/// The public half, by which hosts know whose command it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Commander([u8; PUBLIC]);

/// This is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no key for commands: it is ed25519: and 64 hexadecimal digits")]
pub struct CommanderError(String);

/// What a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verb {
    /// That an execution begins.
    Order,
    /// That an execution ends after its current event.
    Stop,
    /// That executions go on for another while.
    Renew,
    /// That an upstream changes.
    ChangeUpstream,
    /// That an `HAProxy` does something.
    HaProxy,
    /// That a task set has tasks on the host.
    OrderTaskSet,
    /// That a task set ends.
    EndTaskSet,
    /// That a key changes: the host's, or the orchestrator's for it.
    Keys,
}

/// What is signed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Statement {
    /// Whose orchestrator it is.
    pub project: Name,
    /// The host that is meant.
    pub host: Name,
    /// Its key; none for an agent that has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Pin>,
    /// Which of the orchestrators that have had this key: the greater one is obeyed.
    pub epoch: u64,
    /// Which start of it: two copies of one orchestrator may be of the same epoch.
    pub incarnation: u32,
    /// Which of its commands for this host, from 1.
    pub sequence: u64,
    /// Until when it holds, by the host's clock.
    pub until: Timestamp,
    /// Who wants it: a person, a deployment, or `orchestrator`.
    pub by: String,
    /// What it is for.
    pub kind: Verb,
    /// Which execution, upstream or task set; empty if the kind has none.
    pub name: String,
    /// What is wanted, as the kind has it.
    pub command: Box<RawValue>,
}

/// A statement and its signature, on the way or kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// Whose signature it is.
    pub key: Commander,
    signature: String,
    statement: Box<RawValue>,
}

/// Why an envelope says nothing.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The signature is none of the key's over the statement.
    #[error("its signature is wrong")]
    Forged,
    /// What is signed is no statement.
    #[error("what is signed can't be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

impl Verb {
    /// Its word, as it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Stop => "stop",
            Self::Renew => "renew",
            Self::ChangeUpstream => "changeUpstream",
            Self::HaProxy => "haProxy",
            Self::OrderTaskSet => "orderTaskSet",
            Self::EndTaskSet => "endTaskSet",
            Self::Keys => "keys",
        }
    }
}

impl CommandKey {
    /// The key in this file, made now if there is none.
    ///
    /// # Errors
    /// If it can't be read or made, or others may read it.
    pub fn open(path: &Path) -> Result<Self, IdentityError> {
        let pem = key::kept(path, || Ok(Self::new()?.0.serialize_pem()))?;
        let read = KeyPair::from_pem(&pem).map_err(|error| error.to_string());
        let read = read.and_then(|pair| {
            let fits = pair.algorithm() == &PKCS_ED25519;
            fits.then_some(Self(pair))
                .ok_or_else(|| "it is not of Ed25519".to_owned())
        });
        read.map_err(|reason| IdentityError::Unreadable {
            path: path.to_owned(),
            reason,
        })
    }

    /// A key that is nowhere else.
    ///
    /// # Errors
    /// If none can be made.
    pub fn new() -> Result<Self, IdentityError> {
        Ok(Self(KeyPair::generate_for(&PKCS_ED25519)?))
    }

    /// The key as it is kept: a secret.
    pub(super) fn pem(&self) -> String {
        self.0.serialize_pem()
    }

    /// By what others know it.
    pub fn commander(&self) -> Commander {
        // An Ed25519 key has so many bytes.
        Commander(self.0.public_key_raw().try_into().unwrap_or_default())
    }

    /// Signs a statement.
    ///
    /// # Errors
    /// If it can't be written as JSON, or signed.
    pub fn sign(&self, statement: &Statement) -> Result<Envelope, SignError> {
        let statement = serde_json::value::to_raw_value(statement)?;
        let signature = self.0.sign(&signed(&statement))?;
        Ok(Envelope {
            key: self.commander(),
            signature: BASE64.encode(signature),
            statement,
        })
    }
}

/// Why a command can't be signed.
#[derive(Debug, thiserror::Error)]
#[error("a command can't be signed: {0}")]
pub enum SignError {
    /// It can't be written.
    Json(#[from] serde_json::Error),
    /// The key can't be used.
    Key(#[from] rcgen::Error),
}

impl Envelope {
    /// The statement, if the signature is that of the key over it.
    ///
    /// # Errors
    /// If it is not, or this is no statement.
    pub fn open(&self) -> Result<Statement, OpenError> {
        let forged = || OpenError::Forged;
        let signature = BASE64.decode(&self.signature).map_err(|_| forged())?;
        let known = aws_lc_rs::default_provider().signature_verification_algorithms;
        let mut known = known.mapping.iter();
        let (_, algorithms) = known
            .find(|(scheme, _)| *scheme == SignatureScheme::ED25519)
            .ok_or_else(forged)?;
        let algorithm = algorithms.first().ok_or_else(forged)?;
        let message = signed(&self.statement);
        let verified = algorithm.verify_signature(&self.key.0, &message, &signature);
        verified.map_err(|_| forged())?;
        Ok(self.read()?)
    }

    /// What it says, whoever says so.
    ///
    /// # Errors
    /// If it is no statement.
    pub fn read(&self) -> Result<Statement, serde_json::Error> {
        serde_json::from_str(self.statement.get())
    }
}

fn signed(statement: &RawValue) -> Vec<u8> {
    [DOMAIN, statement.get().as_bytes()].concat()
}

/// The key stays out of logs.
impl fmt::Debug for CommandKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CommandKey")
            .field(&self.commander())
            .finish()
    }
}

impl fmt::Display for Commander {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Commander {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Commander {
    type Err = CommanderError;

    fn from_str(text: &str) -> Result<Self, CommanderError> {
        let error = || CommanderError(text.to_owned());
        let digits = text.strip_prefix(PREFIX).ok_or_else(error)?;
        let bytes = super::pin::hexadecimal(digits).ok_or_else(error)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Commander {
    type Error = CommanderError;

    fn try_from(text: String) -> Result<Self, CommanderError> {
        text.parse()
    }
}

impl From<Commander> for String {
    fn from(key: Commander) -> Self {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement() -> Statement {
        Statement {
            project: "shop".parse().unwrap(),
            host: "web-1".parse().unwrap(),
            agent: Some(Pin::from_bytes([7; 32])),
            epoch: 1,
            incarnation: 2,
            sequence: 3,
            until: Timestamp(4),
            by: "ana".to_owned(),
            kind: Verb::Order,
            name: "e".to_owned(),
            command: RawValue::from_string("{\"a\": [1,  2]}".to_owned()).unwrap(),
        }
    }

    #[test]
    fn a_command_is_read_as_it_was_signed_and_no_byte_of_it_can_be_changed() {
        let key = CommandKey::new().unwrap();
        let sent = serde_json::to_vec(&key.sign(&statement()).unwrap()).unwrap();
        let read: Envelope = serde_json::from_slice(&sent).unwrap();
        assert_eq!(read.key, key.commander());
        let opened = read.open().unwrap();
        assert_eq!(opened.command.get(), "{\"a\": [1,  2]}");
        let whole = serde_json::to_string(&opened).unwrap();
        assert_eq!(whole, serde_json::to_string(&statement()).unwrap());
        for at in 0..sent.len() {
            let mut changed = sent.clone();
            changed[at] ^= 1;
            let read = serde_json::from_slice::<Envelope>(&changed);
            assert!(
                read.is_err() || read.unwrap().open().is_err(),
                "byte {at} of {}",
                String::from_utf8_lossy(&sent)
            );
        }
    }

    #[test]
    fn another_key_signs_nothing_for_this_one() {
        let (key, other) = (CommandKey::new().unwrap(), CommandKey::new().unwrap());
        let mut envelope = other.sign(&statement()).unwrap();
        envelope.key = key.commander();
        assert!(matches!(envelope.open(), Err(OpenError::Forged)));
    }

    #[test]
    fn a_key_is_made_once_and_shown_by_its_public_half_alone() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("commands.pem");
        let made = CommandKey::open(&path).unwrap().commander();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let again = CommandKey::open(&path).unwrap();
        assert_eq!(again.commander(), made);
        assert_eq!(made.to_string().parse::<Commander>().unwrap(), made);
        assert_eq!(format!("{again:?}"), format!("CommandKey({made})"));
        std::fs::write(&path, "nothing").unwrap();
        let refused = CommandKey::open(&path).unwrap_err().to_string();
        assert!(refused.contains("commands.pem"), "{refused}");
    }
}
