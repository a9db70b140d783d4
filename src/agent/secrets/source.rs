//! Reading a secret from where it is kept. What goes wrong is told by its name and its place, never by what it is.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::fcntl::OFlag;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::agent::process::end_group;
use crate::model::secret::mask::Mask;
use crate::model::secret::{Secret, SecretSource};
use crate::text::safe;

/// No secret is longer, in bytes.
pub const LARGEST: usize = 64 << 10;

/// How long a command, or a file system, may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a command has between being told to end and being killed.
const GRACE: Duration = Duration::from_secs(1);

/// More of what it writes about its errors is not looked at, in bytes.
const ERRORS: usize = 4 << 10;

/// So much of that is told, in bytes.
const TOLD: usize = 200;

/// Where programs are looked for if the program's own environment does not say.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Why a secret can't be read, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret {name} can't be read from {from}: {why}")]
pub struct SecretError {
    /// Its name.
    pub name: String,
    /// Where it is kept.
    pub from: String,
    /// What is wrong, and the remedy.
    pub why: String,
}

/// Reads a secret. Files and programs are found relative to the folder; programs run there, with `PATH` and `HOME` alone in
/// their environment. Takes ten seconds at most, and a moment more to end a program.
///
/// # Errors
/// If it is not there, is empty or no text, others can read its file, or its program fails.
pub async fn read(name: &str, source: &SecretSource, folder: &Path) -> Result<Secret, SecretError> {
    let value = match source {
        SecretSource::Environment(variable) => of_environment(variable),
        SecretSource::File(file) => of_file(folder.join(file)).await,
        SecretSource::Command(run) => of_command(name, run, folder, PATIENCE).await,
    };
    let value = value.and_then(|value| match value.as_str() {
        "" => Err("it is empty".to_owned()),
        text if text.contains('\0') => Err("it is no text: it has a NUL byte".to_owned()),
        _ => Ok(value),
    });
    match value {
        Ok(value) => Ok(Secret::new(name, value)),
        Err(why) => Err(SecretError {
            name: name.to_owned(),
            from: source.to_string(),
            why,
        }),
    }
}

fn of_environment(variable: &str) -> Result<Zeroizing<String>, String> {
    match std::env::var(variable) {
        Ok(value) => Ok(Zeroizing::new(value)),
        Err(std::env::VarError::NotPresent) => {
            Err("it is not set in the environment that this program was started with".to_owned())
        }
        Err(std::env::VarError::NotUnicode(_)) => Err("it is no UTF-8 text".to_owned()),
    }
}

async fn of_file(path: PathBuf) -> Result<Zeroizing<String>, String> {
    // A file system may hang, and nobody else is to wait for it.
    let reading = tokio::task::spawn_blocking(move || whole(&path));
    match timeout(PATIENCE, reading).await {
        Ok(Ok(read)) => text(read?),
        Ok(Err(_)) => Err("reading it was broken off".to_owned()),
        Err(_) => Err(format!("not within {} s", PATIENCE.as_secs())),
    }
}

fn whole(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let unreadable = |error: io::Error| error.to_string();
    let file = OpenOptions::new()
        .read(true)
        // A pipe that nobody writes to is no reason to wait.
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(path)
        .map_err(unreadable)?;
    private(path, &file.metadata().map_err(unreadable)?)?;
    let mut read = buffer();
    let limited = |file: File, read: &mut Vec<u8>| file.take(LARGEST as u64 + 1).read_to_end(read);
    limited(file, &mut read).map_err(unreadable)?;
    Ok(read)
}

/// Whether nobody but its owner and its group gets at a file.
fn private(path: &Path, file: &Metadata) -> Result<(), String> {
    if !file.is_file() {
        return Err("it is no file".to_owned());
    }
    let others = file.permissions().mode() & 0o007;
    let what = match others {
        0 => return Ok(()),
        others if others & 0o4 != 0 => "read",
        others if others & 0o2 != 0 => "change",
        _ => "run",
    };
    let path = path.display();
    Err(format!("everybody may {what} it; run: chmod 600 {path}"))
}

async fn of_command(
    name: &str,
    run: &[String],
    folder: &Path,
    patience: Duration,
) -> Result<Zeroizing<String>, String> {
    let (program, arguments) = run.split_first().ok_or("it names no program")?;
    let path = if program.contains('/') {
        folder.join(program)
    } else {
        program.into()
    };
    let own = |variable: &str| std::env::var_os(variable);
    let mut child = Command::new(path)
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", own("PATH").unwrap_or_else(|| PATH.into()))
        .envs(own("HOME").map(|home| ("HOME", home)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Of its own, so that what it started ends with it.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("it can't be started: {error}"))?;
    let group = child.id().and_then(|id| i32::try_from(id).ok());
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (mut value, mut said) = (buffer(), buffer());
    let ended = timeout(patience, async {
        tokio::join!(take(out, &mut value, LARGEST), take(err, &mut said, ERRORS));
        child.wait().await
    })
    .await;
    let Ok(ended) = ended else {
        if let Some(group) = group {
            end_group(group, GRACE).await;
        }
        return Err(format!(
            "it did not end within {} s, and was ended",
            patience.as_secs()
        ));
    };
    let status = ended.map_err(|error| error.to_string())?;
    let value = text(value);
    if !status.success() {
        // What it wrote may be the secret all the same, and what it complains of may repeat it.
        let mask = value.ok().map(|value| Secret::new(name, value));
        return Err(match complaint(&said, &Mask::new(&mask)) {
            said if said.is_empty() => format!("{status}"),
            said => format!("{status}: {said}"),
        });
    }
    value
}

/// The first line of a complaint, short and harmless.
fn complaint(said: &[u8], mask: &Mask) -> String {
    let said = mask.text(&String::from_utf8_lossy(said));
    let line = said.lines().map(str::trim).find(|line| !line.is_empty());
    let mut line = safe(line.unwrap_or_default());
    if line.len() > TOLD {
        line.truncate(line.floor_char_boundary(TOLD));
        line.push('…');
    }
    line
}

/// Takes the beginning of what is written, and lets whoever writes write the rest.
async fn take(from: Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>, most: usize) {
    let Some(mut from) = from else { return };
    // What can't be read is not said.
    let _broken = (&mut from).take(most as u64 + 1).read_to_end(into).await;
    let _broken = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
}

/// Large enough that it never moves, which would leave a copy behind.
fn buffer() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(LARGEST + 64))
}

