//! The output of a real rollout, on the whole screen.

use super::terminal::Terminal;

#[test]
fn the_output_of_all_instances_is_searched_and_saved() {
    let mut terminal = Terminal::lab(&[]);
    terminal.press("m");
    terminal.wait_for("Output \u{22c5} all ");
    terminal.press("z");
    terminal.wait_for("z panes");
    terminal.press("/");
    terminal.wait_for(" / _");
    // Both hosts say so for every event with a script, at last after the check of the application.
    terminal.press("\\[exit\\] code=0");
    terminal.wait_for("nothing");
    terminal.press("\t");
    terminal.wait_for("regex");
    terminal.wait_for("8 lines");
    terminal.press("\r");
    terminal.wait_for("8 of 8");
    terminal.press("n");
    terminal.wait_for("1 of 8");
    terminal.press("&");
    terminal.wait_for("hits alone");
    terminal.press("W");
    terminal.wait_for("saved as ");
    let row = terminal.text();
    let row = row.lines().find(|row| row.contains("saved as ")).unwrap();
    let file = row.split_whitespace().find(|word| word.starts_with('/'));
    let file = std::path::Path::new(file.unwrap());
    assert!(file.starts_with(terminal.started_in()), "{row}");
    let saved = std::fs::read_to_string(file).unwrap();
    assert_eq!(saved.lines().count(), 8, "{saved}");
    for line in saved.lines() {
        assert!(line.contains(" web-") && line.contains("[exit] code=0"));
    }
    terminal.leave();
}
