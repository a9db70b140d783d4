//! An agent of the test's own: it joins as it should, and is a host as good as any, but for one trick.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cutover::agent::protocol::Introduction;
use cutover::identity::invitation::{Meeting, Role, Token};
use cutover::identity::proof::Proof;
use cutover::identity::{Identity, Known, Pin, server};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How it answers.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// What it says first.
    pub begins: Vec<u8>,
    /// What it says then, again and again, for ever.
    pub goes_on: Vec<u8>,
    /// How long it waits before each byte of the beginning.
    pub pause: Duration,
    /// What it does at the end of the beginning, if it does not go on.
    pub ends: End,
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// The next request may come.
    #[default]
    Listen,
    /// It is closed.
    Close,
    /// Nothing more is heard or said.
    Hold,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `GET /v1/agent`.
    pub what: String,
    /// What comes after the head.
    body: Vec<u8>,
}

impl Asked {
    /// The execution that it is about.
    pub fn execution(&self) -> &str {
        let path = self
            .what
            .split("/v1/executions/")
            .nth(1)
            .unwrap_or_default();
        path.split('/').next().unwrap_or_default()
    }
}

/// What it does to some request instead of what it should.
pub type Trick = fn(&Asked, &Evil) -> Option<Answer>;

/// A host.
#[derive(Debug)]
pub struct Evil {
    pub name: String,
    trick: Trick,
    token: Token,
    identity: Identity,
    /// What it was last told to do.
    pub execution: Mutex<String>,
}

/// Lets those in who have any key: whoever comes proves the rest.
#[derive(Debug)]
struct Anybody;

impl Known for Anybody {
    fn knows(&self, _: &Pin) -> bool {
        true
    }
}

impl Evil {
    pub fn new(name: &str, trick: Trick, token: Token) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            name: name.to_owned(),
            trick,
            token,
            identity: Identity::open(&folder.path().join("key.pem")).unwrap(),
            execution: Mutex::default(),
        }
    }

    /// Serves for as long as the test lasts.
    pub async fn serve(self, at: SocketAddr) {
        let tls = server(&self.identity, Arc::new(Anybody)).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind(at).await.unwrap();
        let this = Arc::new(self);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (this, acceptor) = (Arc::clone(&this), acceptor.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _gone = this.converse(stream).await;
                    }
                });
            }
        });
    }

    async fn converse(&self, mut stream: TlsStream<TcpStream>) -> std::io::Result<()> {
        let mut unread = Vec::new();
        while let Some(asked) = Self::hear(&mut stream, &mut unread).await? {
            if asked.what.starts_with("PUT /v1/executions/") {
                asked
                    .execution()
                    .clone_into(&mut self.execution.lock().unwrap());
            }
            let trick = (self.trick)(&asked, self);
            let answer = trick.unwrap_or_else(|| self.honest(&asked));
            if answer.pause.is_zero() {
                stream.write_all(&answer.begins).await?;
                stream.flush().await?;
            } else {
                for byte in &answer.begins {
                    tokio::time::sleep(answer.pause).await;
                    stream.write_all(&[*byte]).await?;
                    stream.flush().await?;
                }
            }
            while !answer.goes_on.is_empty() {
                stream.write_all(&answer.goes_on).await?;
            }
            match answer.ends {
                End::Listen => {}
                End::Close => break,
                End::Hold => std::future::pending().await,
            }
        }
        stream.shutdown().await
    }

    /// Reads a request to its end.
    async fn hear(
        stream: &mut TlsStream<TcpStream>,
        unread: &mut Vec<u8>,
    ) -> std::io::Result<Option<Asked>> {
        let mut piece = vec![0; 16 * 1024];
        loop {
            let end = unread.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = end.map(|at| at + 4) {
                let head = String::from_utf8_lossy(&unread[..end]).into_owned();
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    let is_length = name.eq_ignore_ascii_case("content-length");
                    is_length.then(|| value.trim().parse::<usize>().ok())?
                });
                let whole = end + length.unwrap_or_default();
                if unread.len() >= whole {
                    let body = unread[end..whole].to_vec();
                    unread.drain(..whole);
                    let mut words = head.split(' ');
                    let what = words.by_ref().take(2).collect::<Vec<_>>().join(" ");
                    return Ok(Some(Asked { what, body }));
                }
            }
            match stream.read(&mut piece).await? {
                0 => return Ok(None),
                length => unread.extend_from_slice(&piece[..length]),
            }
        }
    }

    /// What a host says that does its work at once and well.
    fn honest(&self, asked: &Asked) -> Answer {
        let what = asked.what.as_str();
        if what.starts_with("GET /v1/join") {
            return bare("204 No Content");
        }
        if what.starts_with("POST /v1/join") {
            return json(&json!({ "proof": self.proof(asked) }));
        }
        if what.starts_with("GET /v1/agent") {
            return json(&info(&self.name));
        }
        if what.starts_with("PUT /v1/executions/") || what.ends_with("/stop") {
            return json(&state(asked.execution()));
        }
        if what.starts_with("GET /v1/stream") {
            let execution = self.execution.lock().unwrap().clone();
            return stream(&successes(&execution));
        }
        // It has every bundle, and every lease is fine.
        bare("204 No Content")
    }

    /// That it has the token.
    pub fn proof(&self, asked: &Asked) -> Proof {
        let introduction: Introduction = serde_json::from_slice(&asked.body).unwrap();
        let meeting = Meeting {
            host: &self.name.parse().unwrap(),
            agent: self.identity.pin(),
            orchestrator: self.token.orchestrator,
            commander: introduction.commander,
        };
        Proof::Secret(self.token.secret.proof(Role::Agent, meeting))
    }
}

