//! The bytes that reach a terminal, read by a terminal's parser.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use regex_lite::Regex;
use serde_json::Value;

use super::{COLOUR, Cockpit, MONO, sample};
use crate::api::snapshot::Snapshot;
use crate::tui::aims::Aims;
use crate::tui::effect::Effect;
use crate::tui::message::{Message, OutputNews};
use crate::tui::sent::Unanswered;
use crate::tui::theme::Theme;
use crate::tui::view::view;

#[derive(Clone, Default)]
struct Bytes(Arc<Mutex<Vec<u8>>>);

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn bytes(cockpit: &Cockpit) -> Vec<u8> {
    let bytes = Bytes::default();
    let (width, height) = cockpit.model.size;
    let options = TerminalOptions {
        viewport: Viewport::Fixed(Rect::new(0, 0, width, height)),
    };
    let mut terminal =
        Terminal::with_options(CrosstermBackend::new(bytes.clone()), options).unwrap();
    let mut aims = Aims::default();
    terminal
        .draw(|frame| view(&cockpit.model, frame, &mut aims))
        .unwrap();
    drop(terminal);
    Arc::into_inner(bytes.0).unwrap().into_inner().unwrap()
}

fn cockpit(theme: Theme) -> Cockpit {
    let run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.model.theme = theme;
    cockpit.resize(120, 40);
    let number = cockpit.model.output.number();
    let mut lines = sample::lines(6);
    for (line, text) in lines.iter_mut().zip([
        "\u{1b}]0;owned\u{7}a",
        "\u{9b}31mb",
        "c\u{202e}d",
        "e\0f\rg",
        "\u{1b}[2J\u{1b}[Hh",
        "\u{1b}Pq\u{1b}\\i",
    ]) {
        text.clone_into(&mut line.text);
    }
    cockpit.send(Message::Output(number, OutputNews::Lines(lines)));
    cockpit
}

fn colours(theme: Theme, key: &str) -> (usize, usize, String) {
    let mut cockpit = cockpit(theme);
    if !key.is_empty() {
        cockpit.keys(key);
        cockpit.wait(600);
    }
    let mut parser = vt100::Parser::new(40, 120, 0);
    parser.process(&bytes(&cockpit));
    let screen = parser.screen();
    let cells = (0..40).flat_map(|row| (0..120).filter_map(move |column| screen.cell(row, column)));
    let coloured = cells.clone().filter(|cell| {
        cell.fgcolor() != vt100::Color::Default || cell.bgcolor() != vt100::Color::Default
    });
    let marked = cells.filter(|cell| cell.inverse() || cell.bold());
    (coloured.count(), marked.count(), screen.contents())
}

#[test]
fn without_colour_no_colour_is_set_and_what_is_selected_still_shows() {
    for key in ["", "?", "s", "b", "/", "q"] {
        let (coloured, marked, _) = colours(*MONO, key);
        assert_eq!(coloured, 0, "behind {key:?}");
        assert!(marked > 50, "behind {key:?}");
    }
    assert!(colours(*COLOUR, "").0 > 0);
}

fn harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[test]
fn no_escape_control_or_bidi_character_of_a_hook_reaches_the_terminal() {
    // In its pane, on the whole screen, with something found in it, wrapped, and among those of others.
    for keys in ["", "tab tab z", "/ d enter", "w", "&", "esc m"] {
        let mut cockpit = cockpit(*MONO);
        cockpit.keys("tab tab");
        if !keys.is_empty() {
            cockpit.keys(keys);
        }
        let buffer = cockpit.draw();
        assert!(
            !buffer
                .content
                .iter()
                .any(|cell| cell.symbol().chars().any(harmful)),
            "behind {keys}"
        );
        let text = String::from_utf8(bytes(&cockpit)).unwrap();
        assert!(
            !text.contains("\u{1b}]") && !text.contains("\u{1b}[2J") && !text.contains('\u{7}')
        );
    }
}

