//! Writing an archive's entries.
//!
//! Why nothing is ever written through a link: the folder is new, nobody but us may enter it (0700) until all is done,
//! and nothing in it is there but what this file makes. Folders come first, files second, hard links third, symbolic
//! links last: while files are opened by their paths, no symbolic link exists that a path could go through. And files
//! are made with `O_CREAT | O_EXCL`, which follows no link and opens nothing that is there.
//!
//! Owners come before modes, because changing the owner takes the set-user-id bit away. Folders get their modes and
//! times at the very end, those below first: until then we must be able to write into them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, fchown, lchown, symlink};
use std::path::{Path, PathBuf};

use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{UtimensatFlags, futimens, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{getegid, geteuid};

use super::check::{self, check_opened};
use super::contents::{Contents, below};
use super::data::Data;
use super::error::ArchiveError;
use super::limits::Limits;
use super::member::{Attributes, Kind, Member, Time};
use super::{remove_tree, space};

/// What folders get that have no entry of their own, and the root.
const USUAL_MODE: u32 = 0o755;

/// Whether a file runs as its owner or its group.
const SET_ID: u32 = 0o6000;

/// To whom the files belong that are unpacked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Owners {
    /// If root unpacks, to those that a tar names, as numbers; otherwise to who unpacks.
    #[default]
    Archive,
    /// To who unpacks. Files do not run as their owner or group then: the archive meant other ones.
    Unpacker,
}

/// Checks the archive as a whole, then unpacks its revision to the new folder `into`: a single folder around everything
/// is left out, as [`Contents::root`] says. What is written is not synced.
///
/// # Errors
///
/// When the archive is refused, does not fit, or cannot be written, or when `into` is there already. Nothing of the
/// archive is then left.
pub fn extract(
    file: &Path,
    into: &Path,
    limits: &Limits,
    owners: Owners,
) -> Result<Contents, ArchiveError> {
    let file = check::open(file)?;
    let contents = check_opened(&file, limits)?;
    space::suffices(&contents, into.parent().unwrap_or(Path::new("/")))?;
    make_folder(into)?;
    let written =
        Writer::new(into, &contents, owners).and_then(|writer| writer.write(&file, limits));
    if let Err(error) = written {
        remove_tree(into).map_err(|left| ArchiveError::Io {
            context: format!("{error}; and what was unpacked is still there"),
            source: left,
        })?;
        return Err(error);
    }
    Ok(contents)
}

struct Writer<'a> {
    into: &'a Path,
    contents: &'a Contents,
    owners: Owners,
    /// Whether owners can be set.
    root: bool,
    /// Whose everything is, where they cannot.
    us: (u32, u32),
}

impl<'a> Writer<'a> {
    fn new(into: &'a Path, contents: &'a Contents, owners: Owners) -> Result<Self, ArchiveError> {
        for folder in contents.folders().keys() {
            make_folder(&into.join(folder))?;
        }
        Ok(Self {
            into,
            contents,
            owners,
            root: geteuid().is_root(),
            us: (geteuid().as_raw(), getegid().as_raw()),
        })
    }

    /// Whom the entry is given to.
    fn owner(&self, attributes: &Attributes) -> Option<(u32, u32)> {
        let given = self.root && self.owners == Owners::Archive;
        attributes.owner.filter(|_| given)
    }

    fn write(&self, file: &File, limits: &Limits) -> Result<(), ArchiveError> {
        self.files(file, limits)?;
        self.links()?;
        for (folder, attributes) in self.contents.folders().into_iter().rev() {
            self.finish_folder(&self.into.join(folder), attributes)?;
        }
        self.finish_folder(self.into, None)
    }

    /// Reads the archive again, by the same rules, and insists that it says what it said when it was checked.
    fn files(&self, file: &File, limits: &Limits) -> Result<(), ArchiveError> {
        let changed = || ArchiveError::archive("changed while it was unpacked");
        let mut expected = self.contents.members.iter();
        let mut seen = None;
        check::read(file, limits, &mut seen, &mut |member, data| {
            let Some(member) = below(&self.contents.root, member) else {
                return Ok(());
            };
            if expected.next() != Some(&member) {
                return Err(changed());
            }
            if let Kind::File { .. } = member.kind {
                self.file(&member, data)?;
            }
            Ok(())
        })?;
        match expected.next() {
            None => Ok(()),
            Some(_) => Err(changed()),
        }
    }

