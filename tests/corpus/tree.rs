//! What is below a folder, laid out and read again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use nix::unistd::{Gid, Group, Uid, User};

use crate::entry::{Entry, Kind, Listing};
use crate::wildcard;

/// Puts entries below a folder, and takes away those that are to be absent.
pub fn lay_out(folder: &Path, listing: &Listing) -> io::Result<()> {
    for (name, entry) in listing {
        let at = folder.join(name.trim_matches('/'));
        if entry.kind == Kind::Absent {
            if at.is_dir() && !at.is_symlink() {
                fs::remove_dir_all(&at)?;
            } else {
                fs::remove_file(&at)?;
            }
            continue;
        }
        fs::create_dir_all(at.parent().unwrap_or(folder))?;
        match &entry.kind {
            Kind::File(bytes) => fs::write(&at, bytes)?,
            Kind::Directory => fs::create_dir_all(&at)?,
            Kind::Link(target) => symlink(target, &at)?,
            Kind::HardLink(_) | Kind::Special(_) | Kind::Absent => {
                return Err(io::Error::other(format!("{name} cannot be laid out")));
            }
        }
        let (user, group) = entry.owner();
        lchown(&at, Some(user), Some(group))?;
        if !at.is_symlink() {
            fs::set_permissions(&at, fs::Permissions::from_mode(entry.mode()))?;
        }
        if let Some(mtime) = entry.mtime {
            let then = UNIX_EPOCH + Duration::from_secs(u64::try_from(mtime).unwrap_or(0));
            fs::File::open(&at)?.set_modified(then)?;
        }
    }
    Ok(())
}

/// Everything below a folder; names begin with a slash.
pub fn read(folder: &Path) -> io::Result<Listing> {
    let mut listing = Listing::new();
    below(folder, "", &mut listing)?;
    Ok(listing)
}

fn below(folder: &Path, name: &str, listing: &mut Listing) -> io::Result<()> {
    for child in fs::read_dir(folder)? {
        let child = child?;
        let at = child.path();
        let name = format!("{name}/{}", child.file_name().to_string_lossy());
        let found = fs::symlink_metadata(&at)?;
        let kind = if found.is_dir() {
            Kind::Directory
        } else if found.is_symlink() {
            Kind::Link(fs::read_link(&at)?.to_string_lossy().into_owned())
        } else if found.is_file() {
            Kind::File(fs::read(&at)?)
        } else {
            Kind::Special("special".to_owned())
        };
        let acl = if found.is_symlink() {
            Vec::new()
        } else {
            acl(&at)?
        };
        let entry = Entry {
            mode: (!found.is_symlink()).then_some(found.mode() & 0o7777),
            owner: Some((found.uid(), found.gid())),
            mtime: Some(found.mtime()),
            acl: Some(acl),
            kind,
        };
        if entry.kind == Kind::Directory {
            below(&at, &name, listing)?;
        }
        listing.insert(name, entry);
    }
    Ok(())
}

/// What differs between what is there and what ought to be, line by line. Directories on the way to what is expected are
/// expected as well.
pub fn differences(expected: &Listing, found: &Listing) -> Vec<String> {
    let plain = |name: &str| format!("/{}", name.trim_matches('/'));
    let mut wanted: BTreeMap<String, Entry> = expected
        .iter()
        .filter(|(_, entry)| entry.kind != Kind::Absent)
        .map(|(name, entry)| (plain(name), entry.clone()))
        .collect();
    for name in wanted.keys().cloned().collect::<Vec<_>>() {
        for above in Path::new(&name).ancestors().skip(1) {
            let above = above.to_string_lossy().into_owned();
            if above != "/" {
                wanted
                    .entry(above)
                    .or_insert_with(|| Entry::new(Kind::Directory));
            }
        }
    }
    let names: BTreeSet<_> = wanted.keys().chain(found.keys()).collect();
    let mut lines = Vec::new();
    for name in names {
        let (wanted, mut found) = (wanted.get(name), found.get(name).cloned());
        if let (Some(wanted), Some(found)) = (wanted, &mut found)
            && alike(&wanted.kind, &found.kind)
        {
            found.kind = wanted.kind.clone();
        }
        let want = wanted.map(|entry| shown(entry, entry));
        // What the case says nothing about is not shown.
        let is = found
            .as_ref()
            .map(|entry| shown(entry, wanted.unwrap_or(&Entry::new(Kind::Absent))));
        if want != is {
            lines.extend(want.map(|want| format!("- {name}  {want}")));
            lines.extend(is.map(|is| format!("+ {name}  {is}")));
        }
    }
    lines
}

