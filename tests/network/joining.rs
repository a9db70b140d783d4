//! How hosts join, are known by their keys, and are known no more.

use crate::world::{World, until};

#[test]
fn two_hosts_join_and_are_deployed_to() {
    let mut world = World::new();
    let mut web = world.host("web-1");
    let invitation = world.add(&web);
    world.until_problem("web-1", "has not joined");
    let token = invitation.arguments.last().unwrap();
    let trail = world.ok(&["audit", "--output", "json"]);
    assert!(
        trail.contains("inviteHost") && !trail.contains(token.as_str()),
        "{trail}"
    );
    let told = web.join(&invitation);
    assert!(told.contains(&invitation.orchestrator), "{told}");
    assert!(told.contains(&web.fingerprint()), "{told}");
    web.start();
    world.until_ok("web-1");
    let second = world.joined("web-2");
    for host in [&web, &second] {
        let details = world.ok(&["hosts", &host.name]);
        assert!(details.contains(&host.fingerprint()), "{details}");
        let keys = String::from_utf8(host.agent(&["keys"]).stdout).unwrap();
        assert!(
            keys.contains(&invitation.orchestrator) && keys.contains("shop"),
            "{keys}"
        );
        assert!(
            !keys.contains("expected"),
            "the token is worth nothing any more: {keys}"
        );
    }
    world.push("1.0", "0");
    world.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
    for host in [&web, &second] {
        assert_eq!(host.trace().len(), 2, "{:?}", host.trace());
        let version = std::fs::read_to_string(host.installed().join("srv/app/version")).unwrap();
        assert_eq!(version, "1.0");
    }
}

#[test]
fn a_token_is_worth_one_host_once() {
    let mut world = World::new();
    let (mut web, mut thief) = (world.host("web-1"), world.host("thief"));
    let invitation = world.add(&web);
    web.join(&invitation);
    web.start();
    world.until_ok("web-1");
    // Whoever gets hold of it later can wait for the orchestrator as long as he likes.
    let mut stolen = invitation.clone();
    let listen = stolen
        .arguments
        .iter()
        .position(|one| one == "--listen")
        .unwrap()
        + 1;
    stolen.arguments[listen] = format!("{}:7420", thief.ip());
    thief.join(&stolen);
    thief.start();
    let at_the_thiefs = thief.address();
    world.ok(&["hosts", "edit", "web-1", "--address", &at_the_thiefs]);
    world.until_problem("web-1", "somebody else is at");
    let at_home = web.address();
    world.ok(&["hosts", "edit", "web-1", "--address", &at_home]);
    world.until_ok("web-1");
    // Nor is it of use for another name.
    let refused = world.refused(&["hosts", "invite", "web-1"]);
    assert!(refused.contains("has joined already"), "{refused}");
}

#[test]
fn a_host_that_was_installed_anew_needs_the_operators_yes() {
    let mut world = World::new();
    let mut web = world.joined("web-1");
    let former = web.fingerprint();
    world.push("1.0", "0");
    web.wipe();
    let refused = world.refused(&["hosts", "invite", "web-1"]);
    assert!(
        refused.contains(&former) && refused.contains("--replace-key"),
        "{refused}"
    );
    let invitation = world.invite("web-1", &["--replace-key"]);
    web.join(&invitation);
    web.start();
    world.until_ok("web-1");
    until("the new key is shown", || {
        world.ok(&["hosts", "web-1"]).contains(&web.fingerprint())
    });
    assert_ne!(web.fingerprint(), former);
    world.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
}

#[test]
fn a_host_that_is_revoked_is_out_at_once_and_may_join_again() {
    let mut world = World::new();
    let web = world.joined("web-1");
    world.push("1.0", "60");
    let deployment = world.ok(&["deploy", "shop", "production", "1.0"]);
    until("its first script runs", || web.trace().len() == 1);
    world.ok(&["hosts", "revoke", "web-1"]);
    world.until_problem("web-1", "has not joined");
    let shown = world.ok(&["show", deployment.trim()]);
    assert!(shown.contains("not heard of since"), "{shown}");
    let again = world.invite("web-1", &[]);
    web.join(&again);
    world.until_ok("web-1");
    assert_eq!(web.trace().len(), 1, "the same script still runs");
    world.ok(&["hosts", "remove", "web-1"]);
    until("it is no host any more", || {
        !world.run(&["hosts", "web-1"]).status.success()
    });
}

#[test]
fn whoever_looks_after_a_revocation_sees_it() {
    let mut world = World::new();
    let _web = world.joined("web-1");
    world.until_ok("web-1");
    world.ok(&["hosts", "revoke", "web-1"]);
    let shown = world.ok(&["hosts"]);
    assert!(shown.contains("untrusted"), "{shown}");
}

#[test]
fn an_agent_that_forgets_an_orchestrator_obeys_it_no_longer() {
    let mut world = World::new();
    let web = world.joined("web-1");
    let keys = String::from_utf8(web.agent(&["keys"]).stdout).unwrap();
    let orchestrator = keys
        .lines()
        .find(|line| line.starts_with("orchestrator"))
        .unwrap();
    let fingerprint = orchestrator.split_whitespace().nth(1).unwrap();
    let unknown = web.agent(&["forget", "AAAA-AAAA-AAAA-AAAA"]);
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");
    assert!(web.agent(&["forget", fingerprint]).status.success());
    world.until_problem("web-1", "does not obey");
}

#[test]
fn keys_outlive_whoever_is_killed() {
    let mut world = World::new();
    world.serve();
    let mut web = world.joined("web-1");
    world.kill_orchestrator();
    web.kill();
    web.start();
    world.serve();
    world.until_ok("web-1");
    world.push("1.0", "0");
    world.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
}

#[test]
fn an_open_invitation_goes_with_its_host() {
    let mut world = World::new();
    world.serve();
    let (web, db) = (world.host("web-1"), world.host("db-1"));
    world.add(&web);
    let told = world.ok(&["hosts", "remove", "web-1"]);
    assert!(told.contains("its invitation holds no more"), "{told}");
    // Also where it is taken out by hand.
    let document = world.project().join("cutover.yaml");
    let without = std::fs::read_to_string(&document).unwrap();
    world.add(&db);
    let told = world.ok(&["hosts", "rotate", "--orchestrator"]);
    assert!(told.contains("every host knows it: db-1"), "{told}");
    std::fs::write(&document, without).unwrap();
    until("nobody is waited for", || {
        !world.state().join("key.pem.next").exists()
    });
}