/// What an agent says of itself.
pub fn info(name: &str) -> Value {
    let facts = json!({ "clock": cutover::clock::now(), "hostname": name });
    json!({ "name": name, "agentId": "a", "version": "0.1.0", "seq": 1, "facts": facts })
}

/// What it says of an execution that it has taken.
pub fn state(execution: &str) -> Value {
    json!({ "execution": execution, "acceptedSeq": 1, "seq": 1, "events": [], "ended": null })
}

/// A message of the stream.
pub fn message(seq: u64, execution: &str, what: &Value) -> String {
    let at = cutover::clock::now();
    json!({ "seq": seq, "at": at, "execution": execution, "what": what }).to_string()
}

/// The messages of an execution that goes well.
pub fn successes(execution: &str) -> Vec<String> {
    let mut whats = vec![json!({ "type": "accepted" })];
    for event in cutover::model::lifecycle::LifecycleEvent::IN_PLACE {
        whats.push(json!({ "type": "eventStarted", "event": event }));
        whats.push(
            json!({ "type": "eventEnded", "event": event, "status": "Succeeded", "diagnostics": null }),
        );
    }
    whats.push(json!({ "type": "ended", "end": "finished" }));
    let numbered = (1..).zip(&whats);
    numbered
        .map(|(seq, what)| message(seq, execution, what))
        .collect()
}

pub fn bare(status: &str) -> Answer {
    Answer {
        begins: format!("HTTP/1.1 {status}\r\n\r\n").into_bytes(),
        ..Answer::default()
    }
}

pub fn json(value: &Value) -> Answer {
    text("200 OK", "application/json", &value.to_string())
}

pub fn text(status: &str, kind: &str, body: &str) -> Answer {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    Answer {
        begins: [head.as_bytes(), body.as_bytes()].concat(),
        ..Answer::default()
    }
}

/// A stream that says these lines, and then that it is alive.
pub fn stream(lines: &[String]) -> Answer {
    let mut begins = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for line in lines {
        begins.extend(chunk(&format!("{line}\n")));
    }
    Answer {
        begins,
        ends: End::Hold,
        ..Answer::default()
    }
}

/// A stream that says this again and again.
pub fn flood(lines: &[String], again: &str) -> Answer {
    Answer {
        goes_on: chunk(again),
        ends: End::Listen,
        ..stream(lines)
    }
}

pub fn chunk(text: &str) -> Vec<u8> {
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
}
