//! Steering a deployment that runs: what is sent, after what was seen, and why.

use super::commands::{rollout, sent, stop};
use super::{Cockpit, sample, states};
use crate::api::command::Command;
use crate::api::feed::FeedItem;
use crate::api::gate;
use crate::engine::input::{Command as Control, What};
use crate::tui::effect::Effect;
use crate::tui::message::Message;
use crate::tui::sent::Unanswered;

/// What is sent when this is confirmed, with what was seen.
fn control(what: What, seen: u64, why: Option<&str>) -> Command {
    let mut control = Control::new(what, "ana");
    control.seen = Some(seen);
    control.why = why.map(str::to_owned);
    Command::Control {
        deployment: sample::id(sample::LIVE),
        control,
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
fn every_command_asks_once_and_carries_what_was_seen() {
    let instance = |name| sample::name(name);
    let waiting = || {
        let mut cockpit = rollout();
        cockpit.keys("tab G");
        cockpit
    };
    let state = |run: &sample::Run, hosts| {
        Cockpit::with(sample::snapshot(sample::project(hosts), &run.deployment))
    };
    let (paused, held) = (states::paused(), states::held());
    let web_3 = What::Retry {
        target: instance("web-3"),
    };
    let skip = What::Skip {
        target: instance("web-12"),
    };
    let next = What::StartNext {
        target: instance("web-12"),
    };
    let cases = vec![
        (rollout(), "p", What::Pause, 1),
        (
            state(&paused, 12),
            "p",
            What::Resume,
            paused.deployment.decided,
        ),
        (rollout(), "t", web_3, 1),
        (waiting(), "S", skip, 1),
        (waiting(), "a", next, 1),
        (state(&held, 4), "u", What::GiveUp, held.deployment.decided),
    ];
    for (mut cockpit, key, what, seen) in cases {
        cockpit.keys(key).keys("y enter");
        assert_eq!(sent(&cockpit), [], "{key}: typed ahead");
        cockpit.keys(key);
        cockpit.wait(500);
        cockpit.keys(key).keys("y");
        assert_eq!(sent(&cockpit), [control(what, seen, None)], "{key}");
        assert!(cockpit.model.layers.is_empty());
        let Some(Effect::Send(command, circumstances)) = cockpit.effects.last() else {
            panic!()
        };
        assert_eq!(gate::check(command, circumstances), Ok(()));
    }
}

#[test]
fn why_it_is_done_can_be_typed_and_is_no_command() {
    let mut cockpit = rollout();
    cockpit.keys("p");
    cockpit.wait(500);
    cockpit.keys("w y n q s");
    assert_eq!(sent(&cockpit), []);
    cockpit.send(Message::Paste(" disk\ny".to_owned()));
    cockpit.keys("enter");
    assert!(cockpit.screen().contains("why: ynqs disk"));
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), [control(What::Pause, 1, Some("ynqs disk"))]);

    let mut cockpit = rollout();
    cockpit.keys("s");
    cockpit.wait(500);
    cockpit.keys("w x esc");
    assert_eq!(
        cockpit.model.layers.len(),
        1,
        "esc forgets the reason, and asks on"
    );
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), [stop(None)]);
}

#[test]
fn a_decision_of_somebody_else_must_be_seen_first() {
    let mut run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.keys("tab G S");
    cockpit.wait(600);
    tell(&mut cockpit, run.walk_on("web-4"));
    cockpit.keys("w x enter");
    tell(&mut cockpit, run.command("ben", "", What::Pause));
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), [], "ben was faster");
    let screen = cockpit.screen();
    assert!(
        screen.contains("This has changed while you looked"),
        "{screen}"
    );
    assert!(screen.contains("It was paused by ben."), "{screen}");
    cockpit.wait(500);
    cockpit.keys("y");
    let seen = run.deployment.decided;
    let skip = What::Skip {
        target: sample::name("web-12"),
    };
    assert!(seen > 1);
    assert_eq!(sent(&cockpit), [control(skip, seen, Some("x"))]);
}

#[test]
fn a_decision_that_comes_between_is_told_and_must_be_confirmed_anew() {
    let mut run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.keys("p");
    cockpit.wait(500);
    cockpit.keys("y");
    let [Command::Control { control: late, .. }] = &sent(&cockpit)[..] else {
        panic!()
    };
    // Somebody's decision reaches the orchestrator first.
    let records = run.command(
        "ben",
        "",
        What::Skip {
            target: sample::name("web-9"),
        },
    );
    let refusal = crate::engine::refusal(&run.deployment, late).unwrap();
    assert!(matches!(
        refusal,
        crate::engine::availability::Refusal::Changed { .. }
    ));
    cockpit.send(Message::Answered(
        0,
        Err(Unanswered::Refused(refusal.to_string())),
    ));
    tell(&mut cockpit, records);
    assert!(cockpit.screen().contains("has changed since you looked"));
    cockpit.keys("p");
    cockpit.wait(500);
    cockpit.keys("y");
    let again = control(What::Pause, run.deployment.decided, None);
    assert_eq!(sent(&cockpit)[1..], [again]);
}

#[test]
fn what_became_impossible_can_not_be_accepted() {
    let mut run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.keys("p");
    cockpit.wait(600);
    let finished = run.finish();
    tell(&mut cockpit, finished);
    cockpit.wait(600);
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), []);
    assert!(cockpit.screen().contains("has already ended: Stopped"));
}

#[test]
fn old_data_supports_no_command_but_a_stop() {
    let mut cockpit = rollout();
    cockpit.keys("p");
    cockpit.silence(11_000);
    cockpit.keys("y esc");
    assert_eq!(sent(&cockpit), []);
    cockpit.keys("t");
    assert!(cockpit.screen().contains("retry: what you see is old"));
    cockpit.keys("s");
    cockpit.silence(600);
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), [stop(None)]);
}
