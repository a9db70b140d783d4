//! One script: started in its own session and process group, read until it ends, ended when it takes too long.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use process_wrap::tokio::{CommandWrap, CommandWrapper as _, ProcessSession};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Host;
use super::explain::{explain, names_interpreter};
use super::streams::Streams;
use super::user::Identity;
use crate::agent::core::{Orphan, Process};
use crate::agent::log::LogError;
use crate::agent::process;
use crate::agent::report::Report;
use crate::agent::secrets::Given;
use crate::model::diagnostics::LifecycleErrorCode;

/// After a script has failed or was killed, the rest of its output is waited for so long.
const REST: Duration = Duration::from_secs(2);

/// A script file can be busy for a moment, while another child of this process is between fork and exec.
const BUSY_RETRIES: u32 = 50;
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// What is to be run.
#[derive(Debug)]
pub struct Script<'a> {
    /// As the `AppSpec` writes it.
    pub location: &'a str,
    /// The file.
    pub path: PathBuf,
    /// Where it starts.
    pub folder: &'a Path,
    /// How long it may run.
    pub timeout: Duration,
    /// As whom.
    pub identity: Identity,
    /// Its environment.
    pub variables: BTreeMap<OsString, OsString>,
    /// The secrets that it is given besides.
    pub given: &'a Given,
    /// By which it and what it starts are found.
    pub mark: &'a str,
}

/// A script that runs.
#[derive(Debug)]
pub struct Started {
    /// Its process, which leads its process group.
    pub process: Process,
    child: Child,
    output: Streams,
    since: Instant,
}

/// How a script ended.
#[derive(Debug)]
pub struct Outcome {
    /// For the log.
    pub remark: String,
    /// Why the event fails, if it does.
    pub failure: Option<(LifecycleErrorCode, String)>,
}

impl Outcome {
    /// The script was never there.
    pub fn not_started(script: &Script<'_>, error: &io::Error) -> Self {
        let message = script.failure(&format!("cannot be started: {error}"));
        Self {
            remark: "[exit] not started".to_owned(),
            failure: Some((LifecycleErrorCode::ScriptFailed, message)),
        }
    }

    fn interrupted(script: &Script<'_>) -> Self {
        let message = format!("the script {} was interrupted", script.location);
        Self {
            remark: "[exit] interrupted".to_owned(),
            failure: Some((LifecycleErrorCode::ScriptFailed, message)),
        }
    }
}

impl Script<'_> {
    /// Starts it.
    pub async fn start(&self, boot: &str) -> io::Result<Started> {
        let mut child = self.spawn().await?;
        let taken = child.id().zip(child.stdout.take()).zip(child.stderr.take());
        let ((pid, stdout), stderr) = taken.ok_or_else(|| io::Error::other("it has no output"))?;
        let pid = i32::try_from(pid).map_err(io::Error::other)?;
        Ok(Started {
            process: Process::of(pid, boot),
            child,
            output: Streams::new(stdout, stderr, self.given.mask()),
            since: Instant::now(),
        })
    }

    /// What went wrong, with the reason if one can be seen.
    fn failure(&self, what: &str) -> String {
        let reason = explain(&self.path, &self.identity.account);
        let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
        format!("the script {} {what}{reason}", self.location)
    }

    async fn spawn(&self) -> io::Result<Child> {
        let mut tries = 0;
        let mut through_shell = false;
        loop {
            match self.command(through_shell)?.spawn() {
                // A script without a first line that names its interpreter.
                Err(error)
                    if error.raw_os_error() == Some(Errno::ENOEXEC as i32) && !through_shell =>
                {
                    through_shell = true;
                }
                Err(error)
                    if error.kind() == io::ErrorKind::ExecutableFileBusy
                        && tries < BUSY_RETRIES =>
                {
                    tries += 1;
                    sleep(BUSY_PAUSE).await;
                }
                spawned => return spawned,
            }
        }
    }

    fn command(&self, through_shell: bool) -> io::Result<Command> {
        let mut variables = self.variables.clone();
        self.given.add_to(&mut variables);
        let mut words = self.identity.prefix(&variables);
        // Behind a prefix nobody else takes care of a script that names no interpreter.
        if through_shell || self.identity.is_other() && !names_interpreter(&self.path) {
            words.push("/bin/sh".into());
        }
        words.push(self.path.clone().into());
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .env_clear()
            .envs(variables)
            .current_dir(self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // A session of its own, and with it a process group: no terminal reaches it, and nothing that it does to its group
        // reaches the agent. What the library would wrap around the child is not needed.
        ProcessSession.pre_spawn(&mut command, &CommandWrap::from(Command::new(&words[0])))?;
        Ok(command)
    }
}

