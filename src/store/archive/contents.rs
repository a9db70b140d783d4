//! What a checked archive holds, seen from the revision's root.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Format;
use super::member::{Attributes, Kind, Member};
use crate::appspec::server::FILE_NAMES;

/// What a checked archive holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Which kind of archive it is.
    pub format: Format,
    /// The entries in their order, below the revision's root.
    pub members: Vec<Member>,
    /// How many bytes all files have together.
    pub size: u64,
    /// The folder in the archive that is the revision's root, because everything lies in it; empty if it is the
    /// archive's own.
    pub root: PathBuf,
}

impl Contents {
    /// How many files there are; every name of a file counts.
    pub fn files(&self) -> usize {
        let is_file =
            |member: &&Member| matches!(member.kind, Kind::File { .. } | Kind::HardLink { .. });
        self.members.iter().filter(is_file).count()
    }

    /// Whether there is an `AppSpec` at the revision's root.
    pub fn has_appspec(&self) -> bool {
        self.members.iter().any(|member| {
            let named_so = FILE_NAMES.iter().any(|name| member.path == Path::new(name));
            named_so && member.kind != Kind::Folder
        })
    }

    /// Every folder, those above before those below. Folders without an entry of their own have no attributes; of
    /// several entries the last one holds.
    pub fn folders(&self) -> BTreeMap<&Path, Option<&Attributes>> {
        let mut folders = BTreeMap::new();
        for member in &self.members {
            let mut above = member.path.parent();
            while let Some(folder) = above.filter(|folder| !folder.as_os_str().is_empty()) {
                if folders.contains_key(folder) {
                    break;
                }
                folders.insert(folder, None);
                above = folder.parent();
            }
            if member.kind == Kind::Folder {
                folders.insert(&member.path, Some(&member.attributes));
            }
        }
        folders
    }
}

/// The only folder at the top, if it is the revision's real root: archives of repositories are made like that. It must
/// hold something that has `appspec` in its name.
pub(super) fn nested_root(members: &[Member]) -> PathBuf {
    let top = |member: &Member| member.path.iter().next().map(PathBuf::from);
    let mut tops = members.iter().filter_map(top);
    let Some(only) = tops.next() else {
        return PathBuf::new();
    };
    let holds_appspec = || {
        members.iter().any(|member| {
            let below = member.path.strip_prefix(&only).ok();
            let name = below.and_then(|below| below.iter().next());
            name.is_some_and(|name| name.to_string_lossy().to_lowercase().contains("appspec"))
        })
    };
    if tops.all(|other| other == only) && holds_appspec() {
        only
    } else {
        PathBuf::new()
    }
}

/// The entry as it lies below the revision's root; the root itself is none.
pub(super) fn below(root: &Path, mut member: Member) -> Option<Member> {
    if root.as_os_str().is_empty() {
        return Some(member);
    }
    let inside = |path: &Path| path.strip_prefix(root).map(Path::to_owned).ok();
    member.path = inside(&member.path).filter(|path| !path.as_os_str().is_empty())?;
    if let Kind::HardLink { target } = &mut member.kind {
        *target = inside(target)?;
    }
    Some(member)
}