/// Whether both are files and one's text is a pattern of the other's.
fn alike(wanted: &Kind, found: &Kind) -> bool {
    let (Kind::File(wanted), Kind::File(found)) = (wanted, found) else {
        return false;
    };
    let pattern = String::from_utf8_lossy(wanted);
    wanted.contains(&b'*') && wildcard::matches(&pattern, &String::from_utf8_lossy(found))
}

/// An entry in one line, with as much about it as another says.
fn shown(entry: &Entry, like: &Entry) -> String {
    let (user, group) = entry.owner();
    let user = match User::from_uid(Uid::from_raw(user)) {
        Ok(Some(user)) => user.name,
        _ => user.to_string(),
    };
    let group = match Group::from_gid(Gid::from_raw(group)) {
        Ok(Some(group)) => group.name,
        _ => group.to_string(),
    };
    let mut words = match &entry.kind {
        Kind::Link(target) => vec![format!("-> {target}")],
        Kind::Directory => vec![format!("directory {:o}", entry.mode())],
        Kind::File(_) => vec![format!("file {:o}", entry.mode())],
        Kind::HardLink(_) | Kind::Special(_) | Kind::Absent => vec![format!("{:?}", entry.kind)],
    };
    words.push(format!("{user}:{group}"));
    if like.mtime.is_some() {
        words.push(format!("mtime {}", entry.mtime.unwrap_or_default()));
    }
    let acl = entry.acl.as_deref().unwrap_or_default();
    if !acl.is_empty() {
        words.push(format!("acl {}", acl.join(",")));
    }
    if let Kind::File(bytes) = &entry.kind {
        words.push(format!("{:?}", String::from_utf8_lossy(bytes)));
    }
    words.join(" ")
}

/// The entries of the access control list beyond the mode, sorted as `getfacl` shows them.
fn acl(at: &Path) -> io::Result<Vec<String>> {
    let mut entries = Vec::new();
    for (name, prefix) in [
        ("system.posix_acl_access", ""),
        ("system.posix_acl_default", "default:"),
    ] {
        let Some(bytes) = xattr::get(at, name)? else {
            continue;
        };
        // A version of four bytes, and then eight bytes an entry: tag, permissions, id.
        for entry in bytes[4..].chunks(8) {
            let word = |at: usize| u16::from_le_bytes([entry[at], entry[at + 1]]);
            let id = u32::from(word(4)) | u32::from(word(6)) << 16;
            let user = || match User::from_uid(Uid::from_raw(id)) {
                Ok(Some(user)) => user.name,
                _ => id.to_string(),
            };
            let group = || match Group::from_gid(Gid::from_raw(id)) {
                Ok(Some(group)) => group.name,
                _ => id.to_string(),
            };
            let whom = match word(0) {
                0x01 => "user:".to_owned(),
                0x02 => format!("user:{}", user()),
                0x04 => "group:".to_owned(),
                0x08 => format!("group:{}", group()),
                0x10 => "mask:".to_owned(),
                _ => "other:".to_owned(),
            };
            let letter = |bit, letter| if word(2) & bit == 0 { '-' } else { letter };
            entries.push(format!(
                "{prefix}{whom}:{}{}{}",
                letter(4, 'r'),
                letter(2, 'w'),
                letter(1, 'x')
            ));
        }
    }
    Ok(entries)
}
