//! The clipboard of whoever looks at the terminal, also over SSH: text goes there as a command of the terminal (OSC 52).
//! What lies between has to pass it on. Where the desktop is this machine's, its own program copies besides: not every terminal
//! does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::effect::Effect;
use super::model::Model;
use super::terminal::multiplexer::Multiplexer;
use crate::api::line::Unsayable;
use crate::text::safe;

/// Bytes of text that terminals take: xterm and its kin take 74,994 of what carries it, which is a third longer.
pub(crate) const MOST: usize = 56_244;

/// As many lines from the end of a text on as a terminal takes.
pub(crate) fn last_lines(text: &str) -> &str {
    let Some(over) = text.len().checked_sub(MOST).filter(|over| *over > 0) else {
        return text;
    };
    let mut ends = text.match_indices('\n').map(|(end, _)| end + 1);
    let start = ends.find(|start| *start >= over).unwrap_or(over);
    text.get(start..).unwrap_or_default()
}

/// What was done, and what it needs. No terminal answers whether it took the text.
pub(crate) fn said(model: &Model, text: &str) -> String {
    if model.theme.words {
        return format!("{text}, to be copied, follows");
    }
    if let Some(clipboard) = model.clipboard {
        let program = clipboard.program;
        return format!("{program} copies {text}, and the terminal was asked to");
    }
    match model.multiplexer {
        None => format!("asked the terminal to copy {text}"),
        Some(Multiplexer::Tmux) => format!(
            "asked the terminal to copy {text}: tmux passes it on with `set -g set-clipboard on`"
        ),
        Some(Multiplexer::Screen) => {
            format!("asked the terminal to copy {text}, through screen")
        }
    }
}

/// Copies a command as a line, or says why there is none.
pub(crate) fn command_line(model: &mut Model, line: Result<String, Unsayable>) -> Option<Effect> {
    match line {
        Ok(line) => {
            model.say(said(model, &safe(&line)));
            Some(Effect::Copy(line))
        }
        Err(why) => {
            model.complain(why.to_string());
            None
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
    fn of_too_much_the_last_whole_lines_are_copied() {
        assert_eq!(last_lines("a\nb"), "a\nb");
        let line = "x".repeat(99);
        let text = vec![line.as_str(); 1000].join("\n");
        let last = last_lines(&text);
        assert!(last.len() <= MOST && last.len() > MOST - 100);
        assert_eq!(last.lines().next(), Some(line.as_str()));
    }

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
