//! Pictures of a blue/green deployment: the wait, the shift, the time for which the original is kept, the way back.

use super::sides::{self, SHIFTS, Traffic, WAITS};
use super::{Cockpit, MONO, sample};
use crate::api::feed::FeedItem;
use crate::engine::input::{Input, What};
use crate::model::deployment::DeploymentStatus;
use crate::model::lifecycle::LifecycleEvent;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::Split;
use crate::tui::message::Message;
use crate::tui::model::Pane;
use crate::tui::replay::{Entry, Player, Recording, begin};
use crate::tui::theme::Theme;

macro_rules! picture {
    ($name:expr, $cockpit:expr) => {
        insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!($name, $cockpit.screen());
        });
    };
}

const SIZES: [(u16, u16); 4] = [(200, 50), (120, 40), (80, 24), (60, 15)];

fn pictures(name: &str, cockpit: &mut Cockpit) {
    for (width, height) in SIZES {
        cockpit.resize(width, height);
        picture!(format!("{name}-{width}x{height}"), cockpit);
    }
}

fn in_ascii(cockpit: &mut Cockpit) {
    cockpit.resize(80, 24);
    cockpit.model.theme = Theme {
        unicode: false,
        ..*MONO
    };
    assert!(cockpit.screen().is_ascii(), "{}", cockpit.screen());
}

/// Hosts of both sides change during the wait.
fn changed() -> Cockpit {
    let mut cockpit = sides::cockpit(&sides::ready(), WAITS);
    let mut project = sides::project();
    let mut new = project.hosts[3].clone();
    new.name = sides::named("web-5");
    project.hosts[1]
        .tags
        .insert("side".to_owned(), "none".to_owned());
    project.hosts.push(new);
    cockpit.tell(FeedItem::Project {
        project: Box::new(project),
        problems: Vec::new(),
    });
    cockpit.tell(sides::host("web-4", false));
    WAITS.answered(&mut cockpit, sample::LIVE, Some("web-3"));
    cockpit
}

#[test]
fn the_wait_for_somebody_who_reroutes() {
    let mut cockpit = sides::cockpit(&sides::ready(), WAITS);
    pictures("wait", &mut cockpit);
    let screen = cockpit.screen();
    for said in ["wait for reroute 9:12", "at zero", "reroute"] {
        cockpit.resize(80, 24);
        assert!(cockpit.screen().contains(said), "{said}: {screen}");
    }
    cockpit.resize(120, 40);
    let screen = cockpit.screen();
    for said in [
        "2/2 installed",
        "11 requests are in flight",
        "about 800 move",
    ] {
        assert!(screen.contains(said), "{said}: {screen}");
    }
    cockpit.keys("r");
    cockpit.wait(600);
    cockpit.resize(100, 30);
    picture!("reroute-100x30", cockpit);
    cockpit.keys("v");
    picture!("rehearse-reroute-100x30", cockpit);
    cockpit.keys("v");
    assert!(
        cockpit
            .screen()
            .contains("v  what would happen, step by step")
    );
}

#[test]
fn health_that_is_not_known_of_all_is_no_good_health() {
    let mut cockpit = sides::cockpit(&sides::ready(), WAITS);
    cockpit.resize(120, 40);
    let well = |cockpit: &Cockpit| {
        let text = "well at the load balancers";
        let mut checks = cockpit.model.choices.checks.iter();
        let check = checks.find(|check| check.text.contains(text));
        check.map(|check| (check.text.clone(), check.well))
    };
    let all = ("2/2 well at the load balancers".to_owned(), Some(true));
    assert_eq!(well(&cockpit), Some(all));
    let mut details = WAITS.details(sample::LIVE, cockpit.real, None);
    details.servers.pop();
    cockpit.send(Message::Servers(
        sample::id(sample::LIVE),
        Ok(vec![details]),
    ));
    let some = ("1/2 well at the load balancers".to_owned(), None);
    assert_eq!(well(&cockpit), Some(some));
    let lost = Err("connection refused".to_owned());
    cockpit.send(Message::Servers(sample::id(sample::LIVE), lost));
    assert_eq!(well(&cockpit), None);
    let screen = cockpit.screen();
    let unknown = "health at the load balancers is not known";
    assert!(screen.contains(unknown), "{screen}");
    // Where it is not seen, nobody counts it.
    assert!(!cockpit.model.choices.keys.is_empty());
    cockpit.resize(80, 24);
    assert!(cockpit.model.choices.keys.is_empty());
}

