//! How the cockpit looks on a terminal that says what its background is, and with a user's own files.

use super::terminal::{BACKGROUND, COLUMNS, ROWS, Terminal, live};

/// Whether a letter on the screen has this colour.
fn has(screen: &vt100::Screen, colour: u8) -> bool {
    let mut cells = (0..ROWS).flat_map(|row| (0..COLUMNS).map(move |column| (row, column)));
    cells.any(|(row, column)| {
        let cell = screen.cell(row, column);
        cell.is_some_and(|cell| cell.fgcolor() == vt100::Color::Idx(colour))
    })
}

#[test]
fn a_light_terminal_gets_dark_letters_and_a_file_its_own() {
    let light = [(BACKGROUND, "ffff/ffff/ffff")];
    let mut terminal = Terminal::small_lab(&light);
    // The role of keys in the theme for light backgrounds.
    terminal.wait("the light theme's keys", |screen| has(screen, 24));
    // Nothing of the terminal's answer was taken for a key.
    assert!(!terminal.text().contains("Cancel"), "{}", terminal.text());
    terminal.wait_for("wait for reroute");
    terminal.press("q");
    // Before the dialog listens, its keys are not drawn in colour, and do nothing.
    terminal.wait("a live key", |screen| live(screen, "l  leave"));
    terminal.press("l");
    assert!(terminal.ended().success());

    let mine = terminal.folder().join("mine.yaml");
    std::fs::write(&mine, "key: 201\n").unwrap();
    let mut again = terminal.again_with(&["--theme", mine.to_str().unwrap(), "--keymap", "vim"]);
    again.wait("the file's keys", |screen| has(screen, 201));
    // The first key of a sequence waits for the second one.
    again.press("g");
    again.wait_for("Go to the first row");
    again.press("g");
    again.wait("no strip", |screen| {
        !screen.contents().contains("Go to the first row")
    });
    again.leave();
}

#[test]
fn a_wrong_preference_ends_the_start_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cutover/cockpit.yaml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "theme: light\nkeymp: vim\n").unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_cutover"))
        .arg("keys")
        .env("XDG_CONFIG_HOME", folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("cockpit.yaml:2:1: "), "{text}");
    assert!(text.contains("did you mean \"keymap\"?"), "{text}");
}

#[test]
fn keys_are_printed_as_the_users_files_make_them() {
    let run = |arguments: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_cutover"))
            .arg("keys")
            .args(arguments)
            .env("XDG_CONFIG_HOME", folder.path())
            .output()
            .unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let line = |text: &str, action: &str| {
        let found = text
            .lines()
            .find(|line| line.trim_start().starts_with(action));
        found.unwrap_or_default().to_owned()
    };
    assert!(line(&run(&[]), "page-down").contains("pgdn space"));
    assert!(line(&run(&["--keymap", "emacs"]), "page-down").contains("pgdn ctrl-v space"));
    assert!(line(&run(&["--keymap", "vim"]), "first").contains("g g, home"));
    let json: serde_json::Value =
        serde_json::from_str(&run(&["--keymap", "vim", "--output", "json"])).unwrap();
    let keys = json["keys"].as_array().unwrap();
    let down = keys
        .iter()
        .find(|key| key["action"] == "page-down")
        .unwrap();
    assert_eq!(
        down["keys"],
        serde_json::json!(["pgdn", "ctrl-d", "ctrl-f", "space"])
    );
}
