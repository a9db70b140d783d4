//! What an archive holds.

use std::path::PathBuf;

/// One entry of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Where it lies below the root: no `.`, no `..`, not empty, not absolute.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// What is set on it when it is there.
    pub attributes: Attributes,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A file of so many bytes.
    File {
        /// Its size when it is unpacked.
        size: u64,
    },
    /// A symbolic link.
    Symlink {
        /// What it says.
        target: PathBuf,
    },
    /// Another name of an earlier file.
    HardLink {
        /// The file's path below the root.
        target: PathBuf,
    },
}

/// What is set on an entry when it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Permissions with set-user-id, set-group-id and sticky bits.
    pub mode: u32,
    /// User and group, if the format knows them. Only root can give files away.
    pub owner: Option<(u32, u32)>,
    /// The time of the last change.
    pub modified: Time,
}

/// A point in time as file systems keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// Seconds since 1970; before that negative.
    pub seconds: i64,
    /// And so many billionths.
    pub nanoseconds: u32,
}
