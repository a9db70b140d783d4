//! Unpacking a bundle: into a temporary folder that gets its name only when everything is there, and never outside of it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use flate2::read::MultiGzDecoder;
use tar::{Archive, Entry, EntryType};

use super::layout::sync_dir;

/// Why a bundle was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// Reading or writing failed.
    #[error("unpacking the bundle: {0}")]
    Io(#[from] io::Error),
    /// An entry could write or read outside of the revision.
    #[error("the bundle is refused: its entry {path} {problem}")]
    Unsafe {
        /// The entry's name.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// A directory whose mode and time are set when everything is in it.
struct Directory {
    path: PathBuf,
    mode: u32,
    modified: Duration,
}

/// Unpacks the bundle to `archive`, by way of `temporary`. An older `archive` is replaced.
///
/// # Errors
///
/// When the bundle cannot be read, holds something unsafe, or cannot be written; `archive` is then as it was.
pub fn unpack(bundle: &Path, temporary: &Path, archive: &Path) -> Result<(), UnpackError> {
    remove_tree(temporary)?;
    fs::create_dir(temporary)?;
    fs::set_permissions(temporary, fs::Permissions::from_mode(0o755))?;
    let mut tar = Archive::new(MultiGzDecoder::new(io::BufReader::new(File::open(bundle)?)));
    tar.set_preserve_permissions(true);
    tar.set_preserve_ownerships(nix::unistd::geteuid().is_root());
    let mut directories = Vec::new();
    for entry in tar.entries()? {
        directories.extend(one(&mut entry?, temporary)?);
    }
    for directory in directories.iter().rev() {
        let at = temporary.join(&directory.path);
        fs::set_permissions(&at, fs::Permissions::from_mode(directory.mode))?;
        File::open(&at)?.set_modified(UNIX_EPOCH + directory.modified)?;
    }
    // The files must be on the disk before it is reported that they are.
    nix::unistd::syncfs(File::open(temporary)?).map_err(io::Error::from)?;
    remove_tree(archive)?;
    if let Some(nested) = nested_root(temporary)? {
        fs::rename(nested, archive)?;
        remove_tree(temporary)?;
    } else {
        fs::rename(temporary, archive)?;
    }
    sync_dir(archive.parent().unwrap_or(Path::new("/")))?;
    Ok(())
}

fn one(
    entry: &mut Entry<'_, impl io::Read>,
    root: &Path,
) -> Result<Option<Directory>, UnpackError> {
    let kind = entry.header().entry_type();
    if kind.is_pax_global_extensions() {
        return Ok(None);
    }
    let named = entry.path()?.into_owned();
    let refuse = |problem| UnpackError::Unsafe {
        path: named.clone(),
        problem,
    };
    let path = plain(&named).ok_or_else(|| refuse("leads out of the revision"))?;
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut above = folder
        .ancestors()
        .filter(|above| !above.as_os_str().is_empty());
    if above.any(|above| root.join(above).is_symlink()) {
        return Err(refuse("lies behind a symbolic link"));
    }
    let at = root.join(&path);
    fs::create_dir_all(root.join(folder))?;
    match kind {
        EntryType::Directory => {
            if at.is_symlink() {
                return Err(refuse("lies behind a symbolic link"));
            }
            fs::create_dir_all(&at)?;
            if nix::unistd::geteuid().is_root() {
                let (uid, gid) = (entry.header().uid()?, entry.header().gid()?);
                let id = |id: u64| u32::try_from(id).map_err(io::Error::other);
                std::os::unix::fs::chown(&at, Some(id(uid)?), Some(id(gid)?))?;
            }
            return Ok(Some(Directory {
                path,
                mode: entry.header().mode()? & 0o7777,
                modified: Duration::from_secs(entry.header().mtime()?),
            }));
        }
        EntryType::Symlink => {
            let target = entry.link_name()?.unwrap_or_default().into_owned();
            if !stays_inside(&path, &target) {
                return Err(refuse("is a symbolic link that leads out of the revision"));
            }
            entry.unpack(&at)?;
        }
        EntryType::Link => {
            let target = entry.link_name()?.unwrap_or_default().into_owned();
            let target = plain(&target)
                .ok_or_else(|| refuse("is a link to a file outside of the revision"))?;
            let real = root.join(&target).canonicalize()?;
            if !real.starts_with(root.canonicalize()?) {
                return Err(refuse("is a link to a file outside of the revision"));
            }
            fs::hard_link(real, &at)?;
        }
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            entry.unpack(&at)?;
        }
        _ => return Err(refuse("is neither a file, nor a folder, nor a link")),
    }
    Ok(None)
}

/// The entry's name without `.`; `None` if it is absolute or goes up.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => plain.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(plain)
}

