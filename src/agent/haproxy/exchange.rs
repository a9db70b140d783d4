//! One command for a runtime API: a connection of its own, with a deadline and an answer of bounded size.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

/// How long a command may take, with its connection and its whole answer. `HAProxy` answers within milliseconds.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The longest answer that is read, in bytes: about 40,000 servers.
pub const LIMIT: usize = 32 << 20;

/// Connects, sends one command and answers the whole of what comes back.
///
/// # Errors
/// If it can't be reached, or breaks off before the end: then the command may have been carried out.
pub async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
    connecting: impl Future<Output = io::Result<S>>,
    command: &str,
) -> Result<String, String> {
    let asked = async {
        let stream = connecting.await.map_err(|error| cant_connect(&error))?;
        exchange(stream, command).await
    };
    timeout(PATIENCE, asked)
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())))
}

/// Why there is no connection, and what to do.
pub fn cant_connect(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => format!(
            "{error}: give the user that cutover runs as access with `user`, `group` and `mode` of the `stats socket` line"
        ),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            format!("{error}: HAProxy does not run, or its `stats socket` is elsewhere")
        }
        _ => error.to_string(),
    }
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    command: &str,
) -> Result<String, String> {
    let line = format!("{command}\n");
    let written = stream.write_all(line.as_bytes()).await;
    written.map_err(|e| e.to_string())?;
    let mut answer = Vec::new();
    let read = stream.take(LIMIT as u64 + 1).read_to_end(&mut answer).await;
    read.map_err(|e| e.to_string())?;
    if answer.len() > LIMIT {
        return Err(format!("its answer is longer than {} MiB", LIMIT >> 20));
    }
    // Every answer ends a line, also the empty one that means success. One that doesn't comes from a process that died.
    if !answer.ends_with(b"\n") {
        return Err("the connection broke off before the end of the answer".to_owned());
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
