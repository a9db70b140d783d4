//! The alarms of the selected deployment.

use std::sync::Arc;

use super::{Cockpit, MONO, sample};
use crate::api::feed::FeedItem;
use crate::engine::Input;
use crate::model::alarm::{AlarmState, AlarmStatus, Observation, Outcome, Reading};
use crate::model::group::{Alarm, AlarmConfiguration};
use crate::model::timestamp::Timestamp;
use crate::orchestrator::forecast::{Forecast, Past};
use crate::tui::consequence;
use crate::tui::theme::Theme;

const OK: AlarmState = AlarmState::Ok;
const ALARM: AlarmState = AlarmState::Alarm;

/// A poll that found this.
fn poll(at: i64, state: AlarmState, value: Option<&str>, threshold: &str) -> Observation {
    let shown = value.unwrap_or("exit code");
    let message = match state {
        ALARM => format!("{shown} for {{host=\"web-2\"}} is {threshold}"),
        _ => format!("{shown} is well"),
    };
    Observation {
        at: sample::now(at),
        outcome: Outcome::Reading(Reading {
            state,
            value: value.map(str::to_owned),
            threshold: threshold.to_owned(),
            message,
        }),
    }
}

fn failed(at: i64) -> Observation {
    let why = "Prometheus at http://127.0.0.1:9090 does not answer: connection refused";
    Observation {
        at: sample::now(at),
        outcome: Outcome::Unreadable(why.to_owned()),
    }
}

/// An alarm that has been polled every second.
fn watched(name: &str, polls: impl IntoIterator<Item = Observation>) -> AlarmStatus {
    let mut status = AlarmStatus::new(name);
    for poll in polls {
        status.observe(poll);
    }
    status
}

/// Error rates that rise, latencies that go up and down, a disk that is only well or not, a server that is gone.
fn statuses() -> Vec<AlarmStatus> {
    let errors = [
        "0.001",
        "0.002",
        "0.001",
        "0.014",
        "0.031",
        "0.049",
        "0.0731",
        "0.20416666666",
    ];
    let latency = ["210", "340", "190", "220", "410", "230", "205", "198"];
    let polls = |values: [&'static str; 8], limit: f64, threshold: &'static str| {
        (1..).zip(values).map(move |(second, value)| {
            let above = value.parse::<f64>().unwrap() > limit;
            let state = if above { ALARM } else { OK };
            poll(second * 1000 - 9_000, state, Some(value), threshold)
        })
    };
    let disk = (1..=8).map(|second| poll(second * 1000 - 9_000, OK, None, "exit code 1"));
    let gone = [poll(-8_000, OK, Some("3"), "above 100")]
        .into_iter()
        .chain((2..=4).map(|second| failed(second * 1000 - 9_000)));
    vec![
        watched("disk", disk),
        watched("errors", polls(errors, 0.05, "above 0.05")),
        watched("latency_p99", polls(latency, 500.0, "above 500")),
        watched("queue", gone),
    ]
}

/// A rollout in which these alarms are watched.
fn run(names: &[&str], ignore_poll_alarm_failure: bool) -> sample::Run {
    let project = sample::project(6);
    let ledger = sample::ledger(6);
    let at = sample::now(-20_000);
    let alarm = |name: &&str| Alarm {
        name: (*name).to_owned(),
    };
    let mut run = sample::Run::created(&project, sample::LIVE, "1.8.0", at, &ledger, |spec| {
        spec.group.alarm_configuration = Some(AlarmConfiguration {
            enabled: true,
            ignore_poll_alarm_failure,
            alarms: names.iter().map(alarm).collect(),
        });
        spec.group.auto_rollback_configuration = serde_json::from_value(serde_json::json!({
            "enabled": true, "events": ["DEPLOYMENT_STOP_ON_ALARM"],
        }))
        .unwrap();
    });
    run.input(&Input::Admitted);
    run.walk("web-1", 7).walk("web-2", 7).walk("web-3", 3);
    run
}

fn goes_off() -> Input {
    Input::Alarm {
        message: "alarm active: errors: 0.20416666666 for {host=\"web-2\"} is above 0.05"
            .to_owned(),
    }
}

fn cockpit(run: &sample::Run, statuses: Vec<AlarmStatus>) -> Cockpit {
    let mut snapshot = sample::snapshot(sample::project(6), &run.deployment);
    snapshot.alarms = statuses;
    let mut cockpit = Cockpit::with(snapshot);
    cockpit.at(run.now());
    cockpit.wait(0);
    cockpit.keys("tab");
    cockpit
}

const NAMES: [&str; 4] = ["disk", "errors", "latency_p99", "queue"];

macro_rules! picture {
    ($name:expr, $cockpit:expr) => {
        insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!($name, $cockpit.screen());
        });
    };
}

