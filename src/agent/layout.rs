//! Where the agent keeps what, below its root.
//!
//! ```text
//! <root>/
//!   lock                              held while an agent runs here
//!   identity/
//!     key.pem                         the agent's own key, if it was told to join
//!     orchestrators.json              those that it obeys
//!   commands/
//!     commands.log                    who commanded what: a chain of hashes
//!     commands.log.1                  what came before
//!   log/                              the journal, which is also the event stream
//!   bundles/                          bundles by digest
//!   <deployment group id>/
//!     <deployment id>/
//!       deployment-archive/           the unpacked revision
//!       logs/scripts.log
//!       deployment.json               what was deployed, and when it started here
//!   deployment-instructions/
//!     <deployment group id>-cleanup
//!     <deployment group id>-install.json
//!     <deployment group id>.lock      held while an execution of the group runs
//!     <deployment group id>_last_successful_install
//!     <deployment group id>_most_recent_install
//!   deployment-logs/
//!     codedeploy-agent-deployments.log
//!   upstreams/
//!     <name>.reloaded                 what nginx was told last
//!     <name>.before                   the file as it was, while a change of it is being tested
//!   task-sets/
//!     <deployment id>/
//!       order.json                    what was ordered
//!       ended                         that it was ended: nothing of it starts any more
//!       <number>/
//!         lock                        held by the processes of the task
//!         task.json                   its port, and how often it was started again
//!         run.json                    its process
//!         task.log                    what it says
//!         task.log.1                  what it said before
//! ```
//!
//! Scripts may run as another user, who must reach the archive: the folders above it can be passed, but not listed.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::core::is_group_id;
use crate::model::deployment::DeploymentId;
use crate::store::files::write_atomically;

/// How often a group that another process holds is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Which archive a pointer of a deployment group names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointer {
    /// The deployment whose files are installed: the last one whose Install ended well.
    LastInstalled,
    /// The last deployment whose `DownloadBundle` ended well.
    MostRecent,
}

/// The agent's folders.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

/// The folder of one deployment of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentDir {
    path: PathBuf,
}

impl Layout {
    /// The folders of this root, which may not be there.
    pub fn of(root: &Path) -> Self {
        let root = root.to_owned();
        Self { root }
    }

    /// Makes the fixed folders below the root.
    ///
    /// # Errors
    ///
    /// When a folder cannot be made.
    pub fn open(root: &Path) -> io::Result<Self> {
        make_dir(root, 0o711)?;
        // Scripts see these paths from another working folder.
        let layout = Self {
            root: root.canonicalize()?,
        };
        make_dir(&layout.identity(), 0o700)?;
        make_dir(&layout.commands(), 0o700)?;
        make_dir(&layout.log(), 0o700)?;
        make_dir(&layout.bundles(), 0o700)?;
        make_dir(&layout.instructions(), 0o700)?;
        make_dir(&layout.deployment_logs(), 0o700)?;
        make_dir(&layout.upstreams(), 0o700)?;
        make_dir(&layout.task_sets(), 0o700)?;
        Ok(layout)
    }

    /// The root itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file that says that an agent runs here.
    pub fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// Where it is kept who this host is, and whom it obeys.
    pub fn identity(&self) -> PathBuf {
        self.root.join("identity")
    }

    /// The agent's own key.
    pub fn key(&self) -> PathBuf {
        self.identity().join("key.pem")
    }

    /// The orchestrators that it obeys.
    pub fn orchestrators(&self) -> PathBuf {
        self.identity().join("orchestrators.json")
    }

    /// The folder of the commands that were obeyed.
    pub fn commands(&self) -> PathBuf {
        self.root.join("commands")
    }

    /// The journal's folder.
    pub fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// The bundles' folder.
    pub fn bundles(&self) -> PathBuf {
        self.root.join("bundles")
    }

    /// The log of all scripts of all deployments.
    pub fn deployments_log(&self) -> PathBuf {
        self.deployment_logs()
            .join("codedeploy-agent-deployments.log")
    }

    /// What the agent remembers of the upstreams that it changes.
    pub fn upstreams(&self) -> PathBuf {
        self.root.join("upstreams")
    }

    /// The folder of the task sets.
    pub fn task_sets(&self) -> PathBuf {
        self.root.join("task-sets")
    }

    /// The folder of all deployments of a group.
    pub fn group(&self, group: &str) -> PathBuf {
        self.root.join(group)
    }

