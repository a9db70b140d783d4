//! Scripts of keys.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Cockpit, sample, states};
use crate::api::feed::FeedItem;
use crate::engine::input::{Input, What};
use crate::tui::Source;
use crate::tui::action::ACTIONS;
use crate::tui::action::available::available;
use crate::tui::action::keymap::Keymap;
use crate::tui::effect::Effect;
use crate::tui::layers::Layer;
use crate::tui::message::{Message, OutputNews};
use crate::tui::model::{Link, Pane};
use crate::tui::output::Stream;
use crate::tui::screens::Screen;

fn rollout() -> Cockpit {
    let run = sample::rollout();
    Cockpit::with(sample::snapshot(sample::project(12), &run.deployment))
}

fn instance(cockpit: &Cockpit) -> &str {
    cockpit
        .model
        .selected
        .instance
        .as_ref()
        .map_or("", |name| name.as_str())
}

#[test]
fn it_begins_where_something_runs_and_at_what_failed() {
    let cockpit = rollout();
    assert_eq!(cockpit.model.selected.group, Some(sample::production()));
    assert_eq!(
        cockpit.model.selected.deployment,
        Some(sample::id(sample::LIVE))
    );
    assert_eq!(instance(&cockpit), "web-3");
}

#[test]
fn panes_and_rows() {
    let mut cockpit = rollout();
    assert_eq!(cockpit.model.focus, Pane::Deployments);
    cockpit.keys("enter j j");
    assert_eq!(instance(&cockpit), "web-5");
    cockpit.keys("G");
    assert_eq!(instance(&cockpit), "web-12");
    cockpit.keys("g k");
    assert_eq!(instance(&cockpit), "web-1");
    cockpit.keys("tab");
    assert_eq!(cockpit.model.focus, Pane::Output);
    cockpit.keys("tab");
    assert_eq!(cockpit.model.focus, Pane::Applications);
    cockpit.keys("esc");
    assert_eq!(cockpit.model.screen, Screen::Home);
    cockpit.keys("[");
    assert_eq!(cockpit.model.focus, Pane::Applications);
    cockpit.keys("j");
    assert_eq!(
        cockpit.model.selected.application,
        Some(sample::name("thumbs"))
    );
    assert_eq!(cockpit.model.selected.deployment, None);
    cockpit.keys("k right right");
    assert_eq!(cockpit.model.focus, Pane::Deployments);
}

#[test]
fn a_sequence_shows_what_may_follow_and_ends_with_any_other_key() {
    let mut cockpit = rollout();
    cockpit.model.keymap = Keymap::load(Some(&Source::named("vim"))).unwrap();
    cockpit.keys("tab G g");
    let screen = cockpit.screen();
    assert!(screen.contains("Go to the first row"), "{screen}");
    assert!(screen.contains("Nothing, as every other key"), "{screen}");
    assert_eq!(instance(&cockpit), "web-12");
    for (width, height) in [(0, 0), (1, 1), (20, 3), (3, 40), (400, 100), (80, 24)] {
        cockpit.resize(width, height);
        cockpit.draw();
    }
    // Nobody has to hurry, and what comes meanwhile ends nothing.
    cockpit.wait(3_600_000);
    assert!(cockpit.screen().contains("Go to the first row"));
    cockpit.keys("g");
    assert_eq!(instance(&cockpit), "web-1");
    assert!(!cockpit.screen().contains("Nothing, as every other key"));
    // The key that ends it does nothing else.
    cockpit.keys("G g s");
    assert!(cockpit.model.layers.is_empty() && cockpit.model.begun.is_none());
    cockpit.keys("g esc");
    assert_eq!(cockpit.model.focus, Pane::Instances);
    assert_eq!(instance(&cockpit), "web-12");
    cockpit.keys("g");
    cockpit.send(Message::Paste("g".to_owned()));
    assert_eq!((cockpit.model.begun, instance(&cockpit)), (None, "web-12"));
    cockpit.keys("? Z Z");
    assert_eq!(cockpit.model.layers.len(), 1, "{}", cockpit.screen());
    cockpit.resize(100, 150);
    assert!(
        cockpit.screen().contains("g g, home"),
        "{}",
        cockpit.screen()
    );
    cockpit.keys("esc Z Z");
    assert!(matches!(
        cockpit.model.layers.last(),
        Some(Layer::Leaving(_))
    ));
    cockpit.keys("esc Z");
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    cockpit.send(Message::Key(interrupt.into()));
    assert!(matches!(
        cockpit.model.layers.last(),
        Some(Layer::Leaving(_))
    ));
}

