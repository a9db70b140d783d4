//! What the documentation shows of the program is made by it, and is current.

use std::fmt::Write as _;
use std::path::Path;

use super::sides::{self, WAITS};
use super::{Cockpit, sample};
use crate::tui::Preferences;
use crate::tui::message::{Message, OutputNews};
use crate::tui::picture;

/// The file of the documentation is this text; it is written where pictures are to be renewed.
pub(super) fn is_current(file: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(file);
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        return std::fs::write(&file, text).unwrap();
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        there == text,
        "{} is not what the program shows now: write it with INSTA_UPDATE=always, and look at it",
        file.display()
    );
}

fn picture(name: &str, cockpit: &mut Cockpit) {
    cockpit.resize(100, 30);
    let svg = picture::svg(&picture::of(&cockpit.model));
    is_current(&format!("pictures/{name}.svg"), &svg);
}

#[test]
fn the_pictures_are_what_the_program_shows() {
    let mut waits = sides::cockpit(&sides::ready(), WAITS);
    picture("blue-green-wait", &mut waits);
    waits.keys("r");
    waits.wait(600);
    picture("reroute", &mut waits);

    let run = sample::rollout();
    let mut rollout = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    rollout.keys("tab");
    let number = rollout.model.output.number();
    rollout.send(Message::Output(
        number,
        OutputNews::Lines(sample::lines(30)),
    ));
    picture("rollout", &mut rollout);
    rollout.keys("0");
    picture("home", &mut rollout);
}

#[test]
fn the_page_of_keys_is_what_the_program_has() {
    let keys = crate::tui::keys(&Preferences::default()).unwrap();
    let mut page = "# Keys\n\nEvery action of the cockpit, the keys that do it without a key map of your own, and what it does. \
        `cutover keys` prints them as your own\nfiles make them; [preferences](preferences.md) says how to change them. \
        This page is written by the program's tests.\n"
        .to_owned();
    let mut heading = "";
    let cell = |text: &str| text.replace('|', "\\|");
    for key in &keys {
        if key.context != heading {
            heading = key.context;
            write!(
                page,
                "\n## {heading}\n\n| keys | action | what it does |\n| --- | --- | --- |\n"
            )
            .unwrap();
        }
        let shown = key.keys.iter().map(|key| match key.as_str() {
            "`" => "`` ` ``".to_owned(),
            key => format!("`{}`", cell(key)),
        });
        let shown = shown.collect::<Vec<_>>().join(" ");
        writeln!(page, "| {shown} | {} | {} |", key.action, cell(key.doc)).unwrap();
    }
    is_current("keys.md", &page);
}
