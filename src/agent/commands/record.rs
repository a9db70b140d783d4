//! The commands that were obeyed, as they came: a [`chain`] in a file, and one more with what came before. Each file begins with
//! what is known by then, so that it says all by itself.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use nix::fcntl::{FallocateFlags, fallocate};
use serde::{Deserialize, Serialize};

use super::{Fence, Fences};
use crate::identity::command::Envelope;
use crate::model::revision::Digest;
use crate::model::timestamp::Timestamp;
use crate::store::chain;
use crate::store::files::{sync_dir, write_atomically};

/// How long a file gets, in bytes, before another one is begun.
const LONG: u64 = 4 << 20;

/// The names of the files: of the one that is written, and of the one before it.
pub(super) const FILES: [&str; 2] = ["commands.log", "commands.log.1"];

/// The name of a file that is about to take the place of the first.
const NEXT: &str = "commands.log.new";

/// So many bytes are kept free for what follows.
const RESERVE: u64 = 64 * 1024;

/// An entry of a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Entry {
    /// How a file begins.
    Begins {
        /// The hash of the entry before it.
        follows: Digest,
        /// What is known.
        fences: Fences,
    },
    /// A command.
    Command {
        /// When it came, by the host's clock.
        at: Timestamp,
        /// As it came.
        envelope: Envelope,
    },
}

/// Where the next entry goes.
#[derive(Debug)]
pub(super) struct Record {
    folder: PathBuf,
    /// The hash of the last entry.
    newest: Digest,
    file: File,
    /// The length of the file up to the last whole line.
    length: u64,
    /// Up to where the disk has room for it, whoever fills the rest.
    reserved: u64,
    long: u64,
}

impl Record {
    /// What an earlier run left, and what is known by it. A line that was being written when the agent was killed is taken off:
    /// nothing was done for it.
    pub(super) fn open(folder: &Path) -> io::Result<(Self, Fences)> {
        let mut known = Known::default();
        let [path, former] = FILES.map(|name| folder.join(name));
        let length = if path.exists() {
            known.read(&path)?
        } else {
            // Killed between the end of the one file and the beginning of the other, or new here.
            if former.exists() {
                known.read(&former)?;
            }
            let newest = known.newest.unwrap_or_else(chain::origin);
            let (line, hash) = head(&newest, &known.fences)?;
            known.newest = Some(hash);
            write_atomically(&path, line.as_bytes())?;
            line.len() as u64
        };
        let mut file = File::options().write(true).open(&path)?;
        file.set_len(length)?;
        file.seek(SeekFrom::End(0))?;
        let mut record = Self {
            folder: folder.to_owned(),
            newest: known.newest.unwrap_or_else(chain::origin),
            file,
            length,
            reserved: 0,
            long: LONG,
        };
        record.reserve(0);
        Ok((record, known.fences))
    }

    /// Appends a command, and returns once it is durable; `fences` is what is known with it.
    pub(super) fn append(
        &mut self,
        at: Timestamp,
        envelope: Envelope,
        fences: &Fences,
    ) -> io::Result<()> {
        if self.length > self.long
            && let Err(error) = self.begin(fences)
        {
            tracing::error!(%error, "no further file of commands can be begun: this one goes on");
        }
        let entry = serde_json::to_string(&Entry::Command { at, envelope })?;
        let newest = chain::hash(&self.newest, entry.as_bytes());
        let line = chain::line(&newest, &entry);
        let bytes = line.len() as u64;
        self.reserve(bytes);
        let written = (|| {
            self.file.write_all(line.as_bytes())?;
            self.file.sync_data()
        })();
        if let Err(error) = written {
            // Half a line must not be in the way of the next.
            self.file.set_len(self.length)?;
            self.file.seek(SeekFrom::Start(self.length))?;
            self.reserved = 0;
            return Err(error);
        }
        self.length += bytes;
        self.newest = newest;
        Ok(())
    }

    /// Has what follows go elsewhere, and answers where it went before.
    #[cfg(test)]
    pub(super) fn divert(&mut self, file: File) -> File {
        std::mem::replace(&mut self.file, file)
    }

