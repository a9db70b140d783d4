//! A terminal with the cockpit in it, which counts its bytes and sees its screen.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};

/// How long anything may take before the benchmark gives up.
const PATIENCE: Duration = Duration::from_mins(1);

/// Columns and rows.
pub type Size = (u16, u16);

pub struct Screen {
    size: Size,
    parser: Arc<Mutex<vt100::Parser>>,
    bytes: Arc<AtomicU64>,
    changed: Receiver<Instant>,
    keys: Arc<Mutex<Box<dyn std::io::Write + Send>>>,
    child: Box<dyn Child + Send + Sync>,
    report: tempfile::NamedTempFile,
    pub begun: Instant,
}

impl Screen {
    /// Starts this program again as a child that does something with a file, and begins at an address.
    pub fn start(size: Size, what: &str, of: &Path, at: &str) -> Self {
        let report = tempfile::NamedTempFile::new().unwrap();
        let program = std::env::current_exe().unwrap();
        let paths = [of, report.path()].map(|path| path.to_str().unwrap().to_owned());
        let arguments = [what, &paths[0], at, &paths[1]];
        Self::run(size, program.to_str().unwrap(), &arguments, report)
    }

    /// Starts a program.
    pub fn run(
        size: Size,
        program: &str,
        arguments: &[&str],
        report: tempfile::NamedTempFile,
    ) -> Self {
        let (columns, rows) = size;
        let pair = native_pty_system()
            .openpty(PtySize {
                rows,
                cols: columns,
                pixel_width: 0,
                pixel_height: 0,
            })
            .unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env("LC_ALL", "C.UTF-8");
        // It is asked nothing, so that nobody waits for its answer.
        command.env("TERM", "xterm");
        command.env("NO_COLOR", "1");
        command.env_remove("SSH_CONNECTION");
        let begun = Instant::now();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut output = pair.master.try_clone_reader().unwrap();
        let keys = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let parser = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 0)));
        let bytes = Arc::new(AtomicU64::new(0));
        let (change, changed) = channel();
        let (shared, count) = (Arc::clone(&parser), Arc::clone(&bytes));
        std::thread::spawn(move || {
            let _master = pair.master;
            let mut buffer = vec![0; 65536];
            while let Ok(read @ 1..) = output.read(&mut buffer) {
                let came = Instant::now();
                count.fetch_add(read as u64, Ordering::Relaxed);
                shared.lock().unwrap().process(&buffer[..read]);
                let _ = change.send(came);
            }
        });
        Self {
            size,
            parser,
            bytes,
            changed,
            keys,
            child,
            report,
            begun,
        }
    }

    pub fn text(&self) -> String {
        self.parser.lock().unwrap().screen().contents()
    }

    /// The row that begins, anywhere, with this text: what follows it.
    pub fn behind(&self, text: &str) -> Option<String> {
        let parser = self.parser.lock().unwrap();
        let rows = parser.screen().rows(0, self.size.0);
        let mut found = rows.filter_map(|row| Some(row.split_once(text)?.1.to_owned()));
        found.next()
    }

    /// Waits until the screen is so; answers when the bytes came that made it so.
    pub fn wait(&self, what: &str, seen: impl Fn(&Self) -> bool) -> Instant {
        let deadline = Instant::now() + PATIENCE;
        let mut came = Instant::now();
        while !seen(self) {
            let left = deadline.saturating_duration_since(Instant::now());
            came = match self.changed.recv_timeout(left) {
                Ok(came) => came,
                Err(error) => panic!("{error}: no {what} on\n{}", self.text()),
            };
        }
        came
    }

    /// Forgets what has come so far.
    pub fn drain(&self) {
        while self.changed.try_recv().is_ok() {}
    }

    pub fn press(&self, keys: &str) -> Instant {
        let mut terminal = self.keys.lock().unwrap();
        let at = Instant::now();
        terminal.write_all(keys.as_bytes()).unwrap();
        terminal.flush().unwrap();
        at
    }

    /// The bytes that came so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn process(&self, file: &str) -> String {
        let id = self.child.process_id().unwrap();
        std::fs::read_to_string(format!("/proc/{id}/{file}")).unwrap()
    }

    /// The processor time of the child so far, in seconds.
    pub fn processor_time(&self) -> f64 {
        let stat = self.process("stat");
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .unwrap()
            .1
            .split_whitespace()
            .collect();
        // The fourteenth and fifteenth of `proc_pid_stat(5)`, in hundredths of a second.
        let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        ticks / 100.0
    }

    /// The resident memory of the child, in bytes.
    pub fn memory(&self) -> f64 {
        let pages: f64 = self
            .process("statm")
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        pages * 4096.0
    }

    /// Ends the child; answers the processor time of each frame that it drew.
    pub fn end(mut self) -> Vec<f64> {
        let id = i32::try_from(self.child.process_id().unwrap()).unwrap();
        let terminate = nix::sys::signal::Signal::SIGTERM;
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), terminate).unwrap();
        self.child.wait().unwrap();
        serde_json::from_slice(&std::fs::read(self.report.path()).unwrap()).unwrap_or_default()
    }
}
