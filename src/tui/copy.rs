//! The clipboard of whoever looks at the terminal, also over SSH: text goes there as a command of the terminal (OSC 52).
//! What lies between has to pass it on.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::terminal::multiplexer::Multiplexer;

/// What was done, and what it needs. No terminal answers whether it took the text.
pub(crate) fn said(between: Option<Multiplexer>, text: &str) -> String {
    match between {
        None => format!("asked the terminal to copy {text}"),
        Some(Multiplexer::Tmux) => format!(
            "asked the terminal to copy {text}: tmux passes it on with `set -g set-clipboard on`"
        ),
        Some(Multiplexer::Screen) => {
            format!("asked the terminal to copy {text}, through screen")
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
        Some(Multiplexer::Tmux) => plain.clone() + &Multiplexer::Tmux.wrap(&plain),
        Some(Multiplexer::Screen) => Multiplexer::Screen.wrap(&plain),
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
    }
}