    /// Begins another file, and lets the one before the last go.
    fn begin(&mut self, fences: &Fences) -> io::Result<()> {
        let [path, former] = FILES.map(|name| self.folder.join(name));
        let next = self.folder.join(NEXT);
        let (line, newest) = head(&self.newest, fences)?;
        write_atomically(&next, line.as_bytes())?;
        let mut file = File::options().write(true).open(&next)?;
        let length = file.seek(SeekFrom::End(0))?;
        fs::rename(&path, former)?;
        fs::rename(&next, path)?;
        sync_dir(&self.folder)?;
        (self.file, self.length, self.reserved) = (file, length, 0);
        self.newest = newest;
        Ok(())
    }

    /// Sees to it that what follows finds room, also when others fill the disk. Where that can't be had, writing will tell.
    fn reserve(&mut self, bytes: u64) {
        if self.length + bytes + RESERVE / 2 <= self.reserved {
            return;
        }
        let room = bytes + RESERVE;
        let offset = i64::try_from(self.length).unwrap_or(i64::MAX);
        let answer = fallocate(
            &self.file,
            FallocateFlags::FALLOC_FL_KEEP_SIZE,
            offset,
            i64::try_from(room).unwrap_or(i64::MAX),
        );
        if answer.is_ok() {
            self.reserved = self.length + room;
        }
    }
}

/// The first line of a file, and its hash.
fn head(follows: &Digest, fences: &Fences) -> io::Result<(String, Digest)> {
    let entry = serde_json::to_string(&Entry::Begins {
        follows: follows.clone(),
        fences: fences.clone(),
    })?;
    let hash = chain::hash(follows, entry.as_bytes());
    Ok((chain::line(&hash, &entry), hash))
}

/// What the files say.
#[derive(Default)]
struct Known {
    newest: Option<Digest>,
    fences: Fences,
}

impl Known {
    /// Reads a file, and answers its length up to the last whole line.
    fn read(&mut self, path: &Path) -> io::Result<u64> {
        let mut file = BufReader::new(File::open(path)?);
        let (mut length, mut line) = (0, Vec::new());
        loop {
            line.clear();
            let read = file.read_until(b'\n', &mut line)?;
            let Some(whole) = line.strip_suffix(b"\n") else {
                return Ok(length);
            };
            length += read as u64;
            self.take(whole);
        }
    }

