//! What the cockpit shows of a deployment that waits for approvals, to those who may give one and to who created it.

use super::commands::sent;
use super::sample::{self, Run};
use super::{Cockpit, MONO, sides};
use crate::api::command::Command;
use crate::api::feed::FeedItem;
use crate::engine::input::{Command as Control, Input, What};
use crate::model::approval::Step;
use crate::model::lifecycle::LifecycleEvent;
use crate::tui::action::Action;
use crate::tui::action::available::available;
use crate::tui::theme::Theme;

const APPROVE: What = What::Approve { step: None };

macro_rules! picture {
    ($name:expr, $cockpit:expr) => {
        insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!($name, $cockpit.screen());
        });
    };
}

/// One that waits for its start, created by `by`; who sits at the cockpit is `ana`.
fn unapproved(by: &str) -> Run {
    let project = sample::project(12);
    let ledger = sample::ledger(12);
    let at = sample::now(-60_000);
    let mut run = Run::created(&project, sample::LIVE, "1.8.0", at, &ledger, |spec| {
        spec.by = by.to_owned();
        spec.description = "the new basket".to_owned();
        spec.approvals.insert(Step::Start, 2);
    });
    run.wait(30_000);
    run.command("cleo", "", APPROVE);
    run
}

fn cockpit(run: &Run) -> Cockpit {
    Cockpit::with(sample::snapshot(sample::project(12), &run.deployment))
}

fn tell(cockpit: &mut Cockpit, run: &mut Run, input: &Input) {
    for record in run.input(input) {
        cockpit.tell(FeedItem::Record {
            deployment: sample::id(sample::LIVE),
            record,
        });
    }
}

#[test]
fn who_may_approve_sees_what_is_missing_and_the_key() {
    let run = unapproved("ben");
    let mut cockpit = cockpit(&run);
    cockpit.resize(120, 40);
    picture!("unapproved-120x40", cockpit);
    cockpit.resize(80, 24);
    picture!("unapproved-80x24", cockpit);
    let colour = cockpit.model.theme;
    cockpit.model.theme = Theme {
        unicode: false,
        ..MONO
    };
    assert!(cockpit.screen().is_ascii());
    picture!("unapproved-80x24-ascii", cockpit);
    cockpit.model.theme = colour;
    assert_eq!(available(Action::Approve, &cockpit.model), Ok(()));
    cockpit.keys("A");
    cockpit.resize(100, 30);
    picture!("approve-100x30", cockpit);
    cockpit.wait(1_000);
    cockpit.keys("y");
    let mut control = Control::new(APPROVE, "ana");
    control.seen = Some(run.deployment.decided);
    let deployment = sample::id(sample::LIVE);
    assert_eq!(
        sent(&cockpit),
        [Command::Control {
            deployment,
            control
        }]
    );
}

#[test]
fn whose_own_it_is_learns_that_a_second_person_is_needed() {
    let mut run = unapproved("ana");
    let mut cockpit = cockpit(&run);
    let reason = available(Action::Approve, &cockpit.model).unwrap_err();
    assert!(
        reason.starts_with("ana created it, and a second person has to approve it"),
        "{reason}"
    );
    let screen = cockpit.screen();
    assert!(
        screen.contains("waits for approval: 1 of 2 (cleo approved)"),
        "{screen}"
    );
    assert!(!screen.contains("A approve"), "{screen}");
    cockpit.keys("A");
    assert!(cockpit.screen().contains("approve: ana created it"));
    // Another gives the last one, and it goes.
    tell(
        &mut cockpit,
        &mut run,
        &Input::Command(Control::new(APPROVE, "ben")),
    );
    let screen = cockpit.screen();
    assert!(screen.contains("ben has approved the start of"), "{screen}");
    assert!(!screen.contains("waits for approval"), "{screen}");
    tell(&mut cockpit, &mut run, &Input::Admitted);
    assert!(cockpit.screen().contains("InProgress"));
}

#[test]
fn what_was_rerouted_and_waits_says_both() {
    let mut run = sides::made(|spec| {
        spec.by = "ben".to_owned();
        spec.approvals.insert(Step::Reroute, 1);
    });
    run.input(&Input::Admitted);
    sides::all(&mut run, &LifecycleEvent::REPLACEMENT);
    run.wait(48_000);
    run.command("ben", "", sides::REROUTE);
    let mut cockpit = Cockpit::with(sample::snapshot(sides::project(), &run.deployment));
    cockpit.resize(120, 40);
    picture!("unapproved-reroute-120x40", cockpit);
    cockpit.keys("A");
    let screen = cockpit.screen();
    assert!(screen.contains("ben has asked to reroute."), "{screen}");
    assert!(screen.contains("Traffic moves from the"), "{screen}");
}
