//! What the cockpit shows of a freeze.

use super::commands::rollout;
use super::sample;
use crate::api::feed::FeedItem;
use crate::engine::input::Input;
use crate::model::freeze::{Freeze, Scope};
use crate::model::timestamp::Timestamp;

fn freeze(now: Timestamp) -> Freeze {
    Freeze {
        scope: Scope {
            application: Some(sample::name("shop")),
            group: None,
        },
        by: "ben".to_owned(),
        why: "Black\u{1b}[31m Friday".to_owned(),
        at: now,
        until: Timestamp(now.0 + 3_600_000),
    }
}

#[test]
fn the_header_says_what_is_frozen_until_when_by_whom_and_why() {
    let mut cockpit = rollout();
    assert!(!cockpit.screen().contains("frozen"));
    let freeze = freeze(cockpit.model.now);
    cockpit.tell(FeedItem::Freezes {
        freezes: vec![freeze],
    });
    let screen = cockpit.screen();
    let header = screen.lines().next().unwrap();
    assert!(header.contains("shop frozen until "), "{header}");
    assert!(header.contains(" by ben:"), "{header}");
    assert!(!screen.contains('\u{1b}'));
    cockpit.resize(120, 40);
    let screen = cockpit.screen();
    let groups: Vec<&str> = screen.lines().skip(2).take(3).collect();
    assert!(
        groups.iter().all(|line| line.contains(" frozen")),
        "{screen}"
    );
    cockpit.tell(FeedItem::Freezes {
        freezes: Vec::new(),
    });
    assert!(!cockpit.screen().contains("frozen"));
}

#[test]
fn a_deployment_in_a_freeze_says_so_and_goes_on_when_it_is_over() {
    let mut run = sample::rollout();
    let now = run.deployment.create_time;
    let snapshot = sample::snapshot(sample::project(12), &run.deployment);
    let mut cockpit = super::Cockpit::with(snapshot);
    for record in run.input(&Input::Freeze(Some(freeze(now)))) {
        cockpit.tell(FeedItem::Record {
            deployment: sample::id(sample::LIVE),
            record,
        });
    }
    let screen = cockpit.screen();
    assert!(screen.contains("frozen by ben"), "{screen}");
    for record in run.input(&Input::Freeze(None)) {
        cockpit.tell(FeedItem::Record {
            deployment: sample::id(sample::LIVE),
            record,
        });
    }
    assert!(!cockpit.screen().contains("frozen by ben"));
}
