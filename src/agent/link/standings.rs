//! Who may ask for what: every kind of request and every route, with everybody who may come.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request as HttpRequest, StatusCode};
use futures_util::stream;
use tempfile::TempDir;
use tokio::net::UnixStream;
use tower::ServiceExt as _;

use super::frame::{Kind, Request, Required, Status};
use super::signer::Signer;
use super::{Client, LinkError};
use crate::agent::front::Trusted;
use crate::agent::trust::Peer;
use crate::agent::{Agent, Config, http};
use crate::identity::invitation::{Secret, Token};
use crate::identity::orchestrators::KnownOrchestrators;
use crate::identity::{Identity, Pin};
use crate::model::name::Name;
use crate::model::revision::Digest;

/// Somebody who may come, and up to what he may ask.
struct Visitor {
    who: &'static str,
    peer: Peer,
    introduces: bool,
    commands: bool,
}

struct Host {
    _scratch: TempDir,
    agent: Agent,
    own: Option<Pin>,
    name: Name,
    signer: Signer,
    visitors: Vec<Visitor>,
}

fn pin(byte: u8) -> Pin {
    Pin::from_bytes([byte; 32])
}

impl Host {
    /// An agent that has joined one orchestrator and expects another, or one that never joined.
    async fn new(has_joined: bool) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let name: Name = "web-1".parse().unwrap();
        let config = Config::new(name.clone(), scratch.path().join("agent"));
        let layout = crate::agent::layout::Layout::open(&config.root).unwrap();
        let signer = Signer::new();
        let own = has_joined.then(|| Identity::open(&layout.key()).unwrap().pin());
        if has_joined {
            let known = KnownOrchestrators::open(layout.orchestrators()).unwrap();
            let shop = "shop".parse().unwrap();
            known.admit(pin(1), &shop, signer.commander()).unwrap();
            let token = Token {
                orchestrator: pin(2),
                secret: Secret::new().unwrap(),
            };
            known.expect(&name, token.into()).unwrap();
        }
        let me = nix::unistd::geteuid().as_raw();
        let visitor = |who, peer, introduces, commands| Visitor {
            who,
            peer,
            introduces,
            commands,
        };
        let obeys_users = !has_joined;
        let visitors = vec![
            visitor("an orchestrator", Peer::Key(pin(1)), has_joined, has_joined),
            visitor("the expected one", Peer::Key(pin(2)), has_joined, false),
            visitor("a stranger", Peer::Key(pin(3)), false, false),
            visitor(
                "its own user",
                Peer::User(Some(me)),
                obeys_users,
                obeys_users,
            ),
            visitor("root", Peer::User(Some(0)), obeys_users, obeys_users),
            visitor("another user", Peer::User(Some(4_000_000)), false, false),
            visitor("nobody knows who", Peer::User(None), false, false),
        ];
        Self {
            agent: Agent::open(config).await.unwrap(),
            _scratch: scratch,
            own,
            name,
            signer,
            visitors,
        }
    }

    fn client(&self) -> Client {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let servant = Arc::clone(&self.agent.servant);
        tokio::spawn(async move { servant.serve(ours).await });
        Client::new(theirs)
    }

    /// What a kind of request says when nothing is wrong with it.
    fn body(&self, kind: Kind) -> Vec<u8> {
        let signed = |name, command| {
            self.signer
                .sign(&self.name, self.own, (kind, name), command)
        };
        match kind {
            // The rest of an order does not matter here: whoever may give one is told what it lacks.
            Kind::Order => signed("e", "{}"),
            Kind::Stop => signed("e", "null"),
            Kind::Renew => signed("", "{\"executions\":[]}"),
            Kind::ChangeUpstream => signed("app", "{\"servers\":[]}"),
            Kind::HaProxy => signed(
                "",
                "{\"host\":\"db-1\",\"backend\":\"app\",\"command\":\"\"}",
            ),
            Kind::OrderTaskSet => signed(TASK_SET, "{}"),
            Kind::EndTaskSet => signed(TASK_SET, "null"),
            Kind::Keys => signed("", "\"make\""),
            Kind::Follow => b"0".to_vec(),
            Kind::Standing => b"true".to_vec(),
            Kind::Introduce => b"{}".to_vec(),
            Kind::Info
            | Kind::HasBundle
            | Kind::Bundle
            | Kind::Upstream
            | Kind::TaskSets
            | Kind::TaskSet
            | Kind::Trust => Vec::new(),
        }
    }

    fn request(&self, kind: Kind, peer: Peer) -> Request {
        let name = match kind {
            Kind::Order | Kind::Stop => "e",
            Kind::Upstream | Kind::ChangeUpstream => "app",
            Kind::TaskSet | Kind::OrderTaskSet | Kind::EndTaskSet => TASK_SET,
            _ => "",
        };
        let bundle = matches!(kind, Kind::HasBundle | Kind::Bundle);
        Request {
            peer: (kind != Kind::Trust).then_some(peer),
            name: name.to_owned(),
            digest: bundle.then(|| Digest::from_bytes(&[7; 32])),
            body: self.body(kind),
            ..Request::new(kind)
        }
    }
}

