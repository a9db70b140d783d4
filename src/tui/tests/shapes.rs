//! The instances along the time, and as a map.

use super::{Cockpit, MONO, sample};
use crate::engine::input::Input;
use crate::tui::model::Pane;
use crate::tui::panes::instances::Shape;
use crate::tui::theme::Theme;

macro_rules! picture {
    ($name:expr, $cockpit:expr) => {
        insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!($name, $cockpit.screen());
        });
    };
}

/// Three are done, one takes far too long, one failed.
pub(super) fn rollout(hosts: usize) -> Cockpit {
    let project = sample::project(hosts);
    let ledger = sample::ledger(hosts);
    let mut run = sample::Run::created(
        &project,
        sample::LIVE,
        "1.8.0",
        sample::now(-20_000),
        &ledger,
        |spec| {
            spec.configuration = sample::configuration(4);
        },
    );
    run.input(&Input::Admitted);
    run.walk("web-4", 3);
    run.walk("web-1", 7).walk("web-2", 7).walk("web-3", 7);
    run.walk("web-5", 2).fail("web-5");
    run.walk("web-6", 1).wait(4_000);
    let now = run.now();
    let mut cockpit = Cockpit::with(sample::snapshot(project, &run.deployment));
    cockpit.at(now);
    cockpit.model.focus = Pane::Instances;
    cockpit
}

#[test]
fn along_the_time_who_takes_too_long_is_marked() {
    let mut cockpit = rollout(12);
    cockpit.keys("v");
    cockpit.resize(120, 40);
    picture!("gantt-120x40", cockpit);
    let screen = cockpit.screen();
    let row = screen.lines().find(|line| line.contains("web-4 ")).unwrap();
    assert!(row.contains("\u{25b4}"), "{row}");
    cockpit.resize(80, 24);
    picture!("gantt-80x24", cockpit);
    cockpit.model.theme = Theme {
        unicode: false,
        ..*MONO
    };
    picture!("gantt-80x24-ascii", cockpit);
}

#[test]
fn a_map_has_a_sign_for_every_instance() {
    let mut cockpit = rollout(400);
    cockpit.keys("v v");
    assert_eq!(cockpit.model.shape, Shape::Heat);
    cockpit.resize(120, 40);
    picture!("map-120x40", cockpit);
    cockpit.resize(80, 24);
    picture!("map-80x24", cockpit);
    let selected = |cockpit: &Cockpit| {
        let name = cockpit.model.selected.instance.clone().unwrap();
        name.as_str()
            .trim_start_matches("web-")
            .parse::<usize>()
            .unwrap()
    };
    cockpit.keys("g");
    let first = selected(&cockpit);
    cockpit.keys("l");
    let beside = selected(&cockpit);
    cockpit.keys("h j");
    let below = selected(&cockpit);
    assert_eq!(
        cockpit.model.focus,
        Pane::Instances,
        "the keys stay on the map"
    );
    assert!(first < beside && beside < below, "{first} {beside} {below}");
    cockpit.keys("G l n");
    assert_eq!(selected(&cockpit), 5, "the failed one is found");
    // Back to the table with the same instance.
    cockpit.keys("v");
    assert_eq!((cockpit.model.shape, selected(&cockpit)), (Shape::Table, 5));
}

#[test]
fn no_shape_panics_at_any_size() {
    for shape in [Shape::Table, Shape::Gantt, Shape::Heat] {
        let mut cockpit = rollout(40);
        cockpit.model.shape = shape;
        for width in 0..=100 {
            for height in 0..=40 {
                cockpit.resize(width, height);
                if width > 0 && height > 0 {
                    cockpit.screen();
                }
            }
        }
    }
}
