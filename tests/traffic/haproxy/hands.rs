//! A balancer that forgets, and hands that change it: seen, and put right.

use std::time::Duration;

use cutover::model::connections::HaProxy;
use cutover::providers::traffic::{Balancer as _, Service};
use tokio::time::Instant;

use super::both_ways;
use super::running::{Running, Way, apply, is_down, line, server, split, until, wanted};
use crate::backend::Backend;
use crate::load::{Connections, Load};

both_ways!(
    a_restart_is_seen_and_put_right,
    servers_are_added_at_run_time_with_a_check_of_their_own
);

async fn a_restart_is_seen_and_put_right(way: Way) {
    let (blue, green) = (
        Backend::start("blue-1").await,
        Backend::start("green-1").await,
    );
    let mut haproxy = Running::reached(way, &[line(&blue)]).await;
    let balancer = haproxy.adding();
    let shifted = split(&[&blue, &green], 100);
    apply(&balancer, &shifted).await;
    let before = balancer.observe(&shifted.servers).await.unwrap();
    assert_eq!(before.servers.len(), 2);
    // The seconds that it runs are no new start.
    let until = Instant::now() + Duration::from_millis(2100);
    while Instant::now() < until {
        let again = balancer.observe(&shifted.servers).await.unwrap();
        assert_eq!(again.epoch, before.epoch);
    }

    haproxy.restart().await;
    let after = balancer.observe(&shifted.servers).await.unwrap();
    assert_ne!(after.epoch, before.epoch);
    let blue_seen = &after.servers["blue-1"];
    assert_eq!((after.servers.len(), blue_seen.weight), (1, Some(1)));

    let load = Load::start(haproxy.front, "/", 400, Connections::New);
    load.next(20).await;
    apply(&balancer, &shifted).await;
    load.next(20).await;
    let count = load.next(100).await;
    assert!(
        (count.share("green") - 1.0).abs() < f64::EPSILON,
        "{count:?}"
    );
    assert_eq!(load.count().failed(), 0, "{:?}", load.count());
}

#[tokio::test]
async fn what_was_changed_by_hand_is_seen_and_put_right() {
    let (w1, w2) = (Backend::start("w1").await, Backend::start("w2").await);
    let haproxy = Running::start(&[&w1, &w2].map(line)).await;
    let balancer = haproxy.balancer();
    let aims = wanted(vec![server(&w1, Service::In), server(&w2, Service::In)]);
    apply(&balancer, &aims).await;
    let name = "w1";
    for (by_hand, service, weight) in [
        ("set server app/w1 state maint", Service::Out, 1),
        ("set server app/w1 state drain", Service::Draining, 1),
        ("set server app/w1 weight 0", Service::In, 0),
        ("set server app/w1 weight 7", Service::In, 7),
    ] {
        assert_eq!(haproxy.by_hand(by_hand).await, "");
        let seen = balancer.observe(&aims.servers).await.unwrap();
        let seen = &seen.servers[name];
        assert_eq!((seen.service, seen.weight), (service, Some(weight)));
        apply(&balancer, &aims).await;
        let seen = balancer.observe(&aims.servers).await.unwrap();
        let seen = &seen.servers[name];
        assert_eq!((seen.service, seen.weight), (Service::In, Some(1)));
        assert_eq!(seen.healthy, Some(true));
    }
    // Health checks that were switched off.
    haproxy.by_hand("disable health app/w1").await;
    let seen = balancer.observe(&aims.servers).await.unwrap();
    assert_eq!(seen.servers[name].healthy, None);
    apply(&balancer, &aims).await;
    let seen = balancer.observe(&aims.servers).await.unwrap();
    assert_eq!(seen.servers[name].healthy, Some(true));

    // Out by hand of another kind: what ought to be out and drains by hand.
    let out = wanted(vec![server(&w1, Service::Out), server(&w2, Service::In)]);
    apply(&balancer, &out).await;
    haproxy.by_hand("set server app/w1 state ready").await;
    apply(&balancer, &out).await;
    until(&balancer, &w1, "out", |seen| seen.service == Service::Out).await;
}

