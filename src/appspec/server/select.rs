//! Which of the copied files and created directories each entry of `permissions` means.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{Finding, Permission, paths};

/// No file has a longer name.
const NAME_MAX: usize = 255;
/// No path is longer.
const PATH_MAX: usize = 4096;

/// What an installation makes, as absolute paths on the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Copied files and symbolic links.
    pub files: BTreeSet<PathBuf>,
    /// Created directories.
    pub directories: BTreeSet<PathBuf>,
}

/// One target of one entry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Selected<'p, 'm> {
    /// The file or directory.
    pub path: &'m Path,
    /// What is to be done with it.
    pub permission: &'p Permission,
}

/// What the entries mean, and what looks like a mistake.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection<'p, 'm> {
    /// The targets, in the order of the entries.
    pub targets: Vec<Selected<'p, 'm>>,
    /// Entries that mean nothing (`W24`).
    pub warnings: Vec<Finding>,
}

/// Selects the targets. `is_directory` says whether a path was a directory on the host before.
///
/// # Errors
///
/// Entries that may not be combined: `E21`, `E22`, `E29`, `E39`.
pub fn select<'p, 'm>(
    permissions: &'p [Permission],
    made: &'m Made,
    is_directory: impl Fn(&Path) -> bool,
) -> Result<Selection<'p, 'm>, Vec<Finding>> {
    let mut selection = Selection::default();
    let mut errors = Vec::new();
    let mut owners: BTreeMap<&Path, &Permission> = BTreeMap::new();
    for permission in permissions {
        let object = permission.object.display();
        let (targets, nothing) = if let Some(file) = made.files.get(&permission.object) {
            errors.extend(single_file(permission));
            let targets = if permission.files {
                vec![file.as_path()]
            } else {
                Vec::new()
            };
            (
                targets,
                format!("{object} is a file, which the entry's type leaves out"),
            )
        } else if made.directories.contains(&permission.object) || is_directory(&permission.object)
        {
            let message = format!("the entry means nothing that is installed below {object}");
            (below(permission, made), message)
        } else {
            let message = format!("{object} is not part of this installation");
            (Vec::new(), message)
        };
        if targets.is_empty() {
            let message = format!("{nothing}, so nothing is changed");
            let warning = Finding::at("W24", permission.position, message);
            selection.warnings.push(warning);
        }
        for path in targets {
            if made.files.contains(path) && permission.acls.iter().any(|acl| acl.default) {
                let message = format!(
                    "{} is a file, and only directories have default ACL entries",
                    path.display()
                );
                errors.push(Finding::at("E29", permission.position, message));
            }
            if let Some(earlier) = owners.insert(path, permission) {
                let message = format!(
                    "{} is already meant by the entry at line {}; each target may be meant by one entry only",
                    path.display(),
                    earlier.position.line
                );
                errors.push(Finding::at("E39", permission.position, message));
            }
            selection.targets.push(Selected { path, permission });
        }
    }
    if errors.is_empty() {
        Ok(selection)
    } else {
        Err(errors)
    }
}

/// An entry whose object is a file can say nothing about names below it.
fn single_file(permission: &Permission) -> Option<Finding> {
    let object = permission.object.display();
    if !permission.files {
        None
    } else if permission.pattern != "**" {
        let message = format!("{object} is a file, so its pattern must be \"**\" or absent");
        Some(Finding::at("E21", permission.position, message))
    } else if !permission.except.is_empty() {
        let message = format!("{object} is a file, so it cannot have exceptions");
        Some(Finding::at("E22", permission.position, message))
    } else {
        None
    }
}

fn below<'a>(permission: &Permission, made: &'a Made) -> Vec<&'a Path> {
    let files = made.files.iter().filter(|_| permission.files);
    let directories = made.directories.iter().filter(|_| permission.directories);
    files
        .chain(directories)
        .map(PathBuf::as_path)
        .filter(|path| is_meant(permission, path))
        .collect()
}

