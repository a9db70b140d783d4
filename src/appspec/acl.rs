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

/// Whom an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}