    /// The deployment groups that have a folder.
    ///
    /// # Errors
    ///
    /// When the root cannot be read.
    pub fn groups(&self) -> io::Result<Vec<String>> {
        let mut groups = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            groups.extend(entry?.file_name().into_string().ok());
        }
        groups.retain(|name| is_group_id(name));
        Ok(groups)
    }

    /// The folder of a deployment.
    pub fn deployment(&self, group: &str, deployment: &DeploymentId) -> DeploymentDir {
        DeploymentDir {
            path: self.group(group).join(deployment.as_str()),
        }
    }

    /// Makes the folder of a deployment and those in it.
    ///
    /// # Errors
    ///
    /// When a folder cannot be made.
    pub fn make_deployment(
        &self,
        group: &str,
        deployment: &DeploymentId,
    ) -> io::Result<DeploymentDir> {
        let dir = self.deployment(group, deployment);
        if dir.logs().is_dir() {
            return Ok(dir);
        }
        make_dir(&self.group(group), 0o711)?;
        make_dir(&dir.path, 0o711)?;
        make_dir(&dir.logs(), 0o700)?;
        Ok(dir)
    }

    /// What Install has created for a group, so that the next one can remove it.
    pub fn cleanup(&self, group: &str) -> PathBuf {
        self.instructions().join(format!("{group}-cleanup"))
    }

    /// The clean-up files of all groups, by group id.
    ///
    /// # Errors
    ///
    /// When their folder cannot be read.
    pub fn cleanups(&self) -> io::Result<Vec<(String, PathBuf)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.instructions())? {
            let entry = entry?;
            let name = entry.file_name();
            let group = name.to_str().and_then(|name| name.strip_suffix("-cleanup"));
            found.extend(group.map(|group| (group.to_owned(), entry.path())));
        }
        Ok(found)
    }

    /// What Install is about to do or has done for a group, for people to read.
    pub fn install_plan(&self, group: &str) -> PathBuf {
        self.instructions().join(format!("{group}-install.json"))
    }

    /// Waits until no other process runs an execution of the group on this host, and keeps others from doing so until what
    /// this answers is dropped: the agent and a local deployment may work on the same root. If the file system does not
    /// let anybody lock, nothing is held; what comes next meets the same trouble and reports it. Can be given up at any
    /// moment.
    pub async fn hold(&self, group: &str) -> Option<File> {
        let mut told = false;
        loop {
            match self.try_hold(group) {
                Ok(file) => return Some(file),
                Err(TryLockError::WouldBlock) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!("waiting for another deployment of the group on this host");
                    }
                    // A thread that waits in the kernel could not be called back.
                    tokio::time::sleep(LOOK).await;
                }
                Err(TryLockError::Error(error)) => {
                    tracing::warn!(%error, group, "the deployment group cannot be locked");
                    return None;
                }
            }
        }
    }

    fn try_hold(&self, group: &str) -> Result<File, TryLockError> {
        let path = self.instructions().join(format!("{group}.lock"));
        let made = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        // A file system that cannot be written to any more may have the file already.
        let file = made
            .or_else(|_| File::open(&path))
            .map_err(TryLockError::Error)?;
        file.try_lock()?;
        Ok(file)
    }

    /// The deployment a pointer names, if it was ever set.
    ///
    /// # Errors
    ///
    /// When the pointer cannot be read, or names something outside the group's folder.
    pub fn pointer(&self, group: &str, pointer: Pointer) -> io::Result<Option<DeploymentDir>> {
        let path = self.pointer_path(group, pointer);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        // `CodeDeploy`'s agent writes whole paths.
        let root = self.root.to_string_lossy();
        let below = text
            .strip_prefix(root.as_ref())
            .and_then(|below| below.strip_prefix('/'));
        let deployment = below
            .unwrap_or(&text)
            .strip_prefix(group)
            .and_then(|rest| rest.strip_prefix('/'))
            .and_then(|id| id.trim_end().parse::<DeploymentId>().ok())
            .ok_or_else(|| {
                let message = format!("{} does not name a deployment of its group", path.display());
                io::Error::new(io::ErrorKind::InvalidData, message)
            })?;
        Ok(Some(self.deployment(group, &deployment)))
    }

    /// Lets a pointer name a deployment. The path is relative to the root, so that the root can be moved.
    ///
    /// # Errors
    ///
    /// When the pointer cannot be written.
    pub fn set_pointer(
        &self,
        group: &str,
        pointer: Pointer,
        deployment: &DeploymentId,
    ) -> io::Result<()> {
        let path = self.pointer_path(group, pointer);
        write_atomically(&path, format!("{group}/{deployment}").as_bytes())
    }

    /// Where a pointer is kept.
    pub fn pointer_path(&self, group: &str, pointer: Pointer) -> PathBuf {
        let suffix = match pointer {
            Pointer::LastInstalled => "last_successful_install",
            Pointer::MostRecent => "most_recent_install",
        };
        self.instructions().join(format!("{group}_{suffix}"))
    }

    fn instructions(&self) -> PathBuf {
        self.root.join("deployment-instructions")
    }

    fn deployment_logs(&self) -> PathBuf {
        self.root.join("deployment-logs")
    }
}

impl DeploymentDir {
    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The unpacked revision.
    pub fn archive(&self) -> PathBuf {
        self.path.join("deployment-archive")
    }

    /// Where the revision is unpacked before it gets its name.
    pub fn unpacking(&self) -> PathBuf {
        self.path.join("deployment-archive-temp")
    }

    /// The scripts' output.
    pub fn scripts_log(&self) -> PathBuf {
        self.logs().join("scripts.log")
    }

    /// What was deployed, and when it started here.
    pub fn record(&self) -> PathBuf {
        self.path.join("deployment.json")
    }

    fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }
}

fn make_dir(path: &Path, mode: u32) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .map_err(|error| {
            io::Error::new(error.kind(), format!("making {}: {error}", path.display()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_survive_a_move_of_the_root() {
        let scratch = tempfile::tempdir().unwrap();
        let id: DeploymentId = "d-7F3KQ21XB".parse().unwrap();
        let old = scratch.path().join("old");
        let layout = Layout::open(&old).unwrap();
        assert_eq!(layout.pointer("g", Pointer::LastInstalled).unwrap(), None);
        layout
            .set_pointer("g", Pointer::LastInstalled, &id)
            .unwrap();
        let new = scratch.path().join("new");
        fs::rename(&old, &new).unwrap();
        let layout = Layout::open(&new).unwrap();
        let found = layout
            .pointer("g", Pointer::LastInstalled)
            .unwrap()
            .unwrap();
        assert_eq!(found, layout.deployment("g", &id));

        let whole = found.path().to_string_lossy().into_owned();
        let path = layout.pointer_path("g", Pointer::LastInstalled);
        fs::write(&path, &whole).unwrap();
        assert_eq!(
            layout.pointer("g", Pointer::LastInstalled).unwrap(),
            Some(found)
        );
        fs::write(&path, whole.replace("new", "elsewhere")).unwrap();
        assert!(layout.pointer("g", Pointer::LastInstalled).is_err());
    }
}
