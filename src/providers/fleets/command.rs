//! A program on this machine, run in the project's folder: the question as JSON on its standard input, the answer as JSON on
//! its standard output, and its exit code: 0 if it did what it was asked for.

use std::collections::BTreeMap;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::time::timeout;

use super::{ANSWER, FleetError, Question, first_line};
use crate::model::secret::SecretRef;
use crate::providers::group::Group;
use crate::providers::secrets::Secrets;

/// What a program has between being told to end and being killed.
const GRACE: Duration = Duration::from_secs(2);

/// More of what it writes about its errors is not kept, in bytes.
const ERRORS: usize = 4 << 10;

/// How long what it wrote may take to arrive after it has ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What is run.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    /// The program and its arguments.
    pub run: &'a [String],
    /// What it gets in its environment.
    pub secrets: &'a BTreeMap<String, SecretRef>,
}

/// Runs it to its end, or to the end of its time.
///
/// # Errors
/// If it can't be run, fails, or takes too long.
pub(super) async fn ask(
    secrets: &Secrets,
    fleet: &str,
    run: Run<'_>,
    question: &Question,
    patience: Duration,
) -> Result<Vec<u8>, FleetError> {
    let folder = secrets.folder();
    let (program, arguments) = run
        .run
        .split_first()
        .ok_or_else(|| FleetError::Refused(format!("the fleet {fleet} names no program")))?;
    let path = if program.contains('/') {
        folder.join(program)
    } else {
        program.into()
    };
    let count = question.count.map(|count| count.to_string());
    let mut command = Command::new(path);
    let shown = secrets.equip(&mut command, run.secrets).await;
    let mask = shown.map_err(FleetError::Refused)?.mask();
    let mut child = command
        .args(arguments)
        .current_dir(folder)
        .env("CUTOVER_ACTION", question.action)
        .env("CUTOVER_FLEET", fleet)
        .env(
            "CUTOVER_TOKEN",
            question.token.as_deref().unwrap_or_default(),
        )
        .env("CUTOVER_COUNT", count.unwrap_or_default())
        .env("CUTOVER_HOSTS", question.hosts.join(" "))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Of its own, so that what it started ends with it when it takes too long.
        .process_group(0)
        .spawn()
        .map_err(|error| FleetError::Refused(format!("{program} can't be started: {error}")))?;
    let group = Group::of(&child);
    let (mut said, mut errors) = (Vec::new(), Vec::new());
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let input = child.stdin.take();
    let told = async {
        if let Some(mut input) = input {
            // A program that does not care to read is no error; its answer counts.
            let _closed = input.write_all(&question.body).await;
        }
    };
    let reading =
        async { tokio::join!(take(out, &mut said, ANSWER), take(err, &mut errors, ERRORS)) };
    let ended = timeout(patience, async {
        let mut reading = pin!(reading);
        let mut running = pin!(async { tokio::join!(child.wait(), told).0 });
        tokio::select! {
            status = &mut running => {
                // Something that it started may hold its output, and is not waited for.
                let _held = timeout(LAST_WORDS, reading).await;
                status
            }
            _all = &mut reading => running.await,
        }
    })
    .await;
    let Ok(ended) = ended else {
        group.end(GRACE).await;
        return Err(FleetError::Late(format!(
            "{program} did not end within {} s, and was ended",
            patience.as_secs()
        )));
    };
    group.leave();
    let status = ended.map_err(|error| FleetError::Refused(format!("{program}: {error}")))?;
    if !status.success() {
        let why = first_line(&mask.bytes(&errors).unwrap_or(errors));
        let colon = if why.is_empty() { "" } else { ": " };
        return Err(FleetError::Refused(format!(
            "{program}: {status}{colon}{why}"
        )));
    }
    if said.len() > ANSWER {
        return Err(FleetError::Refused(format!(
            "{program} answered more than {ANSWER} bytes"
        )));
    }
    // Nobody is to be told what it may have repeated.
    Ok(mask.bytes(&said).unwrap_or(said))
}

/// Takes the beginning of what is written, one byte more than is wanted, and lets whoever writes write the rest.
async fn take(from: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>, most: usize) {
    let Some(mut from) = from else { return };
    // What can't be read is not said.
    let _broken = (&mut from).take(most as u64 + 1).read_to_end(into).await;
    let _broken = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
}
