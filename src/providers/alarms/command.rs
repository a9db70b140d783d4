//! A command, run in the project's folder: it exits with 0 if all is well, 1 for an alarm, 2 if it has no data. Anything else
//! is no answer. The first line of its output is the message; a line `value=…` is the value.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::time::timeout;

use super::{AlarmError, Answer, first_line};
use crate::model::alarm::AlarmState;
use crate::model::connections::CommandAlarm;
use crate::providers::group::Group;
use crate::providers::secrets::Secrets;

/// How long after TERM a command and what it started are killed.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// So many bytes of its output are looked at; the rest is thrown away.
const OUTPUT: u64 = 64 << 10;

/// Runs the command to its end, or to the deadline.
///
/// # Errors
/// If it can't be run, does not end in time, or ends in another way than those that mean something.
pub(super) async fn read(
    secrets: &Secrets,
    alarm: &CommandAlarm,
    deadline: Duration,
) -> Result<Answer, AlarmError> {
    let who = alarm.run.join(" ");
    let (program, arguments) = alarm.run.split_first().ok_or_else(|| AlarmError::Refused {
        who: who.clone(),
        reason: "no program is named".to_owned(),
    })?;
    let refused = |error: std::io::Error| AlarmError::Refused {
        who: who.clone(),
        reason: format!("it can't be run: {error}"),
    };
    let mut command = Command::new(program);
    let shown = secrets.equip(&mut command, &alarm.secrets).await;
    let mask = shown.map_err(AlarmError::Secret)?.mask();
    let mut child = command
        .args(arguments)
        .current_dir(secrets.folder())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(refused)?;
    let group = Group::of(&child);
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let run = async {
        let taken = async { tokio::join!(take(out, &mut stdout), take(err, &mut stderr)) };
        tokio::join!(child.wait(), taken).0
    };
    let in_time = timeout(deadline, run).await;
    let late = in_time.is_err();
    let ended: Option<ExitStatus> = match in_time {
        Ok(ended) => Some(ended.map_err(refused)?),
        // If it has ended, and something that it started holds its output, it has answered all the same.
        Err(_) => child.try_wait().map_err(refused)?,
    };
    if late {
        group.end(GRACE).await;
    } else {
        group.leave();
    }
    let Some(status) = ended else {
        return Err(AlarmError::Unreachable {
            who,
            reason: format!("it did not end within {deadline:?} and was ended"),
        });
    };
    let state = match status.code() {
        Some(0) => AlarmState::Ok,
        Some(1) => AlarmState::Alarm,
        Some(2) => AlarmState::InsufficientData,
        _ => {
            let said = first_line(if stderr.is_empty() { &stdout } else { &stderr }, &mask);
            let reason = format!("{status}, not 0, 1 or 2");
            return Err(AlarmError::Unclear {
                who,
                reason: if said.is_empty() {
                    reason
                } else {
                    format!("{reason}: {said}")
                },
            });
        }
    };
    let (value, message) = parts(&mask.bytes(&stdout).unwrap_or(stdout));
    let message = message.unwrap_or_else(|| format!("{who}: {status}"));
    Ok(Answer {
        state,
        value,
        message,
    })
}

/// Takes the beginning of what is written, and lets whoever writes write the rest.
async fn take(from: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) {
    let Some(mut from) = from else { return };
    // What can't be read is not said.
    let _broken = (&mut from).take(OUTPUT).read_to_end(into).await;
    let _broken = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
}

/// The value and the message in a command's output.
fn parts(output: &[u8]) -> (Option<String>, Option<String>) {
    let text = String::from_utf8_lossy(output);
    let (mut value, mut message) = (None, None);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(written) = line.strip_prefix("value=") {
            value.get_or_insert_with(|| written.trim().to_owned());
        } else {
            message.get_or_insert_with(|| line.to_owned());
        }
    }
    (value, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_message_and_the_value_has_a_line_of_its_own() {
        let read = |text: &str| parts(text.as_bytes());
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(read(""), (None, None));
        assert_eq!(read("\n  slow \nmore\n"), (None, some("slow")));
        assert_eq!(
            read("value= 0.5\nslow\nvalue=2\n"),
            (some("0.5"), some("slow"))
        );
    }
}