#[test]
fn hosts_that_have_changed_meanwhile() {
    let mut cockpit = changed();
    pictures("changed", &mut cockpit);
    cockpit.resize(120, 40);
    let screen = cockpit.screen();
    assert!(
        screen.contains("1/2 answer") && screen.contains("4 things have changed since"),
        "{screen}"
    );
    assert!(
        screen.contains("1/2 well at the load balancers"),
        "{screen}"
    );
    cockpit.resize(100, 30);
    cockpit.keys("r");
    cockpit.wait(600);
    picture!("reroute-changed-100x30", cockpit);
}

#[test]
fn the_shift() {
    let mut cockpit = sides::cockpit(&sides::shifting(), SHIFTS);
    pictures("shift", &mut cockpit);
    cockpit.resize(100, 30);
    cockpit.keys("+");
    cockpit.wait(600);
    picture!("share-100x30", cockpit);
    cockpit.keys("esc w 1 0 1");
    picture!("share-typed-100x30", cockpit);
    cockpit.keys("esc p");
    cockpit.wait(600);
    picture!("hold-100x30", cockpit);
    cockpit.keys("esc s");
    cockpit.wait(600);
    picture!("stop-shift-100x30", cockpit);
    cockpit.keys("esc b");
    cockpit.wait(600);
    picture!("roll-back-shift-100x30", cockpit);
    cockpit.keys("v");
    picture!("rehearse-roll-back-shift-100x30", cockpit);
    cockpit.keys("esc");
    in_ascii(&mut cockpit);
    picture!("shift-80x24-ascii", cockpit);
}

#[test]
fn shares_that_differ() {
    let late = Traffic {
        asked: Some(60),
        measured: Some(35),
        ..SHIFTS
    };
    let mut cockpit = sides::cockpit(&sides::shifting(), late);
    cockpit.resize(120, 40);
    picture!("shares-120x40", cockpit);
    in_ascii(&mut cockpit);
    picture!("shares-80x24-ascii", cockpit);
}

#[test]
fn the_time_for_which_the_original_is_kept() {
    let moved = Traffic {
        asked: Some(100),
        in_effect: 100,
        measured: Some(100),
        stayed: 0,
        ..SHIFTS
    };
    let mut run = sides::kept();
    let mut cockpit = sides::cockpit(&run, moved);
    pictures("kept", &mut cockpit);
    cockpit.resize(100, 30);
    cockpit.keys("e");
    cockpit.wait(600);
    picture!("end-wait-100x30", cockpit);
    // While it is paused, its time stands still.
    run.command("ben", "", What::Pause);
    let mut cockpit = sides::cockpit(&run, moved);
    cockpit.resize(120, 40);
    let cheap = |cockpit: &Cockpit| {
        let mut keys = cockpit.model.choices.keys.iter();
        keys.find_map(|(_, text)| Some(text.split_once("Cheap for another ")?.1[..6].to_owned()))
    };
    assert_eq!(cheap(&cockpit).as_deref(), Some("17m50s"));
    cockpit.wait(60_000);
    assert_eq!(cheap(&cockpit).as_deref(), Some("17m50s"));
}

#[test]
fn the_way_back() {
    let mut run = sides::going_back();
    let back = Traffic {
        asked: Some(0),
        in_effect: 0,
        ..SHIFTS
    };
    let mut cockpit = sides::cockpit(&run, back);
    cockpit.resize(120, 40);
    picture!("way-back-120x40", cockpit);
    assert!(cockpit.screen().contains("drain replacement 0/2"));
    sides::all(&mut run, &LifecycleEvent::ALLOW);
    sides::all(&mut run, &LifecycleEvent::BLOCK);
    assert_eq!(run.deployment.status, DeploymentStatus::Succeeded);
    let mut cockpit = sides::cockpit(&run, back);
    cockpit.resize(120, 40);
    let screen = cockpit.screen();
    assert!(
        screen.contains("\u{2714} drain replacement 2/2"),
        "{screen}"
    );
    assert!(
        !screen.contains("req/s"),
        "what is over has no traffic: {screen}"
    );
}

