//! What an archive may cost the host that unpacks it.

use crate::text;

/// What an archive may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest archive, in bytes.
    pub compressed: u64,
    /// The most that it may become, in bytes.
    pub unpacked: u64,
    /// How many times its own size an archive may become…
    pub ratio: u64,
    /// …once it becomes more than this: small bundles may be as compressible as they like.
    pub ratio_floor: u64,
    /// Files, folders and links together; folders that are only named as part of a path count too.
    pub entries: usize,
    /// How many bytes all names and link targets have together. They are all held in memory.
    pub names: usize,
    /// How many parts a path may have.
    pub depth: usize,
    /// How many bytes a part of a path may have.
    pub part: usize,
    /// How many bytes a path may have.
    pub path: usize,
    /// Whether symbolic links may lead out of the archive's root.
    pub links_may_leave: bool,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            compressed: 2048 * MIB,
            unpacked: 10 * 1024 * MIB,
            ratio: 200,
            ratio_floor: 64 * MIB,
            entries: 200_000,
            names: 64 * 1024 * 1024,
            depth: 64,
            part: 255,
            path: 4096,
            links_may_leave: false,
        }
    }
}

/// Which limit an archive exceeds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    /// The archive itself is too large.
    #[error("it has {}, and at most {} are unpacked", text::size(*.0), text::size(*.1))]
    Compressed(u64, u64),
    /// It becomes too large.
    #[error("it unpacks to more than {}", text::size(*.0))]
    Unpacked(u64),
    /// It becomes too large for its size, as only bombs do.
    #[error("it unpacks to more than {0} times its size, as only a bomb does")]
    Ratio(u64),
    /// It has too many entries.
    #[error("it has more than {0} files, folders and links")]
    Entries(usize),
    /// Its names are too long together.
    #[error("its names have more than {} together", text::size(*.0 as u64))]
    Names(usize),
}

impl Limits {
    /// What is dangerous whatever a host has room for: for those who only look at a bundle that its owner gave them. How
    /// large a bundle may be is for the host to say that unpacks it.
    pub fn structure() -> Self {
        Self {
            compressed: u64::MAX,
            unpacked: u64::MAX,
            entries: usize::MAX,
            ..Self::default()
        }
    }

    /// Whether an archive of this size may be read.
    pub(super) fn admit_archive(&self, size: u64) -> Result<(), Exceeded> {
        if size > self.compressed {
            return Err(Exceeded::Compressed(size, self.compressed));
        }
        Ok(())
    }

    /// Whether an archive of this size may become that large.
    pub(super) fn admit_unpacked(&self, unpacked: u64, compressed: u64) -> Result<(), Exceeded> {
        if unpacked > self.unpacked {
            return Err(Exceeded::Unpacked(self.unpacked));
        }
        if unpacked > self.ratio_floor && unpacked > compressed.saturating_mul(self.ratio) {
            return Err(Exceeded::Ratio(self.ratio));
        }
        Ok(())
    }
}
