//! The clipboard of whoever looks at the terminal, also over SSH: text goes there as a command of the terminal (OSC 52).
//! What lies between has to pass it on.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A program between the cockpit and the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Multiplexer {
    Tmux,
    Screen,
}

impl Multiplexer {
    /// The one that this environment, which `variable` reads, tells of.
    pub(crate) fn find(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        if set("TMUX") {
            Some(Self::Tmux)
        } else {
            set("STY").then_some(Self::Screen)
        }
    }

    /// What was done, and what it needs. No terminal answers whether it took the text.
    pub(crate) fn said(between: Option<Self>, text: &str) -> String {
        match between {
            None => format!("asked the terminal to copy {text}"),
            Some(Self::Tmux) => format!(
                "asked the terminal to copy {text}: tmux passes it on with `set -g set-clipboard on`"
            ),
            Some(Self::Screen) => format!("asked the terminal to copy {text}, through screen"),
        }
    }
}

/// The command that has the terminal copy a text.
pub(crate) fn command(between: Option<Multiplexer>, text: &str) -> String {
    let text = STANDARD.encode(text);
    let plain = format!("\u{1b}]52;c;{text}\u{7}");
    match between {
        None => plain,
        // tmux keeps a plain one, and passes the wrapped one on where that is allowed.
        Some(Multiplexer::Tmux) => {
            format!("{plain}\u{1b}Ptmux;\u{1b}\u{1b}]52;c;{text}\u{7}\u{1b}\\")
        }
        Some(Multiplexer::Screen) => format!("\u{1b}P{plain}\u{1b}\\"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_for_what_lies_between() {
        assert_eq!(command(None, "shop"), "\u{1b}]52;c;c2hvcA==\u{7}");
        assert_eq!(
            command(Some(Multiplexer::Screen), "shop"),
            "\u{1b}P\u{1b}]52;c;c2hvcA==\u{7}\u{1b}\\"
        );
        let tmux = command(Some(Multiplexer::Tmux), "shop");
        assert!(tmux.ends_with("\u{1b}Ptmux;\u{1b}\u{1b}]52;c;c2hvcA==\u{7}\u{1b}\\"));
        let set = |name: &str| (name == "TMUX").then(|| "/tmp/t,1,0".to_owned());
        assert_eq!(Multiplexer::find(set), Some(Multiplexer::Tmux));
        assert_eq!(Multiplexer::find(|_| Some(String::new())), None);
    }
}
