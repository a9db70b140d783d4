//! Commands are signed by a key of their own: whoever has everything else of an orchestrator commands nothing with it.

use std::sync::Arc;
use std::time::Duration;

use cutover::clock;
use cutover::identity::command::{CommandKey, Statement, Verb};
use cutover::identity::hosts::KnownHosts;
use cutover::identity::{Identity, client};
use cutover::model::timestamp::Timestamp;
use serde_json::Value;

use crate::world::{Host, World};

/// Somebody on the operator's machine who has the orchestrator's key for connections.
struct Thief<'a> {
    world: &'a World,
    host: &'a Host,
    /// A key for commands: the orchestrator's, or one of his own.
    key: CommandKey,
    statement: Statement,
}

impl<'a> Thief<'a> {
    /// One who knows as well what the orchestrator would sign next.
    fn of(world: &'a World, host: &'a Host) -> Self {
        let audit = host.agent(&["audit", "--output", "json"]);
        let audit: Value = serde_json::from_slice(&audit.stdout).unwrap();
        let commands = audit["commands"].as_array().unwrap();
        let last = commands.last().unwrap()["statement"].to_string();
        let mut statement: Statement = serde_json::from_str(&last).unwrap();
        statement.sequence += 20;
        statement.until = clock::now() + Duration::from_secs(25);
        statement.kind = Verb::Stop;
        "e".clone_into(&mut statement.name);
        statement.command = serde_json::value::to_raw_value(&()).unwrap();
        Self {
            world,
            host,
            key: CommandKey::open(&world.state().join("commands.pem")).unwrap(),
            statement,
        }
    }

    /// Signs what the orchestrator would, with a change.
    fn sign(&self, change: impl FnOnce(&mut Statement)) -> String {
        let mut statement = self.statement.clone();
        change(&mut statement);
        serde_json::to_string(&self.key.sign(&statement).unwrap()).unwrap()
    }

    /// Sends something as the orchestrator, and answers what the host says.
    fn send(&self, method: &'static str, path: &str, body: String) -> (u16, String) {
        let own = Identity::open(&self.world.state().join("key.pem")).unwrap();
        let hosts = KnownHosts::open(self.world.state().join("hosts.json")).unwrap();
        let pin = hosts.key(&self.host.name.parse().unwrap()).unwrap().pin;
        let url = format!("{}{path}", self.host.address());
        self.world.operator.inside(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().unwrap();
            runtime.block_on(async {
                let tls = client(&own, Arc::new(pin)).unwrap();
                let http = reqwest::Client::builder().tls_backend_preconfigured(tls);
                let request = http.build().unwrap().request(method.parse().unwrap(), url);
                let request = request.header("content-type", "application/json");
                let answer = request.body(body).send().await.unwrap();
                (answer.status().as_u16(), answer.text().await.unwrap())
            })
        })
    }

    /// Sends a stop of an execution that nobody knows.
    fn stop(&self, body: String) -> (u16, String) {
        self.send("POST", "/v1/executions/e/stop", body)
    }
}

