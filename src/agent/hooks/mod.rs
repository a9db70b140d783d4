//! Running the scripts of a lifecycle event.

mod choose;
mod environment;
mod lines;
mod script;
mod user;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub use environment::MARK;
use script::Script;

use super::layout::Layout;
use super::log::{Entry, LogError, Note};
use super::protocol::OutputSource;
use super::report::Report;
use super::revision;
use crate::appspec::Hook;
use crate::model::diagnostics::{Diagnostics, LifecycleErrorCode};
use choose::Choice;
use environment::Environment;

/// Why an event did not end well.
#[derive(Debug)]
pub enum EventError {
    /// It failed.
    Failed(Diagnostics),
    /// The agent can no longer write its log, so nothing may go on.
    Log(LogError),
}

impl From<LogError> for EventError {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

impl From<Diagnostics> for EventError {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Failed(diagnostics)
    }
}

/// Runs the scripts of the report's event, one after the other, up to the first that fails.
///
/// # Errors
///
/// When a script fails, or the revision that it is in cannot be used.
pub async fn run(
    report: &Report,
    layout: &Layout,
    install_root: Option<&Path>,
    boot: &str,
) -> Result<(), EventError> {
    let (order, event) = (report.order(), report.event());
    let unknown = |message: String| EventError::Failed(Diagnostics::unknown(message));
    let choice =
        choose::choose(event, order, layout).map_err(|error| unknown(error.to_string()))?;
    let Some(Choice { dir, is_current }) = choice else {
        let text = "no revision of this deployment group is installed, so there is nothing to run";
        report.remark(text).await?;
        return Ok(());
    };
    let archive = dir.archive();
    let appspec = revision::appspec(&dir).map_err(unknown)?;
    let hooks = appspec.scripts(event);
    if hooks.is_empty() {
        return Ok(());
    }
    report.write(&format!("LifecycleEvent - {event}"));
    if !is_current {
        let from = dir.path().file_name().unwrap_or_default().to_string_lossy();
        let text = format!("running the scripts of the revision that {from} brought");
        report.remark(&text).await?;
    }
    for (index, hook) in hooks.iter().enumerate() {
        let mark = format!("{}/{event}/{index}", report.execution());
        let environment = Environment {
            order,
            event,
            bundle: &archive,
            install_root,
            mark: &mark,
        };
        one(report, hook, &archive, &environment, boot).await?;
    }
    Ok(())
}

async fn one(
    report: &Report,
    hook: &Hook,
    archive: &Path,
    environment: &Environment<'_>,
    boot: &str,
) -> Result<(), EventError> {
    let failed = |error_code, message: String| Diagnostics {
        error_code,
        script_name: hook.location.clone(),
        message,
        log_tail: String::new(),
    };
    let path = ready(hook, archive).map_err(|(code, message)| failed(code, message))?;
    let user = user::resolve(hook.runas.as_deref())
        .map_err(|message| failed(LifecycleErrorCode::ScriptFailed, message))?;
    report
        .line(
            OutputSource::Agent,
            format!("Script - {}", hook.location).as_bytes(),
        )
        .await?;

    // From here on the script counts as started, whatever happens to the agent.
    let note = |note| Entry::Note(report.execution().clone(), note);
    let mark = environment.mark.to_owned();
    report
        .log()
        .facts(vec![note(Note::ScriptStarting { mark })])
        .await?;
    let script = Script {
        location: &hook.location,
        path,
        timeout: hook.timeout,
        user,
        variables: environment.variables(),
    };
    let started = match script.start(boot).await {
        Ok(started) => started,
        Err(error) => {
            report.log().facts(vec![note(Note::ScriptEnded)]).await?;
            let message = format!("the script {} cannot be started: {error}", hook.location);
            return Err(failed(LifecycleErrorCode::ScriptFailed, message).into());
        }
    };
    let process = started.process.clone();
    report
        .log()
        .facts(vec![note(Note::ScriptStarted { process })])
        .await?;
    let outcome = started.finish(&script, report).await?;
    report.log().facts(vec![note(Note::ScriptEnded)]).await?;
    report
        .line(OutputSource::Agent, outcome.remark.as_bytes())
        .await?;
    match outcome.failure {
        Some((code, message)) => Err(failed(code, message).into()),
        None => Ok(()),
    }
}

/// Finds the script in the archive and makes it executable.
fn ready(hook: &Hook, archive: &Path) -> Result<PathBuf, (LifecycleErrorCode, String)> {
    use LifecycleErrorCode::{ScriptMissing, ScriptNotExecutable};
    let location = &hook.location;
    let missing = |why: &str| (ScriptMissing, format!("the script {location} {why}"));
    let path = archive.join(&hook.path);
    let real = path
        .canonicalize()
        .map_err(|_| missing("is not in the revision"))?;
    if !real.starts_with(archive) {
        return Err(missing("is a link that leads out of the revision"));
    }
    let metadata =
        fs::metadata(&real).map_err(|error| missing(&format!("cannot be read: {error}")))?;
    if !metadata.is_file() {
        return Err(missing("is not a file"));
    }
    let mode = metadata.permissions().mode();
    if mode & 0o111 != 0o111 {
        fs::set_permissions(&real, fs::Permissions::from_mode(mode | 0o111)).map_err(|error| {
            let message = format!("the script {location} cannot be made executable: {error}");
            (ScriptNotExecutable, message)
        })?;
    }
    Ok(path)
}
