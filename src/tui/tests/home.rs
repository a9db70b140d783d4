//! Home: what needs a person, in the right order, and the picture of calm.

use super::{Cockpit, MONO, sample, sides, states};
use crate::api::attention::{Kind, attention};
use crate::api::feed::FeedItem;
use crate::api::snapshot::Snapshot;
use crate::api::view::View;
use crate::engine::Summary;
use crate::model::address::Address;
use crate::model::deployment::DeploymentStatus;
use crate::model::freeze::{Freeze, Scope};
use crate::model::group::DeploymentGroup;
use crate::model::timestamp::Timestamp;
use crate::tui::message::Message;
use crate::tui::screens::Screen;
use crate::tui::theme::Theme;

const SIZES: [(u16, u16); 5] = [(200, 60), (120, 40), (80, 24), (60, 15), (20, 3)];

macro_rules! pictures {
    ($name:literal, $cockpit:expr) => {
        insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false}, {
            for (width, height) in SIZES {
                $cockpit.resize(width, height);
                insta::assert_snapshot!(format!("{}-{width}x{height}", $name), $cockpit.screen());
            }
            $cockpit.resize(80, 24);
            $cockpit.model.theme = Theme { unicode: false, ..*MONO };
            assert!($cockpit.screen().is_ascii());
            insta::assert_snapshot!(concat!($name, "-80x24-ascii"), $cockpit.screen());
        });
    };
}

/// A snapshot in which nothing runs and everything went well.
fn calm() -> Snapshot {
    let run = sample::rollout();
    let mut snapshot = sample::snapshot(sample::project(12), &run.deployment);
    snapshot.active.clear();
    snapshot.deployments.remove(0);
    snapshot
}

fn home(snapshot: Snapshot, at: Timestamp) -> Cockpit {
    let mut cockpit = Cockpit::with(snapshot);
    cockpit.at(at);
    cockpit.wait(0);
    cockpit.keys("0");
    cockpit
}

fn freeze(minutes: i64) -> Freeze {
    Freeze {
        scope: Scope {
            application: Some(sample::name("thumbs")),
            group: None,
        },
        by: "ben".to_owned(),
        why: "stock\u{1b}[31m taking".to_owned(),
        at: sample::now(0),
        until: sample::now(minutes * 60_000),
    }
}

#[test]
fn calm_is_said() {
    let mut cockpit = home(calm(), sample::now(0));
    cockpit.resize(80, 24);
    let screen = cockpit.screen();
    assert!(
        screen.contains("Calm: nothing needs a person, all 12 hosts answer."),
        "{screen}"
    );
    pictures!("home-calm", cockpit);
}

#[test]
fn a_wait_for_the_reroute_counts_down_and_says_what_happens_at_zero() {
    let run = sides::ready();
    let mut snapshot = sample::snapshot(sides::project(), &run.deployment);
    snapshot.freezes = vec![freeze(1)];
    snapshot.problems = vec!["applications/shop/test.yaml:3:5: unknown field `nmae`".to_owned()];
    snapshot.hosts[0].reachable = false;
    let mut cockpit = home(snapshot, run.now());
    cockpit.resize(120, 40);
    let screen = cockpit.screen();
    assert!(screen.contains("at zero"), "{screen}");
    assert!(!screen.contains('\u{1b}'));
    cockpit.resize(80, 24);
    assert!(
        cockpit.screen().contains("at zero"),
        "also where a row has no room for it"
    );
    pictures!("home-reroute", cockpit);
}

#[test]
fn a_hold_and_what_failed_are_worse_than_what_ends_by_itself() {
    let mut cockpit = home(
        sample::snapshot(sample::project(4), &states::held().deployment),
        states::held().now(),
    );
    pictures!("home-held", cockpit);
}

#[test]
fn the_nearest_deadline_comes_first_and_a_freeze_last() {
    let run = sides::ready();
    let mut snapshot = sample::snapshot(sides::project(), &run.deployment);
    snapshot.freezes = vec![freeze(1)];
    snapshot.hosts[0].reachable = false;
    let failed = Summary {
        group: sides::project()
            .groups
            .iter()
            .map(DeploymentGroup::key)
            .find(|g| *g != sample::production())
            .unwrap_or_else(sample::production),
        status: DeploymentStatus::Failed,
        rolled_back_by: None,
        ..snapshot.deployments[1].clone()
    };
    snapshot.deployments[1] = failed;
    let view = View::from(snapshot);
    let glance = attention(&view, run.now());
    let kinds: Vec<Kind> = glance.needs.iter().map(|need| need.kind).collect();
    assert_eq!(kinds.first(), Some(&Kind::Reroute), "{kinds:?}");
    assert_eq!(kinds.last(), Some(&Kind::Frozen), "{kinds:?}");
    assert!(kinds.contains(&Kind::Hosts));
    assert_eq!(glance.running, [sample::id(sample::LIVE)]);
    assert!(glance.needs[0].until.is_some());
}

