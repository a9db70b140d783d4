//! What a terminal shows outside of its screen: its title, a progress in its tab, the bell, a notification of the desktop.
//!
//! Each is told only to terminals that are known to take it: one that does not know a sequence may print it, or take a
//! progress for a notification.

use crate::text::safe;
use crate::tui::attention::{Progress, Sign};
use crate::tui::preferences::{Calls, Way};
use crate::tui::terminal::multiplexer::Multiplexer;

/// The end of an operating system command (ECMA-48, `ST`).
const END: &str = "\x1b\\";

/// Keeps the title aside, for whoever had the terminal before.
pub(super) const KEEP_TITLE: &str = "\x1b[22;0t";
/// Gives the title back.
pub(super) const RESTORE_TITLE: &str = "\x1b[23;0t";

/// How a terminal shows notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notifications {
    /// Not at all.
    None,
    /// By `OSC 9`, as iTerm2 began it.
    Plain,
    /// By `OSC 777`, as rxvt-unicode began it.
    Titled,
}

/// What this terminal can show, and what it shows.
#[derive(Debug)]
pub(crate) struct Outside {
    bell: bool,
    titles: bool,
    progresses: bool,
    notifications: Notifications,
    between: Option<Multiplexer>,
    shown: Sign,
}

impl Outside {
    /// What the terminal of this environment, which `variable` reads, can show of what is wanted.
    pub(crate) fn new(calls: &Calls, variable: impl Fn(&str) -> Option<String>) -> Self {
        let variable = |name: &str| variable(name).unwrap_or_default();
        let term = variable("TERM");
        let program = variable("TERM_PROGRAM");
        let capable = !term.is_empty() && !matches!(term.as_str(), "dumb" | "linux");
        let between = Multiplexer::find(|name| Some(variable(name)));
        // The same terminals as cargo's own.
        let progresses = variable("ConEmuANSI") == "ON"
            || !variable("WT_SESSION").is_empty()
            || matches!(program.as_str(), "WezTerm" | "ghostty");
        let titled = term.starts_with("foot")
            || term.starts_with("rxvt")
            || !variable("VTE_VERSION").is_empty();
        let notifications = match (capable && calls.by(Way::Notification), titled) {
            (false, _) => Notifications::None,
            (true, true) => Notifications::Titled,
            (true, false) => Notifications::Plain,
        };
        Self {
            bell: calls.by(Way::Bell),
            titles: capable && calls.by(Way::Title),
            progresses: progresses && calls.by(Way::Progress) && between.is_none(),
            notifications,
            between,
            shown: Sign::default(),
        }
    }

    /// What shows this instead of what was shown before; nothing, if that is the same.
    pub(crate) fn show(&mut self, sign: Sign) -> String {
        let mut bytes = String::new();
        if self.titles && sign.title != self.shown.title {
            bytes += "\x1b]0;";
            bytes += &safe(&sign.title);
            bytes += END;
        }
        if self.progresses && sign.progress != self.shown.progress {
            bytes += &progress(sign.progress);
        }
        self.shown = sign;
        bytes
    }

    /// What was shown is gone: somebody else had the terminal.
    pub(super) fn forget(&mut self) {
        self.shown = Sign::default();
    }

    /// What calls somebody. The text may have come from anywhere.
    pub(crate) fn call(&self, text: &str) -> String {
        // What separates the parts of a sequence is no part of a text.
        let text = safe(text).replace(';', ",");
        let sequence = match self.notifications {
            Notifications::None => String::new(),
            // Without a number in front, which would make it something else.
            Notifications::Plain => format!("\x1b]9;cutover: {text}{END}"),
            Notifications::Titled => format!("\x1b]777;notify;cutover;{text}{END}"),
        };
        let mut bytes = match self.between {
            Some(between) if !sequence.is_empty() => between.wrap(&sequence),
            _ => sequence,
        };
        if self.bell {
            bytes.push('\x07');
        }
        bytes
    }

