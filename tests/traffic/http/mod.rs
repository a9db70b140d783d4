//! Requests of an operator's own, against an API in front of a real `HAProxy`.

mod bridge;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use cutover::model::connections::{
    HealthField, HttpBalancer, HttpObserve, HttpRequest, ServiceField,
};
use cutover::model::secret::{SecretRef, SecretSource, SecretSources};
use cutover::providers::secrets::Secrets;
use cutover::providers::traffic::http::RequestBalancer;
use cutover::providers::traffic::{Balancer as _, Service, TrafficError, Wanted};
use tokio::time::{Duration, Instant, sleep};

use self::bridge::{Bridge, TOKEN};
use crate::backend::Backend;
use crate::haproxy::running::{Running, line, server, split, wanted};
use crate::load::{Connections, Load};
use crate::program::free_port;

struct Setup {
    haproxy: Running,
    bridge: Bridge,
    connection: HttpBalancer,
    token_file: PathBuf,
    secrets: Secrets,
}

fn private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

async fn setup(backends: &[&Backend]) -> Setup {
    let servers: Vec<String> = backends.iter().map(|backend| line(backend)).collect();
    let haproxy = Running::start(&servers).await;
    let bridge = Bridge::start(haproxy.api).await;
    let token_file = haproxy.folder.path().join("token");
    private(&token_file, &format!("{TOKEN}\n"));
    let file = SecretSource::File(token_file.clone());
    let sources = SecretSources::from([("token".parse().unwrap(), file)]);
    let secrets = Secrets::new(haproxy.folder.path(), move || sources.clone());
    let connection = connection(&bridge);
    Setup {
        haproxy,
        bridge,
        connection,
        token_file,
        secrets,
    }
}

