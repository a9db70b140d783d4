//! Entries of access control lists, in `CodeDeploy`'s grammar: `[d:][u|g|m|o:][name]:perms`.

use std::fmt;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acl {
    /// Whether it is what a directory hands on to what is made in it.
    pub default: bool,
    /// Whom it is about.
    pub kind: AclKind,
    /// Which user or group; empty for the owner's.
    pub name: String,
    /// Read 4, write 2, execute 1.
    pub permissions: u8,
}

/// Whom an entry is about, in the order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AclKind {
    /// A user.
    User,
    /// A group.
    Group,
    /// The most that named users and groups can have.
    Mask,
    /// Everybody else.
    Other,
}

type Refusal = (&'static str, String);

impl Acl {
    /// Reads an entry.
    ///
    /// # Errors
    ///
    /// The id in the catalogue of errors, and what is wrong.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let malformed = || {
            (
                "E25",
                format!("{text:?} is not an ACL entry such as u:bob:rw"),
            )
        };
        let parts: Vec<_> = text.split(':').collect();
        let (default, kind, name, permissions) = match parts[..] {
            [name, permissions] => match implied_kind(name) {
                Some(kind) => (false, kind, "", permissions),
                None => (false, AclKind::User, name, permissions),
            },
            [first, name, permissions] if is_default(first) => match implied_kind(name) {
                Some(kind) => (true, kind, "", permissions),
                None => (true, AclKind::User, name, permissions),
            },
            [first, name, permissions] => {
                (false, kind(first).ok_or_else(malformed)?, name, permissions)
            }
            [first, second, name, permissions] if is_default(first) => {
                (true, kind(second).ok_or_else(malformed)?, name, permissions)
            }
            _ => return Err(malformed()),
        };
        if matches!(kind, AclKind::Mask | AclKind::Other) && !name.is_empty() {
            return Err(("E26", format!("{text:?}: mask and other have no name")));
        }
        if !default && kind != AclKind::Mask && name.is_empty() {
            return Err((
                "E27",
                format!("{text:?}: set what owner, group and others may do through mode"),
            ));
        }
        let permissions = bits(permissions).ok_or_else(|| {
            (
                "E28",
                format!("{text:?}: permissions are one digit from 0 to 7, or letters of rwx-"),
            )
        })?;
        Ok(Self {
            default,
            kind,
            name: name.to_owned(),
            permissions,
        })
    }
}

/// The complete access control list of one target, in the order in which `getfacl` shows it: what the entries say, and
/// what follows from the target's mode bits where they say nothing. A file has no default entries.
pub fn complete(entries: &[Acl], mode: u32, directory: bool) -> Vec<Acl> {
    let mut list = with_base(entries.iter().filter(|entry| !entry.default), mode, false);
    if directory && entries.iter().any(|entry| entry.default) {
        list.extend(with_base(
            entries.iter().filter(|entry| entry.default),
            mode,
            true,
        ));
    }
    list
}

/// The entries of one half, with those of owner, group, others and, where names need it, the mask.
fn with_base<'a>(entries: impl Iterator<Item = &'a Acl>, mode: u32, default: bool) -> Vec<Acl> {
    use AclKind::{Group, Mask, Other, User};
    let mut list: Vec<Acl> = entries.cloned().collect();
    for (kind, shift) in [(User, 6), (Group, 3), (Other, 0)] {
        if find(&list, kind).is_none() {
            list.push(Acl {
                default,
                kind,
                name: String::new(),
                permissions: u8::try_from(mode >> shift & 7).unwrap_or_default(),
            });
        }
    }
    let named = list.iter().any(|entry| !entry.name.is_empty());
    if named && find(&list, Mask).is_none() {
        let group = find(&list, Group).map_or(0, |group| group.permissions);
        list.push(Acl {
            default,
            kind: Mask,
            name: String::new(),
            permissions: group,
        });
    }
    list.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    list
}

/// The entry of a kind that has no name.
fn find(list: &[Acl], kind: AclKind) -> Option<&Acl> {
    list.iter()
        .find(|entry| entry.kind == kind && entry.name.is_empty())
}

fn is_default(text: &str) -> bool {
    matches!(text, "d" | "default")
}

fn kind(text: &str) -> Option<AclKind> {
    match text {
        "u" | "user" => Some(AclKind::User),
        "g" | "group" => Some(AclKind::Group),
        _ => implied_kind(text),
    }
}

/// The kinds that cannot be mistaken for a name, because they have none.
fn implied_kind(text: &str) -> Option<AclKind> {
    match text {
        "m" | "mask" => Some(AclKind::Mask),
        "o" | "other" => Some(AclKind::Other),
        _ => None,
    }
}