#[test]
fn failed_instances_are_a_key_away() {
    let mut cockpit = rollout();
    cockpit.keys("tab G n");
    assert_eq!(instance(&cockpit), "web-3");
    cockpit.keys("n N");
    assert_eq!(instance(&cockpit), "web-3");
}

#[test]
fn the_output_follows_the_selection_and_late_lines_are_dropped() {
    let mut cockpit = rollout();
    let old = cockpit.model.output.number();
    cockpit.keys("tab j");
    let Some(Effect::Follow { stream, target, .. }) = cockpit.effects.last() else {
        panic!()
    };
    assert_eq!(target.as_str(), "web-4");
    let stream = *stream;
    cockpit.send(Message::Output(old, OutputNews::Lines(sample::lines(3))));
    assert!(cockpit.model.output.ring.is_empty());
    cockpit.send(Message::Output(
        stream,
        OutputNews::Lines(sample::lines(50)),
    ));
    assert_eq!(cockpit.model.output.len(), 50);
    cockpit.keys("tab k");
    assert!(!cockpit.model.output.follow);
    cockpit.keys("f");
    assert!(cockpit.model.output.follow);
    cockpit.send(Message::Output(stream, OutputNews::Ended(None)));
    assert_eq!(cockpit.model.output.stream(), Stream::Ended);
}

#[test]
fn a_finished_deployment_is_fetched_when_it_is_selected() {
    let mut cockpit = rollout();
    cockpit.effects.clear();
    cockpit.keys("j");
    assert_eq!(cockpit.effects.last(), Some(&Effect::Unfollow));
    assert!(
        cockpit
            .effects
            .contains(&Effect::Fetch(sample::id(sample::BEFORE)))
    );
    assert!(cockpit.screen().contains("fetching d-6ZP04MN2C"));
    cockpit.send(Message::Fetched(
        sample::id(sample::BEFORE),
        Err("gone".to_owned()),
    ));
    assert!(cockpit.screen().contains("can't be shown: gone"));
    assert_eq!(
        cockpit
            .effects
            .iter()
            .filter(|effect| matches!(effect, Effect::Fetch(_)))
            .count(),
        1
    );
}

#[test]
fn what_stops_it_ends_at_once_what_was_known_of_its_time() {
    let mut run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.resize(200, 50);
    assert!(cockpit.screen().contains(" left  install"));
    for record in run.command("ben", "", What::Pause) {
        let deployment = sample::id(sample::LIVE);
        cockpit.tell(FeedItem::Record { deployment, record });
    }
    let screen = cockpit.screen();
    assert!(screen.contains(" left once resumed"), "{screen}");
}

#[test]
fn an_earlier_deployment_that_can_not_be_asked_is_no_trouble() {
    let mut cockpit = rollout();
    let before = sample::id(sample::BEFORE);
    assert!(cockpit.effects.contains(&Effect::Fetch(before.clone())));
    cockpit.effects.clear();
    let lost = Err("the door was shut".to_owned());
    cockpit.send(Message::Fetched(before.clone(), lost));
    cockpit.keys("down");
    let screen = cockpit.screen();
    assert!(screen.contains("fetching d-6ZP04MN2C"), "{screen}");
    assert!(cockpit.effects.contains(&Effect::Fetch(before)));
}