    /// What is sent when the terminal is taken.
    pub(super) fn begin(&self) -> &'static str {
        if self.titles { KEEP_TITLE } else { "" }
    }

    /// What is sent when it is given back.
    pub(super) fn end(&self) -> String {
        let mut bytes = String::new();
        if self.progresses {
            bytes += &progress(Progress::None);
        }
        if self.titles {
            bytes += RESTORE_TITLE;
        }
        bytes
    }
}

/// `OSC 9;4`, as `ConEmu` began it.
fn progress(progress: Progress) -> String {
    let (state, percent) = match progress {
        Progress::None => (0, 0),
        Progress::Running(percent) => (1, percent),
        Progress::Failing(percent) => (2, percent),
        Progress::Waiting(percent) => (4, percent),
    };
    format!("\x1b]9;4;{state};{percent}{END}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outside(variables: &[(&str, &str)]) -> Outside {
        Outside::new(&Calls::default(), |name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn sign(title: &str, progress: Progress) -> Sign {
        Sign {
            title: title.to_owned(),
            progress,
        }
    }

    #[test]
    fn only_what_has_changed_is_shown() {
        let mut terminal = outside(&[("TERM", "xterm"), ("TERM_PROGRAM", "ghostty")]);
        let first = terminal.show(sign("a", Progress::Running(5)));
        assert_eq!(first, "\x1b]0;a\x1b\\\x1b]9;4;1;5\x1b\\");
        assert_eq!(terminal.show(sign("a", Progress::Running(5))), "");
        let second = terminal.show(sign("a", Progress::Waiting(5)));
        assert_eq!(second, "\x1b]9;4;4;5\x1b\\");
        assert_eq!(terminal.end(), "\x1b]9;4;0;0\x1b\\\x1b[23;0t");
        terminal.forget();
        let again = terminal.show(sign("a", Progress::None));
        assert_eq!(
            again, "\x1b]0;a\x1b\\",
            "who had it meanwhile has its own title"
        );
    }

    #[test]
    fn a_terminal_is_told_what_it_knows() {
        let call = |variables: &[(&str, &str)]| outside(variables).call("a;b");
        assert_eq!(call(&[("TERM", "xterm")]), "\x1b]9;cutover: a,b\x1b\\\x07");
        assert_eq!(
            call(&[("TERM", "foot")]),
            "\x1b]777;notify;cutover;a,b\x1b\\\x07"
        );
        assert_eq!(call(&[("TERM", "linux")]), "\x07");
        assert_eq!(
            call(&[("TERM", "tmux-256color"), ("TMUX", "/tmp/x")]),
            "\x1bPtmux;\x1b\x1b]9;cutover: a,b\x1b\x1b\\\x1b\\\x07"
        );
        assert_eq!(
            call(&[("TERM", "screen"), ("STY", "1.pts")]),
            "\x1bP\x1b]9;cutover: a,b\x07\x1b\\\x07"
        );
        let mut linux = outside(&[("TERM", "linux")]);
        assert_eq!(linux.show(sign("a", Progress::Running(5))), "");
        assert_eq!((linux.begin(), linux.end().as_str()), ("", ""));
    }

    #[test]
    fn nothing_of_a_text_is_a_sequence() {
        let mut terminal = outside(&[("TERM", "xterm")]);
        let evil = "x\x1b]52;c;AAAA\x07\u{202e}";
        let shown = terminal.show(sign(evil, Progress::None));
        assert_eq!(shown.matches('\x1b').count(), 2, "{shown:?}");
        let called = terminal.call(evil);
        assert_eq!(called.matches('\x1b').count(), 2, "{called:?}");
        assert_eq!(called.matches('\x07').count(), 1, "{called:?}");
    }

    #[test]
    fn who_wants_none_of_it_gets_none() {
        let variable = |name: &str| match name {
            "TERM" => Some("xterm".to_owned()),
            "WT_SESSION" => Some("1".to_owned()),
            _ => None,
        };
        let mut terminal = Outside::new(&Calls::NONE, variable);
        assert_eq!(terminal.show(sign("a", Progress::Running(5))), "");
        assert_eq!(terminal.call("a"), "");
        assert_eq!((terminal.begin(), terminal.end().as_str()), ("", ""));
    }
}