#[test]
fn pictures_of_a_rollout_that_an_alarm_stops() {
    let mut run = run(&NAMES, false);
    run.input(&goes_off());
    let mut cockpit = cockpit(&run, statuses());
    for (width, height) in [(200, 50), (120, 40), (80, 24), (60, 15), (20, 3)] {
        cockpit.resize(width, height);
        picture!(format!("alarms-{width}x{height}"), cockpit);
    }
    cockpit.resize(80, 24);
    cockpit.model.theme = Theme {
        unicode: false,
        ..*MONO
    };
    assert!(cockpit.screen().is_ascii());
    picture!("alarms-80x24-ascii", cockpit);
}

#[test]
fn alarms_come_and_go_with_their_watch() {
    let mut cockpit = cockpit(&run(&["errors", "new"], true), statuses());
    cockpit.resize(120, 40);
    let screen = cockpit.screen();
    assert!(screen.contains("errors  ✖ ALARM"), "{screen}");
    assert!(screen.contains("new     ◷ not read"), "{screen}");
    assert!(!screen.contains("latency_p99"), "another's: {screen}");
    // Of what the project watches, two are not well.
    assert!(screen.contains("alarms 2/4 ✖"), "{screen}");
    let Observation { outcome, .. } = poll(0, OK, Some("1"), "above 2");
    cockpit.tell(FeedItem::Alarm {
        name: "new".to_owned(),
        observation: Observation {
            at: Timestamp(cockpit.real.0),
            outcome,
        },
    });
    let screen = cockpit.screen();
    let row = screen.lines().find(|line| line.contains(" new ")).unwrap();
    assert!(row.contains("✔ OK          1       above 2"), "{row}");
    for name in ["disk", "errors", "latency_p99", "queue", "new"] {
        let name = name.to_owned();
        cockpit.tell(FeedItem::AlarmReleased { name });
    }
    assert!(!cockpit.screen().contains("alarms "));
}

/// A poll that is in alarm looks other than its neighbours, also without colour.
#[test]
fn what_is_bad_stands_out_without_colour() {
    let mut cockpit = cockpit(&run(&["errors"], true), statuses());
    cockpit.resize(120, 40);
    cockpit.model.theme = *MONO;
    let screen = cockpit.screen();
    let (y, row) = screen
        .lines()
        .enumerate()
        .find(|(_, line)| line.contains("above 0.05"))
        .unwrap();
    let levels: Vec<usize> = row
        .chars()
        .enumerate()
        .filter(|(_, cell)| ('\u{2800}'..='\u{28ff}').contains(cell))
        .map(|(x, _)| x)
        .collect();
    assert_eq!(levels.len(), 8, "{row}");
    let style = |x: usize| cockpit.style_at(x, y);
    assert_eq!(style(levels[0]), style(levels[5]));
    assert_ne!(style(levels[5]), style(levels[6]), "above the threshold");
}

#[test]
fn a_low_screen_has_room_for_what_is_bad_alone() {
    let well = |names: &[&str]| {
        let mut cockpit = cockpit(&run(names, true), statuses());
        cockpit.resize(60, 16);
        cockpit.screen()
    };
    assert!(!well(&["disk"]).contains("Threshold"));
    let bad = well(&["disk", "errors"]);
    assert!(bad.contains("errors"), "{bad}");
    assert!(bad.contains(" 1 of 2 "), "{bad}");
}

#[test]
fn whoever_looks_elsewhere_is_told() {
    let mut run = run(&["errors"], false);
    let mut cockpit = cockpit(&run, statuses());
    for record in run.input(&goes_off()) {
        let deployment = run.deployment.id().clone();
        cockpit.tell(FeedItem::Record { deployment, record });
    }
    let (said, _) = cockpit.model.messages.shown().unwrap();
    assert!(said.bad);
    let told = "an alarm stops d-7F3KQ21XB in shop/production";
    assert_eq!(said.text, told);
}

#[test]
fn whoever_deploys_is_told_what_is_watched() {
    let run = run(&["errors", "disk"], false);
    let cockpit = cockpit(&run, Vec::new());
    let mut preview = sample::preview();
    preview.forecast = Some(Box::new(Forecast {
        spec: Arc::clone(&run.deployment.spec),
        past: Past::default(),
        warnings: Vec::new(),
    }));
    let deploy = cockpit
        .model
        .deploy(sample::production(), "1.8.0".to_owned());
    let statement = consequence::deploy(&cockpit.model, &deploy, &preview);
    let told = "The alarms errors, disk are watched, and stop it when active.";
    let said = &statement.decided;
    assert!(said.iter().any(|line| line == told), "{said:?}");
}
