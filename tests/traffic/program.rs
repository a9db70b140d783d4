//! A real program in a folder of its own, on loopback ports of its own, ended by its process id.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A loopback port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Two free addresses that nobody else takes meanwhile, also while a program is started again: each pair of each process has
/// a loopback address of its own.
pub fn addresses() -> [SocketAddr; 2] {
    static PAIRS: AtomicU8 = AtomicU8::new(2);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let last = PAIRS.fetch_add(1, Ordering::Relaxed);
    let free = SocketAddr::from(([127, high, low, last], 0));
    let [one, two] = [free; 2].map(|address| TcpListener::bind(address).unwrap());
    [one, two].map(|listener| listener.local_addr().unwrap())
}

/// Finds a program, or fails with the line that installs it.
pub fn find(name: &str, install: &str) -> PathBuf {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::iter::once(tools)
        .chain(std::env::split_paths(&path))
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{name} is missing: {install}"))
}

/// A program that runs. It is ended when this is dropped.
pub struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts a command, with its output in a file of this folder.
    pub fn start(mut command: Command, folder: &Path) -> Self {
        let log = folder.join("log");
        let file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        let child = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Self { child, log }
    }

    /// Waits until something holds.
    pub async fn until(&mut self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !holds().await {
            let ended = self.child.try_wait().unwrap();
            let late = Instant::now() > deadline;
            if ended.is_some() || late {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                panic!("{what}: not within 30 s, or it ended ({ended:?}):\n{log}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) -> std::process::ExitStatus {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it did not end within 30 s");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Its process id.
    pub fn id(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    /// Kills it and its children, as a crash of its machine would.
    pub fn kill(&mut self) {
        let children = self.children();
        kill(self.id(), Signal::SIGKILL).unwrap();
        self.child.wait().unwrap();
        for child in children {
            let _gone = kill(child, Signal::SIGKILL);
        }
    }

    /// The processes that it started: they would outlive it.
    fn children(&self) -> Vec<Pid> {
        let id = self.id();
        let text = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        let text = text.unwrap_or_default();
        let ids = text.split_whitespace().filter_map(|id| id.parse().ok());
        ids.map(Pid::from_raw).collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.kill();
        }
    }
}
