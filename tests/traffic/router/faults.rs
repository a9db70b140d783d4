//! What goes wrong: servers that die or are unwell, and the router's own end.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cutover::model::traffic::Split;
use tokio::time::timeout;

use super::origin::closer;
use super::{Proxy, blue, green, of};
use crate::backend::Backend;
use crate::load::{Connections, Load};
use crate::program::free_port;

const CHECKED: &str = "health: {path: /health, intervalMillis: 50, rise: 2, fall: 2}";

#[tokio::test]
async fn a_server_that_is_killed_costs_no_request() {
    let (one, two) = (Backend::start("w1").await, Backend::start("w2").await);
    for (connections, health) in [
        (Connections::Kept, ""),
        (Connections::New, ""),
        (Connections::Kept, CHECKED),
    ] {
        // A process that can be killed with all its connections.
        let mut behind = Proxy::start(&[blue("w1", one.address)], "").await;
        let servers = [blue("w1", behind.address), blue("w2", two.address)];
        let mut proxy = Proxy::start(&servers, health).await;
        let load = Load::start(proxy.address, "/?ms=20", 300, connections);
        assert!(load.next(100).await.share("w1") > 0.3);
        behind.program.kill();
        let rest = load.next(400).await;
        assert_eq!(load.count().failed(), 0, "{:?}", load.count());
        assert!(rest.share("w2") > 0.9, "{rest:?}");
        let state = proxy.state().await;
        assert!(of(&state, "w1").errors > 0);
        behind.again(&[]).await;
        proxy
            .until("w1 is back", |state| of(state, "w1").healthy)
            .await;
        load.next(50).await;
        let back = load.next(200).await;
        assert!((back.share("w1") - 0.5).abs() < 0.1, "{back:?}");
        assert_eq!(load.count().failed(), 0, "{:?}", load.count());
    }
}

#[tokio::test]
async fn connections_that_close_between_requests_cost_none() {
    let (address, heads) = closer("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let proxy = Proxy::start(&[blue("w1", address)], "").await;
    let http = reqwest::Client::new();
    for _ in 0..200 {
        let answer = http.get(proxy.url("/")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    assert_eq!(heads.load(Ordering::Relaxed), 200);
    let state = proxy.state().await;
    let server = of(&state, "w1");
    assert_eq!((server.requests, server.errors), (200, 0));
}

#[tokio::test]
async fn what_may_not_be_repeated_is_sent_once() {
    let (silent, heads) = closer("").await;
    let backend = Backend::start("w2").await;
    let servers = [blue("w1", silent), blue("w2", backend.address)];
    let proxy = Proxy::start(&servers, "").await;
    let http = reqwest::Client::new();
    for asked in 1..=5 {
        // One of two goes to each server: w2 knows no POST.
        let statuses = [
            http.post(proxy.url("/")).body("once").send().await,
            http.post(proxy.url("/")).body("once").send().await,
        ];
        let mut statuses = statuses.map(|answer| answer.unwrap().status().as_u16());
        statuses.sort_unstable();
        assert_eq!(statuses, [405, 502]);
        assert_eq!(heads.load(Ordering::Relaxed), asked, "sent once");
    }
    for _ in 0..10 {
        let answer = http.get(proxy.url("/")).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "w2");
    }
    assert_eq!(
        heads.load(Ordering::Relaxed),
        10,
        "half of them, then the other"
    );
}

#[tokio::test]
async fn a_server_that_is_unwell_goes_out_and_comes_back() {
    let (b, g) = (Backend::start("b1").await, Backend::start("g1").await);
    let servers = [blue("b1", b.address), green("g1", g.address)];
    let mut proxy = Proxy::start(&servers, &format!("split: 50\n{CHECKED}")).await;
    let load = Load::start(proxy.address, "/", 300, Connections::Kept);
    load.next(50).await;
    g.set_well(false);
    let state = proxy
        .until("g1 is out", |state| !of(state, "g1").healthy)
        .await;
    let trouble = of(&state, "g1").trouble.as_deref();
    assert_eq!(trouble, Some("status 503 from /health"));
    load.next(20).await;
    assert_eq!(load.next(100).await.answers.keys().next().unwrap(), "b1");
    assert!(proxy.state().await.fallen_over > 0);
    let told = proxy.log().matches("of the replacement is well").count();
    assert_eq!(told, 1, "told once: {}", proxy.log());
    g.set_well(true);
    proxy
        .until("g1 is back", |state| of(state, "g1").healthy)
        .await;
    load.next(20).await;
    let share = load.next(200).await.share("g");
    assert!((share - 0.5).abs() < 0.05, "{share}");
    assert_eq!(load.count().failed(), 0, "{:?}", load.count());
}

#[tokio::test]
async fn without_a_server_that_is_well_the_others_are_asked() {
    let nobody = format!("127.0.0.1:{}", free_port()).parse().unwrap();
    let proxy = Proxy::start(&[blue("w1", nobody)], "").await;
    let answer = reqwest::get(proxy.url("/")).await.unwrap();
    assert_eq!(answer.status(), 502);
    let text = answer.text().await.unwrap();
    assert!(text.starts_with("502 w1 gave no answer: "), "{text}");

    let unwell = Backend::start("w1").await;
    unwell.set_well(false);
    let mut proxy = Proxy::start(&[blue("w1", unwell.address)], CHECKED).await;
    proxy
        .until("w1 is out", |state| !of(state, "w1").healthy)
        .await;
    let answer = reqwest::get(proxy.url("/")).await.unwrap();
    assert_eq!(
        answer.status(),
        200,
        "its checks fail, and nobody is better"
    );
    assert_eq!(answer.text().await.unwrap(), "w1");
    assert!(proxy.log().contains("no server is well"), "{}", proxy.log());
    assert_eq!(proxy.state().await.last_resort, 1);
}

#[tokio::test]
async fn a_restart_keeps_the_split() {
    let (b, g) = (Backend::start("b1").await, Backend::start("g1").await);
    let servers = [blue("b1", b.address), green("g1", g.address)];
    let mut proxy = Proxy::start(&servers, "split: 0").await;
    let before = proxy.state().await;
    proxy.apply(&servers, Some(30)).await;
    proxy.program.kill();
    proxy.again(&[]).await;
    let after = proxy.state().await;
    assert_eq!(after.split, Some(Split::new(30).unwrap()));
    assert_eq!(after.revision, before.revision + 1);
    assert_ne!(after.epoch, before.epoch);
    assert!(proxy.log().contains("as it was last left (revision 1)"));
    proxy.program.kill();
    proxy.again(&["--reset"]).await;
    let reset = proxy.state().await;
    assert_eq!(reset.split, Some(Split::new(0).unwrap()));
    assert_eq!(reset.revision, 0);
}

#[tokio::test]
async fn requests_in_flight_finish_when_it_is_told_to_end() {
    let backend = Backend::start("w1").await;
    let mut proxy = Proxy::start(&[blue("w1", backend.address)], "").await;
    let slow = tokio::spawn(reqwest::get(proxy.url("/?ms=1500")));
    let idle = reqwest::Client::new();
    idle.get(proxy.url("/")).send().await.unwrap();
    proxy
        .until("it works", |state| of(state, "w1").in_flight == 1)
        .await;
    proxy.terminate();
    let refused = async {
        while reqwest::get(proxy.url("/")).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), refused).await.unwrap();
    assert_eq!(backend.working(), 1);
    let answer = slow.await.unwrap().unwrap();
    assert_eq!(answer.text().await.unwrap(), "w1");
    assert!(proxy.program.ended().await.success());
    assert!(!proxy.log().contains("cut off"), "{}", proxy.log());
}
