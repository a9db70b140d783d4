//! Traffic moves, and not one request is lost.

use cutover::providers::traffic::{Balancer as _, Service};

use super::both_ways;
use super::running::{Running, Way, apply, line, server, split, until, wanted};
use crate::backend::Backend;
use crate::load::{Connections, Load};

both_ways!(
    shares_follow_the_split,
    instances_leave_and_return_without_a_lost_request,
    an_idle_server_moves_to_another_address
);

async fn shares_follow_the_split(way: Way) {
    let blue = [
        Backend::start("blue-1").await,
        Backend::start("blue-2").await,
    ];
    let green = Backend::start("green-1").await;
    let all = [&blue[0], &blue[1], &green];
    let haproxy = Running::reached(way, &all.map(line)).await;
    let balancer = haproxy.balancer();
    for connections in [Connections::Kept, Connections::New] {
        let load = Load::start(haproxy.front, "/", 800, connections);
        for replacement in [0, 10, 50, 100, 90, 0] {
            apply(&balancer, &split(&all, replacement)).await;
            // What was on its way.
            load.next(20).await;
            let share = load.next(600).await.share("green");
            let asked = f64::from(replacement) / 100.0;
            let chance = if replacement % 100 == 0 { 0.0 } else { 0.02 };
            assert!((share - asked).abs() <= chance, "{replacement} %: {share}");
        }
        assert_eq!(load.count().failed(), 0, "{:?}", load.count());
    }
    let observed = balancer.observe(&split(&all, 0).servers).await.unwrap();
    let weights: Vec<_> = observed.servers.values().map(|s| s.weight).collect();
    assert_eq!(weights, [Some(256), Some(256), Some(0)]);
    let counted: Vec<_> = observed.servers.values().map(|s| s.requests).collect();
    for (counted, backend) in counted.into_iter().zip(all) {
        // A load that ended may have left one behind a client.
        assert!(backend.served().abs_diff(counted.unwrap()) <= 8);
    }
    assert!(observed.servers.values().all(|s| s.errors == Some(0)));
}

async fn instances_leave_and_return_without_a_lost_request(way: Way) {
    for connections in [Connections::Kept, Connections::New] {
        let backends = [
            Backend::start("w1").await,
            Backend::start("w2").await,
            Backend::start("w3").await,
        ];
        let haproxy = Running::reached(way, &backends.each_ref().map(line)).await;
        let balancer = haproxy.balancer();
        let load = Load::start(haproxy.front, "/?ms=3", 400, connections);
        for leaving in &backends {
            let slow = format!("http://{}/?ms=700", haproxy.front);
            let slow: Vec<_> = (0..3)
                .map(|_| tokio::spawn(reqwest::get(slow.clone())))
                .collect();
            until(&balancer, leaving, "busy", |seen| seen.in_flight > Some(0)).await;
            for service in [Service::Draining, Service::Out] {
                let servers = backends.iter().map(|backend| {
                    let is_leaving = backend.name == leaving.name;
                    server(backend, if is_leaving { service } else { Service::In })
                });
                apply(&balancer, &wanted(servers.collect())).await;
                let seen = until(&balancer, leaving, "drained", |seen| {
                    seen.in_flight == Some(0)
                })
                .await;
                assert_eq!(seen.service, service);
                assert_eq!(leaving.working(), 0);
                let served = leaving.served();
                load.next(60).await;
                assert_eq!(leaving.served(), served);
            }
            for slow in slow {
                assert!(slow.await.unwrap().unwrap().status().is_success());
            }
            let all = backends.iter().map(|b| server(b, Service::In));
            apply(&balancer, &wanted(all.collect())).await;
            until(&balancer, leaving, "back", |seen| {
                seen.service == Service::In && seen.healthy == Some(true)
            })
            .await;
            assert!(load.next(90).await.answers[&leaving.name] > 10);
        }
        assert_eq!(load.count().failed(), 0, "{:?}", load.count());
    }
}

#[tokio::test]
async fn a_server_gets_nothing_before_it_was_found_well() {
    let (well, unwell) = (Backend::start("w1").await, Backend::start("w2").await);
    let servers = [line(&well), line(&unwell) + " disabled"];
    let haproxy = Running::start(&servers).await;
    let balancer = haproxy.balancer();
    unwell.set_well(false);
    let load = Load::start(haproxy.front, "/", 400, Connections::New);
    let both = wanted(vec![
        server(&well, Service::In),
        server(&unwell, Service::In),
    ]);
    apply(&balancer, &both).await;
    let seen = until(&balancer, &unwell, "found unwell", |seen| {
        seen.service == Service::In
    })
    .await;
    assert_eq!(seen.healthy, Some(false));
    assert!(seen.trouble.unwrap().contains("503"));
    load.next(100).await;
    assert_eq!(unwell.served(), 0);

    unwell.set_well(true);
    until(&balancer, &unwell, "well", |seen| {
        seen.healthy == Some(true)
    })
    .await;
    assert!(load.next(100).await.answers["w2"] > 20);
    assert_eq!(load.count().failed(), 0);
}

async fn an_idle_server_moves_to_another_address(way: Way) {
    let (stays, old) = (Backend::start("w1").await, Backend::start("w2").await);
    let haproxy = Running::reached(way, &[&stays, &old].map(line)).await;
    let balancer = haproxy.balancer();
    let load = Load::start(haproxy.front, "/", 400, Connections::Kept);
    load.next(100).await;
    let new = Backend::start("new").await;
    let elsewhere = |service| {
        let mut moved = server(&new, service);
        moved.name = "w2".parse().unwrap();
        wanted(vec![server(&stays, Service::In), moved])
    };
    let words = super::running::refused(&balancer, &elsewhere(Service::In)).await;
    assert!(
        words.contains(&format!("stands for {}", old.address)) && words.contains("drain it first"),
        "{words}"
    );
    let seen = balancer
        .observe(&elsewhere(Service::In).servers)
        .await
        .unwrap();
    let seen = &seen.servers["w2"];
    assert_eq!(seen.healthy, Some(false));
    assert!(seen.trouble.clone().unwrap().contains("it stands for"));

    apply(&balancer, &elsewhere(Service::Draining)).await;
    until(&balancer, &old, "drained", |seen| seen.in_flight == Some(0)).await;
    let served = old.served();
    apply(&balancer, &elsewhere(Service::In)).await;
    let count = load.next(300).await;
    assert_eq!(old.served(), served);
    assert!(count.answers["new"] > 100, "{count:?}");
    assert_eq!(load.count().failed(), 0);
}
