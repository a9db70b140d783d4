//! As whom the front runs.

use std::os::unix::fs::MetadataExt;

use nix::unistd::User;

/// Whom the front runs as if this user is there, and nobody says otherwise.
const OWN: &str = "cutover-agent";

/// Whom it runs as else: a user that every Linux has, and its number where even the name is missing.
const NOBODY: (&str, u32) = ("nobody", 65534);

/// A user who may do nothing on the host but answer requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrontUser {
    /// The login name.
    pub name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl FrontUser {
    /// The user that the configuration names, or else the usual one.
    ///
    /// # Errors
    ///
    /// When the host does not know the user, or it is root.
    pub fn find(name: Option<&str>) -> Result<Self, String> {
        let look = |name: &str| {
            let found = User::from_name(name);
            found.map_err(|error| format!("front_user: looking up {name} failed: {error}"))
        };
        let found = match name {
            Some(name) => Some(look(name)?.ok_or_else(|| {
                format!("front_user: there is no user {name} on this host; make it: useradd --system {name}")
            })?),
            None => match look(OWN)? {
                Some(user) => Some(user),
                None => look(NOBODY.0)?,
            },
        };
        let user = found.map_or_else(
            || Self {
                name: NOBODY.1.to_string(),
                uid: NOBODY.1,
                gid: NOBODY.1,
            },
            |user| Self {
                name: user.name,
                uid: user.uid.as_raw(),
                gid: user.gid.as_raw(),
            },
        );
        if user.uid == 0 || user.gid == 0 {
            return Err(format!(
                "front_user: {} has root's rights, and the network must not reach those; name another user",
                user.name
            ));
        }
        Ok(user)
    }

    /// Whether the user may run this very program. Its folders do not matter: it is found through `/proc`.
    pub fn may_run_this(&self) -> bool {
        let program = std::fs::metadata("/proc/self/exe");
        program.is_ok_and(|program| {
            let bits = match program.mode() {
                mode if program.uid() == self.uid => mode >> 6,
                mode if program.gid() == self.gid => mode >> 3,
                mode => mode,
            };
            bits & 1 == 1
        })
    }
}
