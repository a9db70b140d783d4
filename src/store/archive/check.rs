//! Checking an archive: every rule, before anything is written.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::contents::{below, nested_root};
use super::data::Data;
use super::error::ArchiveError;
use super::format::{Gunzip, Window};
use super::limits::{Exceeded, Limits};
use super::member::{Kind, Member};
use super::tar::Whole;
use super::tree::{Addition, Tree};
use super::{Contents, Format, tar, zip};

/// Reads the archive to its end and says what it holds. Nothing is written.
///
/// # Errors
///
/// When it cannot be read, is no archive, or breaks a rule.
pub fn check(file: &Path, limits: &Limits) -> Result<Contents, ArchiveError> {
    check_opened(&open(file)?, limits)
}

/// Opens an archive.
pub(super) fn open(file: &Path) -> Result<File, ArchiveError> {
    let context = || format!("reading {}", file.display());
    let opened = File::open(file).map_err(ArchiveError::io(context()))?;
    let metadata = opened.metadata().map_err(ArchiveError::io(context()))?;
    if !metadata.is_file() {
        return Err(ArchiveError::NotAnArchive {
            found: "not a file",
        });
    }
    Ok(opened)
}

/// `check` of a file that is open.
pub(super) fn check_opened(file: &File, limits: &Limits) -> Result<Contents, ArchiveError> {
    let mut checker = None;
    let format = read(file, limits, &mut checker, &mut |_, _| Ok(()))?;
    match checker {
        Some(checker) => checker.finish(format),
        None => Err(ArchiveError::archive("is empty")),
    }
}

/// Read from an archive so much at once.
const CHUNK: usize = 128 * 1024;

/// What is done with every entry that passed. It need not read the data.
pub(super) type Visit<'a> = dyn FnMut(Member, &mut Data<'_>) -> Result<(), ArchiveError> + 'a;

/// Reads the archive to its end, applies every rule that can be applied to an entry when it comes, and hands the entries
/// on. What the entries are together is left in `seen`.
pub(super) fn read<'l>(
    file: &File,
    limits: &'l Limits,
    seen: &mut Option<Checker<'l>>,
    visit: &mut Visit<'_>,
) -> Result<Format, ArchiveError> {
    let metadata = file
        .metadata()
        .map_err(ArchiveError::io("reading the bundle"))?;
    let size = metadata.len();
    limits.admit_archive(size)?;
    let format = Format::of(file)?;
    let checker = seen.insert(Checker::new(limits, size));
    let mut admit = |member: Member, data: &mut Data<'_>| {
        checker.admit(&member)?;
        visit(member, data)
    };
    match format {
        Format::Zip => zip::read(file, size, limits, &mut admit)?,
        Format::Tar => {
            let mut plain = BufReader::with_capacity(CHUNK, Window::new(file, 0, size));
            tar::read(&mut plain, Whole::ByEndMark, limits, &mut admit)?;
        }
        Format::TarGz => {
            let mut plain = BufReader::with_capacity(CHUNK, Gunzip::new(file, size, limits));
            tar::read(&mut plain, Whole::ByPacking, limits, &mut admit)?;
        }
    }
    Ok(format)
}

/// The rules over all entries.
pub(super) struct Checker<'l> {
    limits: &'l Limits,
    compressed: u64,
    tree: Tree,
    members: Vec<Member>,
    size: u64,
    names: usize,
}

impl<'l> Checker<'l> {
    fn new(limits: &'l Limits, compressed: u64) -> Self {
        Self {
            limits,
            compressed,
            tree: Tree::new(),
            members: Vec::new(),
            size: 0,
            names: 0,
        }
    }

    fn admit(&mut self, member: &Member) -> Result<(), ArchiveError> {
        let (addition, size, target) = match &member.kind {
            Kind::Folder => (Addition::Folder, 0, None),
            Kind::File { size } => (Addition::File, *size, None),
            Kind::Symlink { target } => (Addition::Symlink(target), 0, Some(target)),
            Kind::HardLink { target } => (Addition::HardLink(target), 0, Some(target)),
        };
        let length = |path: &PathBuf| path.as_os_str().len();
        self.names += length(&member.path) + target.map_or(0, length);
        if self.names > self.limits.names {
            return Err(Exceeded::Names(self.limits.names).into());
        }
        self.size = self.size.saturating_add(size);
        self.limits.admit_unpacked(self.size, self.compressed)?;
        self.tree
            .add(&member.path, &addition)
            .map_err(|problem| refused(member, problem))?;
        // Repeated folders make no node of the tree, but cost memory too.
        if self.tree.len().max(self.members.len() + 1) > self.limits.entries {
            return Err(Exceeded::Entries(self.limits.entries).into());
        }
        self.members.push(member.clone());
        Ok(())
    }

    /// What can be said only when everything is known: which folder is the root, and where links lead from there.
    pub fn finish(mut self, format: Format) -> Result<Contents, ArchiveError> {
        let root = nested_root(&self.members);
        if !self.limits.links_may_leave {
            for member in &self.members {
                if let Kind::Symlink { .. } = member.kind {
                    self.tree
                        .link_stays(&member.path, &root)
                        .map_err(|problem| refused(member, problem))?;
                }
            }
        }
        let members = self.members.into_iter();
        Ok(Contents {
            format,
            members: members.filter_map(|member| below(&root, member)).collect(),
            size: self.size,
            root,
        })
    }
}

fn refused(member: &Member, problem: String) -> ArchiveError {
    ArchiveError::entry(member.path.as_os_str().as_encoded_bytes(), problem)
}
