//! Those who look where no secret may be while everything runs: at every command line, and at what the door says.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::canaries::found_in;

/// Looks at every process's command line again and again.
pub struct Watch {
    stop: Arc<AtomicBool>,
    looked: JoinHandle<(Vec<String>, usize)>,
}

impl Watch {
    pub fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let looked = std::thread::spawn(move || {
            let (mut found, mut looks) = (Vec::new(), 0);
            while !stopped.load(Ordering::Relaxed) {
                looks += 1;
                for process in std::fs::read_dir("/proc").unwrap().flatten() {
                    let line = std::fs::read(process.path().join("cmdline"));
                    found.extend(line.ok().and_then(|line| found_in_line(&line)));
                }
                std::thread::park_timeout(std::time::Duration::from_millis(2));
            }
            (found, looks)
        });
        Self { stop, looked }
    }

    /// What was found.
    pub fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let (found, looks) = self.looked.join().unwrap();
        assert!(looks > 10, "it looked {looks} times");
        found
    }
}

/// Without a process of its own for each: command lines are looked at often.
fn found_in_line(line: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(line);
    text.contains("canary").then(|| found_in(line)).flatten()
}

/// Everything that the door says while it is open: the snapshot, and what happens from then on.
pub struct Feed(Arc<Mutex<Vec<u8>>>);

impl Feed {
    pub fn follow(socket: &Path) -> Self {
        let said = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&said);
        let mut stream = ask(socket, "/v1/feed");
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                kept.lock().unwrap().extend_from_slice(&buffer[..read]);
            }
        });
        Self(said)
    }

    pub fn said(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

fn ask(socket: &Path, path: &str) -> UnixStream {
    let mut stream = UnixStream::connect(socket).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// What the door answers.
pub fn answer(socket: &Path, path: &str) -> Vec<u8> {
    let mut said = Vec::new();
    ask(socket, path).read_to_end(&mut said).unwrap();
    assert!(
        said.starts_with(b"HTTP/1.1 200"),
        "{path}: {}",
        String::from_utf8_lossy(&said)
    );
    said
}
