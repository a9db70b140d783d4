//! What can't be done says why, and what to do.

use cutover::model::connections::HaProxy;
use cutover::providers::traffic::haproxy::HaProxyBalancer;
use cutover::providers::traffic::{Balancer as _, Observed, Service, TrafficError, Wanted};

use super::running::{Running, apply, is_down, line, refused, server, split, until, wanted};
use crate::backend::Backend;
use crate::load::{Connections, Load};

#[tokio::test]
async fn the_last_server_stays() {
    let (w1, w2) = (Backend::start("w1").await, Backend::start("w2").await);
    let backup = Backend::start("sorry").await;
    let servers = [line(&w1), line(&w2), line(&backup) + " backup"];
    let haproxy = Running::start(&servers).await;
    let balancer = haproxy.balancer();
    for service in [Service::Draining, Service::Out] {
        let none = wanted(vec![server(&w1, service), server(&w2, service)]);
        let words = refused(&balancer, &none).await;
        assert!(
            words.contains("no server would be left in service"),
            "{words}"
        );
    }
    // A split whose side has nobody.
    let words = refused(&balancer, &split(&[&w1, &w2], 100)).await;
    assert!(words.contains("no server would be left"), "{words}");

    // Another server of the backend is up, though it is not named.
    apply(&balancer, &wanted(vec![server(&w1, Service::Out)])).await;
    let words = refused(&balancer, &wanted(vec![server(&w2, Service::Out)])).await;
    assert!(words.contains("no server would be left"), "{words}");
    // What gets nothing anyway may leave.
    w2.set_well(false);
    until(&balancer, &w2, "down", is_down).await;
    apply(&balancer, &wanted(vec![server(&w2, Service::Out)])).await;
}

/// Who stays may be well again at the next look, so that is no refusal.
#[tokio::test]
async fn a_server_waits_to_leave_while_those_that_stay_flap() {
    let (w1, w2) = (Backend::start("w1").await, Backend::start("w2").await);
    let haproxy = Running::start(&[&w1, &w2].map(line)).await;
    let balancer = haproxy.balancer();
    let load = Load::start(haproxy.front, "/", 400, Connections::Kept);
    // Whether the other one is told to stay or is nobody's business here.
    for stays in [&[][..], &[Service::In]] {
        let stays = stays.iter().map(|service| server(&w2, *service));
        let leaves = [server(&w1, Service::Out)].into_iter();
        let aims = wanted(leaves.chain(stays).collect());
        w2.set_well(false);
        until(&balancer, &w2, "down", is_down).await;
        waits(&balancer, &aims).await;

        w2.set_well(true);
        until(&balancer, &w2, "well", |seen| seen.healthy == Some(true)).await;
        apply(&balancer, &aims).await;
        until(&balancer, &w1, "out", |seen| seen.service == Service::Out).await;
        apply(&balancer, &wanted(vec![server(&w1, Service::In)])).await;
    }
    assert_eq!(load.count().failed(), 0);
}

/// What can't be done as the servers are now, and may be a moment later, in words.
async fn waits(balancer: &HaProxyBalancer, wanted: &Wanted) -> String {
    let error = balancer.apply(wanted, &Observed::default()).await;
    let error = error.unwrap_err();
    assert!(error.is_passing(), "{error}");
    let words = error.to_string();
    let why = "none of the servers that would stay is up";
    assert!(words.contains(why), "{words}");
    words
}

#[tokio::test]
async fn nobody_leaves_for_a_replacement_that_is_unwell() {
    let (blue, green) = (
        Backend::start("blue-1").await,
        Backend::start("green-1").await,
    );
    let haproxy = Running::start(&[line(&blue), line(&green) + " disabled"]).await;
    let balancer = haproxy.balancer();
    green.set_well(false);
    let load = Load::start(haproxy.front, "/", 400, Connections::Kept);
    let reroute = split(&[&blue, &green], 100);
    let words = waits(&balancer, &reroute).await;
    assert!(words.contains("until the health checks"), "{words}");
    let count = load.next(100).await;
    assert_eq!(count.answers["blue-1"], count.total());

    green.set_well(true);
    until(&balancer, &green, "well", |seen| seen.healthy == Some(true)).await;
    apply(&balancer, &reroute).await;
    load.next(20).await;
    let count = load.next(100).await;
    assert_eq!(count.answers["green-1"], count.total());
    assert_eq!(load.count().failed(), 0);
}

#[tokio::test]
async fn what_it_has_not_is_named() {
    let (w1, w2) = (Backend::start("w1").await, Backend::start("w2").await);
    let mut haproxy = Running::start(&[line(&w1)]).await;
    let balancer = haproxy.balancer();
    let aims = wanted(vec![server(&w1, Service::In), server(&w2, Service::In)]);
    let seen = balancer.observe(&aims.servers).await.unwrap();
    assert_eq!(seen.servers.len(), 1);
    let error = balancer.apply(&aims, &seen).await.unwrap_err();
    assert!(matches!(&error, TrafficError::NoServer { server, .. } if server.as_str() == "w2"));
    let words = error.to_string();
    let remedy = format!("add `server w2 {}` to backend app", w2.address);
    assert!(
        words.contains(&remedy) && words.contains("addServers"),
        "{words}"
    );
    // What it hasn't and shouldn't have is as it should be.
    apply(
        &balancer,
        &wanted(vec![server(&w1, Service::In), server(&w2, Service::Out)]),
    )
    .await;

    let other = HaProxy {
        backend: "nope".to_owned(),
        ..haproxy.connection()
    };
    let other = haproxy.at(&other);
    let error = other.observe(&aims.servers).await.unwrap_err();
    assert!(!error.is_passing());
    assert!(error.to_string().contains("correct `backend`"), "{error}");

    haproxy.kill();
    for error in [
        balancer.observe(&aims.servers).await.unwrap_err(),
        balancer.apply(&aims, &seen).await.unwrap_err(),
    ] {
        assert!(matches!(error, TrafficError::Unreachable { .. }));
        let begin = format!("HAProxy web at {} does not answer", haproxy.api);
        assert!(error.to_string().starts_with(&begin), "{error}");
    }
}

#[tokio::test]
async fn an_algorithm_without_weights_says_so() {
    let (blue, green) = (
        Backend::start("blue-1").await,
        Backend::start("green-1").await,
    );
    let haproxy = Running::balancing("source", &[&blue, &green].map(line)).await;
    let words = refused(&haproxy.balancer(), &split(&[&blue, &green], 50)).await;
    assert!(words.contains("roundrobin, leastconn or random"), "{words}");
    // It drains and leaves all the same.
    let out = wanted(vec![
        server(&blue, Service::Out),
        server(&green, Service::In),
    ]);
    apply(&haproxy.balancer(), &out).await;
    // And what is no HAProxy is told from one.
    let web = HaProxy {
        address: Some(haproxy.front.to_string()),
        ..haproxy.connection()
    };
    let web = haproxy.at(&web);
    assert!(web.observe(&out.servers).await.is_err());
}
