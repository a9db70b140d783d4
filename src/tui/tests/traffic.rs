//! Moving traffic with keys: what is sent, what refuses it, what has to be seen first.

use super::commands::{sent, stop};
use super::sides::{self, END_WAIT, REROUTE, SHIFTS, Traffic, WAITS};
use super::{Cockpit, sample};
use crate::api::command::Command;
use crate::api::feed::FeedItem;
use crate::api::gate;
use crate::engine::input::{Command as Control, What};
use crate::engine::ledger::Serving;
use crate::engine::plan::Before;
use crate::model::deployment::DeploymentStatus;
use crate::model::traffic::Split;
use crate::tui::action::available::available;
use crate::tui::action::{ACTIONS, Action, Grade};
use crate::tui::consequence;
use crate::tui::effect::Effect;

fn control(what: What, seen: u64) -> Command {
    let mut control = Control::new(what, "ana");
    control.seen = Some(seen);
    Command::Control {
        deployment: sample::id(sample::LIVE),
        control,
    }
}

fn weight(share: u8) -> What {
    What::Weight {
        split: Split::new(share).unwrap(),
    }
}

fn tell(cockpit: &mut Cockpit, records: Vec<crate::engine::Record>) {
    for record in records {
        cockpit.tell(FeedItem::Record {
            deployment: sample::id(sample::LIVE),
            record,
        });
    }
}

#[test]
fn every_key_asks_once_and_sends_what_it_says() {
    let moved = Traffic {
        in_effect: 100,
        stayed: 0,
        ..SHIFTS
    };
    let cases = [
        (sides::ready(), WAITS, "r", REROUTE),
        (sides::ready(), WAITS, "p", What::Pause),
        (sides::shifting(), SHIFTS, "+", weight(25)),
        (sides::shifting(), SHIFTS, "-", weight(15)),
        (sides::shifting(), SHIFTS, "p", What::Pause),
        (sides::kept(), moved, "e", END_WAIT),
    ];
    for (run, traffic, key, what) in cases {
        let mut cockpit = sides::cockpit(&run, traffic);
        cockpit.keys(key).keys("y enter");
        assert_eq!(sent(&cockpit), [], "{key}: typed ahead");
        cockpit.keys(key);
        cockpit.wait(500);
        cockpit.keys("y");
        let seen = run.deployment.decided;
        assert_eq!(sent(&cockpit), [control(what, seen)], "{key}");
        assert!(cockpit.model.layers.is_empty());
        let Some(Effect::Send(command, circumstances)) = cockpit.effects.last() else {
            panic!()
        };
        assert_eq!(gate::check(command, circumstances), Ok(()));
    }
}

#[test]
fn a_share_can_be_changed_while_it_is_confirmed() {
    let run = sides::shifting();
    let mut cockpit = sides::cockpit(&run, SHIFTS);
    cockpit.keys("+");
    cockpit.wait(500);
    cockpit.keys("+ + + - y");
    assert_eq!(sent(&cockpit), [], "another share has to be read first");
    assert!(
        cockpit.screen().contains("from 20 % to 35 %"),
        "{}",
        cockpit.screen()
    );
    assert!(!cockpit.screen().contains("has changed"));
    cockpit.wait(500);
    cockpit.keys("y");
    let seen = run.deployment.decided;
    assert_eq!(sent(&cockpit), [control(weight(35), seen)]);

    let mut cockpit = sides::cockpit(&run, SHIFTS);
    cockpit.keys("-");
    cockpit.keys("- - - - - - - -");
    assert!(
        cockpit.screen().contains("from 20 % to 0 %"),
        "{}",
        cockpit.screen()
    );
}