#[tokio::test]
async fn what_is_as_it_should_be_is_left_alone() {
    let (w1, w2) = (Backend::start("w1").await, Backend::start("w2").await);
    let haproxy = Running::start(&[&w1, &w2].map(line)).await;
    let balancer = haproxy.balancer();
    let aims = wanted(vec![server(&w1, Service::Out), server(&w2, Service::In)]);
    apply(&balancer, &aims).await;
    let issued = async || {
        let states = haproxy.by_hand("show servers state app").await;
        let admin = states.lines().skip(2).map(|l| {
            let fields: Vec<&str> = l.split(' ').collect();
            (fields[6].to_owned(), fields[7].to_owned())
        });
        admin.collect::<Vec<_>>()
    };
    let before = issued().await;
    apply(&balancer, &aims).await;
    assert_eq!(issued().await, before);
    assert_eq!(before[0].0, "1");
}

async fn servers_are_added_at_run_time_with_a_check_of_their_own(way: Way) {
    let (w1, w2) = (Backend::start("w1").await, Backend::start("w2").await);
    let haproxy = Running::reached(way, &[line(&w1) + " weight 40"]).await;
    let balancer = haproxy.adding();
    let load = Load::start(haproxy.front, "/", 400, Connections::New);
    let both = wanted(vec![server(&w1, Service::In), server(&w2, Service::In)]);
    apply(&balancer, &both).await;
    let seen = until(&balancer, &w2, "well", |seen| seen.healthy == Some(true)).await;
    assert_eq!((seen.service, seen.weight), (Service::In, Some(40)));
    let share = load.next(400).await.share("w2");
    assert!((share - 0.5).abs() < 0.05, "{share}");

    w2.set_well(false);
    let seen = until(&balancer, &w2, "down", is_down).await;
    assert_eq!(seen.service, Service::In);
    load.next(30).await;
    let served = w2.served();
    load.next(60).await;
    assert_eq!(w2.served(), served);
    assert_eq!(load.count().failed(), 0);
}

#[tokio::test]
async fn an_addition_that_was_cut_short_is_finished() {
    let (w1, w2) = (Backend::start("w1").await, Backend::start("w2").await);
    let haproxy = Running::start(&[line(&w1)]).await;
    let add = format!("add server app/w2 {} check inter 100ms", w2.address);
    haproxy.by_hand(&add).await;
    let balancer = haproxy.balancer();
    let both = wanted(vec![server(&w1, Service::In), server(&w2, Service::In)]);
    apply(&balancer, &both).await;
    let seen = until(&balancer, &w2, "in", |seen| seen.healthy == Some(true)).await;
    assert_eq!(seen.service, Service::In);
}

#[tokio::test]
async fn a_unix_socket_does_as_well() {
    let (w1, w2) = (Backend::start("w1").await, Backend::start("w2").await);
    let haproxy = Running::start(&[&w1, &w2].map(line)).await;
    let socket = |name: &str| {
        let path = haproxy.folder.path().join(name);
        let connection = HaProxy {
            address: Some(format!("unix:{}", path.display())),
            ..haproxy.connection()
        };
        haproxy.at(&connection)
    };
    let out = wanted(vec![server(&w1, Service::Out), server(&w2, Service::In)]);
    apply(&socket("admin.sock"), &out).await;
    // One that may only look says what it lacks.
    let looking = socket("user.sock");
    let seen = looking.observe(&out.servers).await.unwrap();
    assert_eq!(seen.servers["w1"].service, Service::Out);
    let back = wanted(vec![server(&w1, Service::In), server(&w2, Service::In)]);
    let words = super::running::refused(&looking, &back).await;
    assert!(words.contains("level admin"), "{words}");
    let none = socket("none.sock");
    let error = none.observe(&out.servers).await.unwrap_err();
    assert!(error.is_passing() && error.to_string().contains("stats socket"));
}
