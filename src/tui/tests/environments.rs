//! Environments: the band, the lock that is taken off for a while, and the name that is typed before what moves users.

use super::commands::{every, sent, stop};
use super::sides::{self, WAITS};
use super::{Cockpit, MONO, sample};
use crate::api::command::{Answer, Command};
use crate::api::feed::FeedItem;
use crate::api::gate::{self, Closed};
use crate::api::locks;
use crate::model::environment::Environment;
use crate::model::project::Project;
use crate::model::timestamp::Timestamp;
use crate::tui::effect::Effect;
use crate::tui::message::Message;
use crate::tui::theme::{Role, Theme};

macro_rules! picture {
    ($name:expr, $cockpit:expr) => {
        insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!($name, $cockpit.screen());
        });
    };
}

/// The sample, its group in an environment of this name.
fn project(hosts: usize, name: &str, environment: Environment) -> Project {
    let mut project = sample::project(hosts);
    project.environments = [(sample::name(name), environment)].into();
    project.groups[1].environment = Some(sample::name(name));
    project
}

pub(super) const PRODUCTION: Environment = Environment {
    production: true,
    locked: None,
    unlock_minutes: 15,
};

const OPEN: Environment = Environment {
    locked: Some(false),
    ..PRODUCTION
};

pub(super) fn rollout(environment: Environment) -> Cockpit {
    let project = project(12, "production", environment);
    Cockpit::with(sample::snapshot(project, &sample::rollout().deployment))
}

/// The orchestrator has written down who unlocks it, and answers.
pub(super) fn unlocked(cockpit: &mut Cockpit) {
    let Some(Effect::Send(command, circumstances)) = cockpit.effects.last() else {
        panic!("nothing was sent");
    };
    assert_eq!(gate::check(command, circumstances), Ok(()));
    let Command::Unlock {
        environment,
        seconds: Some(seconds),
        ..
    } = &**command
    else {
        panic!("{command:?}");
    };
    let until = Timestamp(cockpit.real.0 + i64::try_from(*seconds).unwrap() * 1000);
    let answer = Answer::Unlocked {
        environment: environment.clone(),
        until: Some(until),
    };
    cockpit.send(Message::Answered(0, Ok(answer)));
}

#[test]
fn nothing_is_sent_to_a_locked_environment_but_the_way_out() {
    let mut cockpit = rollout(PRODUCTION);
    for command in every() {
        let locked = cockpit.model.lock(&command);
        let asks_nothing = gate::danger(&command) == gate::Danger::Harmless
            || matches!(command, Command::ReportHook { .. });
        let open = asks_nothing || locks::is_way_out(&command);
        let checked = gate::check(&command, &cockpit.model.circumstances(&command));
        match locked {
            None => assert!(open && checked.is_ok(), "{command:?}"),
            Some(name) => assert_eq!(checked, Err(Closed::Locked(name)), "{command:?}"),
        }
        assert_eq!(checked.is_ok(), open, "{command:?}");
    }
    cockpit.keys("b");
    assert!(cockpit.model.layers.is_empty());
    let why = "roll-back: production is locked: U unlocks it";
    assert!(cockpit.screen().contains(why), "{}", cockpit.screen());
    cockpit.keys("s");
    cockpit.wait(500);
    assert!(
        cockpit
            .screen()
            .contains("(production is locked: U unlocks it)"),
        "the rollback after it is no way out:\n{}",
        cockpit.screen()
    );
    cockpit.keys("R");
    assert_eq!(sent(&cockpit), []);
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), [stop(None)]);
}

#[test]
fn a_lock_is_taken_off_with_a_reason_and_comes_back_by_itself() {
    let mut cockpit = rollout(PRODUCTION);
    cockpit.resize(120, 40);
    cockpit.keys("U enter");
    assert_eq!(sent(&cockpit), [], "a reason is missing");
    cockpit.keys("I N C - 7 enter");
    let [Command::Unlock { why, seconds, .. }] = &sent(&cockpit)[..] else {
        panic!()
    };
    assert_eq!((why.as_str(), *seconds), ("INC-7", Some(900)));
    cockpit.keys("p");
    assert!(
        cockpit.model.layers.is_empty(),
        "nothing is unlocked before it is written down"
    );
    unlocked(&mut cockpit);
    assert!(cockpit.screen().contains("unlocked 15:00"));
    cockpit.wait(61_000);
    assert!(cockpit.screen().contains("unlocked 13:59"));
    cockpit.keys("p");
    cockpit.wait(500);
    cockpit.keys("y");
    assert_eq!(sent(&cockpit).len(), 2);
    // A dialog that was opened in time is no way round.
    cockpit.keys("p");
    cockpit.wait(15 * 60_000);
    cockpit.keys("y");
    assert_eq!(sent(&cockpit).len(), 2);
    assert!(
        cockpit.screen().contains("production is locked"),
        "{}",
        cockpit.screen()
    );
    cockpit.keys("esc p");
    assert!(cockpit.model.layers.is_empty());
}

#[test]
fn the_same_key_locks_it_again() {
    let mut cockpit = rollout(PRODUCTION);
    cockpit.keys("U x enter");
    unlocked(&mut cockpit);
    cockpit.wait(10_000);
    cockpit.keys("U");
    assert!(cockpit.screen().contains("production is locked"));
    cockpit.keys("p");
    assert!(cockpit.model.layers.is_empty());
    assert_eq!(sent(&cockpit).len(), 1);
}