fn is_meant(permission: &Permission, path: &Path) -> bool {
    let Ok(name) = path.strip_prefix(&permission.object) else {
        return false;
    };
    if name.as_os_str().is_empty() {
        return permission.itself;
    }
    let matches = permission.pattern == "**" || is_child(name, &permission.pattern);
    matches
        && !permission
            .except
            .iter()
            .any(|item| is_excepted(permission, item, name, path))
}

/// An exception is a pattern for names directly below the object, or a whole path.
fn is_excepted(permission: &Permission, item: &str, name: &Path, path: &Path) -> bool {
    let joined = || paths::absolute(permission.object.join(item).to_str()?);
    let rooted = || paths::absolute(&format!("/{item}"));
    is_child(name, item)
        || (item.contains('/')
            && (joined().as_deref() == Some(path) || rooted().as_deref() == Some(path)))
}

/// Whether an exception can leave out anything at all that the entry's pattern means.
pub(super) fn can_except(permission: &Permission, item: &str) -> bool {
    let can_be_meant =
        |name: &Path| permission.pattern == "**" || is_child(name, &permission.pattern);
    if !item.contains('/') {
        return (1..=NAME_MAX).contains(&item.len())
            && (item.contains('*') || can_be_meant(Path::new(item)));
    }
    let joined = permission.object.join(item);
    let rooted = format!("/{item}");
    let whole = [joined.to_str(), Some(rooted.as_str())];
    // A whole path is compared letter by letter: * does not stand for anything in it.
    !item.contains('*')
        && whole.into_iter().flatten().any(|text| {
            let path = paths::absolute(text);
            path.as_deref()
                .and_then(|path| path.strip_prefix(&permission.object).ok())
                .is_some_and(|name| {
                    (1..=PATH_MAX).contains(&name.as_os_str().len()) && can_be_meant(name)
                })
        })
}

fn is_child(name: &Path, pattern: &str) -> bool {
    name.components().count() == 1 && glob(pattern.as_bytes(), OsStr::as_bytes(name.as_os_str()))
}

