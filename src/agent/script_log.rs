//! The scripts' logs on the host, in `CodeDeploy`'s format, each bounded by rotation.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use crate::model::timestamp::Timestamp;

/// A file with more bytes than this is renamed, and a new one begun.
const FULL: u64 = 64 * 1024 * 1024;

/// So many files are kept, the one being written included.
const FILES: u32 = 8;

const SECONDS: &str = "%Y-%m-%d %H:%M:%S";
const MILLISECONDS: &str = "%Y-%m-%d %H:%M:%S.%3f";

/// A log that is appended to and never grows without bound.
#[derive(Debug)]
pub struct ScriptLog {
    path: PathBuf,
    file: File,
    length: u64,
}

impl ScriptLog {
    /// Opens the log, making it if need be.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)?;
        let length = file.metadata()?.len();
        Ok(Self {
            path: path.to_owned(),
            file,
            length,
        })
    }

    /// Appends a line as the deployment's own log has it.
    pub fn entry(&mut self, at: Timestamp, text: &[u8]) -> io::Result<()> {
        let time = local(at, SECONDS);
        self.append(&[time.as_bytes(), b" ", text, b"\n"].concat())
    }

    /// Appends a line as the log of all deployments has it.
    pub fn shared_entry(&mut self, at: Timestamp, deployment: &str, text: &[u8]) -> io::Result<()> {
        let head = format!("[{}] [{deployment}]", local(at, MILLISECONDS));
        self.append(&[head.as_bytes(), text, b"\n"].concat())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.length > FULL {
            self.rotate()?;
        }
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..FILES).rev() {
            let newer = if number == 1 {
                self.path.clone()
            } else {
                self.numbered(number - 1)
            };
            match fs::rename(newer, self.numbered(number)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        *self = Self::open(&self.path)?;
        Ok(())
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

/// The host's local time.
fn local(at: Timestamp, format: &str) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned(TimeZone::system()).strftime(format).to_string()
}