/// The text without one line end behind it.
fn text(mut bytes: Zeroizing<Vec<u8>>) -> Result<Zeroizing<String>, String> {
    if bytes.len() > LARGEST {
        return Err(format!("it is longer than {} KiB", LARGEST >> 10));
    }
    let text = String::from_utf8(std::mem::take(&mut *bytes)).map_err(|wrong| {
        drop(Zeroizing::new(wrong.into_bytes()));
        "it is no UTF-8 text".to_owned()
    })?;
    let mut text = Zeroizing::new(text);
    let line_end = ["\r\n", "\n"].into_iter().find(|end| text.ends_with(end));
    let length = text.len() - line_end.map_or(0, str::len);
    text.truncate(length);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;

    async fn said(source: SecretSource, folder: &Path) -> Result<String, String> {
        let read = read("api", &source, folder).await;
        read.map(|secret| secret.expose().to_owned())
            .map_err(|error| error.to_string())
    }

    fn file(folder: &Path, text: &[u8], mode: u32) -> SecretSource {
        let path = folder.join("kept");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        SecretSource::File("kept".into())
    }

    #[tokio::test]
    async fn a_file_is_read_without_its_last_line_end_if_others_can_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        for (text, value) in [
            (&b"hush"[..], "hush"),
            (b"hush\n", "hush"),
            (b"hush\r\n", "hush"),
            (b"one\ntwo\n\n", "one\ntwo\n"),
        ] {
            assert_eq!(said(file(at, text, 0o640), at).await.unwrap(), value);
        }
        for (mode, may) in [(0o644, "read"), (0o602, "change"), (0o601, "run")] {
            let told = said(file(at, b"hush", mode), at).await.unwrap_err();
            let path = at.join("kept");
            let wanted = format!(
                "the secret api can't be read from kept: everybody may {may} it; run: chmod 600 {}",
                path.display()
            );
            assert_eq!(told, wanted);
        }
        for (text, why) in [
            (&b""[..], "it is empty"),
            (b"\n", "it is empty"),
            (b"a\0b", "it is no text: it has a NUL byte"),
            (b"\xff", "it is no UTF-8 text"),
            (&vec![b'x'; LARGEST + 1], "it is longer than 64 KiB"),
        ] {
            let told = said(file(at, text, 0o600), at).await.unwrap_err();
            assert!(told.ends_with(why), "{told}");
        }
        let told = said(SecretSource::File(".".into()), at).await.unwrap_err();
        assert!(told.ends_with("it is no file"), "{told}");
        let told = said(SecretSource::File("gone".into()), at).await;
        assert!(told.unwrap_err().contains("No such file"));
    }

    #[tokio::test]
    async fn a_pipe_is_no_file_and_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let told = said(SecretSource::File("pipe".into()), folder.path()).await;
        assert!(told.unwrap_err().ends_with("it is no file"));
    }

    #[tokio::test]
    async fn a_command_writes_it_with_little_in_its_environment() {
        let folder = tempfile::tempdir().unwrap();
        let run =
            |script: &str| SecretSource::Command(["sh", "-c", script].map(str::to_owned).to_vec());
        let read = async |script: &str| said(run(script), folder.path()).await;
        assert_eq!(read("echo hush").await.unwrap(), "hush");
        let variables = read("env | cut -d= -f1 | sort | tr '\\n' ' '")
            .await
            .unwrap();
        let own = ["HOME", "PATH", "PWD", "SHLVL", "_", "OLDPWD"];
        let odd = variables
            .split(' ')
            .find(|name| !name.is_empty() && !own.contains(name));
        assert_eq!(odd, None, "{variables}");
        let told = read("echo hush-hush; echo 'no hush-hush for you' >&2; exit 3").await;
        let told = told.unwrap_err();
        let wanted = "can't be read from the command sh: exit status: 3: no [secret api] for you";
        assert!(told.ends_with(wanted), "{told}");
        let told = read("head -c 1000000 /dev/zero | tr '\\0' x")
            .await
            .unwrap_err();
        assert!(told.ends_with("it is longer than 64 KiB"), "{told}");
        let nothing = SecretSource::Command(vec!["./gone".to_owned()]);
        let told = said(nothing, folder.path()).await.unwrap_err();
        assert!(told.contains("it can't be started: No such file"), "{told}");
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_ended_with_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let script = "echo $$ > pid; sleep 1000 & echo $! > child; wait";
        let run = ["sh", "-c", script].map(str::to_owned);
        let told = of_command("api", &run, folder.path(), Duration::from_secs(1)).await;
        assert_eq!(
            told.unwrap_err(),
            "it did not end within 1 s, and was ended"
        );
        for file in ["pid", "child"] {
            let pid = fs::read_to_string(folder.path().join(file)).unwrap();
            let state = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
            let runs = state.is_ok_and(|state| !state.contains(") Z "));
            assert!(!runs, "{file}");
        }
    }
}
