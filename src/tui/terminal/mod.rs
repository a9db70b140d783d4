//! The terminal: taken while the cockpit is open, and given back in every case.

pub(crate) mod clipboard;
pub(crate) mod multiplexer;
pub(crate) mod outside;

use std::io::{self, Stdout, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange,
};
use crossterm::style::Print;
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use self::outside::Outside;
use super::aims::{Aim, Aims};
use super::attention;
use super::flight;
use super::model::{Model, Mouse};
use super::theme::choose::Background;
use super::view::view;

/// Whether the terminal is ours now. The panic hook and the driver look at it.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// What gives back what is shown outside of the screen. The panic hook needs it, which knows of no screen.
static FAREWELL: Mutex<String> = Mutex::new(String::new());

/// Clicks and the wheel are reported, with numbers for any size: never motion, which is a flood.
const REPORT: &str = "\x1b[?1000h\x1b[?1006h";
/// They are not.
const REPORT_NOTHING: &str = "\x1b[?1006l\x1b[?1000l";

/// The terminal while it is ours. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    outside: Outside,
    /// Whether clicks and the wheel are reported.
    reports: bool,
    /// What can be pointed at, as it was drawn last.
    aims: Aims,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// If it is none, or does not do as it is told.
    pub(crate) fn take(outside: Outside) -> io::Result<Self> {
        enter(&outside)?;
        match Terminal::new(CrosstermBackend::new(io::stdout())) {
            Ok(terminal) => Ok(Self {
                terminal,
                outside,
                reports: false,
                aims: Aims::default(),
            }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Takes the terminal again after it was given back for a while.
    ///
    /// # Errors
    /// If that does not work.
    pub(crate) fn retake(&mut self) -> io::Result<()> {
        enter(&self.outside)?;
        self.outside.forget();
        self.reports = false;
        // A new one knows that nothing of it is on the screen. Clearing the old one would ask the terminal where the cursor
        // is, and the answer would go to the reader of keys.
        execute!(io::stdout(), Clear(ClearType::All))?;
        self.terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        Ok(())
    }

    /// Whether it is still ours. A panic anywhere in the process gives it back.
    pub(crate) fn is_ours() -> bool {
        TAKEN.load(Ordering::SeqCst)
    }

    /// Draws a frame, all of it at once where the terminal can do that.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub(crate) fn draw(&mut self, model: &Model) -> io::Result<()> {
        let _frame = tracing::trace_span!("frame").entered();
        queue!(io::stdout(), BeginSynchronizedUpdate)?;
        let mut aims = Aims::default();
        let drawn = self.terminal.draw(|frame| view(model, frame, &mut aims));
        let drawn = drawn.map(|_| ());
        self.aims = aims;
        let mut around = self.outside.show(attention::sign(model));
        around += self.report(model.mouse == Mouse::Ours);
        let drawn = drawn.and_then(|()| queue!(io::stdout(), Print(around)));
        // Also after an error: a terminal that waits for the end shows nothing more.
        let ended = execute!(io::stdout(), EndSynchronizedUpdate);
        drawn.and(ended)
    }

    /// What has the mouse reported, or no longer.
    fn report(&mut self, wanted: bool) -> &'static str {
        match (std::mem::replace(&mut self.reports, wanted), wanted) {
            (false, true) => REPORT,
            (true, false) => REPORT_NOTHING,
            _ => "",
        }
    }

    /// What was drawn there last.
    pub(crate) fn aim(&self, column: u16, row: u16) -> Option<&Aim> {
        self.aims.at(column, row)
    }

    /// Calls whoever looks elsewhere.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub(crate) fn call(&self, text: &str) -> io::Result<()> {
        tell(&self.outside.call(text))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Tells the terminal something that is not drawn.
///
/// # Errors
/// If the terminal is gone.
pub(crate) fn tell(command: &str) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(command.as_bytes())?;
    out.flush()
}

fn enter(outside: &Outside) -> io::Result<()> {
    enable_raw_mode()?;
    *held(&FAREWELL) = outside.end();
    TAKEN.store(true, Ordering::SeqCst);
    let entered = execute!(
        io::stdout(),
        EnterAlternateScreen,
        EnableBracketedPaste,
        EnableFocusChange,
        Print(outside.begin()),
        cursor::Hide
    );
    if entered.is_err() {
        give_back();
    }
    entered
}

/// Gives the terminal back, if it is ours. Errors have nowhere to go: the terminal itself is what failed.
pub(crate) fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let farewell = held(&FAREWELL);
    let _ = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        Print(&*farewell),
        Print(REPORT_NOTHING),
        DisableFocusChange,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
    let _ = io::stdout().flush();
}

/// Locks without minding that another thread panicked.
pub(crate) fn held<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a panic give the terminal back before it is reported, and leave a file.
pub(crate) fn guard_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            report(panic);
            let left = match flight::crash(&panic.to_string()) {
                Ok(path) => format!(
                    "cutover: this is a bug. What went before it is in {}: nothing that was typed or printed is in it",
                    path.display()
                ),
                Err(error) => format!("cutover: this is a bug, and its report can't be written: {error}"),
            };
            // Nobody is left to tell if this does not work.
            let _ = writeln!(io::stderr(), "{left}");
            flight::land();
        }));
    });
}

/// Whether the terminal's background is light or dark, if it says so. It is asked once, before anybody reads its keys: what
/// it answers would be taken for them.
pub(crate) fn background() -> Option<Background> {
    let colour =
        terminal_colorsaurus::background_color(terminal_colorsaurus::QueryOptions::default());
    Some(if colour.ok()?.perceived_lightness() > 0.5 {
        Background::Light
    } else {
        Background::Dark
    })
}
