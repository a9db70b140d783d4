//! Running the scripts of a lifecycle event.

mod choose;
mod environment;
mod explain;
mod lines;
mod script;
mod streams;
pub mod user;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub use environment::{MARK, handed_on};
pub use explain::has_windows_shebang;
pub use lines::lines;
use nix::unistd::{AccessFlags, access};
use script::{Outcome, Script};
use tokio_util::sync::CancellationToken;

use super::config::{HookSecrets, Scripts};
use super::core::{self, Entry, Note, ScriptResult};
use super::layout::Layout;
use super::log::LogError;
use super::report::Report;
use super::revision;
use super::secrets::{self, Given};
use crate::appspec::server::{Hook, Workdir};
use crate::model::diagnostics::{Diagnostics, LifecycleErrorCode};
pub(super) use choose::{Choice, choose};
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

/// What scripts run on.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    /// Where the archives are.
    pub layout: &'a Layout,
    /// Where the application's files are, if not where the `AppSpec` says.
    pub install_root: Option<&'a Path>,
    /// This run of the kernel.
    pub boot: &'a str,
    /// How scripts run.
    pub settings: &'a Scripts,
    /// What they may be given.
    pub secrets: &'a HookSecrets,
    /// Cancelled when scripts are to end at once.
    pub interrupted: &'a CancellationToken,
}

/// Runs the scripts of the report's event, one after the other, up to the first that fails. The first ones are left out
/// if an earlier run of the agent has done them.
///
/// # Errors
///
/// When a script fails, or the revision that it is in cannot be used.
pub async fn run(report: &Report, host: &Host<'_>, done: usize) -> Result<(), EventError> {
    let (order, event) = (report.order(), report.event());
    let unknown = |message: String| EventError::Failed(Diagnostics::unknown(message));
    let choice = choose(event, order, host.layout).map_err(|error| unknown(error.to_string()))?;
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
    if done == 0 {
        report.write(&format!("LifecycleEvent - {event}"));
    } else {
        let text = format!(
            "the agent was restarted; {done} of {} scripts had ended well",
            hooks.len()
        );
        report.line(&text).await?;
    }
    if !is_current {
        let from = dir.path().file_name().unwrap_or_default().to_string_lossy();
        let text = format!("running the scripts of the revision that {from} brought");
        report.remark(&text).await?;
    }
    for (index, hook) in hooks.iter().enumerate().skip(done) {
        if host.interrupted.is_cancelled() {
            let text = format!("interrupted before the script {}", hook.location);
            return Err(unknown(text));
        }
        let mark = core::mark(report.execution(), event, index);
        let environment = Environment {
            order,
            event,
            bundle: &archive,
            install_root: host.install_root,
            inherit: host.settings.inherit_environment,
            mark: &mark,
        };
        let is_last = index + 1 == hooks.len();
        one(report, host, hook, (index, is_last), &environment).await?;
    }
    Ok(())
}

/// Runs one script.
async fn one(
    report: &Report,
    host: &Host<'_>,
    hook: &Hook,
    (index, is_last): (usize, bool),
    environment: &Environment<'_>,
) -> Result<(), EventError> {
    let failed = |error_code, message: String| Diagnostics {
        error_code,
        script_name: hook.location.clone(),
        message,
        log_tail: report.tail(),
        ends_with: None,
    };
    let path = ready(hook, environment.bundle).map_err(|(code, message)| failed(code, message))?;
    let identity = user::resolve(hook.runas.as_deref(), hook.sudo)
        .map_err(|message| failed(LifecycleErrorCode::ScriptFailed, message))?;
    let given = Given::to(
        host.secrets,
        environment.order,
        &identity,
        host.layout.root(),
    )
    .await
    .map_err(|why| {
        let message = format!("the script {} was not started: {why}", hook.location);
        failed(LifecycleErrorCode::ScriptFailed, message)
    })?;
    let begins = report.entry(&format!("Script - {}", hook.location));

    // From here on the script counts as started, whatever happens to the agent.
    let note = |note| Entry::Note(report.execution().clone(), note);
    let mark = environment.mark.to_owned();
    let starting = note(Note::ScriptStarting { mark });
    report.log().facts(vec![begins, starting]).await?;
    crate::crash_point::here!("script.before-start");
    let mut variables = environment.variables(&identity.account, &hook.environment);
    secrets::withhold(host.secrets, &mut variables);
    let script = Script {
        location: &hook.location,
        path,
        folder: match hook.workdir {
            Workdir::Root => Path::new("/"),
            Workdir::Bundle => environment.bundle,
        },
        timeout: hook.timeout,
        variables,
        given: &given,
        identity,
        mark: environment.mark,
    };
    let outcome = match script.start(host.boot).await {
        Ok(started) => {
            crate::crash_point::here!("script.after-start");
            let process = started.process.clone();
            report
                .log()
                .passing(vec![note(Note::ScriptStarted { process })])
                .await?;
            crate::crash_point::here!("script.running");
            started.finish(&script, host, report).await?
        }
        Err(error) => Outcome::not_started(&script, &error),
    };
    crate::crash_point::here!("script.before-end-noted");
    let ends = report.entry(&outcome.remark);
    let failure = outcome.failure.map(|(code, message)| failed(code, message));
    let result = ScriptResult {
        script: index,
        failure: failure.clone(),
    };
    let must_be_durable = result.must_be_durable(is_last);
    let result = Some(result);
    let entries = vec![ends, note(Note::ScriptEnded { result })];
    if must_be_durable {
        report.log().facts(entries).await?;
    } else {
        report.log().passing(entries).await?;
    }
    crate::crash_point::here!("script.after-end-noted");
    failure.map_or(Ok(()), |failure| Err(failure.into()))
}

/// Finds the script in the archive and makes it executable, if it is not.
fn ready(hook: &Hook, archive: &Path) -> Result<PathBuf, (LifecycleErrorCode, String)> {
    use LifecycleErrorCode::{ScriptFailed, ScriptMissing, ScriptNotExecutable};
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
        let kind = if metadata.is_dir() {
            "is a folder"
        } else {
            "is not a file"
        };
        let message = format!("the script {location} {kind}, so there is nothing to run");
        return Err((ScriptFailed, message));
    }
    if access(&real, AccessFlags::X_OK).is_err() {
        let mode = metadata.permissions().mode() | 0o111;
        fs::set_permissions(&real, fs::Permissions::from_mode(mode)).map_err(|error| {
            let message = format!("the script {location} cannot be made executable: {error}");
            (ScriptNotExecutable, message)
        })?;
    }
    Ok(path)
}
