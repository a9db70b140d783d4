//! Where it is written: line below line, never an escape or a control character, and nothing that was written is changed.

use std::io::{self, Write};

use crate::text::safe;
use crate::tui::widgets::wrap::wrap;

/// The columns where nobody knows how many there are.
pub(super) const USUAL: usize = 80;

/// A line that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub text: String,
    /// Whether it is taken as it is, and not broken: a command that is pasted into a shell must not be several.
    pub whole: bool,
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self { text, whole: false }
    }
}

/// Somewhere to write.
#[derive(Debug)]
pub(super) struct Paper<W> {
    out: W,
    /// Whether only ASCII is shown there.
    ascii: bool,
}

impl<W: Write> Paper<W> {
    /// Writes there.
    pub(super) fn new(out: W, ascii: bool) -> Self {
        Self { out, ascii }
    }

    /// Writes lines, broken to fit so many columns but for those that are whole.
    ///
    /// # Errors
    /// If nobody reads them.
    pub(super) fn write(
        &mut self,
        lines: impl Iterator<Item = Line>,
        columns: usize,
    ) -> io::Result<()> {
        for line in lines {
            let mut text = safe(&line.text);
            if self.ascii {
                text = text.replace(|c: char| !c.is_ascii(), "?");
            }
            if line.whole {
                writeln!(self.out, "{text}")?;
                continue;
            }
            for row in wrap(&text, columns.max(20)) {
                writeln!(self.out, "{row}")?;
            }
        }
        self.out.flush()
    }

    /// Rings the bell.
    ///
    /// # Errors
    /// If nobody hears it.
    pub(super) fn ring(&mut self) -> io::Result<()> {
        self.out.write_all(b"\x07")?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_written_moves_a_cursor() {
        let mut out = Vec::new();
        let evil = "a\x1b[2Jb\rc\u{202e}d\u{9b}e".to_owned();
        let mut paper = Paper::new(&mut out, false);
        paper.write([evil.clone().into()].into_iter(), 80).unwrap();
        let text = String::from_utf8(out).unwrap();
        let moves = |c: char| c != '\n' && c.is_control();
        assert!(
            !text.contains(moves) && !text.contains('\u{202e}'),
            "{text:?}"
        );
        let mut out = Vec::new();
        let mut paper = Paper::new(&mut out, true);
        paper.write([evil.into()].into_iter(), 80).unwrap();
        assert!(out.is_ascii());
    }

    #[test]
    fn long_lines_go_on_in_the_next() {
        let mut out = Vec::new();
        let line = "one two three four five six".to_owned();
        Paper::new(&mut out, false)
            .write([line.clone().into()].into_iter(), 20)
            .unwrap();
        assert_eq!(out, b"one two three four\nfive six\n");
        let mut out = Vec::new();
        let whole = Line {
            text: format!("  {line}"),
            whole: true,
        };
        Paper::new(&mut out, false)
            .write([whole].into_iter(), 20)
            .unwrap();
        assert_eq!(out, format!("  {line}\n").as_bytes());
    }
}
