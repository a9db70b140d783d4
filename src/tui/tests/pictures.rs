//! Pictures of the screen. Look at them when they change: would you like this at three in the morning?

use super::{Cockpit, MONO, sample, states};
use crate::tui::message::{Message, OutputNews};
use crate::tui::theme::Theme;
use crate::tui::tour::{Moment, Step};

fn rollout() -> Cockpit {
    let run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.keys("tab");
    with_output(&mut cockpit);
    cockpit
}

fn with_output(cockpit: &mut Cockpit) {
    let number = cockpit.model.output.number();
    cockpit.send(Message::Output(
        number,
        OutputNews::Lines(sample::lines(30)),
    ));
}

fn failure() -> Cockpit {
    let run = sample::failure();
    Cockpit::with(sample::snapshot(sample::project(4), &run.deployment))
}

macro_rules! picture {
    ($name:expr, $cockpit:expr) => {
        insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!($name, $cockpit.screen());
        });
    };
}

#[test]
fn a_rollout() {
    let mut cockpit = rollout();
    cockpit.resize(120, 40);
    picture!("rollout-120x40", cockpit);
    cockpit.resize(200, 60);
    picture!("rollout-200x60", cockpit);
    cockpit.resize(80, 24);
    picture!("rollout-80x24", cockpit);
    cockpit.keys("shift-tab");
    picture!("rollout-80x24-lists", cockpit);
    cockpit.resize(60, 15);
    picture!("rollout-60x15", cockpit);
    cockpit.resize(20, 3);
    picture!("rollout-20x3", cockpit);
}

#[test]
fn a_failed_rollout() {
    let mut cockpit = failure();
    cockpit.resize(120, 40);
    picture!("failed-120x40", cockpit);
    cockpit.resize(80, 24);
    cockpit.keys("n");
    picture!("failed-80x24", cockpit);
}

#[test]
fn without_colour_and_in_ascii() {
    let mut cockpit = rollout();
    cockpit.resize(80, 24);
    cockpit.model.theme = Theme {
        unicode: false,
        ..*MONO
    };
    let screen = cockpit.screen();
    assert!(screen.is_ascii(), "{screen}");
    picture!("rollout-80x24-ascii", cockpit);
}

#[test]
fn loading_empty_disconnected_and_old_look_different() {
    let mut cockpit = Cockpit::new();
    cockpit.resize(80, 24);
    picture!("loading-80x24", cockpit);
    cockpit.send(Message::Lost("the orchestrator does not answer".to_owned()));
    picture!("unreachable-80x24", cockpit);

    let run = sample::rollout();
    let mut empty = sample::snapshot(sample::project(0), &run.deployment);
    (empty.deployments, empty.active, empty.ledgers) = (Vec::new(), Vec::new(), Vec::new());
    empty.problems = vec![
        "applications/shop/test.yaml:3:5: unknown field `nmae`: did you mean `name`?".to_owned(),
    ];
    let mut cockpit = Cockpit::with(empty);
    cockpit.resize(80, 24);
    picture!("empty-80x24", cockpit);

    let mut cockpit = rollout();
    cockpit.resize(80, 24);
    cockpit.send(Message::Lost("gone".to_owned()));
    cockpit.silence(12_000);
    picture!("disconnected-80x24", cockpit);
}

#[test]
fn what_lies_on_top() {
    let mut cockpit = rollout();
    cockpit.resize(100, 30);
    cockpit.keys("s");
    cockpit.wait(600);
    picture!("stop-100x30", cockpit);
    cockpit.keys("esc b");
    picture!("roll-back-100x30", cockpit);
    cockpit.keys("esc ?");
    picture!("help-100x30", cockpit);
    cockpit.resize(60, 15);
    picture!("help-60x15", cockpit);
    cockpit.resize(100, 30);
    cockpit.keys("esc : w e b - 1");
    picture!("go-to-100x30", cockpit);
    cockpit.keys("esc q");
    cockpit.wait(600);
    picture!("leaving-100x30", cockpit);
}

#[test]
fn deploying() {
    let mut cockpit = failure();
    cockpit.resize(100, 30);
    cockpit.keys("d");
    picture!("deploy-revision-100x30", cockpit);
    cockpit.keys("enter");
    let number = cockpit.model.requests;
    cockpit.send(Message::Previewed(number, Ok(Box::new(sample::preview()))));
    cockpit.wait(600);
    picture!("deploy-confirm-100x30", cockpit);
}

/// The sizes at which every picture must say what matters.
const SIZES: [(u16, u16); 5] = [(200, 50), (120, 40), (80, 24), (60, 15), (20, 3)];

