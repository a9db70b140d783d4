//! What is seen, written to a file.

use super::commands::rollout;
use super::{Cockpit, sides};
use crate::tui::effect::Effect;

/// What a form writes, and how the file is called but for its ending, which is the form's name.
fn written(cockpit: &mut Cockpit, form: &str) -> Option<(String, String)> {
    cockpit.effects.clear();
    cockpit.keys("X");
    for letter in form.chars() {
        cockpit.keys(&letter.to_string());
    }
    cockpit.keys("enter");
    match cockpit.effects.pop() {
        Some(Effect::Save { name, ending, text }) if ending == form => Some((name, text)),
        _ => None,
    }
}

#[test]
fn the_screen_is_written_as_it_is_without_the_question() {
    let mut cockpit = rollout();
    cockpit.resize(120, 40);
    let screen = cockpit.screen();
    let (file, text) = written(&mut cockpit, "txt").unwrap();
    assert_eq!(file, "cutover-shop-production");
    assert_eq!(text.trim_end(), screen.trim_end());
    let (_, ansi) = written(&mut cockpit, "ansi").unwrap();
    let mut parser = vt100::Parser::new(41, 120, 0);
    parser.process(ansi.replace('\n', "\r\n").trim_end().as_bytes());
    assert_eq!(parser.screen().contents().trim_end(), screen.trim_end());
    let (_, svg) = written(&mut cockpit, "svg").unwrap();
    assert!(svg.starts_with("<svg") && svg.contains(">web-1<"));
}

#[test]
fn all_rows_of_a_list_are_written_as_they_are_arranged() {
    let mut cockpit = rollout();
    cockpit.resize(80, 12);
    cockpit.keys("tab O n a m e enter i");
    let (_, csv) = written(&mut cockpit, "csv").unwrap();
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("name,status,side,zone,milliseconds"));
    assert_eq!(lines.next(), Some("web-9,Pending,,,"));
    assert_eq!(lines.count(), 11);
    let (_, json) = written(&mut cockpit, "json").unwrap();
    let rows: serde_json::Value = serde_json::from_str(&json).unwrap();
    let first = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "web-1");
    assert_eq!(first.unwrap()["milliseconds"], 3500, "{rows:#}");
    for key in ["0", "H", "L", "L"] {
        cockpit.keys(key);
        let (_, csv) = written(&mut cockpit, "csv").unwrap();
        assert!(csv.lines().count() > 1, "behind {key}: {csv}");
    }
}

#[test]
fn output_has_no_rows_and_says_so() {
    let mut cockpit = rollout();
    cockpit.resize(100, 30);
    cockpit.keys("tab tab X c s v");
    assert!(
        cockpit.screen().contains("it has no rows"),
        "{}",
        cockpit.screen()
    );
    cockpit.keys("enter");
    assert!(
        !cockpit
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Save { .. }))
    );
    let mut waits = sides::cockpit(&sides::ready(), sides::WAITS);
    let (_, csv) = written(&mut waits, "csv").unwrap();
    assert!(csv.contains("replacement"), "{csv}");
}