#[test]
fn a_share_is_typed_and_judged_at_once() {
    let run = sides::shifting();
    let mut cockpit = sides::cockpit(&run, SHIFTS);
    for (typed, said) in [
        (
            "w 1 0 1",
            "a share is a whole number from 0 to 100, not 101",
        ),
        (
            "backspace backspace backspace x",
            "a whole number from 0 to 100, not x",
        ),
        ("backspace 2 0", "the replacement's share is 20 % already"),
    ] {
        cockpit.keys(typed);
        assert!(cockpit.screen().contains(said), "{}", cockpit.screen());
        cockpit.keys("enter");
        assert_eq!(cockpit.model.layers.len(), 1, "{typed} is not taken");
    }
    cockpit.keys("backspace backspace 4 2");
    assert!(cockpit.screen().contains("the original then has 58 %"));
    cockpit.keys("enter y");
    cockpit.wait(500);
    cockpit.keys("y");
    let seen = run.deployment.decided;
    assert_eq!(sent(&cockpit), [control(weight(42), seen)]);
}

#[test]
fn a_share_that_nobody_would_serve_is_refused() {
    let empty = Traffic {
        entered: 0,
        ..SHIFTS
    };
    let mut cockpit = sides::cockpit(&sides::shifting(), empty);
    cockpit.keys("+");
    cockpit.wait(600);
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), []);
    let screen = cockpit.screen();
    assert!(
        screen.contains("no server in service and well at web"),
        "{screen}"
    );
}

#[test]
fn rates_stay_fresh_and_change_nothing_that_was_confirmed() {
    let run = sides::shifting();
    let mut cockpit = sides::cockpit(&run, SHIFTS);
    cockpit.keys("+");
    cockpit.wait(600);
    let before = cockpit.screen();
    let busier = Traffic {
        rate: Some(4000),
        ..SHIFTS
    };
    cockpit.wait(1000);
    let status = busier.status(sample::LIVE, cockpit.real);
    cockpit.tell(FeedItem::Traffic(status));
    assert_ne!(cockpit.screen(), before);
    cockpit.keys("y");
    assert_eq!(sent(&cockpit).len(), 1);
}

#[test]
fn hosts_that_change_while_it_is_confirmed_must_be_seen_first() {
    let run = sides::ready();
    let mut cockpit = sides::cockpit(&run, WAITS);
    cockpit.keys("r");
    cockpit.wait(600);
    cockpit.tell(sides::host("web-4", false));
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), []);
    let screen = cockpit.screen();
    assert!(
        screen.contains("no answer from web-4 (replacement)"),
        "{screen}"
    );
    cockpit.wait(500);
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), [control(REROUTE, run.deployment.decided)]);
}

#[test]
fn a_share_of_somebody_else_must_be_seen_first() {
    let mut run = sides::shifting();
    let mut cockpit = sides::cockpit(&run, SHIFTS);
    cockpit.keys("+");
    cockpit.wait(600);
    tell(&mut cockpit, run.command("ben", "", weight(60)));
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), [], "ben was faster");
    let screen = cockpit.screen();
    assert!(
        screen.contains("This has changed while you looked"),
        "{screen}"
    );
    assert!(screen.contains("from 60 % to 25 %"), "{screen}");
    cockpit.wait(500);
    cockpit.keys("y");
    assert_eq!(
        sent(&cockpit),
        [control(weight(25), run.deployment.decided)]
    );
}

#[test]
fn an_old_picture_moves_no_traffic_and_a_stop_goes_through() {
    let mut cockpit = sides::cockpit(&sides::ready(), WAITS);
    cockpit.keys("r");
    cockpit.silence(11_000);
    cockpit.keys("y esc");
    assert_eq!(sent(&cockpit), []);
    cockpit.keys("r");
    assert!(cockpit.screen().contains("reroute: what you see is old"));
    cockpit.keys("s");
    cockpit.silence(600);
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), [stop(None)]);
}

#[test]
fn a_stop_of_a_shift_can_send_the_traffic_back_and_one_before_it_can_not() {
    let mut cockpit = sides::cockpit(&sides::shifting(), SHIFTS);
    cockpit.keys("s");
    cockpit.wait(500);
    cockpit.keys("R");
    assert_eq!(sent(&cockpit), [stop(Some(true))]);

    let mut cockpit = sides::cockpit(&sides::ready(), WAITS);
    cockpit.keys("b");
    let screen = cockpit.screen();
    assert!(
        screen.contains("roll-back: no traffic had moved"),
        "{screen}"
    );
    cockpit.keys("s");
    cockpit.wait(500);
    cockpit.keys("R");
    assert_eq!(sent(&cockpit), [], "there is nothing to roll back");
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), [stop(None)]);
}

