//! What an entry may be called.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::Limits;

/// A stored name as a path below the root; empty for the root itself.
///
/// `./` and doubled slashes mean nothing and go; everything that would have to be repaired is refused instead.
///
/// # Errors
///
/// What is wrong with it, as the end of a sentence that begins with the name.
pub(super) fn path(name: &[u8], limits: &Limits) -> Result<PathBuf, String> {
    if name.is_empty() {
        return Err("has no name".to_owned());
    }
    if name.contains(&0) {
        return Err("has a NUL in its name".to_owned());
    }
    if name[0] == b'/' || is_drive(name) {
        return Err("leads out of the bundle: its name is absolute".to_owned());
    }
    if name.len() > limits.path {
        return Err(format!("has a name of more than {} bytes", limits.path));
    }
    let mut path = PathBuf::new();
    let mut depth = 0;
    for part in name.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => continue,
            b".." => return Err("leads out of the bundle: its name has a ..".to_owned()),
            part if part.len() > limits.part => {
                return Err(format!(
                    "has a name with a part of more than {} bytes",
                    limits.part
                ));
            }
            part => path.push(OsStr::from_bytes(part)),
        }
        depth += 1;
    }
    if depth > limits.depth {
        return Err(format!("lies more than {} folders deep", limits.depth));
    }
    Ok(path)
}

/// `C:\x`, `C:/x`, `C:`.
fn is_drive(name: &[u8]) -> bool {
    matches!(name, [letter, b':'] | [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic())
}

/// What a symbolic link may say, before it is asked where that leads.
///
/// # Errors
///
/// What is wrong with it, as the end of a sentence that begins with the entry's name.
pub(super) fn target(target: &[u8], limits: &Limits) -> Result<PathBuf, String> {
    if target.is_empty() {
        return Err("is a symbolic link to nothing".to_owned());
    }
    if target.contains(&0) {
        return Err("is a symbolic link with a NUL in its target".to_owned());
    }
    if target.len() >= limits.path {
        return Err(format!(
            "is a symbolic link whose target has {} bytes or more",
            limits.path
        ));
    }
    Ok(Path::new(OsStr::from_bytes(target)).to_owned())
}
