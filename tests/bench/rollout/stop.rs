//! From the command at the socket to the last event that any host still starts, while a hundred of them are in flight.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::time::{Duration, Instant};

use cutover::agent::protocol::Leases;
use cutover::api::command::Command;
use cutover::clock;
use cutover::engine::event::Event;
use cutover::model::deployment::DeploymentStatus;
use cutover::model::lifecycle::LifecycleEvent;
use cutover::providers::hosts::AgentClient;
use futures_util::future::join_all;

use crate::figures::{Aim, Figure, Samples};
use crate::fleet::Fleet;

const STOPS: usize = 12;

/// Each script runs for about half a second, on no two hosts for the same time: at any moment some are about to start the
/// next event.
pub const SCRIPT: &str = "#!/bin/sh\nexec sleep 0.$((300 + $$ * 7 % 500))\n";

pub async fn measure(fleet: &Fleet, hosts: usize, place: &str) -> Vec<Figure> {
    let mut feed = fleet.feed().await;
    let agents = fleet.agents();
    assert_eq!(agents.len(), hosts);
    let mut file = tempfile::tempfile().unwrap();
    ask_all(&agents, &mut file).await;
    let (mut last, mut answered, mut floor) =
        (Samples::default(), Samples::default(), Samples::default());
    for round in 0..STOPS {
        let id = fleet.deploy("sleep").await;
        // Every host has its files; each round stops at another moment.
        let mut installed = BTreeSet::new();
        while installed.len() < hosts {
            if let Event::EventEnded { target, event, .. } = feed.record(&id).await.event
                && event == LifecycleEvent::Install
            {
                installed.insert(target);
            }
        }
        let moment = Duration::from_millis(30 * round as u64);
        tokio::time::sleep(moment).await;
        floor.add(ask_all(&agents, &mut file).await);
        let (began, sent) = (Instant::now(), clock::now());
        fleet
            .send(Command::stop(id.clone(), Some(false), "bench"))
            .await;
        answered.add(began.elapsed());
        assert_eq!(feed.end(&id).await, DeploymentStatus::Stopped);
        let deployment = fleet.client.deployment(&id).await.unwrap();
        let starts = deployment.targets.iter().flat_map(|target| &target.events);
        let latest = starts.filter_map(|event| event.start_time).max().unwrap();
        last.add(latest.since(sent));
    }
    vec![
        Figure {
            range: Some(last.range()),
            ..Figure::time(
                format!("{hosts} x {place}: stop, last new event, 99th percentile"),
                last.quantile(99),
            )
        }
        .over(floor.median())
        .aim(Aim::Seconds(0.05)),
        Figure::median("  of it, the median of the stops", &last).over(floor.median()),
        Figure::median("  until the command is answered", &answered),
    ]
}

/// What can't be left out of a stop: one synced entry, and one request to each host, on the same busy machine.
async fn ask_all(agents: &[AgentClient], file: &mut std::fs::File) -> Duration {
    let began = Instant::now();
    file.write_all(&[0; 256]).unwrap();
    file.sync_data().unwrap();
    let nothing = Leases {
        executions: Vec::new(),
    };
    for answer in join_all(agents.iter().map(|agent| agent.renew(&nothing))).await {
        answer.unwrap();
    }
    began.elapsed()
}