    fn take(&mut self, line: &[u8]) {
        // What is damaged is for those to find who verify it; the record goes on.
        let Some((hash, entry)) = chain::split(line) else {
            tracing::error!(
                "an entry of the commands can't be read: `cutover agent audit --verify`"
            );
            return;
        };
        self.newest = Some(hash);
        match serde_json::from_slice(entry) {
            Ok(Entry::Begins { fences, .. }) => self.fences = fences,
            Ok(Entry::Command { at, envelope }) => {
                if let Ok(said) = envelope.read() {
                    let known = self.fences.get(&envelope.key).copied();
                    let fence = Fence::recall(known, &said, at);
                    self.fences.insert(envelope.key, fence);
                }
            }
            Err(error) => {
                tracing::error!(%error, "an entry of the commands can't be read: `cutover agent audit --verify`");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::commands::audit;
    use crate::identity::command::{CommandKey, Statement, Verb};

    const NOW: Timestamp = Timestamp(1_000_000);

    fn said(epoch: u64, sequence: u64) -> Statement {
        Statement {
            project: "shop".parse().unwrap(),
            host: "web-1".parse().unwrap(),
            agent: None,
            epoch,
            incarnation: 1,
            sequence,
            until: NOW + super::super::fence::HOLDS,
            by: "ana".to_owned(),
            kind: Verb::Order,
            name: format!("e-{sequence}"),
            command: serde_json::value::to_raw_value("what is wanted").unwrap(),
        }
    }

    /// Writes commands down, and answers what is known then.
    fn write(folder: &Path, key: &CommandKey, long: u64, numbers: std::ops::Range<u64>) -> Fences {
        let (mut record, mut fences) = Record::open(folder).unwrap();
        record.long = long;
        for number in numbers {
            let said = said(2, number);
            let known = fences.get(&key.commander()).copied();
            let fence = Fence::pass(known, &said, NOW).unwrap();
            fences.insert(key.commander(), fence);
            let envelope = key.sign(&said).unwrap();
            record.append(NOW, envelope, &fences).unwrap();
        }
        fences
    }

    fn again(folder: &Path, key: &CommandKey, sequence: u64) -> bool {
        let (_, fences) = Record::open(folder).unwrap();
        let known = fences.get(&key.commander()).copied();
        Fence::pass(known, &said(2, sequence), NOW).is_ok()
    }

    #[test]
    fn what_was_obeyed_is_known_after_a_restart_and_over_files() {
        let folder = tempfile::tempdir().unwrap();
        let key = CommandKey::new().unwrap();
        for (numbers, newest) in [(1..5, 4), (5..40, 39), (40..41, 40)] {
            write(folder.path(), &key, 2_000, numbers);
            assert!(!again(folder.path(), &key, newest));
            assert!(again(folder.path(), &key, newest + 1));
        }
        let length = |name: &str| fs::metadata(folder.path().join(name)).unwrap().len();
        assert!(FILES.iter().all(|name| length(name) < 4_000));
        let audited = audit::read(folder.path()).unwrap();
        audited.verify().unwrap();
        let last = audited.commands().last().unwrap().unwrap();
        assert_eq!(last.said.name, "e-40");
    }

    #[test]
    fn a_killed_agent_leaves_half_a_line_or_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let key = CommandKey::new().unwrap();
        write(folder.path(), &key, LONG, 1..4);
        let [path, former] = FILES.map(|name| folder.path().join(name));
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(b"0123456789abcdef half a li").unwrap();
        write(folder.path(), &key, LONG, 4..6);
        audit::read(folder.path()).unwrap().verify().unwrap();
        fs::rename(&path, &former).unwrap();
        assert!(!again(folder.path(), &key, 5));
        write(folder.path(), &key, LONG, 6..7);
        let proof = audit::read(folder.path()).unwrap().verify().unwrap();
        assert_eq!(proof.commands, 6);
    }

    #[test]
    fn every_changed_byte_is_found_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let key = CommandKey::new().unwrap();
        write(folder.path(), &key, 1_500, 1..5);
        for name in FILES {
            let path = folder.path().join(name);
            let sound = fs::read(&path).unwrap();
            let mut entry = 1;
            // Without the last line's end, the newest file has a line that is being written.
            let end = sound.len() - usize::from(name == FILES[0]);
            for at in 0..end {
                let mut changed = sound.clone();
                changed[at] ^= 1;
                fs::write(&path, &changed).unwrap();
                let proof = audit::read(folder.path()).unwrap().verify();
                let words = proof.expect_err("a changed byte").to_string();
                assert!(
                    words.contains(&format!("{name}: entry {entry} ")),
                    "{words}"
                );
                entry += usize::from(sound[at] == b'\n');
            }
            fs::write(&path, &sound).unwrap();
        }
        // Nor can one be made up by who has not the key.
        let forger = tempfile::tempdir().unwrap();
        let other = CommandKey::new().unwrap();
        write(forger.path(), &other, LONG, 1..2);
        let text = fs::read_to_string(forger.path().join(FILES[0])).unwrap();
        let claims = text.replace(&other.commander().to_string(), &key.commander().to_string());
        let mut newest = chain::origin();
        let mut log = String::new();
        for line in claims.lines() {
            let entry = &line[65..];
            newest = chain::hash(&newest, entry.as_bytes());
            log.push_str(&chain::line(&newest, entry));
        }
        fs::write(forger.path().join(FILES[0]), log).unwrap();
        let proof = audit::read(forger.path()).unwrap().verify();
        let words = proof.unwrap_err().to_string();
        assert!(
            words.contains("entry 2 ") && words.contains("signature"),
            "{words}"
        );
    }
}
