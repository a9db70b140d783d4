//! An alarm goes off, or can't be read any more, while a rollout runs, waits, or nobody orchestrates.

use std::time::Duration;

use cutover::api::client::Client;
use cutover::api::feed::FeedItem;
use cutover::engine::Event;
use cutover::model::alarm::{AlarmState, Outcome};
use cutover::model::deployment::DeploymentId;
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::site::{ROLLS_BACK, Site, by_file};
use crate::server::{ERRORS, Prometheus, Service};

const ERRORS_STOP: &str = "{ enabled: true, alarms: [{ name: errors }, { name: high }] }";

/// The rate of errors rises in the middle of a rollout: it stops within two polls, the host that works finishes its event,
/// and all go back to the revision before, although the alarms are still active.
#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_that_goes_off_stops_and_rolls_back() {
    let service = Service::start().await;
    let server = Prometheus::start(&service).await;
    server.warm().await;
    let (query, alert) = (server.above(ERRORS, "0.05"), server.alert("HighErrors"));
    let group = ("production", ("role", "web"), ERRORS_STOP, ROLLS_BACK);
    let site = Site::up(3, &[("errors", &query), ("high", &alert)], &[group]);
    assert_eq!(site.lab.deploy(&["production", "1.0"]).1, 0);
    let id = site.lab.ok(&["deploy", "shop", "production", "2.0"]);
    site.under_way(&id);
    for name in ["errors", "high"] {
        assert_eq!(site.alarm(name)["watched"], true, "{name}");
        assert_eq!(site.alarm(name)["state"], "OK", "{name}");
    }
    let client = Client::new(&site.lab.socket()).unwrap();
    let mut feed = client.feed().await.unwrap();
    service.fail(50).await;
    crate::reading::until("Prometheus knows", async || {
        let reading = crate::reading::read(server.folder(), &query).await.unwrap();
        reading.state == AlarmState::Alarm
    })
    .await;

    let deployment: DeploymentId = id.parse().unwrap();
    let (mut active, mut stops) = (0, false);
    while !stops {
        let item = timeout(Duration::from_mins(1), feed.next()).await;
        match item.unwrap().unwrap().unwrap() {
            FeedItem::Alarm { observation, .. } => {
                let alarm = matches!(&observation.outcome, Outcome::Reading(reading) if reading.state == AlarmState::Alarm);
                active += u32::from(alarm);
            }
            FeedItem::Record {
                deployment: whose,
                record,
            } => {
                stops = whose == deployment && matches!(record.event, Event::Alarmed { .. });
            }
            _ => {}
        }
    }
    assert!(active <= 2, "{active} polls before it stopped");

    let message = site.stopped(&id);
    let says = message.starts_with("alarm active: errors: 0.") && message.contains("above 0.05");
    let says = says || message.contains("high: HighErrors");
    assert!(says, "{message}");
    let info = site.info(&id);
    assert!(
        info["deploymentOverview"]["Skipped"].as_u64() > Some(0),
        "{info}"
    );
    let back = info["rollbackInfo"]["rollbackDeploymentId"]
        .as_str()
        .unwrap();
    assert_eq!(site.lab.wait_for_end(back), "Succeeded");
    for host in ["web-1", "web-2", "web-3"] {
        let version = site.lab.root(host).join("srv/app/version");
        assert_eq!(std::fs::read_to_string(version).unwrap(), "1.0", "{host}");
    }
    // Nobody watches any more, and it is active to this moment.
    let after = site.alarm("errors");
    assert_eq!(
        (&after["watched"], &after["state"]),
        (&false.into(), &"ALARM".into())
    );
}

/// Prometheus is gone in the middle: the group that minds stops after three polls, the other does not.
#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_that_cannot_be_read_stops_unless_it_is_ignored() {
    let service = Service::start().await;
    let mut server = Prometheus::start(&service).await;
    server.warm().await;
    let with = |ignore| {
        format!(
            "{{ enabled: true, ignorePollAlarmFailure: {ignore}, alarms: [{{ name: errors }}] }}"
        )
    };
    let (strict, lenient) = (with(false), with(true));
    let groups = [
        ("strict", ("name", "web-1"), &*strict, ""),
        ("lenient", ("name", "web-2"), &*lenient, ""),
    ];
    let errors = server.above(ERRORS, "0.05");
    let site = Site::up(2, &[("errors", &errors)], &groups);
    site.lab.push("slow", "2", None);
    let strict = site.lab.ok(&["deploy", "shop", "strict", "slow"]);
    let lenient = site.lab.ok(&["deploy", "shop", "lenient", "slow"]);
    site.under_way(&strict);
    site.under_way(&lenient);
    server.kill();
    let message = site.stopped(&strict);
    assert!(
        message.starts_with("the state of the alarm is unavailable: errors: Prometheus at ")
            && message.contains("does not answer"),
        "{message}"
    );
    let back = site.info(&strict)["rollbackInfo"]["rollbackDeploymentId"].clone();
    assert!(back.is_null(), "nobody configured it: {back}");
    assert_eq!(site.lab.wait_for_end(&lenient), "Succeeded");
}

/// Nobody orchestrates when the alarm goes off, and the deployment waits for somebody besides: whoever takes it up stops it.
#[test]
fn an_alarm_that_went_off_while_nobody_orchestrated_stops_what_waits() {
    let alarms = "{ enabled: true, alarms: [{ name: disk }] }";
    let group = ("production", ("role", "web"), alarms, "");
    let site = Site::up(3, &[("disk", &by_file("disk"))], &[group]);
    site.write("disk", "0");
    let id = site.lab.ok(&["deploy", "shop", "production", "2.0"]);
    site.under_way(&id);
    site.lab.ok(&["pause", &id]);
    site.lab.wait_for(&id, |now| {
        let overview = &now["deploymentInfo"]["deploymentOverview"];
        overview["InProgress"] == 0 && overview["Succeeded"] == 1
    });
    site.lab.kill_orchestrator();
    site.write("disk", "1");
    assert_eq!(site.stopped(&id), "alarm active: disk: disk says so");
    assert!(site.lab.trace("web-2").is_empty() && site.lab.trace("web-3").is_empty());
}

/// The same with a host at work: what ran finishes its event, once, and no event follows.
#[test]
fn an_orchestrator_killed_while_the_alarm_goes_off_still_stops() {
    let alarms = "{ enabled: true, alarms: [{ name: disk }] }";
    let group = ("production", ("role", "web"), alarms, ROLLS_BACK);
    let site = Site::up(2, &[("disk", &by_file("disk"))], &[group]);
    site.write("disk", "0");
    assert_eq!(site.lab.deploy(&["production", "1.0"]).1, 0);
    let before = site.lab.trace("web-2").len();
    let id = site.lab.ok(&["deploy", "shop", "production", "2.0"]);
    site.under_way(&id);
    site.write("disk", "1");
    site.lab.kill_orchestrator();
    site.stopped(&id);
    let events = site.lab.trace("web-1");
    let mut own: Vec<&String> = events.iter().filter(|line| line.starts_with(&id)).collect();
    let ran = own.len();
    own.dedup();
    assert_eq!(own.len(), ran, "no script ran twice: {events:?}");
    let back = site.info(&id)["rollbackInfo"]["rollbackDeploymentId"].clone();
    assert_eq!(site.lab.wait_for_end(back.as_str().unwrap()), "Succeeded");
    let other = site.lab.trace("web-2");
    assert!(
        !other[before..].iter().any(|line| line.starts_with(&id)),
        "{other:?}"
    );
}