#[test]
fn load_balancers_that_do_not_count_are_in_trouble_or_were_never_looked_at() {
    let quiet = Traffic {
        measured: None,
        rate: None,
        ..SHIFTS
    };
    let mut cockpit = sides::cockpit(&sides::shifting(), quiet);
    cockpit.resize(80, 24);
    let screen = cockpit.screen();
    assert!(screen.contains("no counts"), "{screen}");
    let mut status = quiet.status(sample::LIVE, cockpit.real);
    status.balancers[0].trouble = Some("web does not answer: connection refused".to_owned());
    let mut other = status.balancers[0].clone();
    (other.name, other.trouble) = ("edge".to_owned(), None);
    status.balancers.push(other);
    cockpit.tell(FeedItem::Traffic(status));
    picture!("trouble-80x24", cockpit);
    cockpit.silence(60_000);
    assert!(cockpit.screen().contains("edge: replacement"));

    let run = sides::shifting();
    let mut cockpit = Cockpit::with(sample::snapshot(sides::project(), &run.deployment));
    cockpit.at(run.now());
    cockpit.wait(0);
    assert_eq!(cockpit.model.focus, Pane::Deployments);
    let screen = cockpit.screen();
    assert!(screen.contains("have not been looked at yet"), "{screen}");
}

#[test]
fn a_recording_says_that_it_has_no_requests() {
    let run = sides::shifting();
    let deployment = sample::id(sample::LIVE);
    let records = run.records.into_iter().map(|record| Entry::Deployment {
        deployment: deployment.clone(),
        record,
    });
    let recording = Recording {
        project: sides::project(),
        entries: records.collect(),
    };
    let mut cockpit = Cockpit::new();
    begin(&mut cockpit.model, Player::new(&recording));
    cockpit.at(Timestamp(2_000_000_000_000));
    cockpit.keys(">");
    cockpit.resize(80, 24);
    picture!("shift-replay-80x24", cockpit);
    let screen = cockpit.screen();
    assert!(
        screen.contains("original 80 %, replacement 20 % asked"),
        "{screen}"
    );
    assert!(
        !screen.contains("in effect \u{25b0}"),
        "no empty gauge: {screen}"
    );
}

#[test]
fn somebody_elses_wait_and_share_are_told_although_another_deployment_is_on_the_screen() {
    let mut run = sides::made(|_| {});
    run.input(&Input::Admitted);
    let mut cockpit = sides::cockpit(&run, WAITS);
    cockpit.keys("tab tab tab tab");
    assert_eq!(cockpit.model.focus, Pane::Deployments);
    cockpit.keys("j");
    assert_ne!(
        cockpit.model.selected.deployment,
        Some(sample::id(sample::LIVE))
    );
    let mut told = run.records.len();
    let mut tell = |cockpit: &mut Cockpit, run: &sample::Run| {
        for record in run.records[told..].iter().cloned() {
            let deployment = sample::id(sample::LIVE);
            cockpit.tell(FeedItem::Record { deployment, record });
        }
        told = run.records.len();
        cockpit.screen()
    };
    sides::all(&mut run, &LifecycleEvent::REPLACEMENT);
    let screen = tell(&mut cockpit, &run);
    assert!(
        screen.contains("waits 10 min for somebody to reroute it"),
        "{screen}"
    );
    run.command("ben", "", sides::REROUTE);
    let screen = tell(&mut cockpit, &run);
    assert!(
        screen.contains("ben has ended the wait of d-7F3KQ21XB"),
        "{screen}"
    );
    sides::all(&mut run, &LifecycleEvent::ALLOW[..2]);
    let split = Split::new(60).unwrap();
    run.command("ben", "", What::Weight { split });
    let screen = tell(&mut cockpit, &run);
    assert!(
        screen.contains("ben gives the replacement of d-7F3KQ21XB"),
        "{screen}"
    );
}

#[test]
fn no_size_panics_with_two_sides() {
    for keys in ["tab", "r", "w 5", "s", "b"] {
        let run = if keys == "r" {
            sides::ready()
        } else {
            sides::shifting()
        };
        let mut cockpit = sides::cockpit(&run, SHIFTS);
        cockpit.keys(keys);
        for width in (0..=30).chain((31..=130).step_by(7)) {
            for height in (0..=16).chain((17..=40).step_by(4)) {
                cockpit.resize(width, height);
                cockpit.draw();
            }
        }
    }
}

#[test]
fn a_rollback_in_place_is_told_step_by_step() {
    let mut cockpit = super::commands::rollout();
    cockpit.keys("b v");
    cockpit.wait(600);
    cockpit.resize(100, 30);
    picture!("rehearse-roll-back-100x30", cockpit);
    // What is told fits the picture that it is tied to.
    let mut project = sample::project(12);
    project.hosts.pop();
    cockpit.tell(FeedItem::Project {
        project: Box::new(project),
        problems: Vec::new(),
    });
    // What has changed is said before what would happen is told again.
    let screen = cockpit.screen();
    assert!(
        screen.contains("This has changed while you looked"),
        "{screen}"
    );
    cockpit.keys("v");
    let screen = cockpit.screen();
    assert!(screen.contains("install: 11 instances"), "{screen}");
}
