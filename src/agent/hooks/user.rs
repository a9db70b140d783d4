//! `runas`: the user a script runs as.

use std::path::{Path, PathBuf};

use nix::unistd::{User, geteuid};

/// Starts a program as another user with all of that user's groups; part of util-linux.
const SETPRIV: [&str; 2] = ["/usr/bin/setpriv", "/bin/setpriv"];

/// Another user than the agent's own.
#[derive(Clone, Debug)]
pub struct OtherUser {
    name: String,
    uid: u32,
    gid: u32,
    home: PathBuf,
    shell: PathBuf,
    setpriv: &'static str,
}

/// Looks the user up; none means the agent's own.
pub fn resolve(runas: Option<&str>) -> Result<Option<OtherUser>, String> {
    let Some(name) = runas else {
        return Ok(None);
    };
    let user = match User::from_name(name) {
        Ok(Some(user)) => user,
        Ok(None) => return Err(format!("runas: there is no user {name} on this host")),
        Err(error) => return Err(format!("runas: looking up the user {name} failed: {error}")),
    };
    if user.uid == geteuid() {
        return Ok(None);
    }
    if !geteuid().is_root() {
        return Err(format!(
            "runas: scripts can run as {name} only if the agent runs as root"
        ));
    }
    let setpriv = SETPRIV.into_iter().find(|path| Path::new(path).exists());
    let setpriv = setpriv.ok_or("runas: setpriv (of util-linux) is not installed on this host")?;
    Ok(Some(OtherUser {
        name: user.name,
        uid: user.uid.as_raw(),
        gid: user.gid.as_raw(),
        home: user.dir,
        shell: user.shell,
        setpriv,
    }))
}

impl OtherUser {
    /// The command line that becomes this user and goes on with what follows.
    pub fn prefix(&self) -> Vec<String> {
        vec![
            self.setpriv.to_owned(),
            format!("--reuid={}", self.uid),
            format!("--regid={}", self.gid),
            "--init-groups".to_owned(),
            "--".to_owned(),
        ]
    }

    /// What differs in this user's environment.
    pub fn variables(&self) -> [(&'static str, &std::ffi::OsStr); 4] {
        [
            ("HOME", self.home.as_os_str()),
            ("USER", self.name.as_ref()),
            ("LOGNAME", self.name.as_ref()),
            ("SHELL", self.shell.as_os_str()),
        ]
    }
}