#[test]
fn of_many_hosts_that_do_not_answer_a_few_are_named() {
    let (project, ledger) = (sample::project(9), sample::ledger(9));
    let at = sample::now(-1000);
    let mut run = sample::Run::created(&project, sample::LIVE, "1.8.0", at, &ledger, |spec| {
        spec.configuration = sample::configuration(9);
    });
    run.input(&Input::Admitted);
    let mut cockpit = Cockpit::with(sample::snapshot(project, &run.deployment));
    cockpit.resize(120, 40);
    for target in run.deployment.running() {
        let mut host = sample::status(target.name.as_str(), sample::facts());
        host.reachable = false;
        cockpit.tell(FeedItem::Host(host));
    }
    let screen = cockpit.screen();
    assert!(screen.contains(" and 5 more: what runs there"), "{screen}");
}

#[test]
fn an_earlier_deployment_is_asked_once_how_long_it_took() {
    let mut cockpit = rollout();
    for _ in 0..9 {
        cockpit.wait(5000);
    }
    let example = Effect::Fetch(sample::id(sample::BEFORE));
    let asked = cockpit.effects.iter().filter(|effect| **effect == example);
    assert_eq!(asked.count(), 1);
    assert!(cockpit.screen().contains(" left  install 3/12"));
}

#[test]
fn a_gap_in_the_feed_fetches_the_deployment_again() {
    let mut run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    let mut records = run.walk_on("web-4");
    let last = records.pop().unwrap();
    cockpit.tell(FeedItem::Record {
        deployment: sample::id(sample::LIVE),
        record: last,
    });
    assert!(
        cockpit
            .effects
            .contains(&Effect::Fetch(sample::id(sample::LIVE)))
    );
    cockpit.send(Message::Fetched(
        sample::id(sample::LIVE),
        Ok(Box::new(run.deployment.clone())),
    ));
    assert_eq!(cockpit.model.deployment().unwrap().seq, run.deployment.seq);
    assert_eq!(instance(&cockpit), "web-3", "the selection survives");
}

#[test]
fn a_lost_connection_comes_back() {
    let mut cockpit = rollout();
    cockpit.send(Message::Lost("gone".to_owned()));
    cockpit.silence(3000);
    cockpit.send(Message::Lost("still gone".to_owned()));
    assert!(cockpit.screen().contains("disconnected 3 s, trying again"));
    let run = sample::rollout();
    cockpit.tell(FeedItem::Snapshot(Box::new(sample::snapshot(
        sample::project(12),
        &run.deployment,
    ))));
    assert_eq!(cockpit.model.link, Link::Live);
    assert!(
        matches!(cockpit.effects.last(), Some(Effect::Follow { .. })),
        "the output is opened anew"
    );
}

#[test]
fn go_to_finds_deployments_instances_and_actions() {
    let mut cockpit = rollout();
    cockpit.keys(": 5 R R enter");
    assert_eq!(
        cockpit.model.selected.deployment,
        Some(sample::id(sample::FAILED))
    );
    cockpit.keys(": 7 F 3 enter : w e b - 1 1 enter");
    assert_eq!(instance(&cockpit), "web-11");
    assert_eq!(cockpit.model.focus, Pane::Output);
    cockpit.keys(": d e p l o y enter");
    assert_eq!(
        cockpit.model.layers.len(),
        1,
        "what can't be done can't be chosen"
    );
    assert!(
        cockpit
            .screen()
            .contains("not now: d-7F3KQ21XB is still running")
    );
    cockpit.keys("esc : r o l l - b a c k enter");
    assert!(cockpit.screen().contains("Roll back d-7F3KQ21XB?"));
}

