//! What can't be done through the agent on the host says why, and what to do; and what may not be done is not.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::process::Command;

use cutover::agent::protocol::{HaProxyAnswer, HaProxyCommand};
use cutover::model::connections::HaProxy;
use cutover::providers::hosts::HostError;
use cutover::providers::traffic::{Balancer as _, Observed, Service, TrafficError};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{User, geteuid};

use super::running::{Running, Way, line, refused, server, wanted};
use crate::agents::{Agent, client};
use crate::backend::Backend;

/// An `HAProxy` with one server, reached through the agent; and what is wanted of it.
async fn edge() -> (Backend, Running) {
    let w1 = Backend::start("w1").await;
    let haproxy = Running::reached(Way::ThroughAgent, &[line(&w1)]).await;
    (w1, haproxy)
}

/// The error of a look that fails.
async fn looks(haproxy: &Running, w1: &Backend) -> TrafficError {
    let servers = [server(w1, Service::In)];
    let looked = haproxy.balancer().observe(&servers).await;
    looked.unwrap_err()
}

/// How its servers are, but for what changes by itself.
async fn states(haproxy: &Running) -> Vec<String> {
    // The time since the last change, and the result and the state of a check, which may be under way.
    const MOVING: [usize; 3] = [9, 11, 13];
    let states = haproxy.by_hand("show servers state").await;
    let at_rest = |line: &str| {
        let words = line.split(' ').enumerate();
        let words = words.filter(|(place, _)| !MOVING.contains(place));
        words.map(|(_, word)| word).collect::<Vec<_>>().join(" ")
    };
    states.lines().map(at_rest).collect()
}

/// The words of an error after which it is tried again.
fn passing(error: &TrafficError) -> String {
    assert!(error.is_passing(), "{error}");
    let words = error.to_string();
    let begin = "HAProxy web on edge-1 does not answer: ";
    words.strip_prefix(begin).unwrap_or(&words).to_owned()
}

#[tokio::test]
async fn only_commands_that_move_servers_of_the_backend_are_passed_on() {
    let (_w1, haproxy) = edge().await;
    let agent = client(&haproxy.agent.as_ref().unwrap().address);
    let send = async |backend: &str, command: &str| {
        let command = HaProxyCommand {
            host: "edge-1".parse().unwrap(),
            backend: backend.to_owned(),
            command: command.to_owned(),
        };
        agent.haproxy(&command).await
    };
    let before = states(&haproxy).await;
    for command in [
        "show env",
        "set server app/w1 health down",
        "shutdown frontend web",
        "disable frontend web",
        "set server web/w1 state maint",
        "show info; disable frontend web",
        "show info\ndisable frontend web",
        "set server app/w1 state maint\u{1b}[2J",
    ] {
        let error = send("app", command).await.unwrap_err();
        let HostError::Refused { reason, .. } = error else {
            panic!("{command}: {error}");
        };
        let expected = "only commands that move servers of backend app are";
        assert!(reason.ends_with(expected), "{reason}");
        assert!(!reason.contains(['\n', '\u{1b}']), "{reason}");
    }
    // Its own name is no backend of the agent's configuration.
    let error = send("web", "show stat web 4 -1").await.unwrap_err();
    assert!(error.to_string().contains("no backend web here"), "{error}");
    assert_eq!(states(&haproxy).await, before);
    let front = reqwest::get(format!("http://{}/", haproxy.front)).await;
    assert!(front.unwrap().status().is_success());

    let said = send("app", "set server app/w1 weight 7").await.unwrap();
    assert_eq!(said, HaProxyAnswer::Said("\n".to_owned()));
    assert_ne!(states(&haproxy).await, before);
}

