//! The alarms of the selected deployment.

use super::{Cockpit, MONO, sample};
use crate::api::feed::FeedItem;
use crate::engine::Input;
use crate::model::alarm::{AlarmState, AlarmStatus, Observation, Outcome, Reading};
use crate::model::group::{Alarm, AlarmConfiguration};
use crate::model::timestamp::Timestamp;
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

/// A rollout that these alarms are watched in; `stopped` by them.
fn cockpit(names: &[&str], statuses: Vec<AlarmStatus>, stopped: bool) -> Cockpit {
    let project = sample::project(6);
    let ledger = sample::ledger(6);
    let at = sample::now(-20_000);
    let mut run = sample::Run::created(&project, sample::LIVE, "1.8.0", at, &ledger, |spec| {
        spec.group.alarm_configuration = Some(AlarmConfiguration {
            enabled: true,
            ignore_poll_alarm_failure: !stopped,
            alarms: names
                .iter()
                .map(|name| Alarm {
                    name: (*name).to_owned(),
                })
                .collect(),
        });
        spec.group.auto_rollback_configuration = serde_json::from_value(serde_json::json!({
            "enabled": true, "events": ["DEPLOYMENT_STOP_ON_ALARM"],
        }))
        .unwrap();
    });
    run.input(&Input::Admitted);
    run.walk("web-1", 7).walk("web-2", 7).walk("web-3", 3);
    if stopped {
        let message =
            "alarm active: errors: 0.20416666666 for {host=\"web-2\"} is above 0.05".to_owned();
        run.input(&Input::Alarm { message });
    }
    let mut snapshot = sample::snapshot(project, &run.deployment);
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
    let mut cockpit = cockpit(&NAMES, statuses(), true);
    for (width, height) in [(200, 50), (120, 40), (80, 24), (60, 15), (20, 3)] {
        cockpit.resize(width, height);
        picture!(format!("alarms-{width}x{height}"), cockpit);
    }
    cockpit.resize(80, 24);
    cockpit.model.theme = Theme {
        unicode: false,
        ..MONO
    };
    assert!(cockpit.screen().is_ascii());
    picture!("alarms-80x24-ascii", cockpit);
}

#[test]
fn alarms_come_and_go_with_their_watch() {
    let mut cockpit = cockpit(&["errors", "new"], statuses(), false);
    cockpit.resize(120, 40);
    let screen = cockpit.screen();
    assert!(screen.contains("errors  ✖ ALARM"), "{screen}");
    assert!(screen.contains("new     ◷ not read yet"), "{screen}");
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
    assert!(row.contains("✔ OK          1        above 2"), "{row}");
    for name in ["disk", "errors", "latency_p99", "queue", "new"] {
        let name = name.to_owned();
        cockpit.tell(FeedItem::AlarmReleased { name });
    }
    assert!(!cockpit.screen().contains("alarms "));
}

/// A poll that is in alarm looks other than its neighbours, also without colour.
#[test]
fn what_is_bad_stands_out_without_colour() {
    let mut cockpit = cockpit(&["errors"], statuses(), false);
    cockpit.resize(120, 40);
    cockpit.model.theme = MONO;
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
        let mut cockpit = cockpit(names, statuses(), false);
        cockpit.resize(60, 16);
        cockpit.screen()
    };
    assert!(!well(&["disk"]).contains("Threshold"));
    let bad = well(&["disk", "errors"]);
    assert!(bad.contains("errors"), "{bad}");
    assert!(bad.contains(" 1 of 2 "), "{bad}");
}