#[test]
fn what_was_said_is_kept() {
    let mut cockpit = rollout();
    for text in ["the first", "the second"] {
        cockpit.model.complain(text);
    }
    cockpit.resize(80, 19);
    assert!(cockpit.screen().contains("(and 1 more: M)  the second"));
    cockpit.model.say("good news");
    assert!(cockpit.screen().contains("(and 2 more: M)  good news"));
    // A list's rows are never hidden: the cursor may be on the last.
    cockpit.model.screen = Screen::Home;
    cockpit.resize(80, 20);
    assert!(!cockpit.screen().contains("the second"));
    cockpit.model.screen = Screen::Rollouts;
    let rows: Vec<String> = cockpit.screen().lines().map(str::to_owned).collect();
    assert!(rows[17].starts_with("│ the first "), "{rows:?}");
    assert!(rows[18].starts_with("│ the second "), "{rows:?}");
    assert!(rows[19].starts_with("└ good news "), "{rows:?}");
    cockpit.model.complain("a fourth");
    assert!(cockpit.screen().contains("(and 1 more: M)  a fourth"));
    assert!(!cockpit.screen().contains("the first"));
    cockpit.wait(6000);
    let screen = cockpit.screen();
    assert!(!screen.contains("good news") && screen.contains("the first"));
    cockpit.model.say("good news");
    cockpit.keys("M");
    let screen = cockpit.screen();
    let at = |text: &str| screen.find(text).unwrap();
    assert!(at("Messages") < at("good news"));
    assert!(at("good news") < at("the second") && at("the second") < at("the first"));
    cockpit.keys("pgdn esc");
    assert_eq!(cockpit.model.layers.len(), 0);
    assert!(!cockpit.screen().contains("the second"), "it was read");
}

/// Every instance is a row of it, and a thousand events come a second.
#[test]
fn go_to_looks_at_news_a_few_times_a_second() {
    let mut cockpit = rollout();
    cockpit.keys(": w e b - 1 3");
    assert!(!cockpit.screen().contains("hosts/web-13"));
    cockpit.tell(FeedItem::Project {
        project: Box::new(sample::project(13)),
        problems: Vec::new(),
    });
    assert!(!cockpit.screen().contains("hosts/web-13"));
    let due = cockpit.model.layers[0].due(&cockpit.model).unwrap();
    assert_eq!(due.since(cockpit.model.now), Duration::from_millis(250));
    cockpit.wait(250);
    assert!(cockpit.screen().contains("hosts/web-13"));
    assert_eq!(cockpit.model.layers[0].due(&cockpit.model), None);
    // What is typed is answered at once.
    cockpit.keys("backspace 2");
    assert!(cockpit.screen().contains("hosts/web-12"));
}

#[test]
fn pasted_text_is_no_command() {
    let mut cockpit = rollout();
    cockpit.send(Message::Paste("sy".to_owned()));
    cockpit.keys("s");
    cockpit.wait(600);
    cockpit.send(Message::Paste("y".to_owned()));
    assert!(
        !cockpit
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Send(..)))
    );
}

#[test]
fn every_action_says_why_it_is_not_available() {
    let states = [Cockpit::new(), rollout()];
    for cockpit in states {
        for entry in ACTIONS {
            if let Err(reason) = available(entry.action, &cockpit.model) {
                assert!(
                    !reason.is_empty() && !reason.ends_with('.'),
                    "{}",
                    entry.name
                );
            }
        }
    }
}

#[test]
fn an_end_is_told_although_another_deployment_is_on_the_screen() {
    let mut run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.keys(": 5 R R enter");
    for record in run.finish() {
        cockpit.tell(FeedItem::Record {
            deployment: sample::id(sample::LIVE),
            record,
        });
    }
    assert!(
        cockpit
            .screen()
            .contains("d-7F3KQ21XB in shop/production: Stopped")
    );
}

#[test]
fn a_hold_and_a_pause_are_told_although_another_deployment_is_on_the_screen() {
    let mut run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.keys(": 5 R R enter");
    let mut tell = |records: Vec<crate::engine::Record>| {
        for record in records {
            cockpit.tell(FeedItem::Record {
                deployment: sample::id(sample::LIVE),
                record,
            });
        }
        cockpit.screen()
    };
    let pause = run.command("ben", "", What::Pause);
    assert!(tell(pause).contains("ben has paused d-7F3KQ21XB in shop/production"));
    let resume = run.command("ana", "", What::Resume);
    assert!(!tell(resume).contains("lets d-"), "ana knows what she did");

    let held = states::held();
    let (before, after) = held.records.split_at(held.records.len() - 1);
    let known = crate::engine::fold(before).unwrap();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(4), &known));
    cockpit.keys(": 5 R R enter");
    cockpit.tell(FeedItem::Record {
        deployment: sample::id(sample::LIVE),
        record: after[0].clone(),
    });
    assert!(
        cockpit
            .screen()
            .contains("d-7F3KQ21XB in shop/production holds")
    );
}
