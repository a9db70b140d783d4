//! `runas` and `sudo`: the user a script runs as, and how the agent becomes that user.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use nix::unistd::{Gid, Group, Uid, User, geteuid, getgrouplist};

/// Starts a program as another user with all of that user's groups; part of util-linux.
pub const SETPRIV: [&str; 2] = ["/usr/bin/setpriv", "/bin/setpriv"];

/// Lets an agent that is not root start what its user may start as another one.
pub const SUDO: [&str; 2] = ["/usr/bin/sudo", "/usr/local/bin/sudo"];

/// A user of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The login name; the number if the host does not know the user.
    pub name: String,
    uid: Uid,
    gid: Gid,
    home: PathBuf,
    shell: PathBuf,
}

/// As whom a script runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub account: Account,
    change: Change,
}

/// How the agent becomes that user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// It is.
    None,
    /// As root it can become anybody.
    Setpriv(&'static str),
    /// Otherwise sudo's rules say whom its user may become.
    Sudo(&'static str),
}

/// Finds out as whom a script runs that says `runas` and `sudo`.
pub fn resolve(runas: Option<&str>, sudo: bool) -> Result<Identity, String> {
    static AGENT: OnceLock<Account> = OnceLock::new();
    let own = geteuid();
    let account = match runas {
        Some(name) => by_name(name).map_err(|why| format!("runas: {why}"))?,
        // `CodeDeploy`'s agent writes `sudo` before the command: it runs as root.
        None if sudo => Account::of(Uid::from_raw(0)),
        None => AGENT.get_or_init(|| Account::of(own)).clone(),
    };
    let change = if account.uid == own {
        Change::None
    } else if own.is_root() {
        let missing = "runas: setpriv is not installed on this host; install util-linux";
        Change::Setpriv(installed(SETPRIV).ok_or(missing)?)
    } else if sudo {
        let missing = "sudo: sudo is not installed on this host, and the agent does not run as root; install sudo";
        Change::Sudo(installed(SUDO).ok_or(missing)?)
    } else {
        return Err(format!(
            "runas: the agent runs as {}, which cannot become {}; run the agent as root, or write sudo: true beside \
             runas and let sudo's rules allow it without a password",
            Account::of(own).name,
            account.name
        ));
    };
    Ok(Identity { account, change })
}

/// Finds out as whom a task runs.
pub fn of_task(user: Option<&str>) -> Result<Identity, String> {
    let own = geteuid();
    let account = match user {
        Some(name) => by_name(name)?,
        None => Account::of(own),
    };
    let change = if account.uid == own {
        Change::None
    } else if own.is_root() {
        let missing = "setpriv is not installed on this host; install util-linux";
        Change::Setpriv(installed(SETPRIV).ok_or(missing)?)
    } else {
        return Err(format!(
            "the agent runs as {}, which cannot become {}; run the agent as root, or leave the user of the task definition away",
            Account::of(own).name,
            account.name
        ));
    };
    Ok(Identity { account, change })
}

/// The first of these programs that is there.
pub fn installed(paths: [&'static str; 2]) -> Option<&'static str> {
    paths.into_iter().find(|path| Path::new(path).exists())
}

fn by_name(name: &str) -> Result<Account, String> {
    match User::from_name(name) {
        Ok(Some(user)) => Ok(user.into()),
        Ok(None) => Err(format!("there is no user {name} on this host")),
        Err(error) => Err(format!("looking up the user {name} failed: {error}")),
    }
}

impl From<User> for Account {
    fn from(user: User) -> Self {
        Self {
            name: user.name,
            uid: user.uid,
            gid: user.gid,
            home: user.dir,
            shell: user.shell,
        }
    }
}

impl Account {
    /// The user with this number, whom the host may not know.
    fn of(uid: Uid) -> Self {
        match User::from_uid(uid) {
            Ok(Some(user)) => user.into(),
            Ok(None) | Err(_) => Self {
                name: uid.to_string(),
                uid,
                gid: nix::unistd::getegid(),
                home: "/".into(),
                shell: "/bin/sh".into(),
            },
        }
    }

    /// The numbers of the user and its group.
    pub fn ids(&self) -> (u32, u32) {
        (self.uid.as_raw(), self.gid.as_raw())
    }

    /// What a login would set.
    pub fn variables(&self) -> [(OsString, OsString); 4] {
        [
            ("HOME".into(), self.home.clone().into()),
            ("USER".into(), self.name.clone().into()),
            ("LOGNAME".into(), self.name.clone().into()),
            ("SHELL".into(), self.shell.clone().into()),
        ]
    }

    /// Whether the mode of a file lets the user do this: 4 to read, 1 to execute or enter.
    pub fn may(&self, bits: u32, metadata: &Metadata) -> bool {
        if self.uid.is_root() {
            return true;
        }
        let mode = metadata.mode();
        let granted = if metadata.uid() == self.uid.as_raw() {
            mode >> 6
        } else if self.groups().contains(&metadata.gid()) {
            mode >> 3
        } else {
            mode
        };
        granted & bits == bits
    }

    fn groups(&self) -> Vec<u32> {
        let own = self.gid.as_raw();
        let name = CString::new(self.name.as_str()).unwrap_or_default();
        let groups = getgrouplist(&name, self.gid).unwrap_or_default();
        groups.into_iter().map(Gid::as_raw).chain([own]).collect()
    }
}

impl Identity {
    /// Whether that is another user than the agent's.
    pub fn is_other(&self) -> bool {
        self.change != Change::None
    }

    /// The command line that becomes this user and goes on with what follows.
    pub fn prefix(&self, variables: &BTreeMap<OsString, OsString>) -> Vec<OsString> {
        match self.change {
            Change::None => Vec::new(),
            Change::Setpriv(program) => vec![
                program.into(),
                format!("--reuid={}", self.account.uid).into(),
                format!("--regid={}", self.account.gid).into(),
                "--init-groups".into(),
                "--".into(),
            ],
            // Names only: what the variables hold must not show in the list of processes.
            Change::Sudo(program) => {
                let mut keep = OsString::from("--preserve-env=");
                keep.push(names(variables).join(OsStr::new(",")));
                vec![
                    program.into(),
                    "--non-interactive".into(),
                    "--set-home".into(),
                    "--user".into(),
                    self.account.name.clone().into(),
                    keep,
                    "--".into(),
                ]
            }
        }
    }
}

/// What sudo is asked to hand on: all but what it knows better.
fn names(variables: &BTreeMap<OsString, OsString>) -> Vec<&OsStr> {
    let sudos = ["PATH", "HOME", "USER", "LOGNAME", "SHELL"].map(OsStr::new);
    variables
        .keys()
        .map(OsString::as_os_str)
        .filter(|name| !sudos.contains(name))
        .collect()
}

/// The user and group numbers that an agent is to run as.
///
/// # Errors
///
/// When the host does not know them.
pub fn ids(user: &str, group: Option<&str>) -> Result<(User, Gid), String> {
    let found = User::from_name(user).map_err(|error| error.to_string())?;
    let found = found.ok_or_else(|| format!("there is no user {user} on this host"))?;
    let gid = match group {
        None => found.gid,
        Some(name) => {
            let group = Group::from_name(name).map_err(|error| error.to_string())?;
            let missing = || format!("there is no group {name} on this host");
            group.ok_or_else(missing)?.gid
        }
    };
    Ok((found, gid))
}