impl Started {
    /// Waits until it has ended and its output is closed, its time is up, or it is to end at once.
    pub async fn finish(
        self,
        script: &Script<'_>,
        host: &Host<'_>,
        report: &Report,
    ) -> Result<Outcome, LogError> {
        let Self {
            process,
            mut child,
            mut output,
            since,
        } = self;
        let settings = host.settings;
        let pipes = output.pipes();
        let deadline = since + script.timeout;
        let mut patience = deadline;
        let mut hint = None;
        let mut status: Option<ExitStatus> = None;
        let mut closed = false;
        let interrupted;
        {
            let mut reading = pin!(output.report(report));
            while status.is_none() || !closed {
                let hinted = hint.unwrap_or(deadline);
                tokio::select! {
                    biased;
                    ended = child.wait(), if status.is_none() => {
                        let ended = ended.unwrap_or_else(|_| ExitStatus::from_raw(255 << 8));
                        if ended.success() {
                            hint = Some(Instant::now() + settings.hint);
                            let grace = settings.detach_grace.unwrap_or(script.timeout);
                            patience = deadline.min(Instant::now() + grace.min(script.timeout));
                        } else {
                            patience = deadline.min(Instant::now() + REST);
                        }
                        status = Some(ended);
                    }
                    result = &mut reading, if !closed => {
                        result?;
                        closed = true;
                    }
                    () = sleep_until(patience) => break,
                    () = host.interrupted.cancelled() => break,
                    () = sleep_until(hinted), if hint.is_some() => {
                        hint = None;
                        let holders = process::describe(process::holding(&pipes));
                        let text = format!(
                            "the script has ended, but its output is still held open by {holders}; a program that \
                             stays must redirect its standard output and standard error"
                        );
                        report.line(&text).await?;
                    }
                }
            }
            interrupted = host.interrupted.is_cancelled() && (status.is_none() || !closed);
            if status.is_none() || interrupted {
                // The output goes on being read, so that a script that reports its end is not blocked.
                let end = async {
                    let group = async {
                        if status.is_none() {
                            process::end_group(process.pid, settings.grace).await;
                        } else {
                            // Its number may be another's by now, unless it left somebody behind.
                            let left = Orphan {
                                mark: script.mark.to_owned(),
                                process: Some(process.clone()),
                            };
                            process::end_orphan(&left, host.boot, settings.grace).await;
                        }
                    };
                    let _ = tokio::join!(child.wait(), group);
                };
                let mut end = pin!(end);
                loop {
                    tokio::select! {
                        () = &mut end => break,
                        result = &mut reading, if !closed => { result?; closed = true; }
                    }
                }
                if !closed && let Ok(result) = timeout(REST, reading).await {
                    result?;
                }
            }
        }
        if interrupted {
            return Ok(Outcome::interrupted(script));
        }
        let Some(status) = status else {
            return timed_out(script, report).await;
        };
        let detached = status.success() && !closed && Instant::now() < deadline;
        if detached {
            let holders = process::describe(process::holding(&pipes));
            let text = format!(
                "the script has ended, and {holders} may keep its output, as this host's detach_grace_seconds allows; \
                 what comes now is not kept"
            );
            report.line(&text).await?;
            output.discard();
        }
        Ok(ended(script, status, closed || detached, since.elapsed()))
    }
}

async fn timed_out(script: &Script<'_>, report: &Report) -> Result<Outcome, LogError> {
    let survivors = process::with_mark(script.mark);
    if !survivors.is_empty() {
        let text = format!(
            "still running, because they left the script's process group: {}",
            process::describe(survivors)
        );
        report.line(&text).await?;
    }
    let limit = script.timeout.as_secs_f32();
    Ok(Outcome {
        remark: format!("[exit] killed after its timeout of {limit} s"),
        failure: Some((
            LifecycleErrorCode::ScriptTimedOut,
            format!(
                "the script {} did not end within its timeout of {limit} s and was killed",
                script.location
            ),
        )),
    })
}

fn ended(script: &Script<'_>, status: ExitStatus, closed: bool, took: Duration) -> Outcome {
    use LifecycleErrorCode::{ScriptFailed, ScriptTimedOut};
    let (how, failure) = match (status.code(), status.signal()) {
        (Some(0), _) if closed => ("code=0".to_owned(), None),
        (Some(0), _) => {
            let message = format!(
                "the script {} ended with exit code 0, but did not close its STDOUT and STDERR: a program it started \
                 held them open until the timeout; such a program must redirect its standard output and standard error",
                script.location
            );
            ("code=0".to_owned(), Some((ScriptTimedOut, message)))
        }
        (Some(code), _) => {
            let message = script.failure(&format!("failed with exit code {code}"));
            (format!("code={code}"), Some((ScriptFailed, message)))
        }
        (None, signal) => {
            let signal = signal.unwrap_or_default();
            let message = script.failure(&format!("was ended by signal {signal}"));
            (format!("signal={signal}"), Some((ScriptFailed, message)))
        }
    };
    Outcome {
        remark: format!("[exit] {how} duration={:.1}s", took.as_secs_f32()),
        failure,
    }
}