/// `*` stands for any run of characters; every other character stands for itself.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let mut parts = pattern.split(|byte| *byte == b'*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        let found = if part.is_empty() {
            Some(0)
        } else {
            rest.windows(part.len()).position(|window| window == part)
        };
        let Some(at) = found else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::super::Position;
    use super::*;

    fn made(files: &[&str], directories: &[&str]) -> Made {
        let set = |paths: &[&str]| paths.iter().map(PathBuf::from).collect();
        Made {
            files: set(files),
            directories: set(directories),
        }
    }

    fn entry(object: &str, pattern: &str, except: &[&str]) -> Permission {
        Permission {
            object: object.into(),
            pattern: pattern.to_owned(),
            except: except.iter().map(ToString::to_string).collect(),
            files: true,
            directories: true,
            itself: false,
            owner: None,
            group: None,
            mode: Some(0o640),
            acls: Vec::new(),
            context: None,
            position: Position { line: 1, column: 1 },
        }
    }

    fn chosen(entry: Permission, made: &Made) -> Vec<String> {
        let entries = [entry];
        let selection = select(&entries, made, |path| path == Path::new("/srv")).unwrap();
        selection
            .targets
            .iter()
            .map(|target| target.path.display().to_string())
            .collect()
    }

    fn ids(entries: &[Permission], made: &Made) -> Vec<&'static str> {
        let errors = select(entries, made, |_| false).unwrap_err();
        errors.iter().map(|finding| finding.id).collect()
    }

    #[test]
    fn patterns_choose_names() {
        let made = made(
            &[
                "/srv/bin/a.sh",
                "/srv/bin/sub/b.sh",
                "/srv/bin/a?c",
                "/srv/bin/abc",
                "/other",
            ],
            &["/srv/bin", "/srv/bin/sub"],
        );
        assert_eq!(
            chosen(entry("/srv/bin", "*.sh", &[]), &made),
            ["/srv/bin/a.sh"]
        );
        assert_eq!(
            chosen(entry("/srv/bin", "a?c", &[]), &made),
            ["/srv/bin/a?c"]
        );
        let files = Permission {
            directories: false,
            ..entry("/srv/bin", "**", &[])
        };
        assert_eq!(chosen(files, &made).len(), 4);
        let directories = Permission {
            files: false,
            ..entry("/srv/bin", "**", &[])
        };
        assert_eq!(
            chosen(directories, &made),
            ["/srv/bin/sub"],
            "the object is no target"
        );
        let existing = Permission {
            files: false,
            ..entry("/srv", "**", &[])
        };
        assert_eq!(chosen(existing, &made), ["/srv/bin", "/srv/bin/sub"]);
    }

    #[test]
    fn exceptions_are_names_below_the_object_or_whole_paths() {
        let made = made(
            &["/srv/bin/a", "/srv/bin/b", "/srv/bin/sub/b"],
            &["/srv/bin"],
        );
        let left = |except: &[&str]| chosen(entry("/srv/bin", "**", except), &made);
        assert_eq!(left(&["b"]), ["/srv/bin/a", "/srv/bin/sub/b"]);
        assert_eq!(left(&["sub/b"]), ["/srv/bin/a", "/srv/bin/b"]);
        assert_eq!(left(&["/srv/bin/b", "srv/bin/a"]), ["/srv/bin/sub/b"]);
        assert_eq!(left(&["*"]), ["/srv/bin/sub/b"]);
    }

    #[test]
    fn exceptions_that_can_never_match_are_known() {
        for (pattern, item, expected) in [
            ("**", "b", true),
            ("**", "*.sh", true),
            ("**", "sub/b", true),
            ("**", "/srv/bin/b", true),
            ("**", "srv/bin/sub/b", true),
            ("**", "/srv/bin", false),
            ("**", "/etc/passwd", false),
            ("**", "../b", false),
            ("**", "sub/*", false),
            ("**", "", false),
            ("*.sh", "a.sh", true),
            ("*.sh", "a*", true),
            ("*.sh", "readme.md", false),
            ("*.sh", "sub/a.sh", false),
            ("*.sh", "/srv/bin/a.sh", true),
            ("*.sh", "/srv/bin/readme.md", false),
        ] {
            let entry = entry("/srv/bin", pattern, &[]);
            assert_eq!(can_except(&entry, item), expected, "{pattern} {item}");
        }
    }

    #[test]
    fn the_object_itself_is_meant_if_it_says_so_and_was_made() {
        let made = made(&["/srv/bin/a"], &["/srv/bin"]);
        let itself = |object: &str, pattern: &str| Permission {
            itself: true,
            files: false,
            ..entry(object, pattern, &[])
        };
        assert_eq!(chosen(itself("/srv/bin", "**"), &made), ["/srv/bin"]);
        assert_eq!(chosen(itself("/srv/bin", "x"), &made), ["/srv/bin"]);
        assert_eq!(chosen(itself("/srv", "x"), &made), [""; 0], "it existed");
    }

    #[test]
    fn entries_must_not_collide() {
        let made = made(&["/srv/a.txt"], &["/srv"]);
        assert_eq!(ids(&[entry("/srv/a.txt", "*.txt", &[])], &made), ["E21"]);
        assert_eq!(ids(&[entry("/srv/a.txt", "**", &["b"])], &made), ["E22"]);
        let twice = [entry("/srv/a.txt", "**", &[]), entry("/srv", "**", &[])];
        assert_eq!(ids(&twice, &made), ["E39"]);
    }

    #[test]
    fn an_object_that_is_not_installed_is_a_warning() {
        let entries = [entry("/elsewhere", "**", &[])];
        let made = Made::default();
        let selection = select(&entries, &made, |_| false).unwrap();
        assert!(selection.targets.is_empty());
        assert_eq!(selection.warnings.len(), 1);
    }

    #[test]
    fn stars_stand_for_any_run() {
        let cases = [
            ("*", "", true),
            ("*", "x", true),
            ("a*", "a", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "acb", false),
            ("*a*", "bab", true),
            ("a*a", "a", false),
            ("", "", true),
            ("[a]", "a", false),
            ("**x", "yx", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(
                glob(pattern.as_bytes(), name.as_bytes()),
                expected,
                "{pattern} {name}"
            );
        }
    }
}
