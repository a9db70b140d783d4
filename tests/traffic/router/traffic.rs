//! Who gets which request, while it changes.

use cutover::model::traffic::{Side, Split};
use cutover::providers::traffic::{Balancer as _, Service};

use super::{Proxy, blue, green, of, server, wanted};
use crate::backend::Backend;
use crate::load::{Connections, Load};

/// Which backends answered so many requests, one after the other.
async fn answers(proxy: &Proxy, requests: usize) -> Vec<String> {
    let http = reqwest::Client::new();
    let mut names = Vec::new();
    for _ in 0..requests {
        let answer = http.get(proxy.url("/")).send().await.unwrap();
        names.push(answer.error_for_status().unwrap().text().await.unwrap());
    }
    names
}

fn count(names: &[String], of: &str) -> usize {
    names.iter().filter(|name| name.starts_with(of)).count()
}

#[tokio::test]
async fn shares_are_exact() {
    let (b1, b2) = (Backend::start("b1").await, Backend::start("b2").await);
    let g1 = Backend::start("g1").await;
    let servers = [
        blue("b1", b1.address),
        blue("b2", b2.address),
        green("g1", g1.address),
    ];
    let proxy = Proxy::start(&servers, "split: 10").await;
    let names = answers(&proxy, 110).await;
    assert_eq!(count(&names[..100], "g"), 10);
    assert_eq!(count(&names[7..107], "g"), 10, "of any hundred in a row");
    assert_eq!(count(&names[..100], "b1"), 45);
    for (split, expected) in [(Some(1), 1), (Some(35), 35), (Some(0), 0), (Some(100), 100)] {
        proxy.apply(&servers, split).await;
        let names = answers(&proxy, 100).await;
        assert_eq!(count(&names, "g"), expected, "{split:?}");
    }
    proxy.apply(&servers, None).await;
    let names = answers(&proxy, 99).await;
    assert_eq!(count(&names, "g"), 33, "without a split all get the same");
    let observed = proxy.balancer.observe(&servers[..2]).await.unwrap();
    assert_eq!(observed.servers.len(), 2, "those that were asked for");
    let seen = &observed.servers[&servers[0].name];
    assert_eq!((seen.errors, seen.in_flight), (Some(0), Some(0)));
    assert_eq!(seen.requests, Some(b1.served()));
    assert_eq!(seen.healthy, Some(true));
}

#[tokio::test]
async fn the_split_changes_under_load_without_a_lost_request() {
    let (b, g) = (Backend::start("b1").await, Backend::start("g1").await);
    let servers = [blue("b1", b.address), green("g1", g.address)];
    for connections in [Connections::Kept, Connections::New] {
        let proxy = Proxy::start(&servers, "split: 0").await;
        let load = Load::start(proxy.address, "/?ms=2", 800, connections);
        load.next(100).await;
        for share in [25_u8, 100, 50, 0, 75] {
            proxy.apply(&servers, Some(share)).await;
            let split = proxy.balancer.observe(&servers).await.unwrap().split;
            assert_eq!(split, Some(Split::new(share).unwrap()));
            // Those that began before the change may still end.
            load.next(20).await;
            let measured = load.next(400).await.share("g");
            let asked = f64::from(share) / 100.0;
            // What eight clients have in flight moves across the edges.
            assert!((measured - asked).abs() < 0.03, "{share}: {measured}");
        }
        assert_eq!(load.count().failed(), 0, "{:?}", load.count());
    }
}

#[tokio::test]
async fn a_drain_ends_when_nothing_is_in_flight() {
    let (one, two) = (Backend::start("w1").await, Backend::start("w2").await);
    let servers = [blue("w1", one.address), blue("w2", two.address)];
    let mut proxy = Proxy::start(&servers, "").await;
    let load = Load::start(proxy.address, "/?ms=300", 40, Connections::Kept);
    proxy
        .until("w1 works", |state| of(state, "w1").in_flight > 0)
        .await;
    let draining = server("w1", one.address, Side::Blue, Service::Draining);
    proxy.apply(std::slice::from_ref(&draining), None).await;
    let state = proxy.state().await;
    assert_eq!(of(&state, "w1").service, Service::Draining);
    assert_eq!(of(&state, "w2").service, Service::In, "nobody named it");
    let given = of(&state, "w1").requests;
    proxy
        .until("w1 is drained", |state| of(state, "w1").in_flight == 0)
        .await;
    assert_eq!(one.working(), 0);
    let rest = load.next(20).await;
    assert!((rest.share("w2") - 1.0).abs() < f64::EPSILON, "{rest:?}");
    assert_eq!(of(&proxy.state().await, "w1").requests, given);
    // What is in service by now would be the last one.
    let none = [
        draining,
        server("w2", two.address, Side::Blue, Service::Out),
    ];
    let observed = proxy.balancer.observe(&none).await.unwrap();
    let refused = proxy.balancer.apply(&wanted(&none, None), &observed).await;
    let refused = refused.unwrap_err();
    assert!(!refused.is_passing());
    assert!(
        refused
            .to_string()
            .contains("no server would be in service")
    );
    assert_eq!(load.count().failed(), 0, "{:?}", load.count());
}
