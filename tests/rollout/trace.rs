//! System calls of running processes, counted with strace.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::lab::Lab;

/// How often what was traced waited for a disk.
pub fn count_syncs(trace: &str) -> usize {
    let calls = ["fsync(", "fdatasync(", "syncfs(", "sync_file_range("];
    calls.iter().map(|call| trace.matches(call).count()).sum()
}

/// System calls of running processes, and of what they start, as they are made.
pub struct Trace {
    strace: Child,
    file: PathBuf,
}

impl Trace {
    /// Begins, and returns when nothing is missed any more.
    pub fn of(lab: &Lab, name: &str, processes: &[i32]) -> Self {
        let file = lab.folder().join(name);
        let mut command = Command::new("strace");
        command
            .args(["-f", "-s", "32", "-e"])
            .arg("trace=fsync,fdatasync,syncfs,sync_file_range,recvfrom")
            .arg("-o")
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        for process in processes {
            command.args(["-p", &process.to_string()]);
        }
        let Ok(mut strace) = command.spawn() else {
            panic!("strace is missing: apt-get install strace");
        };
        let mut lines = BufReader::new(strace.stderr.take().unwrap()).lines();
        for process in processes {
            let line = lines.next().unwrap().unwrap();
            assert!(
                line.contains("attached"),
                "{process} can't be traced: {line}"
            );
        }
        // What it says later must not end it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { strace, file }
    }

    /// Lets the processes go, and answers what they did.
    pub fn end(mut self) -> String {
        let strace = Pid::from_raw(i32::try_from(self.strace.id()).unwrap());
        kill(strace, Signal::SIGINT).unwrap();
        self.strace.wait().unwrap();
        std::fs::read_to_string(&self.file).unwrap()
    }
}