const TASK_SET: &str = "d-7F3KQ21XB";

async fn answered(client: &Client, request: &Request) -> Status {
    let reply = if request.kind == Kind::Bundle {
        let pieces = stream::iter([Ok::<_, std::io::Error>(b"x".to_vec())]);
        client.send(request, pieces).await
    } else {
        client.ask(request).await
    };
    reply.unwrap().status
}

/// The executor goes by its table, whatever the front says that it has looked at.
#[tokio::test]
async fn every_kind_is_answered_to_those_alone_who_may_ask() {
    for has_joined in [true, false] {
        let host = Host::new(has_joined).await;
        let client = host.client();
        for kind in Kind::ALL {
            for visitor in &host.visitors {
                let may = match kind.requires() {
                    Required::Front => true,
                    Required::Expected => visitor.introduces,
                    Required::Orchestrator => visitor.commands,
                };
                let status = answered(&client, &host.request(*kind, visitor.peer)).await;
                assert_eq!(
                    status != Status::Stranger,
                    may,
                    "{kind:?} asked by {}, joined: {has_joined}: {status:?}",
                    visitor.who
                );
            }
        }
    }
}

/// What changes something is a command, and without a signature it is none.
#[tokio::test]
async fn nothing_is_changed_without_a_signed_command() {
    for has_joined in [true, false] {
        let host = Host::new(has_joined).await;
        let client = host.client();
        let obeyed = host.visitors.iter().find(|one| one.commands).unwrap();
        let mut changing = 0;
        for kind in Kind::ALL.iter().filter(|kind| kind.verb().is_some()) {
            changing += 1;
            let good = host.request(*kind, obeyed.peer);
            let said = String::from_utf8(good.body.clone()).unwrap();
            let plain = Request {
                body: said.split("\"command\":").nth(1).unwrap().into(),
                ..good.clone()
            };
            assert!(
                [Status::Invalid, Status::Unprocessable].contains(&answered(&client, &plain).await),
                "{kind:?}"
            );
            let other = Request {
                body: Signer::new().sign(&host.name, host.own, (*kind, &good.name), "{}"),
                ..good.clone()
            };
            // An agent that never joined knows no keys: it goes by whose connection it is.
            let status = answered(&client, &other).await;
            assert_eq!(status == Status::Distrusted, has_joined, "{kind:?}");
            let changed = Request {
                body: said.replace("\"by\":\"ana\"", "\"by\":\"ben\"").into(),
                ..good.clone()
            };
            let status = answered(&client, &changed).await;
            assert_eq!(status, Status::Distrusted, "{kind:?}");
            if !good.name.is_empty() {
                let elsewhere = Request {
                    name: "other".to_owned(),
                    ..host.request(*kind, obeyed.peer)
                };
                let status = answered(&client, &elsewhere).await;
                assert_eq!(status, Status::Distrusted, "{kind:?}");
            }
            let db = "db-1".parse().unwrap();
            for (name, agent) in [(&db, host.own), (&host.name, Some(pin(9)))] {
                let meant = Request {
                    body: host.signer.sign(name, agent, (*kind, &good.name), "null"),
                    ..good.clone()
                };
                let status = answered(&client, &meant).await;
                assert_eq!(status, Status::Distrusted, "{kind:?} for {name} {agent:?}");
            }
            // The good one is taken for what it is, once.
            let status = answered(&client, &good).await;
            assert!(
                ![Status::Distrusted, Status::Stale].contains(&status),
                "{kind:?}"
            );
            assert_eq!(answered(&client, &good).await, Status::Stale, "{kind:?}");
        }
        assert_eq!(changing, 8);
    }
}

