//! An HTTP server that notes what it is asked, and answers what it was told to, byte for byte.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `GET /path`.
    pub line: String,
    headers: BTreeMap<String, String>,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Vec<Seen>>,
    /// What is answered, by the path and the query.
    answers: Mutex<BTreeMap<String, Vec<u8>>>,
}

/// The server. It listens for as long as the test runs.
pub struct Server {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let known = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let known = Arc::clone(&known);
                std::thread::spawn(move || answer(stream.unwrap(), &known));
            }
        });
        Self { address, shared }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers this path so from now on: the status line and the head without its end, and the body.
    pub fn answers(&self, path: &str, head: &str, body: &[u8]) {
        let length = if head.to_lowercase().contains("content-length") {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        let head = format!("HTTP/1.1 {head}\r\n{length}Connection: close\r\n\r\n");
        let whole = [head.as_bytes(), body].concat();
        let mut answers = self.shared.answers.lock().unwrap();
        answers.insert(path.to_owned(), whole);
    }

    /// What it was asked since this was called last.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.shared.seen.lock().unwrap())
    }
}

fn answer(mut stream: TcpStream, shared: &Shared) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_exact(&mut byte).is_err() {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let line = lines.next().unwrap();
    let line = line.strip_suffix(" HTTP/1.1").unwrap().to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let path = line.split_once(' ').unwrap().1.to_owned();
    shared.seen.lock().unwrap().push(Seen { line, headers });
    let answers = shared.answers.lock().unwrap();
    let unknown =
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec();
    let answer = answers.get(&path).cloned().unwrap_or(unknown);
    drop(answers);
    // Whoever has read enough may have gone.
    let _gone = stream.write_all(&answer);
}