/// Whether a link's target is in the revision. Going up is only possible at the target's beginning: after the name of
/// another link it could lead anywhere.
fn stays_inside(link: &Path, target: &Path) -> bool {
    let mut depth = link.components().count().saturating_sub(1);
    let mut descended = false;
    for part in target.components() {
        match part {
            Component::Normal(_) => descended = true,
            Component::CurDir => {}
            Component::ParentDir if !descended && depth > 0 => depth -= 1,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}

/// The only folder at the top, if it is the revision's real root: archives of repositories are made like that.
fn nested_root(root: &Path) -> io::Result<Option<PathBuf>> {
    let mut entries = fs::read_dir(root)?;
    let (Some(only), None) = (entries.next(), entries.next()) else {
        return Ok(None);
    };
    let only = only?;
    if !only.file_type()?.is_dir() {
        return Ok(None);
    }
    for entry in fs::read_dir(only.path())? {
        let name = entry?.file_name().to_string_lossy().to_lowercase();
        if name.contains("appspec") {
            return Ok(Some(only.path()));
        }
    }
    Ok(None)
}

/// Removes a folder and all that is in it, if it is there.
///
/// # Errors
///
/// When something in it cannot be removed.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io::Error::new(
            error.kind(),
            format!("removing {}: {error}", path.display()),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, Header};

    use super::*;

    enum Member {
        File,
        Directory,
        Link(&'static str),
        HardLink(&'static str),
        Device,
    }
    use Member::{Device, Directory, File as Plain, HardLink, Link};

    fn unpacked(members: &[(&str, Member)]) -> (tempfile::TempDir, Result<(), UnpackError>) {
        let scratch = tempfile::tempdir().unwrap();
        let bundle = scratch.path().join("bundle");
        let gzip = GzEncoder::new(File::create(&bundle).unwrap(), Compression::fast());
        let mut tar = Builder::new(gzip);
        for (name, member) in members {
            let mut header = Header::new_gnu();
            // Written raw, because the library refuses to make such names.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_mode(0o755);
            header.set_mtime(1_700_000_000);
            header.set_uid(nix::unistd::geteuid().as_raw().into());
            header.set_gid(nix::unistd::getegid().as_raw().into());
            let (kind, target) = match member {
                Plain => (EntryType::Regular, ""),
                Directory => (EntryType::Directory, ""),
                Link(target) => (EntryType::Symlink, *target),
                HardLink(target) => (EntryType::Link, *target),
                Device => (EntryType::Char, ""),
            };
            header.set_entry_type(kind);
            header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
            let bytes: &[u8] = if matches!(member, Plain) {
                b"text"
            } else {
                b""
            };
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            tar.append(&header, bytes).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap();
        let (temporary, archive) = (scratch.path().join("t"), scratch.path().join("a"));
        let result = unpack(&bundle, &temporary, &archive);
        (scratch, result)
    }

    #[test]
    fn a_bundle_is_unpacked_as_it_was_packed() {
        let (scratch, result) = unpacked(&[
            ("./appspec.yml", Plain),
            ("bin", Directory),
            ("bin/run", Plain),
            ("bin/link", Link("../appspec.yml")),
            ("hard", HardLink("bin/run")),
            ("deep/without/folders", Plain),
        ]);
        result.unwrap();
        let archive = scratch.path().join("a");
        let run = fs::metadata(archive.join("bin/run")).unwrap();
        assert_eq!(run.permissions().mode() & 0o7777, 0o755);
        let then = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        assert_eq!(run.modified().unwrap(), then);
        assert_eq!(
            fs::metadata(archive.join("bin"))
                .unwrap()
                .modified()
                .unwrap(),
            then
        );
        assert_eq!(
            fs::read_link(archive.join("bin/link")).unwrap(),
            Path::new("../appspec.yml")
        );
        assert!(archive.join("hard").is_file() && archive.join("deep/without/folders").is_file());
        assert!(!scratch.path().join("t").exists());
    }

    #[test]
    fn a_nested_root_is_stripped_and_two_are_not() {
        let (scratch, result) =
            unpacked(&[("repo-abc", Directory), ("repo-abc/AppSpec.yml", Plain)]);
        result.unwrap();
        assert!(scratch.path().join("a/AppSpec.yml").is_file());
        let (scratch, result) = unpacked(&[("repo-abc/appspec.yml", Plain), ("other", Plain)]);
        result.unwrap();
        assert!(scratch.path().join("a/repo-abc/appspec.yml").is_file());
    }

    #[test]
    fn nothing_leaves_the_revision() {
        let bad: [&[(&str, Member)]; 9] = [
            &[("/etc/x", Plain)],
            &[("../x", Plain)],
            &[("a/../../x", Plain)],
            &[("link", Link("/etc"))],
            &[("link", Link("../x"))],
            &[("a/link", Link("../../x"))],
            &[("here", Link(".")), ("x", Link("here/../y"))],
            &[
                ("folder", Directory),
                ("link", Link("folder")),
                ("link/x", Plain),
            ],
            &[("device", Device)],
        ];
        for members in bad {
            let (scratch, result) = unpacked(members);
            assert!(
                matches!(result, Err(UnpackError::Unsafe { .. })),
                "{} {result:?}",
                members[0].0
            );
            assert!(!scratch.path().join("a").exists());
        }
        let (_scratch, result) = unpacked(&[("hard", HardLink("../bundle"))]);
        assert!(matches!(result, Err(UnpackError::Unsafe { .. })));
    }
}
