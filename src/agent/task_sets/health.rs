//! Whether a task is well, by its own word.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::text::safe;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// So much of an answer is read: its first line is all that counts.
const LINE: usize = 256;

/// Asks the task that serves at this port, on the loopback: where else it listens is not known.
///
/// # Errors
///
/// Why it is not well.
pub async fn ask(port: u16, path: Option<&str>) -> Result<(), String> {
    let asked = timeout(PATIENCE, answer(port, path)).await;
    let answer =
        asked.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())));
    answer.map_err(|why| match path {
        Some(path) => format!("GET http://127.0.0.1:{port}{path}: {why}"),
        None => format!("connecting to 127.0.0.1:{port}: {why}"),
    })
}

async fn answer(port: u16, path: Option<&str>) -> Result<(), String> {
    let words = |error: std::io::Error| error.to_string();
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(words)?;
    let Some(path) = path else { return Ok(()) };
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: cutover\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    connection
        .write_all(request.as_bytes())
        .await
        .map_err(words)?;
    let mut line = Vec::new();
    while line.len() < LINE && !line.contains(&b'\n') {
        let mut piece = [0; LINE];
        match connection.read(&mut piece).await.map_err(words)? {
            0 => break,
            length => line.extend(piece.iter().take(length)),
        }
    }
    let line = String::from_utf8_lossy(&line);
    let line = line.lines().next().unwrap_or_default();
    match status(line) {
        Some(200..=399) => Ok(()),
        Some(status) => Err(format!("status {status}")),
        None => Err(format!("{:?} is no answer of HTTP/1", safe(line))),
    }
}

/// The status in the first line of an answer.
fn status(line: &str) -> Option<u16> {
    let (version, rest) = line.split_once(' ')?;
    let status = rest.split_whitespace().next()?;
    version.strip_prefix("HTTP/1.")?;
    status.parse().ok().filter(|status| *status >= 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers once, and tells what it was asked.
    async fn answers(with: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 1024];
            let length = connection.read(&mut asked).await.unwrap();
            connection.write_all(with.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&asked[..length]).into_owned()
        });
        (port, asked)
    }

    #[tokio::test]
    async fn a_status_says_whether_it_is_well() {
        for (answer, well) in [
            ("HTTP/1.1 200 OK\r\n\r\n", Ok(())),
            ("HTTP/1.0 302 Found\r\n\r\n", Ok(())),
            ("HTTP/1.1 503 Away\r\n\r\n", Err("status 503")),
            ("HTTP/1.1 404\r\n\r\n", Err("status 404")),
            ("SSH-2.0-x\r\n", Err("no answer of HTTP/1")),
            ("", Err("no answer of HTTP/1")),
        ] {
            let (port, asked) = answers(answer).await;
            let said = ask(port, Some("/health?full=1")).await;
            match well {
                Ok(()) => assert_eq!(said, Ok(())),
                Err(words) => assert!(said.unwrap_err().contains(words), "{answer}"),
            }
            let asked = asked.await.unwrap();
            assert!(asked.starts_with("GET /health?full=1 HTTP/1.1\r\n"));
        }
    }

    #[tokio::test]
    async fn without_a_path_a_connection_is_enough() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(ask(port, None).await, Ok(()));
        drop(listener);
        let said = ask(port, None).await.unwrap_err();
        assert!(said.contains("refused"), "{said}");
    }
}
