//! One script: started in its own process group, read until it ends, ended when it takes too long.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::lines::Lines;
use super::user::OtherUser;
use crate::agent::log::LogError;
use crate::agent::process::{self, Process};
use crate::agent::protocol::OutputSource;
use crate::agent::report::Report;
use crate::model::diagnostics::LifecycleErrorCode;

/// After a script has ended well, its children may hold its output open for so long before that is remarked on.
const HINT: Duration = Duration::from_secs(5);

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
    /// How long it may run.
    pub timeout: Duration,
    /// As whom, if not as the agent.
    pub user: Option<OtherUser>,
    /// Its environment.
    pub variables: Vec<(&'static str, OsString)>,
}

/// A script that runs.
#[derive(Debug)]
pub struct Started {
    /// Its process, which leads its process group.
    pub process: Process,
    child: Child,
    stdout: ChildStdout,
    stderr: ChildStderr,
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
            stdout,
            stderr,
            since: Instant::now(),
        })
    }

    async fn spawn(&self) -> io::Result<Child> {
        let mut tries = 0;
        let mut through_shell = false;
        loop {
            match self.command(through_shell).spawn() {
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

    fn command(&self, through_shell: bool) -> Command {
        let mut words: Vec<OsString> = Vec::new();
        let prefix = self.user.iter().flat_map(OtherUser::prefix);
        words.extend(prefix.map(OsString::from));
        // Behind a prefix the shell itself takes care of a script that names no interpreter.
        if through_shell || self.user.is_some() && !names_interpreter(&self.path) {
            words.push("/bin/sh".into());
        }
        words.push(self.path.clone().into());
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .envs(self.user.iter().flat_map(OtherUser::variables))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        command
    }
}

/// Whether the kernel can start the file by itself.
fn names_interpreter(path: &std::path::Path) -> bool {
    let mut head = [0; 4];
    let read = std::fs::File::open(path).and_then(|mut file| io::Read::read(&mut file, &mut head));
    read.is_ok() && (head.starts_with(b"#!") || &head == b"\x7fELF")
}

impl Started {
    /// Waits until it has ended and its output is closed, or its time is up.
    pub async fn finish(self, script: &Script<'_>, report: &Report) -> Result<Outcome, LogError> {
        let Self {
            process,
            mut child,
            stdout,
            stderr,
            since,
        } = self;
        let mut deadline = since + script.timeout;
        let mut hint = None;
        let mut status: Option<ExitStatus> = None;
        let mut closed = false;
        let mut output = pin!(pump(stdout, stderr, report));
        while status.is_none() || !closed {
            let hinted = hint.unwrap_or(deadline);
            tokio::select! {
                biased;
                ended = child.wait(), if status.is_none() => {
                    let ended = ended.unwrap_or_default();
                    if ended.success() {
                        hint = Some(Instant::now() + HINT);
                    } else {
                        deadline = deadline.min(Instant::now() + REST);
                    }
                    status = Some(ended);
                }
                result = &mut output, if !closed => {
                    result?;
                    closed = true;
                }
                () = sleep_until(deadline) => break,
                () = sleep_until(hinted), if hint.is_some() => {
                    hint = None;
                    let holders = process::describe_group(process.pid);
                    report.remark(&format!(
                        "the script has ended, but its output is still held open{}; a program that stays must \
                         redirect its output",
                        if holders.is_empty() { String::new() } else { format!(" by {holders}") }
                    )).await?;
                }
            }
        }
        let took = since.elapsed();
        if let Some(status) = status {
            return Ok(ended(script, status, closed, took));
        }
        // The output goes on being read, so that a script that reports its end is not blocked.
        let end = async {
            let (ended, ()) = tokio::join!(child.wait(), process::end_group(process.pid));
            ended
        };
        let mut end = pin!(end);
        loop {
            tokio::select! {
                _ = &mut end => break,
                result = &mut output, if !closed => { result?; closed = true; }
            }
        }
        if !closed && let Ok(result) = timeout(REST, output).await {
            result?;
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
}

fn ended(script: &Script<'_>, status: ExitStatus, closed: bool, took: Duration) -> Outcome {
    let location = script.location;
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("code={code}"),
        (None, Some(signal)) => format!("signal={signal}"),
        (None, None) => "code=?".to_owned(),
    };
    let failure = match (status.code(), status.signal()) {
        (Some(0), _) if closed => None,
        (Some(0), _) => Some((
            LifecycleErrorCode::ScriptTimedOut,
            format!(
                "the script {location} ended with exit code 0, but a program it started held its output open until \
                 the timeout; such a program must redirect its standard output and standard error"
            ),
        )),
        (Some(code), _) => Some((
            LifecycleErrorCode::ScriptFailed,
            format!("the script {location} failed with exit code {code}"),
        )),
        (None, Some(signal)) => Some((
            LifecycleErrorCode::ScriptFailed,
            format!("the script {location} was ended by signal {signal}"),
        )),
        (None, None) => Some((
            LifecycleErrorCode::ScriptFailed,
            format!("the script {location} failed"),
        )),
    };
    Outcome {
        remark: format!("[exit] {how} duration={:.1}s", took.as_secs_f32()),
        failure,
    }
}

/// Reports both streams, line by line as they come, until both are closed.
async fn pump(stdout: ChildStdout, stderr: ChildStderr, report: &Report) -> Result<(), LogError> {
    let mut stdout = Some(Lines::new(stdout));
    let mut stderr = Some(Lines::new(stderr));
    while stdout.is_some() || stderr.is_some() {
        // A script that says something and then complains is mostly read in that order.
        tokio::select! {
            biased;
            line = next(&mut stdout), if stdout.is_some() => match line {
                Some(line) => report.line(OutputSource::Stdout, &line).await?,
                None => stdout = None,
            },
            line = next(&mut stderr), if stderr.is_some() => match line {
                Some(line) => report.line(OutputSource::Stderr, &line).await?,
                None => stderr = None,
            },
        }
    }
    Ok(())
}

/// A stream that cannot be read any more counts as closed.
async fn next<R: tokio::io::AsyncRead + Unpin>(lines: &mut Option<Lines<R>>) -> Option<Vec<u8>> {
    match lines {
        Some(lines) => lines.next().await.ok().flatten(),
        None => None,
    }
}