fn connection(bridge: &Bridge) -> HttpBalancer {
    let api = format!("http://{}", bridge.address);
    let request = |method: &str, path: &str, body: Option<&str>| HttpRequest {
        method: Some(method.to_owned()),
        url: format!("{api}{path}"),
        headers: [].into(),
        body: body.map(str::to_owned),
        token: Some(SecretRef("token".parse().unwrap())),
    };
    let put = |body| request("PUT", "/servers/{server}", Some(body));
    let at = |path: &str| Some(path.to_owned());
    HttpBalancer {
        enter: put(r#"{"state":"ready","weight":{weight}}"#),
        drain: Some(put(r#"{"state":"drain"}"#)),
        leave: put(r#"{"state":"maint"}"#),
        weight: Some(request(
            "POST",
            "/servers/{server}/weight?value={weight}",
            None,
        )),
        largest_weight: 100,
        observe: Some(HttpObserve {
            request: request("GET", "/servers/{server}", None),
            service: ServiceField {
                at: "state".to_owned(),
                serving: vec!["ready".to_owned()],
                draining: vec!["drain".to_owned()],
                out: vec!["maint".to_owned()],
            },
            healthy: Some(HealthField {
                at: "check".to_owned(),
                is: vec!["UP".to_owned(), "UP 1/2".to_owned(), "no check".to_owned()],
            }),
            weight: at("weight"),
            in_flight: at("/counters/active"),
            requests: at("counters.total"),
            errors: at("counters.failed"),
        }),
        timeout_seconds: 2,
    }
}

fn balancer(setup: &Setup) -> RequestBalancer {
    RequestBalancer::new("web", &setup.connection, &setup.secrets).unwrap()
}

async fn apply(balancer: &RequestBalancer, wanted: &Wanted) {
    let observed = balancer.observe(&wanted.servers).await.unwrap();
    balancer.apply(wanted, &observed).await.unwrap();
}

#[tokio::test]
async fn shares_follow_and_instances_leave_and_return() {
    let (blue, green) = (
        Backend::start("blue-1").await,
        Backend::start("green-1").await,
    );
    let setup = setup(&[&blue, &green]).await;
    let balancer = balancer(&setup);
    let load = Load::start(setup.haproxy.front, "/?ms=2", 400, Connections::Kept);
    for replacement in [0, 10, 50, 100] {
        apply(&balancer, &split(&[&blue, &green], replacement)).await;
        load.next(20).await;
        let share = load.next(200).await.share("green");
        let asked = f64::from(replacement) / 100.0;
        let chance = if replacement % 100 == 0 { 0.0 } else { 0.04 };
        assert!((share - asked).abs() <= chance, "{replacement} %: {share}");
    }
    let both = |service| wanted(vec![server(&blue, service), server(&green, Service::In)]);
    apply(&balancer, &both(Service::In)).await;
    let slow = format!("http://{}/?ms=500", setup.haproxy.front);
    let slow: Vec<_> = (0..4)
        .map(|_| tokio::spawn(reqwest::get(slow.clone())))
        .collect();
    let deadline = Instant::now() + Duration::from_secs(30);
    let blue_seen = async || {
        assert!(Instant::now() < deadline);
        sleep(Duration::from_millis(10)).await;
        let mut seen = balancer.observe(&both(Service::In).servers).await.unwrap();
        seen.servers.remove("blue-1").unwrap()
    };
    while blue_seen().await.in_flight == Some(0) {}
    apply(&balancer, &both(Service::Draining)).await;
    while blue_seen().await.in_flight != Some(0) {}
    assert_eq!(blue_seen().await.service, Service::Draining);
    assert_eq!(blue.working(), 0);
    apply(&balancer, &both(Service::Out)).await;
    assert_eq!(blue_seen().await.service, Service::Out);
    for slow in slow {
        assert!(slow.await.unwrap().unwrap().status().is_success());
    }
    let served = blue.served();
    load.next(60).await;
    assert_eq!(blue.served(), served);
    apply(&balancer, &both(Service::In)).await;
    let back = blue_seen().await;
    assert_eq!((back.weight, back.errors), (Some(100), Some(0)));
    assert!(back.requests >= Some(served));
    assert!(load.next(60).await.answers["blue-1"] > 10);
    assert_eq!(load.count().failed(), 0, "{:?}", load.count());
    // Nothing is sent for what is so.
    let changes = setup.bridge.changes();
    apply(&balancer, &both(Service::In)).await;
    assert_eq!(setup.bridge.changes(), changes);
}

#[tokio::test]
async fn a_change_by_hand_and_a_restart_are_put_right_by_one_answer_for_all() {
    let (blue, green) = (
        Backend::start("blue-1").await,
        Backend::start("green-1").await,
    );
    let mut setup = setup(&[&blue, &green]).await;
    let observe = setup.connection.observe.as_mut().unwrap();
    observe.request.url = format!("http://{}/servers", setup.bridge.address);
    let of_server = |field: &str| format!("servers.name={{server}}.{field}");
    observe.service.at = of_server("state");
    observe.healthy.as_mut().unwrap().at = of_server("check");
    observe.weight = Some(of_server("weight"));
    observe.in_flight = Some(of_server("counters.active"));
    observe.requests = None;
    observe.errors = None;
    let balancer = balancer(&setup);
    let shifted = split(&[&blue, &green], 100);
    let weights = async || {
        let seen = balancer.observe(&shifted.servers).await.unwrap();
        ["blue-1", "green-1"].map(|name| {
            let seen = &seen.servers[name];
            (seen.service, seen.weight.unwrap())
        })
    };
    let right = [(Service::In, 0), (Service::In, 100)];
    apply(&balancer, &shifted).await;
    assert_eq!(weights().await, right);
    setup
        .haproxy
        .by_hand("set server app/blue-1 weight 9")
        .await;
    setup
        .haproxy
        .by_hand("set server app/green-1 state maint")
        .await;
    assert_eq!(weights().await, [(Service::In, 9), (Service::Out, 100)]);
    apply(&balancer, &shifted).await;
    assert_eq!(weights().await, right);
    setup.haproxy.restart().await;
    assert_ne!(weights().await, right);
    apply(&balancer, &shifted).await;
    assert_eq!(weights().await, right);

    // A server that is not in the answer is not there.
    let stranger = Backend::start("stranger").await;
    let seen = balancer.observe(&[server(&stranger, Service::In)]).await;
    assert!(seen.unwrap().servers.is_empty());
}

#[tokio::test]
async fn without_observe_what_was_accepted_is_believed() {
    let (w1, w2) = (Backend::start("w1").await, Backend::start("w2").await);
    let mut setup = setup(&[&w1, &w2]).await;
    setup.connection.observe = None;
    let balancer = balancer(&setup);
    let abilities = balancer.abilities();
    assert!(abilities.split && !abilities.in_flight && !abilities.health);
    let out = wanted(vec![server(&w1, Service::Out), server(&w2, Service::In)]);
    let seen = balancer.observe(&out.servers).await.unwrap();
    assert!(seen.servers.is_empty());
    apply(&balancer, &out).await;
    let seen = balancer.observe(&out.servers).await.unwrap();
    assert_eq!(seen.servers["w1"].service, Service::Out);
    assert_eq!(seen.servers["w2"].weight, Some(100));
    let changes = setup.bridge.changes();
    apply(&balancer, &out).await;
    assert_eq!(setup.bridge.changes(), changes);
    let load = Load::start(setup.haproxy.front, "/", 400, Connections::New);
    let count = load.next(60).await;
    assert_eq!(count.answers["w2"], count.total());
    // What was refused is not believed.
    setup.bridge.overload(true);
    let back = wanted(vec![server(&w1, Service::In), server(&w2, Service::In)]);
    assert!(balancer.apply(&back, &seen).await.is_err());
    let again = balancer.observe(&out.servers).await.unwrap();
    assert_eq!(again, seen);
}

#[tokio::test]
async fn what_fails_is_told_apart() {
    let (w1, w2) = (Backend::start("w1").await, Backend::start("w2").await);
    let setup = setup(&[&w1, &w2]).await;
    let balancer = balancer(&setup);
    let asked = [server(&w1, Service::In), server(&w2, Service::In)];
    // Nothing is left in service.
    let none = wanted(
        asked
            .iter()
            .cloned()
            .map(|mut server| {
                server.service = Service::Out;
                server
            })
            .collect(),
    );
    let before = balancer.observe(&asked).await.unwrap();
    let error = balancer.apply(&none, &before).await.unwrap_err();
    assert!(
        error.to_string().contains("no server would be left"),
        "{error}"
    );
    assert_eq!(setup.bridge.changes(), 0);

    // A server that it has not.
    let stranger = Backend::start("w3").await;
    let more = wanted(vec![server(&stranger, Service::In)]);
    let error = balancer.apply(&more, &before).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the load balancer web refused: enter for w3 was answered 400: No such server."
    );

    // A word that nobody listed.
    let mut strange = setup.connection.clone();
    strange.observe.as_mut().unwrap().service.serving = vec!["up".to_owned()];
    let strange = RequestBalancer::new("web", &strange, &setup.secrets).unwrap();
    let error = strange.observe(&asked).await.unwrap_err();
    assert!(matches!(error, TrafficError::Unreadable { .. }));
    assert!(
        error
            .to_string()
            .contains("state is \"ready\" for w1: list it"),
        "{error}"
    );

    // A token that it does not know, none at all, and never a token in the words.
    std::fs::write(&setup.token_file, "tok-other").unwrap();
    let error = balancer.observe(&asked).await.unwrap_err();
    assert!(!error.is_passing());
    let words = error.to_string();
    assert!(
        words.ends_with("observe for w1 was answered 401: no such token"),
        "{words}"
    );
    std::fs::write(&setup.token_file, "tok\u{7}other").unwrap();
    let words = balancer.observe(&asked).await.unwrap_err().to_string();
    assert!(
        words.contains("the secret token can't be in a header") && !words.contains("tok\u{7}"),
        "{words}"
    );
    std::fs::remove_file(&setup.token_file).unwrap();
    let words = balancer.observe(&asked).await.unwrap_err().to_string();
    assert!(words.contains("can't be read"), "{words}");
    private(&setup.token_file, TOKEN);

    // Busy, asleep, gone: it may be otherwise the next time.
    setup.bridge.overload(true);
    let error = balancer.observe(&asked).await.unwrap_err();
    assert!(error.is_passing());
    assert!(
        error.to_string().ends_with("503: too\u{241b}[31m busy"),
        "{error}"
    );
    setup.bridge.overload(false);
    setup.bridge.send_to_sleep();
    let error = balancer.observe(&asked).await.unwrap_err();
    assert!(error.is_passing());
    assert!(error.to_string().contains("no answer in time"), "{error}");
    let mut gone = setup.connection.clone();
    gone.observe.as_mut().unwrap().request.url = format!("http://127.0.0.1:{}/", free_port());
    let gone = RequestBalancer::new("web", &gone, &setup.secrets).unwrap();
    let error = gone.observe(&asked).await.unwrap_err();
    assert!(error.is_passing());
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn nobody_leaves_for_a_replacement_that_is_unwell() {
    let (blue, green) = (
        Backend::start("blue-1").await,
        Backend::start("green-1").await,
    );
    let setup = setup(&[&blue, &green]).await;
    green.set_well(false);
    let balancer = balancer(&setup);
    let asked = split(&[&blue, &green], 100);
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let seen = balancer.observe(&asked.servers).await.unwrap();
        let green = &seen.servers["green-1"];
        if green.healthy == Some(false) {
            assert_eq!(green.trouble.as_deref(), Some("check is DOWN"));
            break;
        }
        assert!(Instant::now() < deadline);
        sleep(Duration::from_millis(10)).await;
    }
    let load = Load::start(setup.haproxy.front, "/", 100, Connections::New);
    let before = balancer.observe(&asked.servers).await.unwrap();
    let error = balancer.apply(&asked, &before).await.unwrap_err();
    let words = error.to_string();
    assert!(words.contains("none of the servers that would stay"));
    assert!(error.is_passing(), "{words}");
    let count = load.count();
    assert_eq!(
        (count.failed(), count.answers["blue-1"]),
        (0, count.total())
    );
}

type Break = fn(&mut HttpBalancer);

#[test]
fn a_request_that_cant_be_meant_says_what_to_write() {
    let plain = |url: &str| HttpRequest {
        method: None,
        url: url.to_owned(),
        headers: [].into(),
        body: None,
        token: None,
    };
    let connection = || HttpBalancer {
        enter: plain("http://127.0.0.1:1/in/{server}"),
        drain: None,
        leave: plain("http://127.0.0.1:1/out/{server}"),
        weight: None,
        largest_weight: 100,
        observe: None,
        timeout_seconds: 2,
    };
    let none = Secrets::new(Path::new("/"), SecretSources::new);
    assert!(RequestBalancer::new("web", &connection(), &none).is_ok());
    let broken: [(Break, &str); 7] = [
        (
            |c| c.enter.url = "http://h/{sever}".to_owned(),
            "enter: there is no placeholder {sever}",
        ),
        (
            |c| c.enter.url = "https://h/".to_owned(),
            "does not begin with http://",
        ),
        (
            |c| c.leave.url = "http://".to_owned(),
            "leave: http:// is no URL",
        ),
        (
            |c| c.leave.url = "http://h/{weight}".to_owned(),
            "{weight} has a meaning in",
        ),
        (|c| c.enter.method = Some("GE T".to_owned()), "is no method"),
        (
            |c| c.enter.body = Some("{\"a\":}".to_owned()),
            "the body is no JSON",
        ),
        (|c| c.largest_weight = 0, "`largestWeight` is at least 1"),
    ];
    for (break_it, words) in broken {
        let mut connection = connection();
        break_it(&mut connection);
        let error = RequestBalancer::new("web", &connection, &none).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}