/// What no text from outside may do.
const HOSTILE: &str =
    "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}x\u{1b}[2J\u{1b}[H\0\u{8}\u{1b}Pq\u{1b}\\\r\n\u{85}";

/// Puts it into every text of these fields. Names and ids take none: whoever reads a picture refuses it.
fn poison(value: &mut Value, field: &str) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                match value {
                    Value::String(text) if name == field => text.push_str(HOSTILE),
                    _ => poison(value, field),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| poison(value, field)),
        _ => {}
    }
}

/// The names of all fields that have text.
fn fields(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                if value.is_string() {
                    into.insert(name.clone());
                }
                fields(value, into);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| fields(value, into)),
        _ => {}
    }
}

/// A picture with something hostile wherever a text can have it.
fn poisoned(snapshot: &Snapshot) -> (Snapshot, BTreeSet<String>) {
    let mut value = serde_json::to_value(snapshot).unwrap();
    let mut all = BTreeSet::new();
    fields(&value, &mut all);
    all.retain(|field| {
        let mut with = value.clone();
        poison(&mut with, field);
        let taken = serde_json::from_value::<Snapshot>(with.clone()).is_ok();
        if taken {
            value = with;
        }
        taken
    });
    (serde_json::from_value(value).unwrap(), all)
}

/// Whole frames of every screen, as the bytes that a terminal gets: nothing from outside is more than letters there.
#[test]
fn no_escape_control_or_bidi_character_of_anything_from_outside_reaches_the_terminal() {
    let run = sample::failure();
    let snapshot = sample::snapshot(sample::project(4), &run.deployment);
    let (snapshot, taken) = poisoned(&snapshot);
    for field in ["message", "by", "label"] {
        assert!(taken.contains(field), "{field} of {taken:?}");
    }
    let mut shown = 0;
    for keys in [
        "0",
        "H",
        "L",
        "L = ",
        "?",
        "s",
        "b",
        "d",
        "d enter",
        "q",
        ":",
        ": w e b",
        "v",
        "v v",
        "M",
        "c C M",
        "/ w",
        "z",
        "m z",
        "tab tab enter",
        "H enter",
    ] {
        for (width, height) in [(80, 24), (200, 60)] {
            let mut cockpit = Cockpit::with(snapshot.clone());
            cockpit.resize(width, height);
            cockpit.send(Message::Answered(
                0,
                Err(Unanswered::Refused(HOSTILE.to_owned())),
            ));
            cockpit.keys(keys.trim());
            cockpit.send(Message::Lost(HOSTILE.to_owned()));
            let letters = |c: &ratatui::buffer::Cell| c.symbol().chars().any(harmful);
            assert!(!cockpit.draw().content.iter().any(letters), "behind {keys}");
            // What is left without the sequences that place and colour letters is letters.
            let frame = String::from_utf8(bytes(&cockpit)).unwrap();
            let ours = Regex::new("\u{1b}\\[\\??[0-9;]*[Hmlh]").unwrap();
            let rest = ours.replace_all(&frame, "");
            let bad: String = rest.chars().filter(|c| harmful(*c)).collect();
            assert!(bad.is_empty(), "behind {keys}: {bad:?} in {rest:?}");
            shown += usize::from(rest.contains("owned"));
        }
    }
    // A long list or the help hides what lies below; most show it, made harmless.
    assert!(shown > 25, "{shown} frames show it");
}

#[test]
fn what_is_copied_or_saved_is_as_harmless() {
    let mut cockpit = cockpit(*MONO);
    cockpit.keys("tab tab y Y W");
    let texts = cockpit.effects.iter().filter_map(|effect| match effect {
        Effect::Copy(text) | Effect::Save { text, .. } => Some(text),
        _ => None,
    });
    let texts: Vec<_> = texts.collect();
    assert_eq!(texts.len(), 3);
    for text in texts {
        assert_eq!(text.lines().count(), 6, "{text}");
        assert!(!text.chars().any(|c| c != '\n' && harmful(c)), "{text:?}");
    }
}
