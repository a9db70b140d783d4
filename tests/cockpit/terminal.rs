//! A program in a pseudo-terminal.

use std::io::{Read as _, Write as _};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, PtySize, native_pty_system};

pub const ROWS: u16 = 30;
pub const COLUMNS: u16 = 120;

/// Whether a row has this text of a key and what it does, and the key listens: until then both have the same colour, in every
/// theme.
pub fn live(screen: &vt100::Screen, text: &str) -> bool {
    colours(screen, text).any(|(first, last)| first != last)
}

/// Whether a row has this text, and its first letter in a colour.
pub fn in_colour(screen: &vt100::Screen, text: &str) -> bool {
    colours(screen, text).any(|(first, _)| first != vt100::Color::Default)
}

/// The colours of the first and the last letter, wherever a row has this text.
fn colours(
    screen: &vt100::Screen,
    text: &str,
) -> impl Iterator<Item = (vt100::Color, vt100::Color)> {
    let (rows, columns) = screen.size();
    let wanted: Vec<char> = text.chars().collect();
    let lines = screen.rows(0, columns).zip(0..rows);
    lines.flat_map(move |(line, row)| {
        // Every letter that is drawn is one column wide.
        let line: Vec<char> = line.chars().collect();
        let colour = |column: usize| {
            let column = u16::try_from(column).unwrap();
            screen.cell(row, column).map(vt100::Cell::fgcolor)
        };
        let found = line.windows(wanted.len()).enumerate();
        let found = found.filter(|(_, letters)| *letters == wanted);
        let both = found.filter_map(|(at, _)| colour(at).zip(colour(at + wanted.len() - 1)));
        both.collect::<Vec<_>>()
    })
}

/// Where keys go, and a terminal's answers.
type Keys = Arc<Mutex<Box<dyn std::io::Write + Send>>>;

/// The variable whose value the terminal gives for its background's colour (`OSC 11`); without it, it gives none.
pub const BACKGROUND: &str = "BACKGROUND_OF_TEST";

/// What a terminal says that it is, when it is asked (`DA1`): as every real one does.
const ASKED: &[u8] = b"\x1b[c";

/// A terminal with `cutover` in it.
pub struct Terminal {
    screen: Arc<Mutex<vt100::Parser>>,
    /// A word whenever the screen has changed; the end once the program is gone.
    changed: Receiver<()>,
    keys: Keys,
    pub child: Box<dyn Child + Send + Sync>,
    folder: Arc<tempfile::TempDir>,
}

