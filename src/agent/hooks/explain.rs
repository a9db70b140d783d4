//! Why a script that looks right cannot be started, in words that say what to do. Only asked after it failed: nothing
//! is refused because of what is thought here.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::user::Account;

/// How much of a first line the kernel looks at.
const LONGEST: usize = 256;

/// What stood in the way of the script, if that can be seen from outside.
pub fn explain(path: &Path, account: &Account) -> Option<String> {
    interpreter(path).or_else(|| reach(path, account))
}

fn interpreter(path: &Path) -> Option<String> {
    let first = first_line(path)?;
    let words = first.strip_prefix(b"#!")?;
    if is_windows(words) {
        let text = "its first line ends in CR LF, as Windows writes lines, so its interpreter is not found; save it \
                    with LF alone";
        return Some(text.to_owned());
    }
    let words = words.trim_ascii();
    let end = words.iter().position(u8::is_ascii_whitespace);
    let program = Path::new(std::ffi::OsStr::from_bytes(
        &words[..end.unwrap_or(words.len())],
    ));
    let missing = program.is_absolute() && !program.exists();
    missing.then(|| format!("its interpreter {} is not on this host", program.display()))
}

/// Whether the kernel would look for an interpreter whose name ends as lines do on Windows.
pub fn has_windows_shebang(path: &Path) -> bool {
    let first = first_line(path).unwrap_or_default();
    first.strip_prefix(b"#!").is_some_and(is_windows)
}

fn is_windows(line: &[u8]) -> bool {
    line.ends_with(b"\r")
}

fn first_line(path: &Path) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    let file = File::open(path).ok()?;
    file.take(LONGEST as u64).read_to_end(&mut head).ok()?;
    let end = head.iter().position(|byte| *byte == b'\n');
    head.truncate(end.unwrap_or(head.len()));
    Some(head)
}

/// Where the user is stopped on the way to the script. Access control lists are not looked at, so this may be wrong
/// where there are some; the script has failed in any case.
fn reach(path: &Path, account: &Account) -> Option<String> {
    let real = path.canonicalize().ok()?;
    let name = &account.name;
    let above: Vec<_> = real.ancestors().skip(1).collect();
    for folder in above.into_iter().rev() {
        let metadata = fs::metadata(folder).ok()?;
        if !account.may(0o1, &metadata) {
            return Some(format!(
                "{name} may not enter {} (mode {:04o}); give others the right to (chmod o+x)",
                folder.display(),
                metadata.permissions().mode() & 0o7777
            ));
        }
    }
    let metadata = fs::metadata(&real).ok()?;
    let bits = if names_interpreter(&real) && !is_binary(&real) {
        0o5
    } else {
        0o1
    };
    (!account.may(bits, &metadata)).then(|| {
        format!(
            "{name} may not read and execute {} (mode {:04o}, owner {}); pack it with a mode that lets others, such \
             as 0755",
            real.display(),
            metadata.permissions().mode() & 0o7777,
            std::os::unix::fs::MetadataExt::uid(&metadata)
        )
    })
}

/// Whether the kernel can start the file by itself.
pub fn names_interpreter(path: &Path) -> bool {
    is_binary(path) || first_line(path).is_some_and(|line| line.starts_with(b"#!"))
}

fn is_binary(path: &Path) -> bool {
    first_line(path).is_some_and(|line| line.starts_with(b"\x7fELF"))
}
