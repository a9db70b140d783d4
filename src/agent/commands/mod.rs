//! The commands that an agent obeys: each is signed by an orchestrator that it knows, meant for this very host, of the newest
//! epoch, in time, and here for the first time. What it obeys is written down before it is done: who wanted what, with the
//! signature, in a chain of hashes.
//!
//! Leases are renewed every few seconds and are not written down; their time limit alone keeps a renewal from being used again
//! after a restart of the agent, for less than a minute.

pub mod audit;
pub mod fence;
mod record;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::value::RawValue;

use self::fence::Fence;
use self::record::Record;
use super::protocol::Obeyed;
use super::trust::{Peer, Trust};
use crate::clock;
use crate::identity::command::{Commander, Envelope, OpenError, Statement, Verb};
use crate::model::name::Name;
use crate::model::timestamp::{Short, Timestamp};
use crate::text::date_time;

/// So many keys are remembered. An agent that has joined knows fewer.
const KEYS: usize = 64;

/// What is known of the commands of each key.
type Fences = BTreeMap<Commander, Fence>;

/// The commands of this host.
#[derive(Debug)]
pub struct Commands {
    host: Name,
    known: Arc<Mutex<Known>>,
    record: Arc<Mutex<Record>>,
}

/// What is known of commands.
#[derive(Debug, Default)]
struct Known {
    fences: Fences,
    /// Keys of which nothing of their epoch is written down yet: the agent would not know it after a restart.
    unwritten: BTreeSet<Commander>,
}

/// A command that is to be obeyed.
#[derive(Debug)]
pub struct Command {
    /// What is wanted.
    pub wanted: Box<RawValue>,
    kind: Verb,
    epoch: u64,
    at: Timestamp,
    /// What is written down; nothing for what comes every few seconds.
    evidence: Option<Envelope>,
}

/// Why a command is not obeyed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// This is no envelope.
    #[error("this is no signed command: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// It was changed on its way, or somebody made it up.
    #[error("a command for this host was refused: {0}")]
    Forged(OpenError),
    /// The key is not the one that the orchestrator showed when this host joined.
    #[error(
        "a command for this host was refused: it is signed by a key that this host does not know ({0})"
    )]
    Stranger(Commander),
    /// It is meant for another host.
    #[error("a command for {meant} was refused: this is {own}")]
    Elsewhere {
        /// Whom it is meant for.
        meant: Name,
        /// Whose agent this is.
        own: Name,
    },
    /// It is meant for this host as it was before it had this key, or for another one of its name.
    #[error(
        "a command for this host was refused: it is meant for a host of this name with another key"
    )]
    OtherKey,
    /// It was sent as something else than what was signed.
    #[error(
        "a command for this host was refused: what was signed is {signed}, and it was sent as {sent}"
    )]
    Otherwise {
        /// What it is.
        signed: String,
        /// As what it was sent.
        sent: String,
    },
    /// Another orchestrator is obeyed.
    #[error("{host} obeys another orchestrator of this project since {since}, epoch {obeyed}; this one is fenced off (epoch {own})", since = date_time(*.since))]
    Fenced {
        /// Which host.
        host: Name,
        /// Since when, by its clock.
        since: Timestamp,
        /// The other one's epoch.
        obeyed: u64,
        /// The epoch of the one that sent the command.
        own: u64,
    },
    /// Its time is over.
    #[error("a command was refused: by this host's clock it came {} too late", Short(*.by))]
    Late {
        /// By how much.
        by: Duration,
    },
    /// Its time has not come.
    #[error("a command was refused: by this host's clock it would hold for another {}, which is too long", Short(*.by))]
    Early {
        /// For how long it would hold.
        by: Duration,
    },
    /// It was here, or may have been.
    #[error(
        "a command was refused: number {sequence} was here before, and each is carried out once"
    )]
    Seen {
        /// Its number.
        sequence: u64,
    },
}

impl Commands {
    /// Finds out what an earlier run of the agent obeyed.
    ///
    /// # Errors
    /// If that can't be read.
    pub fn open(host: Name, folder: &Path) -> io::Result<Self> {
        let (record, fences) = Record::open(folder)?;
        Ok(Self {
            host,
            known: Arc::new(Mutex::new(Known {
                fences,
                unwritten: BTreeSet::new(),
            })),
            record: Arc::new(Mutex::new(record)),
        })
    }

