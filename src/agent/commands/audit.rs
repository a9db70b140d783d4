//! What was obeyed, for those who want to know later, and the proof that nothing of it was changed.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use super::record::{Entry, FILES};
use crate::identity::command::{Commander, Envelope, OpenError, Statement};
use crate::model::revision::Digest;
use crate::model::timestamp::Timestamp;
use crate::store::chain;

/// The record of a host, oldest file first.
#[derive(Debug)]
pub struct Audited(Vec<(&'static str, Vec<u8>)>);

/// A command that was obeyed.
#[derive(Debug)]
pub struct Obeyed {
    /// When it came, by the host's clock.
    pub at: Timestamp,
    /// Whose signature it has.
    pub key: Commander,
    /// What was signed.
    pub said: Statement,
}

/// A record without damage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// How many commands it has.
    pub commands: u64,
    /// The hash of the last entry.
    pub newest: Digest,
}

/// The first entry that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// In which file.
    pub file: &'static str,
    /// Which entry of it, counted from 1.
    pub entry: u64,
    /// In which way.
    pub reason: String,
}

impl std::error::Error for Broken {}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            entry,
            reason,
        } = self;
        write!(f, "{file}: entry {entry} does not fit: {reason}")
    }
}

/// Reads the record of a folder; there is none before the first command. A line that is being written does not count yet.
///
/// # Errors
/// If it can't be read.
pub fn read(folder: &Path) -> io::Result<Audited> {
    let mut files = Vec::new();
    for name in FILES.into_iter().rev() {
        match fs::read(folder.join(name)) {
            Ok(mut bytes) => {
                if name == FILES[0] {
                    let unfinished = chain::lines(&bytes).1.len();
                    bytes.truncate(bytes.len() - unfinished);
                }
                files.push((name, bytes));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Audited(files))
}

impl Audited {
    /// The commands, oldest first; or which can't be read.
    pub fn commands(&self) -> impl Iterator<Item = Result<Obeyed, Broken>> {
        self.entries().filter_map(|(file, number, line)| {
            let broken = |reason: String| Broken {
                file,
                entry: number,
                reason,
            };
            match entry(line).map_err(broken) {
                Ok(Entry::Begins { .. }) => None,
                Ok(Entry::Command { at, envelope }) => Some(
                    envelope
                        .read()
                        .map(|said| obeyed(at, &envelope, said))
                        .map_err(|error| broken(error.to_string())),
                ),
                Err(broken) => Some(Err(broken)),
            }
        })
    }

    /// Proves that every entry is as it was written, and that every command was signed as it is.
    ///
    /// # Errors
    /// The first entry of which that is not so.
    pub fn verify(&self) -> Result<Proof, Broken> {
        let mut newest = None;
        for (file, bytes) in &self.0 {
            newest = Some(verify_file(file, bytes, newest)?);
        }
        let mut commands = 0;
        for (file, number, line) in self.entries() {
            let broken = |reason: String| Broken {
                file,
                entry: number,
                reason,
            };
            if let Entry::Command { envelope, .. } = entry(line).map_err(broken)? {
                let opened: Result<_, OpenError> = envelope.open();
                opened.map_err(|error| broken(error.to_string()))?;
                commands += 1;
            }
        }
        Ok(Proof {
            commands,
            newest: newest.unwrap_or_else(chain::origin),
        })
    }

    fn entries(&self) -> impl Iterator<Item = (&'static str, u64, &[u8])> {
        self.0.iter().flat_map(|(file, bytes)| {
            let lines = chain::lines(bytes).0;
            (1..).zip(lines).map(|(number, line)| (*file, number, line))
        })
    }
}

/// The hash of a file's last entry, if all fit: to each other, and to the file before.
fn verify_file(file: &'static str, bytes: &[u8], former: Option<Digest>) -> Result<Digest, Broken> {
    let broken = |entry, reason: &str| Broken {
        file,
        entry,
        reason: reason.to_owned(),
    };
    let first = chain::lines(bytes).0.next().map(entry);
    let Some(Ok(Entry::Begins { follows, .. })) = first else {
        return Err(broken(1, "no record begins like this"));
    };
    if former.is_some_and(|former| former != follows) {
        return Err(broken(1, "it does not follow the file before it"));
    }
    let sound = chain::verify_after(follows, bytes);
    sound
        .map(|sound| sound.newest)
        .map_err(|wrong| broken(wrong.entry, wrong.reason))
}

fn entry(line: &[u8]) -> Result<Entry, String> {
    let (_, entry) = chain::split(line).ok_or("it is no hash and an entry")?;
    serde_json::from_slice(entry).map_err(|error| error.to_string())
}

fn obeyed(at: Timestamp, envelope: &Envelope, said: Statement) -> Obeyed {
    Obeyed {
        at,
        key: envelope.key,
        said,
    }
}