#[test]
fn a_failure_needs_somebody_until_it_is_rolled_back_or_followed_by_another() {
    let kinds = |change: fn(&mut Summary)| {
        let run = sample::failure();
        let mut snapshot = sample::snapshot(sample::project(4), &run.deployment);
        snapshot.active.clear();
        let newest = &mut snapshot.deployments[0];
        newest.status = DeploymentStatus::Failed;
        newest.rolled_back_by = None;
        change(newest);
        let glance = attention(&View::from(snapshot), run.now());
        let needs = glance.needs.iter().filter(|need| need.kind == Kind::Failed);
        needs.map(|need| need.at.clone()).collect::<Vec<_>>()
    };
    let id = |text: &str| Address::Deployment(sample::id(text));
    assert_eq!(kinds(|_| {}).len(), 1);
    assert_eq!(
        kinds(|newest| newest.rolled_back_by = Some(sample::id(sample::BEFORE))),
        []
    );
    assert_eq!(
        kinds(|newest| newest.status = DeploymentStatus::Succeeded),
        []
    );
    assert_eq!(
        kinds(|newest| newest.start_time = None),
        [],
        "nothing was touched"
    );
    assert!(
        !kinds(|_| {}).contains(&id(sample::FAILED)),
        "another came after it"
    );
}

#[test]
fn enter_goes_to_what_is_selected_and_esc_comes_back_to_it() {
    let run = sides::ready();
    let mut cockpit = home(
        sample::snapshot(sides::project(), &run.deployment),
        run.now(),
    );
    assert_eq!(cockpit.model.screen, Screen::Home);
    cockpit.keys("j j");
    let selected = cockpit.model.home.selected();
    assert!(selected.is_some());
    cockpit.keys("enter");
    assert_eq!(cockpit.model.screen, Screen::Rollouts);
    assert_eq!(Some(crate::tui::screens::here(&cockpit.model)), selected);
    cockpit.keys("esc");
    assert_eq!(cockpit.model.screen, Screen::Home);
    assert_eq!(cockpit.model.home.selected(), selected);
}

#[test]
fn nothing_acts_on_a_rollout_that_is_not_on_the_screen() {
    let run = sides::ready();
    let mut cockpit = home(
        sample::snapshot(sides::project(), &run.deployment),
        run.now(),
    );
    for key in ["s", "r", "b", "p", "A", "d", "e", "+", "t"] {
        cockpit.keys(key);
        assert!(cockpit.model.layers.is_empty(), "{key}");
        assert!(
            cockpit
                .screen()
                .contains("it acts on a rollout on the screen"),
            "{key}"
        );
    }
    cockpit.keys("H s");
    assert!(cockpit.model.layers.is_empty());
}

#[test]
fn news_come_within_a_moment_and_the_cursor_stays_on_its_row() {
    let mut run = sample::rollout();
    let mut cockpit = home(
        sample::snapshot(sample::project(12), &run.deployment),
        run.now(),
    );
    cockpit.keys("G");
    let selected = cockpit.model.home.selected();
    cockpit.wait(1000);
    for record in run.finish() {
        cockpit.tell(FeedItem::Record {
            deployment: sample::id(sample::LIVE),
            record,
        });
    }
    cockpit.wait(300);
    assert_eq!(cockpit.model.home.selected(), selected);
    assert!(
        !cockpit.screen().contains("Running"),
        "{}",
        cockpit.screen()
    );
    assert!(cockpit.screen().contains("was stopped on the way"));
}

#[test]
fn before_anything_has_come_it_says_so() {
    let mut cockpit = Cockpit::new();
    cockpit.model.screen = Screen::Home;
    cockpit.resize(80, 24);
    assert!(cockpit.screen().contains("waiting for the orchestrator"));
    cockpit.send(Message::Lost("nobody answers".to_owned()));
    assert!(cockpit.screen().contains("nobody answers"));
    assert!(!cockpit.screen().contains("Calm"));
}
