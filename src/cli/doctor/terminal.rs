//! The terminal: what it is, how large, and what it can show.

use std::io::{self, IsTerminal as _};

use super::Finding;
use crate::text::is_unicode;
use crate::tui;

/// The smallest size at which every pane has its place.
const ROOMY: (u16, u16) = (80, 24);

/// Columns and rows; `None` if the output goes to no terminal.
pub(super) fn size() -> Option<(u16, u16)> {
    let here = io::stdin().is_terminal() && io::stdout().is_terminal();
    here.then(|| crossterm::terminal::size().ok()).flatten()
}

/// What an environment, which `variable` reads, says of its terminal.
pub(super) fn look(
    variable: impl Fn(&str) -> Option<String>,
    size: Option<(u16, u16)>,
) -> Vec<Finding> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let term = set("TERM");
    let mut findings = vec![
        match term.as_deref() {
            None => Finding::warning(
                "terminal",
                "TERM is not set",
                "set it to what the terminal is, such as xterm-256color",
            ),
            Some("dumb") => Finding::warning(
                "terminal",
                "dumb",
                "the cockpit tells in sentences there: for the screen, use a terminal that places text, and set TERM to it",
            ),
            Some(term) => Finding::ok("terminal", format!("{term}{}", within(&set))),
        },
        match size {
            None => Finding::ok("size", "no terminal: the cockpit would not open here"),
            Some((width, height)) if width < ROOMY.0 || height < ROOMY.1 => Finding::warning(
                "size",
                format!("{width}x{height}"),
                format!("make it {}x{} to see every pane", ROOMY.0, ROOMY.1),
            ),
            Some((width, height)) => Finding::ok("size", format!("{width}x{height}")),
        },
    ];
    findings.push(if set("NO_COLOR").is_some() {
        Finding::ok("colours", "none: NO_COLOR is set")
    } else if term.as_deref() == Some("dumb") {
        Finding::ok("colours", "none: the terminal is dumb")
    } else {
        Finding::ok("colours", "the terminal's own palette")
    });
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| Some(format!("{name}={}", set(name)?)));
    let locale = locale.unwrap_or_else(|| "none is set".to_owned());
    findings.push(if is_unicode(&variable) {
        Finding::ok("locale", locale)
    } else {
        Finding::warning(
            "locale",
            locale,
            "set LANG to one in UTF-8, such as C.UTF-8",
        )
    });
    let signs = if is_unicode(&variable) {
        "Unicode"
    } else {
        "ASCII, for want of a locale in UTF-8"
    };
    findings.push(Finding::ok("signs", signs));
    let own = "the terminal's own: `c` in the cockpit asks it to copy (OSC 52)";
    findings.push(match tui::clipboard(&variable) {
        Some(program) => Finding::ok("clipboard", format!("{program}, and {own}")),
        None => Finding::ok("clipboard", own),
    });
    findings
}

/// What lies between: a multiplexer or another machine changes what keys and colours arrive.
fn within(set: &impl Fn(&str) -> Option<String>) -> String {
    let places = [
        ("TMUX", "tmux"),
        ("STY", "screen"),
        ("SSH_CONNECTION", "over SSH"),
    ];
    let places = places.into_iter().filter(|(name, _)| set(name).is_some());
    places.flat_map(|(_, place)| [", ", place]).collect()
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn found(variables: &[(&str, &str)], size: Option<(u16, u16)>) -> Vec<(String, State)> {
        let variable = |name: &str| {
            let mut all = variables.iter();
            let found = all.find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let findings = look(variable, size).into_iter();
        findings.map(|one| (one.found, one.state)).collect()
    }

    #[test]
    fn a_good_terminal_has_nothing_to_complain_of() {
        let variables = [
            ("TERM", "tmux-256color"),
            ("TMUX", "/tmp/tmux-0/default,1,0"),
            ("LANG", "C.UTF-8"),
        ];
        let found = found(&variables, Some((120, 40)));
        assert!(
            found.iter().all(|(_, state)| *state == State::Ok),
            "{found:?}"
        );
        assert_eq!(found[0].0, "tmux-256color, tmux");
        assert_eq!(found[3].0, "LANG=C.UTF-8");
    }

    #[test]
    fn what_shows_less_is_a_warning() {
        let variables = [("TERM", "dumb"), ("LANG", "C"), ("NO_COLOR", "1")];
        let found = found(&variables, Some((60, 15)));
        let warned = found.iter().filter(|(_, state)| *state == State::Warning);
        assert_eq!(warned.count(), 3, "{found:?}");
        assert_eq!(found[2].0, "none: NO_COLOR is set");
    }
}
