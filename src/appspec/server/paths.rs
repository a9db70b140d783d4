//! Paths as `AppSpec`s write them, handled as text: nothing here looks at a disk.

use std::path::{Component, Path, PathBuf};

/// A path on the host without `.`, `..` and doubled or trailing slashes; `None` if it is not absolute.
pub fn absolute(text: &str) -> Option<PathBuf> {
    let path = Path::new(text);
    if !path.is_absolute() {
        return None;
    }
    let mut plain = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::Normal(name) => plain.push(name),
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Some(plain)
}

/// A path in the revision, relative to its root; a leading slash means the root too. `None` if it leaves the revision.
pub fn inside(text: &str) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in Path::new(text).components() {
        match part {
            Component::Normal(name) => plain.push(name),
            Component::ParentDir => {
                if !plain.pop() {
                    return None;
                }
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_paths_are_absolute_and_plain() {
        let plain = |text| absolute(text).map(|path| path.display().to_string());
        assert_eq!(plain("/srv/app/").as_deref(), Some("/srv/app"));
        assert_eq!(plain("//srv/./a/../app").as_deref(), Some("/srv/app"));
        assert_eq!(plain("/../etc").as_deref(), Some("/etc"));
        assert_eq!(plain("/").as_deref(), Some("/"));
        assert_eq!(plain("srv"), None);
        assert_eq!(plain("~/app"), None);
        assert_eq!(plain(""), None);
    }

    #[test]
    fn revision_paths_stay_in_the_revision() {
        let plain = |text| inside(text).map(|path| path.display().to_string());
        assert_eq!(plain("/").as_deref(), Some(""));
        assert_eq!(plain("./x/").as_deref(), Some("x"));
        assert_eq!(plain("/conf/app.ini").as_deref(), Some("conf/app.ini"));
        assert_eq!(plain("a/../b").as_deref(), Some("b"));
        assert_eq!(plain("../x"), None);
        assert_eq!(plain("a/../../x"), None);
    }
}
