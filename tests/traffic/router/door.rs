//! The admin door, and the document.

use std::process::Command;

use cutover::model::connections::Router;
use cutover::providers::traffic::router::RouterBalancer;
use cutover::providers::traffic::{Balancer as _, Observed, TrafficError};
use serde_json::{Value, json};

use super::{Proxy, blue, wanted};
use crate::backend::Backend;
use crate::program::free_port;

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_reason() {
    let backend = Backend::start("w1").await;
    let proxy = Proxy::start(&[blue("w1", backend.address)], "").await;
    let http = reqwest::Client::new();
    let url = format!("{}/v1/routes/shop", proxy.admin);
    let server =
        |service: &str| json!({"name": "w1", "endpoint": "127.0.0.1:1", "service": service});
    let cases = [
        (json!({"servers": []}), 409, "no server would be in service"),
        (
            json!({"servers": [server("Draining")]}),
            409,
            "leave at least one In",
        ),
        (
            json!({"servers": [server("In"), server("Out")]}),
            409,
            "w1 is named twice",
        ),
        (
            json!({"servers": [server("In")], "revision": 7}),
            412,
            "at revision 0, not 7",
        ),
        (
            json!({"servers": [server("In")], "split": 101}),
            422,
            "from 0 to 100, not 101",
        ),
        (
            json!({"servers": [server("In")], "splits": 1}),
            422,
            "unknown field `splits`",
        ),
        (
            json!({"servers": [{"name": "w1", "endpoint": "here"}]}),
            422,
            "ADDRESS:PORT",
        ),
    ];
    for (body, status, reason) in cases {
        let answer = http.put(&url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), status, "{body}");
        let problem: Value = answer.json().await.unwrap();
        let message = problem["message"].as_str().unwrap();
        assert!(message.contains(reason), "{message}");
    }
    let page = http.get(&url).header("origin", "http://evil.example");
    assert_eq!(page.send().await.unwrap().status(), 403);
    assert_eq!(proxy.state().await.revision, 0, "nothing was changed");
    let routes = http.get(format!("{}/v1/routes", proxy.admin));
    let routes: Value = routes.send().await.unwrap().json().await.unwrap();
    assert_eq!(routes[0]["route"], "shop");
}

#[tokio::test]
async fn a_change_is_made_once_and_its_revision_counts() {
    let backend = Backend::start("w1").await;
    let servers = [blue("w1", backend.address)];
    let proxy = Proxy::start(&servers, "").await;
    proxy.apply(&servers, Some(5)).await;
    proxy.apply(&servers, Some(5)).await;
    assert_eq!(
        proxy.state().await.revision,
        1,
        "the second changed nothing"
    );
    // Ten at a time: each is merged with what is there, none is lost.
    let added: Vec<_> = (0..10)
        .map(|n| blue(&format!("n{n}"), backend.address))
        .collect();
    let changes = added.chunks(5).map(|part| proxy.apply(part, Some(5)));
    futures_util::future::join_all(changes).await;
    assert_eq!(proxy.state().await.servers.len(), 11);
}

#[tokio::test]
async fn errors_of_the_provider_say_what_to_do() {
    let backend = Backend::start("w1").await;
    let servers = [blue("w1", backend.address)];
    let proxy = Proxy::start(&servers, "").await;
    let connect = |admin: &str, route: &str| {
        let connection = Router {
            admin: admin.to_owned(),
            route: route.to_owned(),
        };
        RouterBalancer::new(reqwest::Client::new(), &connection)
    };
    let error = connect(&proxy.admin, "shp").observe(&servers).await;
    let error = error.unwrap_err();
    assert!(matches!(error, TrafficError::Refused { .. }));
    assert!(error.to_string().contains("it has shop"), "{error}");
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let nobody = connect(&nobody, "shop");
    let wanted = wanted(&servers, None);
    let error = nobody.apply(&wanted, &Observed::default()).await;
    let error = error.unwrap_err();
    assert!(error.is_passing());
    assert!(error.to_string().contains("refused"), "{error}");
    let error = connect(&proxy.url(""), "shop").observe(&servers).await;
    assert!(matches!(
        error.unwrap_err(),
        TrafficError::Unreadable { .. }
    ));
}

#[test]
fn a_document_with_an_error_names_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let route = "{name: a, listen: 127.0.0.1:1, servers: [{name: w, endpoint: '127.0.0.1:2'}]}";
    let cases = [
        (
            "admin: 127.0.0.1:9\n".to_owned(),
            "router.yaml:1:1: the field \"routes\" is missing",
        ),
        (
            "admin: 127.0.0.1:9\nroutes: []\n".to_owned(),
            "routes: there is nothing to do",
        ),
        (
            format!("admin: 0.0.0.0:9\nroutes: [{route}]\n"),
            "admin: 0.0.0.0:9 is not the loopback",
        ),
        (
            format!("admin: 127.0.0.1:9\nroutes: [{route}, {route}]\n"),
            "routes[1].name: there is a route a already",
        ),
        (
            format!("admin: 127.0.0.1:1\nroutes: [{route}]\n"),
            "routes[0].listen: 127.0.0.1:1 is listened on",
        ),
        (
            "admin: 127.0.0.1:9\nroutes: [{name: a, listen: 127.0.0.1:1, servers: [{name: w, endpoint: '127.0.0.1:2', service: Out}]}]\n"
                .to_owned(),
            "routes[0].servers: no server",
        ),
        ("admin: 127.0.0.1:9\nroute: []\n".to_owned(), "did you mean"),
        (
            "admin: nowhere\nroutes: []\n".to_owned(),
            "router.yaml:1:8: admin",
        ),
    ];
    for (document, expected) in cases {
        std::fs::write(folder.path().join("router.yaml"), document).unwrap();
        let mut check = Command::new(env!("CARGO_BIN_EXE_cutover"));
        check.args(["router", "--check", "--config", "router.yaml"]);
        let output = check.current_dir(folder.path()).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(expected), "{expected}: {text}");
        assert_eq!(output.status.code(), Some(2));
    }
}
