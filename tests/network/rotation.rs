//! Keys that give way to others while everything goes on.

use std::path::Path;

use crate::world::{Host, World, until};

/// The keys of the orchestrator, of its connections and of its commands, as its files have them; and whether others may come.
fn own_keys(world: &World) -> ([String; 2], bool) {
    let keys = world.project().join(".state");
    let pem = |file| std::fs::read_to_string(keys.join(file)).unwrap();
    let pems = ["key.pem", "commands.pem"].map(pem);
    (pems, keys.join("key.pem.next").exists())
}

fn keys_of(host: &Host) -> String {
    String::from_utf8(host.agent(&["keys"]).stdout).unwrap()
}

/// Begins a deployment whose scripts take so long, and answers it when the first runs.
fn begun(world: &World, hosts: &[&Host]) -> String {
    world.push("1.0", "3");
    let deployment = world.ok(&["deploy", "shop", "production", "1.0"]);
    until("the first scripts run", || {
        hosts.iter().all(|host| host.trace().len() == 1)
    });
    deployment.trim().to_owned()
}

fn until_succeeded(world: &World, deployment: &str) {
    until("it has succeeded", || {
        world.deployment(deployment)["status"] == "Succeeded"
    });
}

#[test]
fn a_host_gets_another_key_in_mid_rollout() {
    let mut world = World::new();
    let web = world.joined("web-1");
    let former = web.fingerprint();
    let deployment = begun(&world, &[&web]);
    let told = world.ok(&["hosts", "rotate", "web-1"]);
    assert_ne!(web.fingerprint(), former);
    assert!(told.contains(&web.fingerprint()), "{told}");
    assert!(!keys_of(&web).contains("next"));
    until("the new key is shown", || {
        world.ok(&["hosts", "web-1"]).contains(&web.fingerprint())
    });
    until_succeeded(&world, &deployment);
    assert_eq!(web.trace().len(), 2, "{:?}", web.trace());
    // Whoever still had the former key is nobody.
    let book = world.project().join(".state/hosts.json");
    let book = std::fs::read_to_string(book).unwrap();
    assert_eq!(book.matches("sha256:").count(), 1, "{book}");
}

#[test]
fn a_host_shows_its_next_key_when_all_its_orchestrators_know_it() {
    let mut world = World::new();
    let mut web = world.joined("web-1");
    let former = web.fingerprint();
    world.turn_to("bank");
    world.serve();
    web.join(&world.add(&web));
    world.until_ok("web-1");
    world.kill_orchestrator();
    world.turn_to("shop");
    let told = world.ok(&["hosts", "rotate", "web-1"]);
    assert!(told.contains("the orchestrator of bank"), "{told}");
    assert_eq!(web.fingerprint(), former);
    assert!(keys_of(&web).contains("next"));
    // Neither end forgets what it waits for.
    web.kill();
    web.start();
    world.until_ok("web-1");
    assert_eq!(web.fingerprint(), former);
    world.turn_to("bank");
    world.until_ok("web-1");
    until("the other orchestrator knows it too", || {
        web.fingerprint() != former
    });
    for project in ["shop", "bank"] {
        world.turn_to(project);
        until("both go on with the new key", || {
            let details = world.ok(&["hosts", "web-1"]);
            let reachable = world.status("web-1")["status"]["reachable"] == true;
            details.contains(&web.fingerprint()) && reachable
        });
    }
}

#[test]
fn an_orchestrator_gets_another_key_when_every_host_knows_it() {
    let mut world = World::new();
    world.serve();
    let (web, mut db) = (world.joined("web-1"), world.joined("db-1"));
    let (former, _) = own_keys(&world);
    db.kill();
    let told = world.ok(&["hosts", "rotate", "--orchestrator"]);
    assert!(told.contains("every host knows it: db-1"), "{told}");
    assert_eq!(own_keys(&world), (former.clone(), true));
    // It is the former key that is shown, also by the next orchestrator.
    world.kill_orchestrator();
    world.serve();
    world.until_ok("web-1");
    db.start();
    until("the other host knows it too", || {
        own_keys(&world).0 != former
    });
    assert!(!own_keys(&world).1);
    let deployment = begun(&world, &[&web, &db]);
    let told = world.ok(&["hosts", "rotate", "--orchestrator"]);
    let now = told.split_whitespace().rev().nth(1).unwrap().to_owned();
    assert!(told.contains("has the key"), "{told}");
    until_succeeded(&world, &deployment);
    for host in [&web, &db] {
        world.until_ok(&host.name);
        until("the host knows the new one alone", || {
            let keys = keys_of(host);
            keys.matches("orchestrator").count() == 1 && keys.contains(&now)
        });
        let book = host.files().join("identity/orchestrators.json");
        until("no other key is obeyed", || pins(&book) == 1);
        assert_eq!(host.trace().len(), 2, "{:?}", host.trace());
    }
    // A host that joins now learns the new one.
    let joined = world.joined("web-2");
    assert!(keys_of(&joined).contains(&now));
}

#[test]
fn a_key_that_was_switched_meanwhile_is_noted_before_anything_is_signed_for_it() {
    let mut world = World::new();
    let mut web = world.joined("web-1");
    world.push("1.0", "0");
    let former = web.fingerprint();
    world.turn_to("bank");
    world.serve();
    web.join(&world.add(&web));
    world.until_ok("web-1");
    world.kill_orchestrator();
    world.turn_to("shop");
    // It has noted the next key, and is gone when that is shown.
    world.ok(&["hosts", "rotate", "web-1"]);
    let log = world.state().join("serve.log");
    nix::sys::signal::kill(
        world.orchestrator().unwrap(),
        nix::sys::signal::Signal::SIGKILL,
    )
    .unwrap();
    world.turn_to("bank");
    world.serve();
    until("the host shows it", || web.fingerprint() != former);
    world.turn_to("shop");
    std::fs::remove_file(&log).unwrap();
    // The first thing that is wanted is done at once.
    world.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
    world.until_ok("web-1");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("has another key"), "{log}");
    assert!(!log.contains("with another key"), "{log}");
    web.kill();
}

fn pins(book: &Path) -> usize {
    std::fs::read_to_string(book)
        .unwrap()
        .matches("sha256:")
        .count()
}

#[test]
fn hosts_that_have_not_joined_have_no_key_to_change() {
    let mut world = World::new();
    let web = world.host("web-1");
    world.add(&web);
    let refused = world.refused(&["hosts", "rotate", "web-1"]);
    assert!(refused.contains("it has not joined"), "{refused}");
    let refused = world.refused(&["hosts", "rotate", "nobody"]);
    assert!(refused.contains("there is no host nobody"), "{refused}");
}
