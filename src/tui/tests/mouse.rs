//! Clicks and the wheel, where they were drawn.

use super::sides::{self, WAITS};
use super::{Cockpit, sample, shapes};
use crate::tui::aims::Aim;
use crate::tui::effect::Effect;
use crate::tui::layers::Layer;
use crate::tui::lists::List;
use crate::tui::lists::row::Row;
use crate::tui::message::Message;
use crate::tui::model::{Mouse, Pane};
use crate::tui::screens::Screen;

impl Cockpit {
    /// What is drawn where a row of the screen has this text.
    fn aim(&self, text: &str) -> Option<Aim> {
        let screen = self.screen();
        let found = screen.lines().enumerate().find_map(|(y, line)| {
            let at = line.find(text)?;
            Some((line[..at].chars().count(), y))
        });
        let (x, y) = found.unwrap_or_else(|| panic!("no {text} on\n{screen}"));
        let (x, y) = (u16::try_from(x).unwrap(), u16::try_from(y).unwrap());
        self.aims().at(x, y).cloned()
    }

    /// Clicks at a text on the screen.
    fn click(&mut self, text: &str) {
        if let Some(target) = self.aim(text) {
            self.send(Message::Click(target));
        }
    }

    /// Turns the wheel over a text on the screen.
    fn wheel(&mut self, text: &str, up: bool) {
        let over = self.aim(text);
        self.send(Message::Wheel { over, up });
    }
}

fn rollout() -> Cockpit {
    let run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.resize(120, 40);
    cockpit
}

fn instance(cockpit: &Cockpit) -> &str {
    let selected = cockpit.model.selected.instance.as_ref();
    selected.map_or("", |name| name.as_str())
}

#[test]
fn a_click_selects_and_another_opens() {
    let mut cockpit = rollout();
    cockpit.click("web-8 ");
    assert_eq!(
        (instance(&cockpit), cockpit.model.focus),
        ("web-8", Pane::Instances)
    );
    cockpit.click("web-8 ");
    assert_eq!(cockpit.model.focus, Pane::Output);
    cockpit.click("staging");
    assert_eq!(cockpit.model.focus, Pane::Groups);
    let group = cockpit.model.selected.group.clone().unwrap();
    assert_eq!(group.to_string(), "shop/staging");
    // Along the crumbs to where one was.
    cockpit.click("home \u{203a}");
    assert_eq!(cockpit.model.screen, Screen::Home);
    cockpit.click(&format!("{}  1.7.2", sample::BEFORE));
    let row = format!("{}  1.8.0", sample::LIVE);
    cockpit.click(&row);
    assert_eq!(cockpit.model.screen, Screen::Home);
    cockpit.click(&row);
    assert_eq!(cockpit.model.screen, Screen::Rollouts);
    assert_eq!(
        cockpit.model.selected.deployment,
        Some(sample::id(sample::LIVE))
    );
}

/// A click means what was drawn, also if something else is there by now.
#[test]
fn a_click_means_what_was_seen() {
    let mut cockpit = rollout();
    let seen = cockpit.aim("web-8 ").unwrap();
    cockpit.keys("enter i");
    assert_ne!(cockpit.aim("web-8 "), None);
    cockpit.send(Message::Click(seen));
    assert_eq!(instance(&cockpit), "web-8");
}

#[test]
fn a_key_in_the_footer_can_be_clicked_and_no_answer_of_a_question_can() {
    let mut cockpit = sides::cockpit(&sides::ready(), WAITS);
    cockpit.resize(120, 40);
    cockpit.click("r reroute  s");
    assert!(matches!(
        cockpit.model.layers.last(),
        Some(Layer::Confirm(_))
    ));
    cockpit.wait(600);
    for answer in ["y  reroute", "w  say why", "Traffic moves", "web-1"] {
        cockpit.click(answer);
        let sent = |effect: &Effect| matches!(effect, Effect::Send(..));
        assert!(!cockpit.effects.iter().any(sent), "{answer}");
        assert_eq!(cockpit.model.layers.len(), 1, "{answer}");
    }
    // Whatever is said to have been clicked at.
    for action in [
        crate::tui::action::Action::Accept,
        crate::tui::action::Action::Alternative,
    ] {
        cockpit.send(Message::Click(Aim::Act(action)));
        assert_eq!(cockpit.model.layers.len(), 1);
    }
    cockpit.click(" Cancel ");
    assert!(cockpit.model.layers.is_empty());
    // Leaving while something runs is a question, too.
    cockpit.click("q quit");
    cockpit.wait(600);
    cockpit.click("l  leave");
    assert!(cockpit.model.outcome.is_none());
    cockpit.click(" Stay ");
    assert!(cockpit.model.layers.is_empty());
}