fn state(run: &sample::Run, project: crate::model::project::Project) -> Cockpit {
    let mut cockpit = Cockpit::with(sample::snapshot(project, &run.deployment));
    cockpit.at(run.now());
    cockpit.wait(0);
    cockpit.keys("tab");
    cockpit
}

macro_rules! pictures {
    ($name:literal, $cockpit:expr) => {
        for (width, height) in SIZES {
            $cockpit.resize(width, height);
            picture!(format!("{}-{width}x{height}", $name), $cockpit);
        }
        $cockpit.resize(80, 24);
        $cockpit.model.theme = Theme {
            unicode: false,
            ..*MONO
        };
        assert!($cockpit.screen().is_ascii());
        picture!(concat!($name, "-80x24-ascii"), $cockpit);
    };
}

#[test]
fn paused_with_instances_in_every_state() {
    let mut cockpit = state(&states::paused(), sample::project(12));
    cockpit.keys("j j");
    pictures!("paused", cockpit);
}

#[test]
fn held_for_somebody_who_decides() {
    let mut cockpit = state(&states::held(), sample::project(4));
    pictures!("held", cockpit);
}

#[test]
fn a_zone_that_is_watched() {
    let mut cockpit = state(&states::watching(), states::zoned_project());
    cockpit.wait(47_500);
    pictures!("watching", cockpit);
}

#[test]
fn waiting_to_begin_joining_and_updating() {
    let cockpit = state(&states::queued(), sample::project(4));
    picture!("queued-80x24", cockpit);
    let mut cockpit = state(&states::launch(), sample::project(4));
    cockpit.resize(120, 40);
    picture!("launch-120x40", cockpit);
    let mut cockpit = state(&states::update(), sample::project(4));
    cockpit.resize(120, 40);
    picture!("update-120x40", cockpit);
}

#[test]
fn confirmations_of_every_command() {
    let mut cockpit = state(&states::paused(), sample::project(12));
    cockpit.resize(100, 30);
    cockpit.keys("p");
    cockpit.wait(600);
    picture!("resume-100x30", cockpit);
    cockpit.keys("w d i s k enter");
    picture!("resume-why-100x30", cockpit);
    let mut cockpit = rollout();
    cockpit.resize(100, 30);
    cockpit.keys("p");
    cockpit.wait(600);
    picture!("pause-100x30", cockpit);
    cockpit.keys("esc t");
    cockpit.wait(600);
    picture!("retry-100x30", cockpit);
    cockpit.keys("esc G S");
    cockpit.wait(600);
    picture!("skip-100x30", cockpit);
    cockpit.keys("esc a");
    cockpit.wait(600);
    picture!("start-next-100x30", cockpit);
    let mut cockpit = state(&states::held(), sample::project(4));
    cockpit.resize(100, 30);
    cockpit.keys("u");
    cockpit.wait(600);
    picture!("give-up-100x30", cockpit);
}

#[test]
fn output_that_fills_the_screen() {
    let mut cockpit = rollout();
    cockpit.resize(120, 40);
    cockpit.keys("tab z / 2 1 enter N");
    pictures!("output", cockpit);
    cockpit.model.theme = *super::COLOUR;
    cockpit.keys("& T");
    picture!("output-hits-80x24", cockpit);
}

#[test]
fn output_with_long_lines() {
    let mut cockpit = rollout();
    cockpit.resize(80, 24);
    super::output::long_lines(&mut cockpit);
    cockpit.keys("tab z right k k");
    super::output::long_lines(&mut cockpit);
    picture!("output-sideways-80x24", cockpit);
    cockpit.keys("w");
    picture!("output-wrapped-80x24", cockpit);
    cockpit.keys("/ l o n g");
    picture!("output-search-80x24", cockpit);
}

#[test]
fn output_of_all_instances() {
    let mut cockpit = rollout();
    cockpit.keys("m");
    super::output::of_all(&mut cockpit);
    pictures!("output-all", cockpit);
    cockpit.keys("z");
    cockpit.resize(120, 40);
    picture!("output-all-zoomed-120x40", cockpit);
}

#[test]
fn the_hint_is_above_the_keys() {
    let mut cockpit = rollout();
    cockpit.resize(80, 24);
    let step = |moment, text| Step {
        group: "shop/production",
        moment,
        text,
    };
    cockpit.model.tour = vec![
        step(Moment::Failed, "It failed."),
        step(
            Moment::Runs,
            "Two hosts at a time get it. {stop} stops, and what has ended stays as it is. Press {deploy} to deploy.",
        ),
    ];
    picture!("hint-80x24", cockpit);
    cockpit.keys("0");
    assert!(
        !cockpit.screen().contains("Press d"),
        "it tells of rollouts"
    );
    cockpit.keys("esc `");
    assert!(cockpit.screen().contains("Press d"));
}
