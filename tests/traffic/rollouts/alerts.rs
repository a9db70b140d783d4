//! An alarm of real Prometheus and Alertmanager goes off in mid-shift: the deployment stops, and the original has all of the
//! traffic back, within two evaluation intervals of the moment that those two recorded.

use std::time::Duration;

use cutover::api::client::Client;
use cutover::engine::Event;
use cutover::engine::event::Record;
use cutover::model::timestamp::Timestamp;
use cutover::model::traffic::Split;

use super::front::{Front, Kind};
use super::shift::arrives;
use super::site::Site;
use crate::alertmanager::{Alertmanager, documented};
use crate::reading::until;
use crate::server::{Prometheus, Service};

/// An evaluation interval, in seconds: that in which the alarm is read (operations.md §6), and also that in which Prometheus
/// evaluates its rules, so that it does not matter which one is meant.
const INTERVAL: u64 = 2;

/// A quarter of the traffic each half an hour: the second quarter never comes.
const QUARTERS: &str = "deploymentConfigName: quarters
minimumHealthyHosts: { type: HOST_COUNT, value: 0 }
trafficRoutingConfig: { type: TimeBasedLinear, timeBasedLinear: { linearPercentage: 25, linearInterval: 30 } }
";

/// What tells of the errors: the recorded series, or the alert on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Query,
    Alert,
    Alertmanager,
}

/// Real programs that watch a service.
struct Watchers {
    service: Service,
    prometheus: Prometheus,
    alertmanager: Alertmanager,
}

impl Watchers {
    async fn start() -> Self {
        let service = Service::start().await;
        let alertmanager = Alertmanager::start().await;
        let interval = format!("{INTERVAL}s");
        let prometheus = Prometheus::evaluating(&service, &interval, Some(&alertmanager)).await;
        prometheus.warm().await;
        Self {
            service,
            prometheus,
            alertmanager,
        }
    }

    /// When it went off, as they recorded it: the evaluation that found too much first, or the one at which the alert fired.
    async fn went_off(&self, asked: Asked) -> Timestamp {
        let mut at = None;
        until("it is on record", async || {
            at = match asked {
                Asked::Query => self.prometheus.first_above("errors:share", 0.05).await,
                Asked::Alert | Asked::Alertmanager => {
                    self.alertmanager.fires_since("HighErrors").await
                }
            };
            at.is_some()
        })
        .await;
        at.unwrap()
    }
}

/// What a deployment's journal holds.
async fn journal(site: &Site, id: &str) -> Vec<Record> {
    let client = Client::new(&site.lab.socket()).unwrap();
    client.records(&id.parse().unwrap()).await.unwrap()
}

/// When something was first decided.
fn first(records: &[Record], what: impl Fn(&Event) -> bool) -> Option<Timestamp> {
    let found = records.iter().find(|record| what(&record.event));
    found.map(|record| record.at)
}

async fn in_mid_shift(asked: Asked) {
    let watchers = Watchers::start().await;
    let site = Site::up(Kind::HaProxy, 2, 2).await;
    let folder = site.lab.folder();
    std::fs::write(folder.join("configurations/quarters.yaml"), QUARTERS).unwrap();
    let source = match asked {
        Asked::Query => watchers.prometheus.above("errors:share", "0.05"),
        Asked::Alert => watchers.prometheus.alert("HighErrors"),
        Asked::Alertmanager => documented(&folder, &watchers.alertmanager, "HighErrors"),
    };
    site.watch("errors", INTERVAL, &source);
    let load = site.load();
    let id = site.ready("green", "quarters");
    site.lab.ok(&["reroute", &id]);
    site.has_in_effect(&id, 25).await;
    arrives(&load, 0.25).await;
    assert_eq!(gets_traffic(&site).await.len(), 4);

    watchers.service.fail(50).await;
    let went_off = watchers.went_off(asked).await;
    let info = site.stopped(&id);
    let back = info["rollbackInfo"]["rollbackDeploymentId"].clone();
    let back = back.as_str().unwrap();
    assert_eq!(site.lab.wait_for_end(back), "Succeeded");

    let there = journal(&site, &id).await;
    let most = there.iter().filter_map(|record| match &record.event {
        Event::Shifted { split, .. } => Some(split.replacement()),
        _ => None,
    });
    assert_eq!(most.max(), Some(25), "it was in the middle");
    let stopped = first(&there, |event| matches!(event, Event::Alarmed { .. })).unwrap();
    let home = journal(&site, back).await;
    let all_of_it = Event::InEffect {
        split: Split::new(0).unwrap(),
    };
    let moved = first(&home, |event| *event == all_of_it).unwrap_or_else(|| panic!("{home:#?}"));
    assert!(
        went_off <= stopped,
        "nobody knew: {went_off:?}, {stopped:?}"
    );
    let took = [stopped, moved].map(|at| at.since(went_off));
    eprintln!("stopped, and moved back, after {took:?}");
    let most = Duration::from_secs(2 * INTERVAL);
    assert!(took.iter().all(|took| *took <= most), "{took:?}");

    // As clients see it, and as the load balancer says it.
    load.all_go_to("blue").await;
    load.nothing_was_lost();
    assert_eq!(gets_traffic(&site).await, ["web-1", "web-2"]);
}

/// The servers to which the load balancer sends requests, by its own words: they are up, nobody has taken them out, and they
/// have a weight. A 4 only recalls how the configuration began.
async fn gets_traffic(site: &Site) -> Vec<String> {
    let Front::HaProxy(haproxy) = &site.front else {
        panic!("{:?}", site.kind);
    };
    let text = haproxy.by_hand("show servers state app").await;
    let lines = text.lines().skip(2);
    let servers = lines.map(|line| line.split(' ').collect::<Vec<_>>());
    let up = servers.filter(|at| at[5] == "2" && ["0", "4"].contains(&at[6]) && at[7] != "0");
    up.map(|at| at[3].to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_above_its_threshold_in_mid_shift_brings_the_traffic_back() {
    in_mid_shift(Asked::Query).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_fires_in_mid_shift_brings_the_traffic_back() {
    in_mid_shift(Asked::Alert).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_alertmanager_has_in_mid_shift_brings_the_traffic_back() {
    in_mid_shift(Asked::Alertmanager).await;
}