#[test]
fn a_stolen_key_for_connections_commands_nothing() {
    let mut world = World::new();
    let host = world.joined("web-1");
    world.push("1.0", "0");
    world.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
    let before = host.trace();
    let thief = Thief::of(&world, &host);

    // As it is without a signature, and with one of his own.
    let record = std::fs::read_to_string(host.files().join("commands/commands.log")).unwrap();
    let order = record
        .lines()
        .find(|line| line.contains("\"kind\":\"order\""))
        .unwrap();
    let order: Value = serde_json::from_str(&order[65..]).unwrap();
    let recorded = &order["command"]["envelope"];
    let name = recorded["statement"]["name"].as_str().unwrap().to_owned();
    let put = |body: String| thief.send("PUT", &format!("/v1/executions/{name}9"), body);
    let (status, said) = put(recorded["statement"]["command"].to_string());
    assert_eq!(status, 422, "{said}");
    let own = Thief {
        key: CommandKey::new().unwrap(),
        statement: thief.statement.clone(),
        ..thief
    };
    let (status, said) = own.stop(own.sign(|_| {}));
    assert_eq!(status, 421, "{said}");
    assert!(
        said.contains("a key that this host does not know"),
        "{said}"
    );
    let forged = own.sign(|_| {}).replace(
        &own.key.commander().to_string(),
        &thief.key.commander().to_string(),
    );
    let (status, said) = own.stop(forged);
    assert!(
        status == 421 && said.contains("signature is wrong"),
        "{said}"
    );

    // A record of what was said, as it was, and as something else.
    let path = format!("/v1/executions/{name}");
    let bytes = order_bytes(&record);
    let (status, said) = thief.send("PUT", &path, bytes.clone());
    assert_eq!(status, 412, "{said}");
    let (status, said) = put(bytes);
    assert!(
        status == 421 && said.contains("what was signed is order"),
        "{said}"
    );

    // What was meant for others, and for other times.
    let refused = |change: &dyn Fn(&mut Statement), code: u16, words: &str| {
        let (status, said) = thief.stop(thief.sign(|one| change(one)));
        assert!(status == code && said.contains(words), "{status} {said}");
    };
    refused(
        &|one| one.host = "web-2".parse().unwrap(),
        421,
        "a command for web-2 was refused",
    );
    refused(&|one| one.agent = None, 421, "with another key");
    refused(&|one| one.kind = Verb::Renew, 421, "it was sent as stop");
    refused(&|one| one.epoch -= 1, 423, "obeys another orchestrator");
    refused(
        &|one| one.incarnation ^= 1,
        423,
        "obeys another orchestrator",
    );
    refused(
        &|one| one.until = Timestamp(one.until.0 - 60_000),
        412,
        "too late",
    );
    refused(
        &|one| one.until = Timestamp(one.until.0 + 3_600_000),
        412,
        "too long",
    );
    assert_eq!(host.trace(), before, "nothing ran");
}

/// The bytes of an order's envelope, as they came.
fn order_bytes(record: &str) -> String {
    let line = record
        .lines()
        .find(|line| line.contains("\"kind\":\"order\""))
        .unwrap();
    let (_, envelope) = line.split_once("\"envelope\":").unwrap();
    envelope.strip_suffix("}}").unwrap().to_owned()
}

#[test]
fn a_command_is_obeyed_once_whatever_happens_to_the_agent() {
    let mut world = World::new();
    let mut host = world.joined("web-1");
    world.push("1.0", "0");
    world.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
    let thief = Thief::of(&world, &host);
    let valid = thief.sign(|_| {});
    let (status, said) = thief.stop(valid.clone());
    assert_eq!(
        status, 404,
        "it was taken, and there is no such execution: {said}"
    );
    let (status, said) = thief.stop(valid.clone());
    assert!(status == 412 && said.contains("was here before"), "{said}");
    assert!(said.contains("\"clock\""), "{said}");
    host.kill();
    host.start();
    let thief = Thief::of(&world, &host);
    let (status, said) = thief.stop(valid);
    assert!(status == 412 && said.contains("was here before"), "{said}");
}

#[test]
fn a_host_knows_who_commanded_what_and_shows_what_was_changed() {
    let mut world = World::new();
    let host = world.joined("web-1");
    world.push("1.0", "0");
    world.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
    let shown = String::from_utf8(host.agent(&["audit"]).stdout).unwrap();
    let order = shown.lines().find(|line| line.contains(" order ")).unwrap();
    let me = nix::unistd::User::from_uid(nix::unistd::getuid())
        .unwrap()
        .unwrap()
        .name;
    assert!(order.contains(&me) && order.contains("shop"), "{shown}");
    let sound = host.agent(&["audit", "--verify"]);
    assert!(sound.status.success(), "{sound:?}");
    let path = host.files().join("commands/commands.log");
    let record = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        record.replacen(&format!("\"by\":\"{me}\""), "\"by\":\"eve\"", 1),
    )
    .unwrap();
    let broken = host.agent(&["audit", "--verify", "--output", "json"]);
    assert_eq!(broken.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&broken.stdout).unwrap();
    let changed = record
        .lines()
        .position(|line| line.contains("\"kind\":\"order\""))
        .unwrap();
    assert_eq!(told["sound"], false);
    assert_eq!(told["entry"], changed + 1);
    let said = String::from_utf8(broken.stderr).unwrap();
    assert!(said.contains("commands.log"), "{said}");
}
