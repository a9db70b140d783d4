//! What is at a path, as a case writes it.
//!
//! | written | meaning |
//! | --- | --- |
//! | `a/b: text` | a file |
//! | `a/b/:` | a directory |
//! | `a/b: -> target` | a symbolic link |
//! | `a/b: => other` | a hard link, in a revision |
//! | `a/b: {text: …, mode: 640, owner: "www-data:www-data", mtime: 1700000000, acl: […]}` | with more about it |
//! | `a/b: {sh: commands}` | a script of the shell |
//! | `a/b: {say: text, exit: 3}` | a script that writes its event and the text to `$TRACE`, and ends with 3 |
//! | `a/b: {bytes: 00ff}` | a file, in hexadecimal digits |
//! | `a/b: {device: char}` | a device or, with `fifo`, a pipe |
//! | `a/b: absent` | nothing is there; what was there is removed |

use std::collections::BTreeMap;

use nix::unistd::{Group, User};
use serde::Deserialize;
use serde_yaml::Value;

/// What is at which path.
pub type Listing = BTreeMap<String, Entry>;

/// What is at one path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Entry {
    pub kind: Kind,
    pub mode: Option<u32>,
    pub owner: Option<(u32, u32)>,
    pub mtime: Option<i64>,
    pub acl: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    File(Vec<u8>),
    Directory,
    Link(String),
    HardLink(String),
    Special(String),
    Absent,
}

impl Entry {
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            mode: None,
            owner: None,
            mtime: None,
            acl: None,
        }
    }

    /// Its mode. What is not said is 644, and 755 for directories and for what begins like a script.
    pub fn mode(&self) -> u32 {
        self.mode.unwrap_or(match &self.kind {
            Kind::Directory => 0o755,
            Kind::File(text) if text.starts_with(b"#!") => 0o755,
            Kind::Link(_) => 0o777,
            _ => 0o644,
        })
    }

    /// Its owner and group; root unless it is said.
    pub fn owner(&self) -> (u32, u32) {
        self.owner.unwrap_or_default()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    text: Option<String>,
    bytes: Option<String>,
    link: Option<String>,
    device: Option<String>,
    mode: Option<Value>,
    owner: Option<String>,
    mtime: Option<i64>,
    acl: Option<Vec<String>>,
}

impl TryFrom<Value> for Entry {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::Null => Ok(Self::new(Kind::Directory)),
            Value::String(text) => Ok(Self::new(if let Some(target) = text.strip_prefix("-> ") {
                Kind::Link(target.to_owned())
            } else if let Some(other) = text.strip_prefix("=> ") {
                Kind::HardLink(other.to_owned())
            } else if text == "absent" {
                Kind::Absent
            } else {
                Kind::File(text.into_bytes())
            })),
            Value::Number(number) => Ok(Self::new(Kind::File(number.to_string().into_bytes()))),
            mapping => {
                let written: Written =
                    serde_yaml::from_value(mapping).map_err(|error| error.to_string())?;
                written.entry()
            }
        }
    }
}

impl Written {
    fn entry(self) -> Result<Entry, String> {
        let kind = match (self.text, self.link, self.device, self.bytes) {
            (Some(text), None, None, None) => Kind::File(text.into_bytes()),
            (None, Some(target), None, None) => Kind::Link(target),
            (None, None, Some(device), None) => Kind::Special(device),
            (None, None, None, Some(bytes)) => Kind::File(hex(&bytes)?),
            (None, None, None, None) => Kind::Directory,
            _ => {
                return Err(
                    "an entry is only one of text, sh, say, link, device and bytes".to_owned(),
                );
            }
        };
        let mode = match self.mode {
            None => None,
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(Value::String(text)) => Some(text),
            Some(other) => return Err(format!("{other:?} is no mode")),
        };
        let mode =
            mode.map(|mode| u32::from_str_radix(&mode, 8).map_err(|error| error.to_string()));
        Ok(Entry {
            kind,
            mode: mode.transpose()?,
            owner: self.owner.map(|owner| ids(&owner)).transpose()?,
            mtime: self.mtime,
            acl: self.acl,
        })
    }
}

/// The bytes that are written as hexadecimal digits.
pub fn hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<_> = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| {
            let pair: String = pair.iter().collect();
            u8::from_str_radix(&pair, 16).map_err(|error| format!("{pair}: {error}"))
        })
        .collect()
}

/// `user:group`, by name or by number; the group is the one of the same name unless it is said.
fn ids(owner: &str) -> Result<(u32, u32), String> {
    let (user, group) = owner.split_once(':').unwrap_or((owner, owner));
    let missing =
        |what: &str, name: &str| format!("this machine has no {what} {name}, which Debian has");
    let user = match user.parse() {
        Ok(id) => id,
        Err(_) => User::from_name(user)
            .map_err(|error| error.to_string())?
            .ok_or_else(|| missing("user", user))?
            .uid
            .as_raw(),
    };
    let group = match group.parse() {
        Ok(id) => id,
        Err(_) => Group::from_name(group)
            .map_err(|error| error.to_string())?
            .ok_or_else(|| missing("group", group))?
            .gid
            .as_raw(),
    };
    Ok((user, group))
}
