//! What the cockpit shows of a deployment that waits for approvals, to those who may give one and to who created it.

use super::commands::sent;
use super::sample::{self, Run};
use super::{Cockpit, MONO, sides};
use crate::api::command::Command;
use crate::api::feed::FeedItem;
use crate::engine::input::{Command as Control, Input, What};
use crate::model::access::{Access, Entry, Person, Right, Role};
use crate::model::approval::Step;
use crate::model::lifecycle::LifecycleEvent;
use crate::tui::action::available::available;
use crate::tui::action::{ACTIONS, Action, Grade};
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
        ..*MONO
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
    // Before that, the key only asks for it.
    let mut cockpit = sides::cockpit(&run, sides::WAITS);
    cockpit.resize(120, 40);
    let screen = cockpit.screen();
    let asks = "Traffic moves to the replacement as soon as it is approved (1 approval";
    assert!(screen.contains(asks), "{screen}");
    run.command("ben", "", sides::REROUTE);
    let mut cockpit = Cockpit::with(sample::snapshot(sides::project(), &run.deployment));
    cockpit.resize(120, 40);
    picture!("unapproved-reroute-120x40", cockpit);
    cockpit.keys("A");
    let screen = cockpit.screen();
    assert!(screen.contains("ben has asked to reroute."), "{screen}");
    assert!(screen.contains("Traffic moves from the"), "{screen}");
}

/// A cockpit of somebody with this role in the group, or in none.
fn as_role(run: &Run, role: Option<Role>) -> Cockpit {
    let mut snapshot = sample::snapshot(sample::project(12), &run.deployment);
    let entry = role.map(|role| Entry {
        user: Some("ana".to_owned()),
        unix_group: None,
        role,
        application: None,
        group: None,
    });
    snapshot.project.access = Some(Access {
        door: "/run/cutover/shop.sock".into(),
        people: entry.into_iter().collect(),
        approvals: Vec::new(),
    });
    snapshot.person = Some(Person {
        user: Some("ana".to_owned()),
        ..Person::default()
    });
    Cockpit::with(snapshot)
}

#[test]
fn what_a_role_does_not_permit_is_unavailable_and_says_which_role_it_needs() {
    let run = unapproved("ben");
    let group = run.deployment.group_key();
    let mut pressed = 0;
    for role in Role::ALL {
        let cockpit = as_role(&run, Some(role));
        for entry in ACTIONS.iter().filter(|entry| entry.grade == Grade::Asks) {
            let right = match entry.action {
                Action::Approve => Right::Approve,
                _ => Right::Operate,
            };
            let denied = format!(
                "ana may not do this: it needs the role {} in {group}",
                right.least_role().name()
            );
            let reason = available(entry.action, &cockpit.model).err();
            // What has nothing to act on says that.
            let aimless = reason.as_ref().is_some_and(|reason| {
                reason.contains("selected") || reason.contains("trafficRoutingConfig")
            });
            if !aimless {
                let is_denied = reason.as_ref() == Some(&denied);
                assert_eq!(
                    is_denied,
                    !role.has(right),
                    "{role:?} {} {reason:?}",
                    entry.name
                );
                pressed += 1;
            }
        }
    }
    assert!(pressed >= 4 * 6, "{pressed}");
}

#[test]
fn footer_help_and_go_to_say_what_a_role_does_not_permit() {
    let run = unapproved("ben");
    let mut operator = as_role(&run, Some(Role::Operator));
    operator.resize(120, 40);
    let screen = operator.screen();
    assert!(
        screen.contains("p pause") && !screen.contains("A approve"),
        "{screen}"
    );
    assert!(!screen.contains("A approves"), "{screen}");
    operator.keys("A");
    let reason = "ana may not do this: it needs the role approver";
    assert!(operator.screen().contains(reason), "{}", operator.screen());
    operator.keys("?");
    assert!(
        operator.screen().contains("it needs the role approver"),
        "{}",
        operator.screen()
    );
    let mut approver = as_role(&run, Some(Role::Approver));
    approver.resize(120, 40);
    let screen = approver.screen();
    assert!(
        screen.contains("A approve") && !screen.contains("p pause"),
        "{screen}"
    );
    picture!("unapproved-approver-120x40", approver);
    let stranger = as_role(&run, None);
    assert!(
        !stranger.screen().contains("s stop"),
        "{}",
        stranger.screen()
    );
}
