//! The real cockpit on a real fleet, in a pseudo-terminal: driven by keys, read by a terminal's parser.

#[cfg(test)]
#[path = "cockpit/terminal.rs"]
mod terminal;

use terminal::{COLUMNS, ROWS, Terminal};

/// Whether a row has this text, and its first letter in a colour.
fn live(screen: &vt100::Screen, text: &str) -> bool {
    (0..ROWS).any(|row| {
        (0..COLUMNS).any(|column| {
            let rest = screen.contents_between(row, column, row, COLUMNS);
            let cell = screen.cell(row, column);
            rest.starts_with(text) && cell.is_some_and(|c| c.fgcolor() != vt100::Color::Default)
        })
    })
}

#[test]
fn a_rollout_is_watched_stopped_and_left() {
    let mut terminal = Terminal::lab(&[]);
    terminal.wait_for("InProgress");
    assert!(terminal.coloured());
    terminal.press("s");
    terminal.wait_for("Stop d-");
    // Before the dialog listens, its key is not drawn in colour, and does nothing.
    terminal.wait("a live key", |screen| live(screen, "y  stop"));
    terminal.press("y");
    terminal.wait_for("MANUAL_STOP");
    terminal.press("q");
    terminal.wait("the shell's screen", |screen| !screen.alternate_screen());
    assert!(terminal.child.wait().unwrap().success());
}

#[test]
fn without_colour_none_is_sent_and_a_signal_gives_the_terminal_back() {
    let mut terminal = Terminal::lab(&[("NO_COLOR", "1")]);
    terminal.wait_for("Instance");
    terminal.press("?");
    terminal.wait_for("In every pane");
    assert!(!terminal.coloured());
    let process = i32::try_from(terminal.child.process_id().unwrap()).unwrap();
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(process),
        nix::sys::signal::Signal::SIGTERM,
    )
    .unwrap();
    terminal.wait("the shell's screen", |screen| !screen.alternate_screen());
    terminal.wait("the cursor", |screen| !screen.hide_cursor());
    terminal.child.wait().unwrap();
}