fn bits(text: &str) -> Option<u8> {
    if let [digit @ b'0'..=b'7'] = text.as_bytes() {
        return Some(digit - b'0');
    }
    text.bytes().try_fold(0, |bits, letter| match letter {
        b'r' => Some(bits | 4),
        b'w' => Some(bits | 2),
        b'x' => Some(bits | 1),
        b'-' => Some(bits),
        _ => None,
    })
}

impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            AclKind::User => "user",
            AclKind::Group => "group",
            AclKind::Mask => "mask",
            AclKind::Other => "other",
        };
        let letter = |bit, letter| {
            if self.permissions & bit == 0 {
                '-'
            } else {
                letter
            }
        };
        let default = if self.default { "default:" } else { "" };
        write!(f, "{default}{kind}:{}:", self.name)?;
        write!(f, "{}{}{}", letter(4, 'r'), letter(2, 'w'), letter(1, 'x'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specified_table() {
        for (text, expected) in [
            ("u:bob:rw", "user:bob:rw-"),
            ("bob:7", "user:bob:rwx"),
            ("g:dev:r-x", "group:dev:r-x"),
            ("m::rw", "mask::rw-"),
            ("mask:rw", "mask::rw-"),
            ("d:u:bob:rw", "default:user:bob:rw-"),
            ("d:bob:rw", "default:user:bob:rw-"),
            ("d::rw", "default:user::rw-"),
            ("d:o:7", "default:other::rwx"),
            ("d:o::7", "default:other::rwx"),
            ("d:g::5", "default:group::r-x"),
            ("d:m:rx", "default:mask::r-x"),
            ("d:m::rx", "default:mask::r-x"),
            ("d:5", "user:d:r-x"),
            ("default:5", "user:default:r-x"),
            ("bob:", "user:bob:---"),
        ] {
            assert_eq!(Acl::parse(text).unwrap().to_string(), expected, "{text}");
        }
        for (id, texts) in [
            (
                "E27",
                &["user::rwx", "g::r", "o::r", "o:r", "other:r", ":7"][..],
            ),
            ("E26", &["m:x:rw", "o:x:r"]),
            (
                "E25",
                &["d:d:bob:rw", "x:u:bob:rw", "foo:bob:rw", "bob", "a:b:c:d:e"],
            ),
            ("E28", &["u:bob:rwz", "u:bob:8"]),
        ] {
            for text in texts {
                assert_eq!(Acl::parse(text).unwrap_err().0, id, "{text}");
            }
        }
    }

    #[test]
    fn lists_are_completed_from_the_mode() {
        let base = "user::rw- group::r-- other::---";
        for (entries, mode, directory, expected) in [
            ("", 0o640, false, base),
            ("d:u:bob:rw", 0o640, false, base),
            (
                "u:bob:rw",
                0o640,
                false,
                "user::rw- user:bob:rw- group::r-- mask::r-- other::---",
            ),
            (
                "g:dev:7 m:rx amy:4 u:bob:0",
                0o4751,
                false,
                "user::rwx user:amy:r-- user:bob:--- group::r-x group:dev:rwx mask::r-x other::--x",
            ),
            (
                "m::rw",
                0o640,
                true,
                "user::rw- group::r-- mask::rw- other::---",
            ),
            (
                "d:u:bob:rw",
                0o750,
                true,
                "user::rwx group::r-x other::--- default:user::rwx default:user:bob:rw- default:group::r-x \
                 default:mask::r-x default:other::---",
            ),
            (
                "d:u:bob:rw d:g::7",
                0o750,
                true,
                "user::rwx group::r-x other::--- default:user::rwx default:user:bob:rw- default:group::rwx \
                 default:mask::rwx default:other::---",
            ),
            (
                "d:u:bob:rw d:m:r",
                0o700,
                true,
                "user::rwx group::--- other::--- default:user::rwx default:user:bob:rw- default:group::--- \
                 default:mask::r-- default:other::---",
            ),
            (
                "d::rw d:o:1",
                0o755,
                true,
                "user::rwx group::r-x other::r-x default:user::rw- default:group::r-x default:other::--x",
            ),
            // A default name asks for no mask of the directory's own, nor the reverse.
            (
                "bob:7 d:o:0",
                0o755,
                true,
                "user::rwx user:bob:rwx group::r-x mask::r-x other::r-x default:user::rwx default:group::r-x \
                 default:other::---",
            ),
            (
                "d:m:7",
                0o700,
                true,
                "user::rwx group::--- other::--- default:user::rwx default:group::--- default:mask::rwx \
                 default:other::---",
            ),
        ] {
            let parsed: Vec<_> = entries
                .split_whitespace()
                .map(|text| Acl::parse(text).unwrap())
                .collect();
            let list: Vec<_> = complete(&parsed, mode, directory)
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(list.join(" "), expected, "{entries:?} {mode:o} {directory}");
        }
    }
}