#[test]
fn the_wheel_turns_what_is_below_the_pointer() {
    let mut cockpit = rollout();
    cockpit.click("web-8 ");
    cockpit.click("Deployments ");
    let focus = cockpit.model.focus;
    cockpit.wheel("web-8 ", false);
    assert_eq!((instance(&cockpit), cockpit.model.focus), ("web-9", focus));
    cockpit.wheel("web-8 ", true);
    assert_eq!(instance(&cockpit), "web-8");
    let number = cockpit.model.output.number();
    let lines = crate::tui::message::OutputNews::Lines(sample::lines(80));
    cockpit.send(Message::Output(number, lines));
    cockpit.wheel("following", true);
    assert!(!cockpit.model.output.follow);
    for _ in 0..3 {
        cockpit.send(Message::Wheel {
            over: Some(Aim::Pane(Pane::Output)),
            up: false,
        });
    }
    assert!(cockpit.model.output.follow);
    // Help and palette have it as long as they are there.
    let selected = instance(&cockpit).to_owned();
    cockpit.keys("?");
    let before = cockpit.screen();
    cockpit.wheel("Everywhere", false);
    assert_ne!(cockpit.screen(), before);
    assert_eq!(instance(&cockpit), selected);
}

#[test]
fn a_heading_sorts_and_once_more_turns_the_order_round() {
    let mut cockpit = rollout();
    cockpit.click("Instance ");
    assert_eq!(cockpit.model.focus, Pane::Instances);
    assert!(cockpit.screen().contains("by name\u{25be}"));
    cockpit.click("    time");
    assert!(
        cockpit.screen().contains("by time\u{25be}"),
        "{}",
        cockpit.screen()
    );
    cockpit.click("    time");
    assert!(cockpit.screen().contains("by time\u{25b4}"));
    for (key, headings) in [
        (
            "H",
            [("State ", "state"), ("Host ", "name"), ("free ", "free")],
        ),
        (
            "L",
            [
                ("Group ", "group"),
                ("Working ", "time"),
                ("Waiting ", "waiting"),
            ],
        ),
    ] {
        cockpit.resize(200, 40);
        cockpit.keys(key);
        for (heading, column) in headings {
            cockpit.click(heading);
            let list = List::with_keys(&cockpit.model).unwrap();
            let arrangement = cockpit.model.arranged.of(list);
            assert_eq!(list.columns()[arrangement.column], column);
        }
    }
    // A question is on top: what lies below is not meant.
    let heading = cockpit.aim("Working ").unwrap();
    cockpit.keys("?");
    let before = cockpit.model.arranged.of(List::History).inverted;
    cockpit.send(Message::Click(heading));
    let after = cockpit.model.arranged.of(List::History).inverted;
    assert_eq!(before, after);
}

#[test]
fn a_sign_on_the_map_selects_its_instance() {
    let mut cockpit = rollout();
    cockpit.keys("tab v v");
    let sign = Aim::Row(Row::Instance(sample::name("web-8")));
    let aims = cockpit.aims();
    let (area, _) = aims.all().find(|(_, aim)| **aim == sign).unwrap();
    let clicked = aims.at(area.x, area.y).cloned().unwrap();
    cockpit.send(Message::Click(clicked.clone()));
    assert_eq!(instance(&cockpit), "web-8");
    cockpit.send(Message::Click(clicked));
    assert_eq!(cockpit.model.focus, Pane::Output);
    // Where a sign stands for several, it is the first of the worst, which the sign shows.
    let mut cockpit = shapes::rollout(2000);
    cockpit.resize(60, 15);
    cockpit.keys("v v");
    let failed = Aim::Row(Row::Instance(sample::name("web-5")));
    assert!(cockpit.screen().contains("the worst of them"));
    assert!(cockpit.aims().all().any(|(_, aim)| *aim == failed));
}

#[test]
fn a_click_on_a_message_means_no_row_that_it_hides() {
    let mut cockpit = rollout();
    for text in ["the first", "the second", "the third"] {
        cockpit.model.complain(text);
    }
    let before = cockpit.model.focus;
    cockpit.click("the first");
    assert!(matches!(
        cockpit.model.layers.last(),
        Some(Layer::Messages(_))
    ));
    assert_eq!(cockpit.model.focus, before);
}

#[test]
fn a_candidate_of_the_palette_can_be_clicked() {
    let mut cockpit = rollout();
    cockpit.keys(": s t a g");
    cockpit.click("shop/staging ");
    assert!(cockpit.model.layers.is_empty());
    let group = cockpit.model.selected.group.clone().unwrap();
    assert_eq!(group.to_string(), "shop/staging");
}

#[test]
fn the_mouse_is_lent_to_the_terminal_and_taken_again() {
    let mut cockpit = rollout();
    cockpit.keys("P");
    assert_eq!(cockpit.model.mouse, Mouse::Lent);
    cockpit.wait(10_000);
    assert!(cockpit.screen().contains("mouse selects text, P takes it"));
    cockpit.keys("P");
    assert_eq!(cockpit.model.mouse, Mouse::Ours);
    assert!(!cockpit.screen().contains("mouse selects text, P"));
    cockpit.model.mouse = Mouse::Unused;
    cockpit.keys("P");
    assert_eq!(cockpit.model.mouse, Mouse::Unused);
    assert!(cockpit.screen().contains("cockpit.yaml says mouse: off"));
}