#[test]
fn a_read_only_cockpit_moves_no_traffic() {
    for (run, keys) in [
        (sides::ready(), "r s p"),
        (sides::shifting(), "+ - w p b s"),
    ] {
        let mut cockpit = sides::cockpit(&run, SHIFTS);
        cockpit.model.read_only = true;
        for key in keys.split(' ') {
            cockpit.keys(key);
            assert!(cockpit.model.layers.is_empty(), "{key}");
            let screen = cockpit.screen();
            assert!(
                screen.contains("read-only: nothing can be changed"),
                "{key}"
            );
        }
        for entry in ACTIONS.iter().filter(|entry| entry.grade == Grade::Asks) {
            assert!(
                available(entry.action, &cockpit.model).is_err(),
                "{}",
                entry.name
            );
        }
    }
}

#[test]
fn what_can_not_be_done_says_why() {
    let why = |run: &sample::Run, action| {
        let cockpit = sides::cockpit(run, SHIFTS);
        available(action, &cockpit.model).unwrap_err()
    };
    let (ready, shifting) = (sides::ready(), sides::shifting());
    assert!(why(&ready, Action::ShareUp).contains("does not shift now"));
    assert!(why(&ready, Action::Share).contains("does not shift now"));
    assert!(why(&ready, Action::SkipWait).contains("does not wait to terminate"));
    assert!(why(&shifting, Action::Reroute).contains("does not wait for the reroute"));
    let plain = sides::made(|spec| spec.configuration.traffic_routing_config = None);
    assert!(why(&plain, Action::ShareUp).contains("no trafficRoutingConfig"));
    let mut all = sides::shifting();
    all.command("ana", "", weight(100));
    assert!(why(&all, Action::ShareUp).contains("100 % already"));
}

#[test]
fn every_command_has_a_question_and_says_what_it_does() {
    let target = || sides::named("web-3");
    let all = [
        What::Stop {
            auto_rollback: None,
        },
        What::Pause,
        What::Resume,
        What::Retry { target: target() },
        What::Skip { target: target() },
        What::StartNext { target: target() },
        What::GiveUp,
        What::Approve { step: None },
        weight(30),
        REROUTE,
        END_WAIT,
    ];
    let cockpit = sides::cockpit(&sides::shifting(), SHIFTS);
    let deployment = cockpit.model.deployment().unwrap();
    let mut questions: Vec<String> = Vec::new();
    for what in all {
        // A new one must be added to the list above.
        match &what {
            What::Stop { .. }
            | What::Pause
            | What::Resume
            | What::Retry { .. }
            | What::Skip { .. }
            | What::StartNext { .. }
            | What::GiveUp
            | What::Approve { .. }
            | What::Weight { .. }
            | What::Continue {
                before: Before::Reroute | Before::Termination,
            } => {}
        }
        let said = match &what {
            What::Stop { .. } => consequence::stop(&cockpit.model, deployment),
            what => consequence::control(&cockpit.model, deployment, what),
        };
        assert!(
            said.title.ends_with('?') && !said.decided.is_empty(),
            "{what:?}"
        );
        assert!(!said.accept.label.is_empty());
        questions.push(said.title);
    }
    let count = questions.len();
    questions.sort();
    questions.dedup();
    assert_eq!(questions.len(), count, "no two ask the same: {questions:?}");
}