    /// Whether a command is to be obeyed that came from this peer as one of this kind and about this name. From now on it has
    /// been here.
    ///
    /// # Errors
    /// Why not.
    pub fn judge(
        &self,
        trust: &Trust,
        (peer, kind, name): (Peer, Verb, &str),
        body: &[u8],
    ) -> Result<Command, Refusal> {
        let envelope: Envelope = serde_json::from_slice(body)?;
        let said = envelope.open().map_err(Refusal::Forged)?;
        let line = trust.line(peer, envelope.key);
        if line.is_empty() {
            return Err(Refusal::Stranger(envelope.key));
        }
        self.is_meant(&said, trust, kind, name)?;
        let now = clock::now();
        let is_written = self.pass(envelope.key, &line, &said, now)?;
        trust.signs(envelope.key);
        // The first of a new epoch is written down whatever it is: from then on the former is over, whatever happens.
        let evidence = (!is_written || kind != Verb::Renew).then_some(envelope);
        Ok(Command {
            wanted: said.command,
            kind,
            epoch: said.epoch,
            at: now,
            evidence,
        })
    }

    fn is_meant(
        &self,
        said: &Statement,
        trust: &Trust,
        kind: Verb,
        name: &str,
    ) -> Result<(), Refusal> {
        if said.host != self.host {
            return Err(Refusal::Elsewhere {
                meant: said.host.clone(),
                own: self.host.clone(),
            });
        }
        if said.agent != trust.own() {
            return Err(Refusal::OtherKey);
        }
        if said.kind != kind || said.name != name {
            let words = |kind: Verb, name: &str| format!("{} {name:?}", kind.word());
            return Err(Refusal::Otherwise {
                signed: words(said.kind, &said.name),
                sent: words(kind, name),
            });
        }
        Ok(())
    }

    /// Answers whether it is written down that commands of this key and its epoch are obeyed. What is known of one key of an
    /// orchestrator is known of all: another key gives nobody another epoch.
    fn pass(
        &self,
        key: Commander,
        line: &[Commander],
        said: &Statement,
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        let mut known = self.known();
        let Known { fences, unwritten } = &mut *known;
        let own = fences.get(&key).copied();
        let former = line.iter().filter_map(|key| fences.get(key)).copied();
        let fence = Fence::pass(former.max_by_key(Fence::reach), said, now)?;
        if own.is_none() && fences.len() >= KEYS {
            let oldest = fences.iter().min_by_key(|(_, fence)| fence.since);
            let oldest = oldest.map(|(key, _)| *key);
            oldest.map(|key| fences.remove(&key));
        }
        fences.insert(key, fence);
        if fence.follows(own.as_ref()) {
            unwritten.insert(key);
            tracing::info!(epoch = fence.epoch, project = %said.project, "obeying an orchestrator");
        }
        Ok(!unwritten.contains(&key))
    }

    /// Writes a command down that is about to be carried out. It is durable when this returns.
    ///
    /// # Errors
    /// If it can't be written. A stop is carried out nevertheless: nothing may be in its way, and twice does no harm.
    pub async fn keep(&self, command: Command) -> io::Result<()> {
        let Command {
            kind,
            epoch,
            at,
            evidence,
            ..
        } = command;
        let Some(envelope) = evidence else {
            return Ok(());
        };
        let key = envelope.key;
        let (record, known) = (Arc::clone(&self.record), Arc::clone(&self.known));
        let written = tokio::task::spawn_blocking(move || {
            let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
            // As they are when it is this one's turn: another file must not begin without what the one before it holds.
            let known = known.lock().unwrap_or_else(PoisonError::into_inner);
            let fences = known.fences.clone();
            drop(known);
            record.append(at, envelope, &fences)
        });
        match written.await.map_err(io::Error::other).flatten() {
            Err(error) if kind == Verb::Stop => {
                tracing::error!(%error, "a stop can't be written down, and is carried out");
                Ok(())
            }
            Ok(()) => {
                self.is_written(key, epoch);
                Ok(())
            }
            failed => failed,
        }
    }

    /// A command of this key and epoch is in the record.
    fn is_written(&self, key: Commander, epoch: u64) {
        let mut known = self.known();
        if known.fences.get(&key).is_some_and(|one| one.epoch <= epoch) {
            known.unwritten.remove(&key);
        }
    }

    /// Whose commands are carried out, as far as that concerns this peer and will be so after a restart of the agent too.
    pub fn obeyed(&self, trust: &Trust, peer: Peer) -> Vec<Obeyed> {
        let known = self.known();
        let written = known
            .fences
            .iter()
            .filter(|(key, _)| !known.unwritten.contains(key));
        let own = written.filter(|(key, _)| !trust.line(peer, **key).is_empty());
        own.map(|(key, fence)| Obeyed {
            commander: *key,
            epoch: fence.epoch,
            incarnation: fence.incarnation,
            since: fence.since,
        })
        .collect()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