/// Every route of the door; the last one is none.
const ROUTES: [(&str, &str, Option<Kind>); 18] = [
    ("GET", "/v1/agent", Some(Kind::Info)),
    ("HEAD", "/v1/bundles/{digest}", Some(Kind::HasBundle)),
    ("PUT", "/v1/bundles/{digest}", Some(Kind::Bundle)),
    ("PUT", "/v1/executions/e", Some(Kind::Order)),
    ("POST", "/v1/executions/e/stop", Some(Kind::Stop)),
    ("POST", "/v1/leases", Some(Kind::Renew)),
    ("GET", "/v1/stream", Some(Kind::Follow)),
    ("GET", "/v1/upstreams/app", Some(Kind::Upstream)),
    ("PUT", "/v1/upstreams/app", Some(Kind::ChangeUpstream)),
    ("POST", "/v1/haproxy", Some(Kind::HaProxy)),
    ("GET", "/v1/task-sets", Some(Kind::TaskSets)),
    ("GET", "/v1/task-sets/d-7F3KQ21XB", Some(Kind::TaskSet)),
    ("PUT", "/v1/task-sets/d-7F3KQ21XB", Some(Kind::OrderTaskSet)),
    (
        "DELETE",
        "/v1/task-sets/d-7F3KQ21XB",
        Some(Kind::EndTaskSet),
    ),
    ("POST", "/v1/keys", Some(Kind::Keys)),
    ("GET", "/v1/join", Some(Kind::Introduce)),
    ("POST", "/v1/join", Some(Kind::Introduce)),
    ("GET", "/v1/nothing", None),
];

#[tokio::test]
async fn every_route_is_answered_to_those_alone_who_may_ask() {
    for has_joined in [true, false] {
        let host = Host::new(has_joined).await;
        let client = host.client();
        let trusted = Trusted::follow(&client).await.unwrap();
        let door = http::door(client, trusted);
        for (method, path, kind) in ROUTES {
            for visitor in &host.visitors {
                let may = match kind.map(Kind::requires) {
                    Some(Required::Expected) => visitor.introduces,
                    _ => visitor.commands,
                };
                let body = kind.map(|kind| host.body(kind)).unwrap_or_default();
                let request = HttpRequest::builder()
                    .method(method)
                    .uri(path.replace("{digest}", &"0".repeat(64)))
                    .header("content-type", "application/json")
                    .extension(ConnectInfo(visitor.peer))
                    .body(Body::from(body))
                    .unwrap();
                let status = door.clone().oneshot(request).await.unwrap().status();
                let who = visitor.who;
                assert_eq!(
                    status != StatusCode::UNAUTHORIZED,
                    may,
                    "{method} {path} asked by {who}, joined: {has_joined}: {status}"
                );
                if kind.is_none() && may {
                    assert_eq!(status, StatusCode::NOT_FOUND);
                }
            }
        }
        // No kind is reached by a route that is not in the list.
        let reached = |kind: &Kind| ROUTES.iter().any(|(_, _, one)| *one == Some(*kind));
        let unreached: Vec<_> = Kind::ALL.iter().filter(|kind| !reached(kind)).collect();
        assert_eq!(unreached, [&Kind::Trust, &Kind::Standing]);
    }
}

/// What the kinds say that the front asks by itself is told to nobody but it: there is no route to them, and what it says on
/// somebody's behalf it can't ask as its own.
#[tokio::test]
async fn nobody_asks_as_the_front() {
    let host = Host::new(true).await;
    let client = host.client();
    for kind in Kind::ALL {
        let mut request = host.request(*kind, Peer::Key(pin(1)));
        request.peer = match request.peer {
            Some(_) => None,
            None => Some(Peer::Key(pin(1))),
        };
        let refused = client.ask(&request).await;
        assert!(matches!(refused, Err(LinkError::Malformed(_))), "{kind:?}");
    }
}
