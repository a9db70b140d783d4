//! The real cockpit on a real fleet, in a pseudo-terminal: driven by keys, read by a terminal's parser.

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};

const ROWS: u16 = 30;
const COLUMNS: u16 = 120;

/// A terminal with `cutover lab` in it.
struct Terminal {
    screen: Arc<Mutex<vt100::Parser>>,
    keys: Box<dyn std::io::Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    folder: tempfile::TempDir,
}

impl Terminal {
    fn lab(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let size = PtySize {
            rows: ROWS,
            cols: COLUMNS,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_cutover"));
        command.args(["lab", "--hosts", "2", "--dir"]);
        command.arg(folder.path().join("lab"));
        command.env("XDG_STATE_HOME", folder.path());
        command.env("LC_ALL", "C.UTF-8");
        command.env("TERM", "xterm");
        command.env_remove("NO_COLOR");
        for (name, value) in variables {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut output = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(ROWS, COLUMNS, 0)));
        let shared = Arc::clone(&screen);
        std::thread::spawn(move || {
            // Holds the terminal open until the child is gone.
            let _master = pair.master;
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut buffer) {
                shared.lock().unwrap().process(&buffer[..read]);
            }
        });
        Self {
            screen,
            keys,
            child,
            folder,
        }
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    fn wait_for(&self, what: &str) {
        self.wait(what, |screen| screen.contents().contains(what));
    }

    fn wait(&self, what: &str, seen: impl Fn(&vt100::Screen) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !seen(self.screen.lock().unwrap().screen()) {
            assert!(Instant::now() < deadline, "no {what:?} on\n{}", self.text());
            std::thread::yield_now();
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn coloured(&self) -> bool {
        let parser = self.screen.lock().unwrap();
        (0..ROWS).any(|row| {
            (0..COLUMNS).any(|column| {
                let cell = parser.screen().cell(row, column);
                cell.is_some_and(|cell| cell.fgcolor() != vt100::Color::Default)
            })
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test that failed leaves a fleet behind.
        let _ = self.child.kill();
        let _ = std::process::Command::new(env!("CARGO_BIN_EXE_cutover"))
            .args(["lab", "--down", "--dir"])
            .arg(self.folder.path().join("lab"))
            .env("XDG_STATE_HOME", self.folder.path())
            .output();
    }
}

#[test]
fn a_rollout_is_watched_stopped_and_left() {
    let mut terminal = Terminal::lab(&[]);
    terminal.wait_for("InProgress");
    assert!(terminal.coloured());
    terminal.press("s");
    terminal.wait_for("Stop d-");
    // The moment that the dialog listens, it draws its key in colour; before, the key does nothing.
    terminal.wait("a live key", |screen| {
        (0..ROWS).any(|row| {
            let line: String = (0..COLUMNS)
                .filter_map(|column| screen.cell(row, column).map(vt100::Cell::contents))
                .collect();
            line.find("y  stop").is_some_and(|_| {
                (0..COLUMNS).any(|column| {
                    screen.cell(row, column).is_some_and(|cell| {
                        cell.contents() == "y" && cell.fgcolor() != vt100::Color::Default
                    })
                })
            })
        })
    });
    terminal.press("y");
    terminal.wait_for("MANUAL_STOP");
    terminal.press("q");
    terminal.wait("the shell's screen", |screen| !screen.alternate_screen());
    assert!(terminal.child.wait().unwrap().success());
}

#[test]
fn without_colour_none_is_sent_and_a_signal_gives_the_terminal_back() {
    let mut terminal = Terminal::lab(&[("NO_COLOR", "1")]);
    terminal.wait_for("Instance");
    terminal.press("?");
    terminal.wait_for("In every pane");
    assert!(!terminal.coloured());
    let process = i32::try_from(terminal.child.process_id().unwrap()).unwrap();
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(process),
        nix::sys::signal::Signal::SIGTERM,
    )
    .unwrap();
    terminal.wait("the shell's screen", |screen| !screen.alternate_screen());
    terminal.wait("the cursor", |screen| !screen.hide_cursor());
    terminal.child.wait().unwrap();
}
