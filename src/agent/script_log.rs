//! The scripts' logs on the host, in `CodeDeploy`'s format, each bounded by rotation.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use super::config::Output;
use crate::model::timestamp::Timestamp;

const SECONDS: &str = "%Y-%m-%d %H:%M:%S";
const MILLISECONDS: &str = "%Y-%m-%d %H:%M:%S.%3f";

/// A log that is appended to and never grows without bound.
#[derive(Debug)]
pub struct ScriptLog {
    path: PathBuf,
    full: u64,
    files: u32,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    length: u64,
    inode: u64,
}

impl ScriptLog {
    /// A log at this path. The file is made when there is something to write.
    pub fn new(path: PathBuf, settings: &Output) -> Self {
        Self {
            path,
            full: settings.log_bytes,
            files: settings.log_files,
            open: None,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends entries, all or none of them. Somebody who deleted the file gets a new one.
    pub fn append(&mut self, entries: &[u8]) -> io::Result<()> {
        let mut open = self.current()?;
        if open.length > self.full {
            self.rotate()?;
            open = Open::at(&self.path)?;
        }
        let open = self.open.insert(open);
        if let Err(error) = open.file.write_all(entries) {
            // A full disk must not leave half a line. If that fails too, the line stays cut.
            let _ = open.file.set_len(open.length);
            return Err(error);
        }
        open.length += entries.len() as u64;
        Ok(())
    }

    /// The file under the log's name. Others may have written to it, renamed or deleted it.
    fn current(&mut self) -> io::Result<Open> {
        match (self.open.take(), fs::metadata(&self.path)) {
            (Some(open), Ok(metadata)) if metadata.ino() == open.inode => Ok(Open {
                length: metadata.len(),
                ..open
            }),
            _ => Open::at(&self.path),
        }
    }

    fn rotate(&self) -> io::Result<()> {
        if self.files <= 1 {
            return fs::remove_file(&self.path);
        }
        for number in (1..self.files).rev() {
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
        Ok(())
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

impl Open {
    fn at(path: &Path) -> io::Result<Self> {
        let open = || {
            let mut options = OpenOptions::new();
            options.create(true).append(true).mode(0o600).open(path)
        };
        let file = match (open(), path.parent()) {
            (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
                let mut builder = DirBuilder::new();
                builder.recursive(true).mode(0o700).create(folder)?;
                open()?
            }
            (opened, _) => opened?,
        };
        let metadata = file.metadata()?;
        Ok(Self {
            file,
            length: metadata.len(),
            inode: metadata.ino(),
        })
    }
}

/// What stands before each entry of a deployment's own log.
pub fn head(at: Timestamp) -> String {
    format!("{} ", local(at, SECONDS))
}

/// What stands before each entry of the log of all deployments.
pub fn shared_head(at: Timestamp, deployment: &str) -> String {
    format!("[{}] [{deployment}]", local(at, MILLISECONDS))
}

/// The host's local time.
fn local(at: Timestamp, format: &str) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned(TimeZone::system()).strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(folder: &Path, log_files: u32) -> ScriptLog {
        let settings = Output {
            log_bytes: 10,
            log_files,
            ..Output::default()
        };
        ScriptLog::new(folder.join("logs/scripts.log"), &settings)
    }

    #[test]
    fn a_full_log_is_replaced_and_few_are_kept() {
        let scratch = tempfile::tempdir().unwrap();
        for (files, expected) in [(3, "8\n9\n-6\n7\n-4\n5\n-"), (1, "8\n9\n-")] {
            let folder = scratch.path().join(files.to_string());
            let mut log = log(&folder, files);
            for number in 0..10 {
                log.append(format!("{number}\n{}", " ".repeat(5)).as_bytes())
                    .unwrap();
            }
            let mut paths: Vec<_> = fs::read_dir(folder.join("logs"))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .collect();
            paths.sort();
            let text: String = paths
                .iter()
                .map(|path| fs::read_to_string(path).unwrap().replace(' ', "") + "-")
                .collect();
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn a_deleted_log_is_made_anew() {
        let scratch = tempfile::tempdir().unwrap();
        let mut log = log(scratch.path(), 2);
        log.append(b"1\n").unwrap();
        fs::remove_dir_all(scratch.path().join("logs")).unwrap();
        log.append(b"2\n").unwrap();
        assert_eq!(fs::read(log.path()).unwrap(), b"2\n");
    }

    /// The agent and a local deployment write the log of all deployments.
    #[test]
    fn what_another_writes_counts() {
        let scratch = tempfile::tempdir().unwrap();
        let (mut one, mut two) = (log(scratch.path(), 2), log(scratch.path(), 2));
        one.append(b"1\n").unwrap();
        two.append(b"a long line of another\n").unwrap();
        one.append(b"2\n").unwrap();
        assert_eq!(fs::read(one.path()).unwrap(), b"2\n");
        two.append(b"3\n").unwrap();
        assert_eq!(fs::read(one.path()).unwrap(), b"2\n3\n");
    }
}
