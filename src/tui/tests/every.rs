//! Every screen and everything that lies on one, at every size that matters: with colour, without, and in ASCII.

use std::fmt::Write as _;

use ratatui::style::Color;

use super::sides::{self, WAITS};
use super::{COLOUR, Cockpit, MONO, commands, documents, environments, sample, text};
use crate::tui::message::{Message, OutputNews};
use crate::tui::picture;
use crate::tui::tour::{Moment, Step};

const SIZES: [(u16, u16); 5] = [(200, 60), (120, 40), (80, 24), (60, 15), (20, 3)];

/// What is pictured, and the keys that lead there from a rollout in place with a failure.
const PLACES: [(&str, &str); 26] = [
    ("home", "0"),
    ("lists", "esc"),
    ("instances", "tab"),
    ("output", "tab tab z"),
    ("output-search", "tab tab / 1"),
    ("output-of-all", "m z"),
    ("along-the-time", "tab v"),
    ("map", "tab v v"),
    ("hosts", "H"),
    ("history", "L"),
    ("configurations", ": c o n f i g u r a t i o n s enter"),
    ("comparison", "L ="),
    ("help", "?"),
    ("messages", "M"),
    ("go-to", ": w e b"),
    ("filter", "tab / w e b"),
    ("stop", "s"),
    ("roll-back", "b"),
    ("step-by-step", "b v"),
    ("deploy", "d"),
    ("leaving", "q"),
    ("new", "I"),
    ("form", "I enter"),
    ("documents", "D"),
    ("export", "X"),
    ("pause", "p"),
];

/// At every size in colour and without, which has the same letters; then in ASCII.
fn picture(name: &str, cockpit: &mut Cockpit) {
    let mut all = String::new();
    for (width, height) in SIZES {
        cockpit.resize(width, height);
        cockpit.model.theme = *COLOUR;
        let screen = cockpit.screen();
        cockpit.model.theme = *MONO;
        let mono = cockpit.draw();
        assert_eq!(text(&mono), screen, "{name} at {width}x{height}");
        let plain = |colour| colour == Color::Reset;
        let coloured = mono.content.iter().find(|c| !plain(c.fg) || !plain(c.bg));
        assert_eq!(coloured, None, "{name} at {width}x{height}");
        cockpit.model.theme.unicode = false;
        let ascii = cockpit.screen();
        assert!(ascii.is_ascii(), "{name} at {width}x{height}:\n{ascii}");
        write!(all, "{width}x{height}\n{screen}\n\n").unwrap();
        if (width, height) == (80, 24) {
            write!(all, "{width}x{height} in ASCII\n{ascii}\n\n").unwrap();
        }
    }
    insta::with_settings!({snapshot_path => "../../../tests/snapshots/every", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!(name, all);
    });
}

#[test]
fn of_a_rollout_in_place() {
    let folder = documents::project();
    for (name, keys) in PLACES {
        let mut cockpit = documents::desk(folder.path());
        let number = cockpit.model.output.number();
        let lines = OutputNews::Lines(sample::lines(30));
        cockpit.send(Message::Output(number, lines));
        cockpit.keys(keys);
        cockpit.wait(600);
        picture(name, &mut cockpit);
    }
}

#[test]
fn of_a_blue_green_wait() {
    for (name, keys) in [
        ("wait", "esc"),
        ("reroute", "r"),
        ("reroute-step-by-step", "r v"),
        ("share", "w 5"),
    ] {
        let mut cockpit = sides::cockpit(&sides::ready(), WAITS);
        WAITS.answered(&mut cockpit, sample::LIVE, None);
        cockpit.keys(keys);
        cockpit.wait(600);
        picture(name, &mut cockpit);
    }
}

#[test]
fn of_a_locked_environment() {
    for (name, keys) in [("locked", "esc"), ("unlock", "U I N C")] {
        let mut cockpit = environments::rollout(environments::PRODUCTION);
        cockpit.keys(keys);
        picture(name, &mut cockpit);
    }
}

#[test]
fn before_anything_has_come_and_when_nothing_comes_any_more() {
    picture("loading", &mut Cockpit::new());
    let folder = documents::project();
    let mut cockpit = documents::desk(folder.path());
    cockpit.send(Message::Lost("gone".to_owned()));
    cockpit.silence(12_000);
    picture("disconnected", &mut cockpit);
}

/// Draws every fourth place, beginning with this one, at every size up to 100x40.
fn sweep(first: usize) {
    let folder = documents::project();
    let more = [
        "p w",
        "0 / w e b",
        "tab tab z / 7 enter w",
        "tab tab m",
        "L down * up =",
        "b ?",
        "Q down",
        "y / o",
        "tab V",
        "? / k enter",
    ];
    let places = PLACES.iter().map(|(_, keys)| *keys).chain(more);
    for keys in places.skip(first).step_by(4) {
        let mut cockpit = documents::desk(folder.path());
        cockpit.model.tour = vec![Step {
            group: "shop/production",
            moment: Moment::Runs,
            text: "a guide",
        }];
        let rollback = commands::every().into_iter().nth(3).unwrap();
        let model = &mut cockpit.model;
        for _ in 0..3 {
            (model.sent).begin(model.now, "ana", &rollback, None);
        }
        cockpit.keys(keys);
        for width in 0..=100 {
            for height in 0..=40 {
                cockpit.resize(width, height);
                // As it is drawn, without a terminal that would keep the frame before.
                picture::of(&cockpit.model);
            }
        }
        let selected = cockpit.model.selected.deployment.clone();
        assert_eq!(selected, Some(sample::id(sample::LIVE)), "behind {keys}");
    }
}

// Side by side: together they take minutes.

#[test]
fn no_size_panics_in_the_first_quarter() {
    sweep(0);
}

#[test]
fn no_size_panics_in_the_second_quarter() {
    sweep(1);
}

#[test]
fn no_size_panics_in_the_third_quarter() {
    sweep(2);
}

#[test]
fn no_size_panics_in_the_last_quarter() {
    sweep(3);
}
