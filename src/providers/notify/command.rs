//! A program on this machine: the notification's JSON on its standard input, and its exit code as the answer.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

use super::{Answer, Notifier, short};
use crate::agent::process::end_group;
use crate::model::connections::CommandReceiver;
use crate::model::notification::Message;
use crate::model::secret::mask::Mask;

/// What a program has between being told to end and being killed.
const GRACE: Duration = Duration::from_secs(2);

/// How long its last words may take after it has ended.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// More of what it writes about its errors is not read, in bytes.
const READ: u64 = 1024;

impl Notifier {
    pub(super) async fn command(
        &self,
        command: &CommandReceiver,
        message: &Message,
    ) -> Result<Answer, String> {
        let Some((program, arguments)) = command.run.split_first() else {
            return Err("it names no program".to_owned());
        };
        let folder = self.secrets.folder();
        let path = if program.contains('/') {
            folder.join(program)
        } else {
            PathBuf::from(program)
        };
        let mut run = Command::new(path);
        run.env_clear();
        let shown = self.secrets.equip(&mut run, &command.secrets).await?;
        let mut child = run
            .args(arguments)
            .current_dir(folder)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .env("CUTOVER_EVENT", &message.event)
            .env("CUTOVER_DELIVERY", &message.id)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Of its own, so that what it starts ends with it.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("{program} can't be started: {error}"))?;
        let group = child.id().and_then(|id| i32::try_from(id).ok());
        let told = timeout(self.deadline, tell(&mut child, &message.body)).await;
        if told.is_err()
            && let Some(group) = group
        {
            end_group(group, GRACE).await;
        }
        Ok(match told {
            Ok(Ok((status, said))) => answer(status, &said, &shown.mask()),
            Ok(Err(error)) => Answer::not_now(format!("{program}: {error}")),
            Err(_) => Answer::not_now(format!(
                "{program} did not end within {} s, and was ended",
                self.deadline.as_secs()
            )),
        })
    }
}

/// Writes the body, and waits until the program has ended. Answers how, and the beginning of what it wrote about errors.
async fn tell(child: &mut Child, body: &str) -> std::io::Result<(ExitStatus, Vec<u8>)> {
    let errors = child.stderr.take().map(|errors| tokio::spawn(read(errors)));
    if let Some(mut input) = child.stdin.take() {
        // A program that does not care to read is no error; its exit code counts.
        let _closed = input.write_all(body.as_bytes()).await;
    }
    let status = child.wait().await?;
    let Some(mut errors) = errors else {
        return Ok((status, Vec::new()));
    };
    // Whatever else holds them open is not waited for.
    let said = timeout(LAST_WORDS, &mut errors).await;
    errors.abort();
    Ok((status, said.map_or(Vec::new(), Result::unwrap_or_default)))
}

/// Reads to the end, so that nobody waits for room, and keeps the beginning.
async fn read(errors: ChildStderr) -> Vec<u8> {
    let mut said = Vec::new();
    let mut errors = errors.take(READ);
    let _end = errors.read_to_end(&mut said).await;
    let _end = tokio::io::copy(&mut errors.into_inner(), &mut tokio::io::sink()).await;
    said
}

fn answer(status: ExitStatus, said: &[u8], mask: &Mask) -> Answer {
    let words = match short(said, mask) {
        said if said.is_empty() => status.to_string(),
        said => format!("{status}: {said}"),
    };
    if status.success() {
        Answer::Taken(words)
    } else {
        Answer::not_now(words)
    }
}
