//! Documents in the real cockpit: written by hand in an editor that has the terminal to itself, and made by a form.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use super::terminal::{Terminal, live};

/// An editor that says what it was given, and does what it is told in a line of its own: it reads the terminal itself.
const EDITOR: &str = r#"#!/bin/sh
for file; do :; done
echo "THE EDITOR HAS $*"
read -r answer
case "$answer" in
break) sed -i 's/^deploymentConfigName: .*/deploymentConfigName: Nowhere/' "$file" ;;
mend) sed -i 's/^deploymentConfigName: .*/deploymentConfigName: CodeDeployDefault.AllAtOnce/' "$file" ;;
leave) exit 3 ;;
esac
"#;

/// A lab whose editor is called `vi`, so that it is given lines.
fn lab() -> Terminal {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let editor = folder.path().join("vi");
    std::fs::write(&editor, EDITOR).unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
    let copies = folder.path().to_str().unwrap().to_owned();
    let variables = [("VISUAL", editor.to_str().unwrap()), ("TMPDIR", &copies)];
    Terminal::open(Arc::clone(&folder), &["--hosts", "2"], &variables).at_shop()
}

#[test]
fn a_document_with_an_error_leads_back_to_the_editor_and_is_written_once_it_is_right() {
    let mut terminal = lab();
    let document = terminal.folder().join("applications/shop/production.yaml");
    let before = std::fs::read_to_string(&document).unwrap();
    terminal.press("E");
    terminal.wait("the editor's screen", |screen| {
        !screen.alternate_screen() && screen.contents().contains("THE EDITOR HAS")
    });
    terminal.press("break\r");
    terminal.wait_for("production.yaml has an error");
    terminal.wait_for("configuration Nowhere (");
    let line = 1 + before
        .lines()
        .position(|line| line.starts_with("deploymentConfigName"))
        .unwrap();
    let again = format!("y  edit again, at line {line}");
    terminal.wait("a live key", |screen| live(screen, &again));
    assert_eq!(std::fs::read_to_string(&document).unwrap(), before);
    terminal.press("y");
    terminal.wait_for(&format!("THE EDITOR HAS +{line} "));
    terminal.press("mend\r");
    terminal.wait_for("Write applications/shop/production.yaml?");
    terminal.wait_for("+deploymentConfigName: CodeDeployDefault.AllAtOnce");
    terminal.wait("a live key", |screen| live(screen, "y  write"));
    terminal.press("y");
    terminal.wait_for("wrote applications/shop/production.yaml");
    let after = std::fs::read_to_string(&document).unwrap();
    assert!(after.contains("deploymentConfigName: CodeDeployDefault.AllAtOnce"));

    // Ctrl-C in the editor is the editor's; the cockpit goes on, and what had happened meanwhile is there.
    terminal.press("E");
    terminal.wait("the editor, once more", |screen| {
        screen.contents().matches("THE EDITOR HAS").count() == 3
    });
    terminal.press("\u{3}");
    terminal.wait("the cockpit's screen", |screen| {
        screen.alternate_screen() && screen.contents().contains("nothing is written")
    });
    terminal.wait_for("Succeeded   1.0.0");
    terminal.leave();
}

#[test]
fn an_application_is_made_by_a_form() {
    let mut terminal = Terminal::lab(&[]);
    terminal.press("I");
    terminal.wait_for("New: what?");
    terminal.press("application");
    terminal.wait_for("\u{276f} application ");
    terminal.press("\r");
    terminal.wait_for("New application");
    terminal.press("billing\tL\t\r");
    terminal.wait_for("Write applications/billing/application.yaml?");
    terminal.wait_for("+computePlatform: Lambda");
    terminal.wait("a live key", |screen| live(screen, "y  write"));
    terminal.press("y");
    terminal.wait_for("wrote applications/billing/application.yaml");
    let document = terminal
        .folder()
        .join("applications/billing/application.yaml");
    assert_eq!(
        std::fs::read_to_string(document).unwrap(),
        "applicationName: billing\ncomputePlatform: Lambda\n"
    );
    // The orchestrator reads it by itself.
    terminal.wait_for("Applications 6");
    terminal.leave();
}