#[test]
fn what_moves_the_users_of_production_takes_its_name() {
    let mut cockpit = rollout(OPEN);
    cockpit.keys("b");
    cockpit.wait(600);
    cockpit.keys("y y enter y");
    assert_eq!(sent(&cockpit), []);
    assert!(
        cockpit.screen().contains("Type production to roll back:"),
        "{}",
        cockpit.screen()
    );
    cockpit.keys("backspace backspace p r o d u c t i o n");
    cockpit.send(Message::Paste("production".to_owned()));
    cockpit.resize(100, 30);
    picture!("production-named-100x30", cockpit);
    // What was typed stands for what was on the screen.
    let mut fewer = project(12, "production", OPEN);
    fewer.hosts.pop();
    cockpit.tell(FeedItem::Project {
        project: Box::new(fewer),
        problems: Vec::new(),
    });
    cockpit.keys("enter");
    assert_eq!(sent(&cockpit), []);
    cockpit.keys("b");
    cockpit.wait(600);
    cockpit.keys("y p r o d");
    cockpit.wait(30_000);
    assert!(
        cockpit.screen().contains("Nothing was typed for 30 s"),
        "{}",
        cockpit.screen()
    );
    // The rest of the name is no answer.
    cockpit.keys("y");
    assert!(!cockpit.screen().contains("Type production"));
    cockpit.wait(600);
    cockpit.keys("y p r o d u c t i o n enter");
    let sent = sent(&cockpit);
    assert!(matches!(sent[..], [Command::Rollback { .. }]), "{sent:?}");
}

#[test]
fn what_a_lock_is_in_the_way_of_is_not_offered_and_the_lock_is_said() {
    let mut cockpit = sides::cockpit(&sides::ready(), WAITS);
    cockpit.resize(120, 40);
    let offered = |cockpit: &Cockpit| {
        let screen = cockpit.screen();
        let last = screen.lines().last().unwrap().to_owned();
        (screen.contains("r reroutes"), last.contains("r reroute"))
    };
    assert_eq!(offered(&cockpit), (true, true));
    let said = "production is locked: U unlocks it";
    assert!(!cockpit.screen().contains(said));
    let mut locked = cockpit.model.view.as_ref().unwrap().project.clone();
    locked.environments = [(sample::name("production"), PRODUCTION)].into();
    for group in &mut locked.groups {
        group.environment = Some(sample::name("production"));
    }
    cockpit.tell(FeedItem::Project {
        project: Box::new(locked),
        problems: Vec::new(),
    });
    assert_eq!(offered(&cockpit), (false, false));
    let screen = cockpit.screen();
    assert!(screen.contains(said), "{screen}");
    assert!(screen.contains("s stops"), "{screen}");
}

#[test]
fn stopping_is_as_easy_as_ever() {
    let mut cockpit = rollout(PRODUCTION);
    cockpit.keys("s");
    cockpit.wait(500);
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), [stop(None)]);
    let mut cockpit = rollout(OPEN);
    cockpit.keys("s");
    cockpit.wait(500);
    cockpit.keys("R p r o d u c t i o n enter");
    assert_eq!(sent(&cockpit), [stop(Some(true))]);
}

#[test]
fn elsewhere_nothing_is_typed() {
    let elsewhere = Environment {
        production: false,
        ..PRODUCTION
    };
    let project = project(12, "staging", elsewhere);
    let mut cockpit = Cockpit::with(sample::snapshot(project, &sample::rollout().deployment));
    assert!(cockpit.screen().contains("[staging]"));
    cockpit.keys("U");
    assert!(cockpit.screen().contains("staging has no lock"));
    cockpit.keys("b");
    cockpit.wait(500);
    cockpit.keys("y");
    assert_eq!(sent(&cockpit).len(), 1);
}

#[test]
fn production_is_seen_on_every_screen_in_every_look() {
    let mut cockpit = rollout(PRODUCTION);
    for (width, height) in [(120, 40), (80, 24), (60, 15), (20, 3)] {
        cockpit.resize(width, height);
        picture!(format!("production-{width}x{height}"), cockpit);
        let sign = if height == 3 { "PROD" } else { "PRODUCTION" };
        let screen = cockpit.screen();
        let first = screen.lines().next().unwrap();
        let place = first.find(sign).expect("the header has it");
        let column = first[..place].chars().count();
        let style = cockpit.style_at(column, 0);
        assert!(
            style
                .add_modifier
                .contains(ratatui::style::Modifier::REVERSED)
        );
    }
    cockpit.model.theme = Theme {
        unicode: false,
        ..*MONO
    };
    cockpit.resize(80, 24);
    picture!("production-80x24-ascii", cockpit);
    assert_eq!(MONO.style(Role::Production).fg, None);
    // A name of its own does not hide what it is.
    let project = project(12, "eu-live", PRODUCTION);
    let mut other = Cockpit::with(sample::snapshot(project, &sample::rollout().deployment));
    other.resize(120, 40);
    assert!(other.screen().contains(" PRODUCTION eu-live locked"));
    other.keys("U");
    picture!("unlock-120x40", other);
    other.keys("esc 0");
    other.resize(80, 24);
    assert!(other.screen().contains("PRODUCTION"), "{}", other.screen());
}
