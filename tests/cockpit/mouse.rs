//! Clicks and the wheel, as a terminal reports them.

use vt100::MouseProtocolMode;

use crate::checkout::WAITS;
use crate::terminal::{COLUMNS, ROWS, Terminal};

impl Terminal {
    /// Where a text is, counted from one, as terminals count.
    fn place(&self, text: &str) -> (usize, usize) {
        let screen = self.screen();
        let rows = screen.screen().rows(0, COLUMNS);
        let found = rows.enumerate().find_map(|(row, line)| {
            let at = line.find(text)?;
            Some((line[..at].chars().count() + 1, row + 1))
        });
        found.unwrap_or_else(|| panic!("no {text} on\n{}", screen.screen().contents()))
    }

    /// Presses and releases a button over a text.
    fn button(&mut self, button: u8, text: &str) {
        let (column, row) = self.place(text);
        assert!(row <= usize::from(ROWS));
        self.press(&format!(
            "\x1b[<{button};{column};{row}M\x1b[<{button};{column};{row}m"
        ));
    }

    fn click(&mut self, text: &str) {
        self.button(0, text);
    }
}

#[test]
fn rows_crumbs_and_keys_are_clicked_and_the_mouse_is_lent_to_the_terminal() {
    let mut terminal = Terminal::small_lab(&[]);
    terminal.wait_for(WAITS);
    // Presses and the wheel, and no motion.
    let mode = terminal.screen().screen().mouse_protocol_mode();
    assert_eq!(mode, MouseProtocolMode::PressRelease);
    terminal.click("gallery ");
    terminal.wait_for("gallery / live");
    terminal.click("home");
    terminal.wait_for("Needs a person");
    terminal.wait("a selected row", |screen| {
        screen.contents().contains('\u{276f}')
    });
    // Down to the last rows, however many there are.
    for _ in 0..24 {
        terminal.button(65, "checkout/production");
    }
    terminal.wait("a row that has ended", |screen| {
        let contents = screen.contents();
        let row = |text: &str| contents.lines().position(|line| line.contains(text));
        row("Ended lately").is_some_and(|ended| row("\u{276f}") > Some(ended))
    });
    terminal.click("? help");
    terminal.wait_for("Everywhere");
    terminal.press("\u{1b}");
    terminal.wait("no help", |screen| {
        !screen.contents().contains("Everywhere")
    });

    terminal.press("P");
    terminal.wait_for("mouse selects text, P takes it");
    let reports = |wanted| move |screen: &vt100::Screen| screen.mouse_protocol_mode() == wanted;
    terminal.wait("no reports", reports(MouseProtocolMode::None));
    terminal.press("P");
    terminal.wait("reports", reports(MouseProtocolMode::PressRelease));
    terminal.leave();
    terminal.wait("no reports", reports(MouseProtocolMode::None));
}