impl Terminal {
    /// A lab in a folder of its own, with two hosts of `shop`, as somebody finds it.
    pub fn small_lab(variables: &[(&str, &str)]) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::open(folder, &["--hosts", "2"], variables)
    }

    /// The same, on the rollout of `shop`.
    pub fn lab(variables: &[(&str, &str)]) -> Self {
        Self::small_lab(variables).at_shop()
    }

    /// The eight hosts of `shop` that a newcomer gets, on their rollout.
    pub fn whole_lab() -> Self {
        Self::open(Arc::new(tempfile::tempdir().unwrap()), &[], &[]).at_shop()
    }

    /// The same lab in another terminal, as somebody finds it.
    pub fn again(&self) -> Self {
        self.again_with(&[])
    }

    /// The same, with more arguments.
    pub fn again_with(&self, arguments: &[&str]) -> Self {
        Self::open(Arc::clone(&self.folder), arguments, &[])
    }

    /// Goes to the rollout of `shop`.
    pub fn at_shop(mut self) -> Self {
        self.go_to("shop/production");
        self.wait_for("shop / production");
        self
    }

    /// Goes to a group.
    pub fn go_to(&mut self, group: &str) {
        self.wait_for("Applications");
        self.press(":");
        self.wait_for("Go to");
        self.press(group);
        // Before the first picture there is nowhere to go.
        self.wait_for(&format!("\u{276f} {group} "));
        self.press("\r");
    }

    /// Leaves, which stops what runs and ends the lab.
    pub fn leave(&mut self) {
        self.press("q");
        self.wait("a live key, or the end", |screen| {
            live(screen, "s  stop: running") || !screen.alternate_screen()
        });
        if self.screen().screen().alternate_screen() {
            self.press("s");
        }
        assert!(self.ended().success());
    }

    /// How the program ended, which it does within a minute.
    pub fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "still runs:\n{}", self.text());
            // Whatever is still drawn, or nothing for a while.
            let _ = self.changed.recv_timeout(Duration::from_millis(20));
        }
    }

    /// Runs a command on the lab.
    pub fn cutover(&self, arguments: &[&str]) -> std::process::Output {
        std::process::Command::new(env!("CARGO_BIN_EXE_cutover"))
            .arg("-C")
            .arg(self.folder())
            .args(arguments)
            .env("XDG_STATE_HOME", self.folder.path())
            .env("CUTOVER_LAB", self.folder())
            .output()
            .unwrap()
    }

    /// Where the lab is.
    pub fn folder(&self) -> std::path::PathBuf {
        self.folder.path().join("lab")
    }

    /// The folder that the cockpit was started in.
    pub fn started_in(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A recording of the lab in another terminal.
    pub fn replay(&self, file: &std::path::Path) -> Self {
        let arguments = ["replay", file.to_str().unwrap()];
        Self::start(Arc::clone(&self.folder), &arguments, &[])
    }

    pub fn open(
        folder: Arc<tempfile::TempDir>,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let lab = folder.path().join("lab");
        let mut all = vec!["lab"];
        all.extend(arguments);
        all.extend(["--dir", lab.to_str().unwrap()]);
        Self::start(folder, &all, variables)
    }

    /// The lab that a newcomer gets, in a terminal of so many columns and rows.
    pub fn whole_lab_of(columns: u16, rows: u16) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let lab = folder.path().join("lab");
        let arguments = ["lab", "--dir", lab.to_str().unwrap()];
        Self::start_sized(folder, &arguments, &[], (columns, rows))
    }

    /// The program with these arguments; the folder goes with it.
    pub fn start(
        folder: Arc<tempfile::TempDir>,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        Self::start_sized(folder, arguments, variables, (COLUMNS, ROWS))
    }

    fn start_sized(
        folder: Arc<tempfile::TempDir>,
        arguments: &[&str],
        variables: &[(&str, &str)],
        (columns, rows): (u16, u16),
    ) -> Self {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_cutover"));
        command.args(arguments);
        command.cwd(folder.path());
        command.env("XDG_STATE_HOME", folder.path());
        command.env("XDG_CONFIG_HOME", folder.path().join("config"));
        command.env("LC_ALL", "C.UTF-8");
        command.env("TERM", "xterm");
        command.env_remove("NO_COLOR");
        command.env_remove("CUTOVER_A11Y");
        for (name, value) in variables {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut output = pair.master.try_clone_reader().unwrap();
        let keys = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let mut answer = variables
            .iter()
            .find(|(name, _)| *name == BACKGROUND)
            .map(|(_, colour)| format!("\x1b]11;rgb:{colour}\x1b\\"))
            .unwrap_or_default();
        answer += "\x1b[?62c";
        let answers = Arc::clone(&keys);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 0)));
        let shared = Arc::clone(&screen);
        let (change, changed) = channel();
        std::thread::spawn(move || {
            // Holds the terminal open until the child is gone.
            let _master = pair.master;
            let mut buffer = [0; 4096];
            let mut begun = Vec::new();
            let mut asked = false;
            while let Ok(read @ 1..) = output.read(&mut buffer) {
                if !asked {
                    begun.extend_from_slice(&buffer[..read]);
                    asked = begun.windows(ASKED.len()).any(|bytes| bytes == ASKED);
                    if asked {
                        let mut keys = answers.lock().unwrap();
                        keys.write_all(answer.as_bytes()).unwrap();
                        keys.flush().unwrap();
                    }
                }
                shared.lock().unwrap().process(&buffer[..read]);
                // Nobody waits any more when the test is over.
                let _ = change.send(());
            }
        });
        Self {
            screen,
            changed,
            keys,
            child,
            folder,
        }
    }

    pub fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    pub fn screen(&self) -> std::sync::MutexGuard<'_, vt100::Parser> {
        self.screen.lock().unwrap()
    }

    pub fn wait_for(&self, what: &str) {
        self.wait(what, |screen| screen.contents().contains(what));
    }

    pub fn wait(&self, what: &str, seen: impl Fn(&vt100::Screen) -> bool) {
        let deadline = Instant::now() + Duration::from_mins(1);
        // Looked at beside what comes: a slow look must not hold the program up.
        let look = || {
            let screen = self.screen().screen().clone();
            seen(&screen)
        };
        loop {
            // All of this is on the screen already.
            while self.changed.try_recv().is_ok() {}
            if look() {
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let news = self.changed.recv_timeout(left);
            // The last words may have come just before the end.
            let ended = news.is_err() || left.is_zero();
            assert!(!ended || look(), "no {what:?} on\n{}", self.text());
        }
    }

    pub fn press(&mut self, keys: &str) {
        let mut terminal = self.keys.lock().unwrap();
        terminal.write_all(keys.as_bytes()).unwrap();
        terminal.flush().unwrap();
    }

    pub fn coloured(&self) -> bool {
        let parser = self.screen.lock().unwrap();
        let (rows, columns) = parser.screen().size();
        (0..rows).any(|row| {
            (0..columns).any(|column| {
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
