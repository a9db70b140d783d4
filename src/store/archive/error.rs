//! Why an archive is not taken.

use std::io;
use std::path::PathBuf;

use super::limits::Exceeded;
use crate::text;

/// Why an archive is not taken. Whatever it is, nothing of the archive is left on the disk.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Reading or writing failed.
    #[error("{context}: {source}")]
    Io {
        /// What was being done, with the path.
        context: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The file is no archive at all.
    #[error("it is {found}, not a zip, tar or tar.gz archive; pack the revision as one of these")]
    NotAnArchive {
        /// What the file looks like.
        found: &'static str,
    },
    /// The file is an archive, or what people take for one, of a format that is not read.
    #[error("it is {found}, not a zip, tar or tar.gz archive; pack the revision as one of these")]
    OtherFormat {
        /// Which format.
        found: &'static str,
    },
    /// An entry breaks a rule.
    #[error("the bundle is refused: its entry {} {problem}", shown(.entry))]
    Entry {
        /// The entry's name as it is stored.
        entry: Vec<u8>,
        /// What is wrong with it.
        problem: String,
    },
    /// The archive as such breaks a rule.
    #[error("the bundle is refused: it {0}")]
    Archive(String),
    /// The archive is too much for a host.
    #[error("the bundle is refused: {0}")]
    Exceeded(#[from] Exceeded),
    /// The file system has no room for it.
    #[error("the bundle needs {}, {} are free on {}", text::size(*.needs), text::size(*.free), .folder.display())]
    NoSpace {
        /// What the files will take.
        needs: u64,
        /// What there is.
        free: u64,
        /// Where it was to be unpacked.
        folder: PathBuf,
    },
}

impl ArchiveError {
    /// Whether the archive itself is to blame, so that it is refused everywhere, and not the host that reads it.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::NotAnArchive { .. }
            | Self::OtherFormat { .. }
            | Self::Entry { .. }
            | Self::Archive(_)
            | Self::Exceeded(_) => true,
            Self::Io { .. } | Self::NoSpace { .. } => false,
        }
    }

    /// Wraps an I/O error with what was being done.
    pub(super) fn io(context: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let context = context.into();
        move |source| match source.downcast::<Self>() {
            Ok(ours) => ours,
            Err(source) => Self::Io { context, source },
        }
    }

    /// An archive that breaks a rule; the sentence begins with "it".
    pub(super) fn archive(problem: impl Into<String>) -> Self {
        Self::Archive(problem.into())
    }

    /// An entry that breaks a rule; the sentence begins with its name.
    pub(super) fn entry(entry: impl AsRef<[u8]>, problem: impl Into<String>) -> Self {
        Self::Entry {
            entry: entry.as_ref().to_owned(),
            problem: problem.into(),
        }
    }
}

/// Readers answer I/O errors; this carries ours through them, and `ArchiveError::io` takes it out again.
impl From<ArchiveError> for io::Error {
    fn from(error: ArchiveError) -> Self {
        Self::other(error)
    }
}

/// As much of a name as a person wants to read, with nothing in it that a terminal would act on.
fn shown(name: &[u8]) -> String {
    const LONGEST: usize = 200;
    let text = String::from_utf8_lossy(name);
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}
