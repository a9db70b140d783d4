//! The command that a task is started by.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, fchown};
use std::process::Stdio;

use process_wrap::tokio::{CommandWrap, CommandWrapper as _, ProcessSession};
use tokio::process::{Child, Command};

use super::Host;
use super::folder::{Memory, TaskFolder};
use crate::agent::hooks::user::{self, Identity};
use crate::agent::hooks::{MARK, handed_on};
use crate::agent::protocol::TaskSetOrder;
use crate::agent::secrets;
use crate::model::deployment::DeploymentId;

/// This program, also when its file was replaced or moved since.
const PROGRAM: &str = "/proc/self/exe";

/// Starts what becomes the task.
///
/// # Errors
///
/// Why it cannot be started.
pub fn spawn(
    host: &Host,
    (id, order): (&DeploymentId, &TaskSetOrder),
    folder: &TaskFolder,
    memory: &Memory,
) -> Result<Child, String> {
    let definition = &order.definition;
    let identity = user::of_task(definition.user.as_deref())?;
    let working = definition.folder.as_deref().unwrap_or("/");
    let variables = variables(host, (id, order), folder, memory.port, &identity);
    let mut words = identity.prefix(&variables);
    words.extend(definition.run.iter().map(OsString::from));
    let spawned = || {
        let log = open_log(folder, &identity)?;
        let mut command = Command::new(PROGRAM);
        command
            .arg0("cutover")
            .args(["agent", "task"])
            .arg(folder.path())
            .args([memory.port.to_string(), memory.restarts.to_string()])
            .arg("--")
            .args(&words)
            .env_clear()
            .envs(&variables)
            .current_dir(working)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        // A session of its own from the first moment: what ends a task by its mark ends whole groups.
        ProcessSession.pre_spawn(&mut command, &CommandWrap::from(Command::new(PROGRAM)))?;
        command.spawn()
    };
    spawned().map_err(|error: io::Error| format!("it cannot be started in {working}: {error}"))
}

/// Programs open `/dev/stdout` anew: so it is theirs.
fn open_log(folder: &TaskFolder, identity: &Identity) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    let log = options.open(folder.log())?;
    if identity.is_other() {
        let (user, group) = identity.account.ids();
        fchown(&log, Some(user), Some(group))?;
    }
    Ok(log)
}

fn variables(
    host: &Host,
    (id, order): (&DeploymentId, &TaskSetOrder),
    folder: &TaskFolder,
    port: u16,
    identity: &Identity,
) -> BTreeMap<OsString, OsString> {
    let mut variables = handed_on(&identity.account, host.scripts.inherit_environment);
    secrets::withhold(&host.secrets, &mut variables);
    let own = order.definition.environment.iter();
    variables.extend(own.map(|(name, value)| (name.into(), value.into())));
    let promised: [(&str, OsString); 5] = [
        ("PORT", port.to_string().into()),
        ("CUTOVER_SERVICE", order.service.as_str().into()),
        ("CUTOVER_TASK_SET", id.as_str().into()),
        (
            "CUTOVER_TASK_DEFINITION",
            order.task_definition.as_str().into(),
        ),
        (MARK, folder.path().into()),
    ];
    variables.extend(promised.map(|(name, value)| (name.into(), value)));
    variables
}
