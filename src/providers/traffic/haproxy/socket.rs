//! The runtime API's socket: a command a connection, with a deadline and an answer of bounded size.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// How long a command may take, with its connection and its whole answer. `HAProxy` answers within milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest answer that is read: about 40,000 servers.
const LIMIT: u64 = 32 << 20;

/// Where the runtime API listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Socket {
    /// `127.0.0.1:9999`.
    Tcp(String),
    /// `unix:/run/haproxy.sock`.
    Unix(PathBuf),
}

impl Socket {
    /// Reads `ADDRESS:PORT` or `unix:/PATH`.
    ///
    /// # Errors
    /// If it is neither, in words that say what to write.
    pub(super) fn parse(address: &str) -> Result<Self, String> {
        if let Some(path) = address.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            if path.is_absolute() {
                return Ok(Self::Unix(path));
            }
        } else if crate::model::endpoint::Endpoint::parse(address).is_some() {
            return Ok(Self::Tcp(address.to_owned()));
        }
        Err(format!(
            "{address:?} is no address of a runtime API: write ADDRESS:PORT, as in 127.0.0.1:9999, or unix:/PATH, as in unix:/run/haproxy.sock"
        ))
    }

    /// Sends one command and answers the whole of what comes back.
    ///
    /// # Errors
    /// If it can't be reached, or breaks off before the end: then the command may have been carried out.
    pub(super) async fn ask(&self, command: &str) -> Result<String, String> {
        let asked = async {
            match self {
                Self::Tcp(address) => {
                    let stream = TcpStream::connect(address).await;
                    exchange(stream.map_err(|e| cant_connect(&e))?, command).await
                }
                Self::Unix(path) => {
                    let stream = UnixStream::connect(path).await;
                    exchange(stream.map_err(|e| cant_connect(&e))?, command).await
                }
            }
        };
        timeout(PATIENCE, asked)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())))
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

fn cant_connect(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => format!(
            "{error}: give this program's user access with `user`, `group` and `mode` of the `stats socket` line"
        ),
        std::io::ErrorKind::NotFound => {
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
    let read = stream.take(LIMIT + 1).read_to_end(&mut answer).await;
    read.map_err(|e| e.to_string())?;
    if answer.len() as u64 > LIMIT {
        return Err(format!("its answer is longer than {} MiB", LIMIT >> 20));
    }
    // Every answer ends a line, also the empty one that means success. One that doesn't comes from a process that died.
    if !answer.ends_with(b"\n") {
        return Err("the connection broke off before the end of the answer".to_owned());
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_say_what_to_write() {
        for text in ["127.0.0.1:9999", "[::1]:9999", "lb.example:9999"] {
            assert_eq!(Socket::parse(text).unwrap(), Socket::Tcp(text.to_owned()));
        }
        let unix = Socket::parse("unix:/run/haproxy.sock").unwrap();
        assert_eq!(unix.to_string(), "/run/haproxy.sock");
        for text in ["", "9999", "/run/haproxy.sock", "unix:haproxy.sock"] {
            assert!(Socket::parse(text).unwrap_err().contains("unix:/PATH"));
        }
    }
}