    fn file(&self, member: &Member, data: &mut Data<'_>) -> Result<(), ArchiveError> {
        let path = self.into.join(&member.path);
        let mut write = || -> io::Result<()> {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true).mode(0o600);
            let mut file = options.open(&path)?;
            data.write_to(&mut file)?;
            if let Some((user, group)) = self.owner(&member.attributes) {
                fchown(&file, Some(user), Some(group))?;
            }
            file.set_permissions(fs::Permissions::from_mode(self.mode(&member.attributes)))?;
            let time = timespec(member.attributes.modified);
            futimens(&file, &time, &time)?;
            Ok(())
        };
        write().map_err(ArchiveError::io(writing(&path)))
    }

    /// A file that was to run as somebody else and is ours, because owners cannot or must not be set, must not run as us
    /// for everybody.
    fn mode(&self, attributes: &Attributes) -> u32 {
        let foreign = attributes.owner.is_some_and(|owner| owner != self.us);
        let ours = self.owners == Owners::Unpacker || foreign && !self.root;
        if ours {
            attributes.mode & !SET_ID
        } else {
            attributes.mode
        }
    }

    fn links(&self) -> Result<(), ArchiveError> {
        for member in &self.contents.members {
            if let Kind::HardLink { target } = &member.kind {
                let path = self.into.join(&member.path);
                fs::hard_link(self.into.join(target), &path)
                    .map_err(ArchiveError::io(writing(&path)))?;
            }
        }
        for member in &self.contents.members {
            if let Kind::Symlink { target } = &member.kind {
                let path = self.into.join(&member.path);
                self.symlink(&path, target, &member.attributes)
                    .map_err(ArchiveError::io(writing(&path)))?;
            }
        }
        Ok(())
    }

    fn symlink(&self, path: &PathBuf, target: &Path, attributes: &Attributes) -> io::Result<()> {
        symlink(target, path)?;
        if let Some((user, group)) = self.owner(attributes) {
            lchown(path, Some(user), Some(group))?;
        }
        set_time(path, attributes.modified)
    }

    fn finish_folder(
        &self,
        path: &Path,
        attributes: Option<&Attributes>,
    ) -> Result<(), ArchiveError> {
        let finish = || -> io::Result<()> {
            let owner = attributes.and_then(|attributes| self.owner(attributes));
            if let Some((user, group)) = owner {
                lchown(path, Some(user), Some(group))?;
            }
            let mode = attributes.map_or(USUAL_MODE, |attributes| attributes.mode);
            fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
            attributes.map_or(Ok(()), |attributes| set_time(path, attributes.modified))
        };
        finish().map_err(ArchiveError::io(writing(path)))
    }
}

fn writing(path: &Path) -> String {
    format!("writing {}", path.display())
}

/// Makes a folder that only we may enter; it must be new.
fn make_folder(path: &Path) -> Result<(), ArchiveError> {
    let made = DirBuilder::new().mode(0o700).create(path);
    made.map_err(ArchiveError::io(format!("making {}", path.display())))
}

fn set_time(path: &Path, time: Time) -> io::Result<()> {
    let time = timespec(time);
    utimensat(
        AT_FDCWD,
        path,
        &time,
        &time,
        UtimensatFlags::NoFollowSymlink,
    )?;
    Ok(())
}

fn timespec(time: Time) -> TimeSpec {
    TimeSpec::new(time.seconds, time.nanoseconds.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::archive::Format;

    #[test]
    fn nobody_s_files_run_as_the_agent_that_cannot_give_them_away() {
        let contents = Contents {
            format: Format::Tar,
            members: Vec::new(),
            size: 0,
            root: PathBuf::new(),
        };
        let mode = |root, owner| {
            let writer = Writer {
                owners: Owners::Archive,
                into: Path::new("/"),
                contents: &contents,
                root,
                us: (1000, 100),
            };
            writer.mode(&Attributes {
                mode: 0o6755,
                owner,
                modified: Time {
                    seconds: 0,
                    nanoseconds: 0,
                },
            })
        };
        assert_eq!(mode(false, Some((0, 0))), 0o755);
        assert_eq!(mode(false, Some((1000, 0))), 0o755);
        assert_eq!(mode(false, Some((1000, 100))), 0o6755);
        assert_eq!(mode(true, Some((0, 0))), 0o6755);
    }
}
