//! The host's own programs that Install needs for access control lists and `SELinux` contexts: where they are, and
//! running them without a shell.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{AccessFlags, access};

/// Where programs of the administrator are, also if the agent's own search path does not name it.
const FOLDERS: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// Is there where the kernel enforces or permits by `SELinux`.
const ENFORCE: &str = "/sys/fs/selinux/enforce";

/// So much of what a failed program said is reported.
const SAID: usize = 600;

/// What there is on a host.
#[derive(Clone, Debug)]
pub struct Tools {
    /// Sets access control lists.
    pub setfacl: Option<PathBuf>,
    /// Sets contexts, or why there is no point in it.
    pub selinux: Result<Selinux, String>,
}

/// What it takes to set a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selinux {
    /// Keeps the rules.
    pub semanage: PathBuf,
    /// Labels files by the rules.
    pub restorecon: PathBuf,
}

impl Tools {
    /// What this host has.
    pub fn of_host() -> Self {
        let mut folders: Vec<_> = env::var_os("PATH")
            .map(|path| env::split_paths(&path).collect())
            .unwrap_or_default();
        folders.extend(FOLDERS.map(PathBuf::from));
        Self::find(&folders, Path::new(ENFORCE))
    }

    /// What these folders have, on a host where `SELinux` runs if the file `enforce` exists.
    pub fn find(folders: &[PathBuf], enforce: &Path) -> Self {
        let program = |name: &str| {
            let mut places = folders.iter().map(|folder| folder.join(name));
            places.find(|path| path.is_file() && access(path, AccessFlags::X_OK).is_ok())
        };
        let needed = |name: &str| {
            program(name).ok_or_else(|| format!("{name} is not installed on this host"))
        };
        let selinux = || {
            if !enforce.exists() {
                return Err("SELinux is not enabled on this host".to_owned());
            }
            Ok(Selinux {
                semanage: needed("semanage")?,
                restorecon: needed("restorecon")?,
            })
        };
        Self {
            setfacl: program("setfacl"),
            selinux: selinux(),
        }
    }
}

/// Runs a program to its end.
///
/// # Errors
///
/// `E38` with the command, how it ended and what it said.
pub fn run(program: &Path, arguments: &[OsString]) -> io::Result<()> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    let shown = show(program.file_name().unwrap_or_default(), arguments);
    let output = command
        .output()
        .map_err(|error| io::Error::new(error.kind(), format!("E38 {shown}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stderr, output.stdout].concat();
    let said = String::from_utf8_lossy(&said);
    let said: String = said.trim().chars().take(SAID).collect();
    let status = output.status;
    Err(io::Error::other(format!("E38 {shown}: {status}: {said}")))
}

/// A command as it could be given to a shell.
pub fn show(program: &OsStr, arguments: &[OsString]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:=@%".contains(c);
    let words = std::iter::once(program).chain(arguments.iter().map(OsString::as_os_str));
    let quoted = words.map(|word| {
        let word = word.to_string_lossy();
        if !word.is_empty() && word.chars().all(plain) {
            word.into_owned()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_command_status_and_output() {
        let arguments = ["-c", "echo it\\'s bad >&2; exit 3"].map(OsString::from);
        let error = run(Path::new("/bin/sh"), &arguments).unwrap_err();
        assert_eq!(
            error.to_string(),
            r"E38 sh -c 'echo it\'\''s bad >&2; exit 3': exit status: 3: it's bad"
        );
        let error = run(Path::new("/nowhere/semanage"), &[]).unwrap_err();
        assert!(error.to_string().starts_with("E38 semanage: "), "{error}");
    }

    #[test]
    fn what_is_missing_is_said() {
        let scratch = tempfile::tempdir().unwrap();
        let here = [scratch.path().to_owned()];
        let nowhere = scratch.path().join("enforce");
        let why = |tools: Tools| tools.selinux.unwrap_err();
        let none = Tools::find(&here, &nowhere);
        assert_eq!(none.setfacl, None);
        assert_eq!(why(none), "SELinux is not enabled on this host");
        std::fs::write(&nowhere, "1").unwrap();
        let missing = why(Tools::find(&here, &nowhere));
        assert_eq!(missing, "semanage is not installed on this host");
    }
}
