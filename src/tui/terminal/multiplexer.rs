//! A program between the cockpit and the terminal, which keeps what is not for it to itself unless it is wrapped.

/// The end of an operating system command (ECMA-48, `ST`).
const END: &str = "\x1b\\";

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Multiplexer {
    /// tmux. It passes on what is wrapped where `allow-passthrough` is on.
    Tmux,
    /// GNU screen.
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

    /// A sequence for the terminal around it.
    pub(crate) fn wrap(self, sequence: &str) -> String {
        match self {
            Self::Tmux => format!("\x1bPtmux;{}{END}", sequence.replace('\x1b', "\x1b\x1b")),
            // Its own end would end the wrapping: a bell ends an operating system command too.
            Self::Screen => format!("\x1bP{}{END}", sequence.replace(END, "\x07")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_and_passes_on_what_is_wrapped() {
        let set = |name: &str| (name == "TMUX").then(|| "/tmp/t,1,0".to_owned());
        assert_eq!(Multiplexer::find(set), Some(Multiplexer::Tmux));
        assert_eq!(Multiplexer::find(|_| Some(String::new())), None);
        let sequence = "\x1b]9;a\x1b\\";
        assert_eq!(
            Multiplexer::Tmux.wrap(sequence),
            "\x1bPtmux;\x1b\x1b]9;a\x1b\x1b\\\x1b\\"
        );
        assert_eq!(
            Multiplexer::Screen.wrap(sequence),
            "\x1bP\x1b]9;a\x07\x1b\\"
        );
    }
}
