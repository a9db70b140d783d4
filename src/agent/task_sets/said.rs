//! What a task says: its log, kept short, and the last of it for those who ask what is wrong.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};

use super::folder::TaskFolder;
use crate::text::safe;

/// So many lines are told.
const LINES: usize = 5;

/// From so many bytes at the end.
const BYTES: u64 = 1024;

/// The last lines that a task has said since it was started, if any.
pub fn tail(folder: &TaskFolder, from: u64) -> Option<String> {
    let mut file = File::open(folder.log()).ok()?;
    let length = file.metadata().ok()?.len();
    // A log that was cut back holds newer things alone.
    let from = if from > length { 0 } else { from };
    file.seek(SeekFrom::Start(from.max(length.saturating_sub(BYTES))))
        .ok()?;
    let mut bytes = Vec::new();
    file.take(BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<String> = text.trim_end().lines().map(safe).collect();
    let first = lines.len().saturating_sub(LINES);
    let lines = lines.get(first..)?.join("\n");
    (!lines.is_empty()).then_some(lines)
}

/// Where the next thing that a task says will be.
pub fn end(folder: &TaskFolder) -> u64 {
    fs::metadata(folder.log()).map_or(0, |metadata| metadata.len())
}

/// Cuts the log back once it is longer than this: what it holds moves to an older one. The task goes on writing to the same
/// file, so what it says between the two steps is lost.
pub fn cut_back(folder: &TaskFolder, full: u64) -> io::Result<()> {
    if end(folder) <= full {
        return Ok(());
    }
    if fs::copy(folder.log(), folder.older_log()).is_err() {
        // A full disk is the reason to make room on it.
        let _there_may_be_none = fs::remove_file(folder.older_log());
    }
    OpenOptions::new()
        .write(true)
        .open(folder.log())?
        .set_len(0)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn the_end_is_told_and_the_beginning_goes() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = TaskFolder::of(scratch.path().to_owned());
        assert_eq!(tail(&folder, 0), None);
        let mut options = OpenOptions::new();
        let mut log = options
            .create(true)
            .append(true)
            .open(folder.log())
            .unwrap();
        log.write_all(b"an earlier start\n").unwrap();
        let from = end(&folder);
        assert_eq!(tail(&folder, from), None);
        for number in 1..=7 {
            writeln!(log, "line\x1b[31m {number}").unwrap();
        }
        let told = tail(&folder, from).unwrap();
        assert_eq!(told.lines().count(), LINES);
        assert!(told.ends_with(" 7") && !told.contains('\x1b'), "{told:?}");

        cut_back(&folder, 1000).unwrap();
        assert!(!folder.older_log().exists());
        cut_back(&folder, 10).unwrap();
        let older = fs::read_to_string(folder.older_log()).unwrap();
        assert!(older.starts_with("an earlier start\n"));
        writeln!(log, "after that").unwrap();
        assert_eq!(fs::read_to_string(folder.log()).unwrap(), "after that\n");
        assert_eq!(tail(&folder, from).unwrap(), "after that");
    }
}