#[tokio::test]
async fn a_backend_that_the_agent_does_not_know_is_named() {
    let (w1, mut haproxy) = edge().await;
    haproxy.start_agent("admin.sock", &["api", "db"]).await;
    let error = looks(&haproxy, &w1).await;
    assert!(matches!(error, TrafficError::Refused { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "HAProxy web on edge-1 refused: there is no backend app here: name it under `haproxies` in the agent's configuration, and start the agent again"
    );
    // One that the agent knows and HAProxy doesn't.
    let api = HaProxy {
        backend: "api".to_owned(),
        ..haproxy.connection()
    };
    let looked = haproxy.at(&api).observe(&[server(&w1, Service::In)]).await;
    let words = looked.unwrap_err().to_string();
    assert!(words.contains("correct `backend`"), "{words}");
}

#[tokio::test]
async fn an_haproxy_that_is_away_is_told_from_an_agent_that_is() {
    let (w1, mut haproxy) = edge().await;
    let socket = haproxy.folder.path().join("admin.sock");
    let said = |words: &str| format!("{}: {words}", socket.display());
    let remedy = "HAProxy does not run, or its `stats socket` is elsewhere";

    kill(haproxy.id(), Signal::SIGSTOP).unwrap();
    let words = passing(&looks(&haproxy, &w1).await);
    assert_eq!(words, said("no answer within 5 s"));
    kill(haproxy.id(), Signal::SIGCONT).unwrap();
    let servers = [server(&w1, Service::In)];
    haproxy.balancer().observe(&servers).await.unwrap();

    // A crash leaves the socket behind.
    haproxy.kill();
    let words = passing(&looks(&haproxy, &w1).await);
    let refused = format!("Connection refused (os error 111): {remedy}");
    assert_eq!(words, said(&refused));
    std::fs::remove_file(&socket).unwrap();
    let words = passing(&looks(&haproxy, &w1).await);
    let missing = format!("No such file or directory (os error 2): {remedy}");
    assert_eq!(words, said(&missing));
    let all = wanted(servers.to_vec());
    let applied = haproxy.balancer().apply(&all, &Observed::default()).await;
    passing(&applied.unwrap_err());

    haproxy.run().await;
    let before = haproxy.balancer().observe(&all.servers).await.unwrap();
    assert_eq!(before.servers["w1"].service, Service::In);
    haproxy.agent.as_mut().unwrap().program.kill();
    let words = passing(&looks(&haproxy, &w1).await);
    let address = &haproxy.agent.as_ref().unwrap().address;
    // Refused, or reset: what the network reaches may hold the port for a moment longer.
    let begin = format!("the agent at {address} does not answer: Connection re");
    assert!(words.starts_with(&begin), "{words}");
}

#[tokio::test]
async fn the_agent_of_another_host_does_nothing() {
    let (w1, haproxy) = edge().await;
    let before = states(&haproxy).await;
    let other = HaProxy {
        host: Some("edge-2".parse().unwrap()),
        ..haproxy.connection()
    };
    let other = haproxy.at(&other);
    let none = wanted(vec![server(&w1, Service::Out)]);
    for error in [
        other.observe(&none.servers).await.unwrap_err(),
        other.apply(&none, &Observed::default()).await.unwrap_err(),
    ] {
        assert!(error.is_passing());
        let remedy = "the agent at edge-2's address is edge-1's: correct the `address` of edge-2";
        assert!(error.to_string().ends_with(remedy), "{error}");
    }
    assert_eq!(states(&haproxy).await, before);
}

#[tokio::test]
async fn an_agent_that_does_not_know_the_request_is_too_old() {
    let (w1, mut haproxy) = edge().await;
    // Any server that answers 404.
    haproxy.agent.as_mut().unwrap().address = format!("http://{}", w1.address);
    let error = looks(&haproxy, &w1).await;
    assert!(!error.is_passing());
    let words = error.to_string();
    assert!(
        words.contains("the agent on edge-1 is too old") && words.contains("start it again"),
        "{words}"
    );
}

#[tokio::test]
async fn a_socket_without_the_rights_says_what_it_lacks() {
    let (w1, mut haproxy) = edge().await;
    haproxy.start_agent("user.sock", &["app"]).await;
    haproxy.by_hand("set server app/w1 weight 0").await;
    let back = wanted(vec![server(&w1, Service::In)]);
    let words = refused(&haproxy.balancer(), &back).await;
    assert!(words.contains("level admin"), "{words}");
}

/// Only another user than root can be kept from a socket.
#[tokio::test]
async fn an_agent_that_may_not_open_the_socket_says_so() {
    let (w1, mut haproxy) = edge().await;
    haproxy.agent = None;
    let folder = haproxy.folder.path();
    let agent_yml = folder.join("agent.yml");
    let text = std::fs::read_to_string(&agent_yml).unwrap();
    let socket = folder.join("admin.sock");
    if geteuid().is_root() {
        std::fs::write(agent_yml, text + "user: nobody\n").unwrap();
        std::fs::set_permissions(folder, Permissions::from_mode(0o777)).unwrap();
        let nobody = User::from_name("nobody").unwrap().unwrap();
        std::fs::remove_dir_all(folder.join("agent")).unwrap();
        std::fs::create_dir(folder.join("agent")).unwrap();
        let (user, group) = (nobody.uid.as_raw(), nobody.gid.as_raw());
        chown(folder.join("agent"), Some(user), Some(group)).unwrap();
    } else {
        std::fs::set_permissions(&socket, Permissions::from_mode(0o000)).unwrap();
    }
    haproxy.agent = Some(Agent::start(folder).await);
    let words = passing(&looks(&haproxy, &w1).await);
    let begin = format!("{}: Permission denied", socket.display());
    assert!(words.starts_with(&begin), "{words}");
    assert!(words.contains("`user`, `group` and `mode`"), "{words}");
}

#[tokio::test]
async fn the_check_of_the_host_looks_at_the_socket() {
    let (_w1, mut haproxy) = edge().await;
    haproxy.agent = None;
    let folder = haproxy.folder.path();
    let check = || {
        let output = Command::new(env!("CARGO_BIN_EXE_cutover"))
            .args(["agent", "--check", "--name", "edge-1"])
            .args(["--listen", "127.0.0.1:0", "--root"])
            .arg(folder.join("agent"))
            .arg("--config")
            .arg(folder.join("agent.yml"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        let line = said.lines().find(|line| line.contains(" haproxy "));
        line.unwrap().to_owned()
    };
    let socket = folder.join("admin.sock").display().to_string();
    assert_eq!(check(), format!("ok       haproxy        {socket}"));
    std::fs::remove_file(&socket).unwrap();
    let found = check();
    let begin = format!("warning  haproxy        {socket}: No such file");
    assert!(found.starts_with(&begin), "{found}");
    assert!(found.contains("HAProxy does not run"), "{found}");
}