#[test]
fn servers_are_asked_for_once_a_look_and_only_of_what_is_on_the_screen() {
    let run = sides::shifting();
    let asked = |cockpit: &Cockpit| {
        let effects = cockpit.effects.iter();
        effects.filter(|e| matches!(e, Effect::Servers(_))).count()
    };
    let mut cockpit = sides::cockpit(&run, SHIFTS);
    SHIFTS.answered(&mut cockpit, sample::LIVE, None);
    let before = asked(&cockpit);
    assert!(before > 0);
    cockpit.keys("j k");
    assert_eq!(asked(&cockpit), before, "nothing new was counted");
    cockpit.wait(1000);
    let status = SHIFTS.status(sample::LIVE, cockpit.real);
    cockpit.tell(FeedItem::Traffic(status.clone()));
    assert_eq!(asked(&cockpit), before + 1);
    cockpit.wait(1000);
    let next = SHIFTS.status(sample::LIVE, cockpit.real);
    cockpit.tell(FeedItem::Traffic(next));
    assert_eq!(
        asked(&cockpit),
        before + 1,
        "the answer is still waited for"
    );
    cockpit.wait(5000);
    assert_eq!(asked(&cockpit), before + 2);
    // Only this deployment's instances are on the screen.
    let other = SHIFTS.status("d-NEWNEWNEW", cockpit.real);
    cockpit.tell(FeedItem::Traffic(other));
    assert_eq!(asked(&cockpit), before + 2);
}

#[test]
fn the_docs_have_the_keys_of_the_registry() {
    let docs = include_str!("../../../docs/steering.md");
    let cockpit = Cockpit::new();
    for action in [
        Action::Reroute,
        Action::SkipWait,
        Action::ShareUp,
        Action::ShareDown,
        Action::Share,
        Action::Pause,
        Action::Stop,
        Action::RollBack,
    ] {
        let (key, name) = (cockpit.model.keymap.shown(action), action.entry().name);
        let row = format!("| `{key}` | `{name}` |");
        assert!(docs.contains(&row), "{row}");
    }
}

#[test]
fn a_rollback_of_what_is_over_is_a_new_deployment_and_says_so() {
    let mut run = sides::kept();
    run.command("ana", "", END_WAIT);
    assert_eq!(run.deployment.status, DeploymentStatus::Succeeded);
    let mut snapshot = sample::snapshot(sides::project(), &run.deployment);
    let document = snapshot.project.group(&sample::production()).unwrap();
    let given = run.deployment.spec.sides.clone().unwrap();
    let (_, ledger) = &mut snapshot.ledgers[0];
    ledger.serving = Some(Serving {
        now: given.replacement,
        before: given.original,
        document: document.selection(),
    });
    ledger.active = None;
    ledger.last_begun = Some(sample::id(sample::LIVE));
    let rerouted = snapshot.clone();
    // Another one has begun since.
    snapshot.ledgers[0].1.last_begun = Some(sample::id("d-NEWEST000"));
    let mut unmoved = snapshot.clone();
    unmoved.ledgers[0].1.serving = None;
    let mut cockpit = Cockpit::with(snapshot);
    cockpit.resize(100, 30);
    cockpit.keys("b");
    cockpit.wait(600);
    let screen = cockpit.screen();
    for said in [
        "1.7.2 is deployed anew",
        "installed on the 2 instances (web-1, web-2)",
        "(web-3, web-4) keep the traffic",
    ] {
        assert!(screen.contains(said), "{said}: {screen}");
    }
    cockpit.keys("y");
    let by = "ana".to_owned();
    let deployment = sample::id(sample::LIVE);
    assert_eq!(
        sent(&cockpit),
        [Command::Rollback {
            deployment,
            by,
            uid: None
        }]
    );

    let mut cockpit = Cockpit::with(rerouted);
    cockpit.resize(100, 30);
    cockpit.keys("b");
    cockpit.wait(600);
    let screen = cockpit.screen();
    assert!(screen.contains("gives all traffic back"), "{screen}");

    let mut cockpit = Cockpit::with(unmoved);
    cockpit.keys("b");
    assert!(cockpit.model.layers.is_empty());
    let screen = cockpit.screen();
    assert!(
        screen.contains("no deployment has moved the traffic"),
        "{screen}"
    );
}
