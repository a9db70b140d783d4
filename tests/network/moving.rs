//! A host that changes its address: it keeps its key, and so stays who it is.

use crate::world::{PORT, World, until};

#[test]
fn a_host_that_moves_goes_on_in_the_middle_of_a_script() {
    let mut world = World::new();
    let mut web = world.host("web-1");
    let invitation = world.add_at(&web, &web.address(), &format!("0.0.0.0:{PORT}"));
    world.welcome(&mut web, &invitation);
    world.push("1.0", "6");
    let deployment = world.deploy("1.0");
    until("its first script runs", || web.trace().len() == 1);
    let former = format!("addr del {}/24 dev eth0", web.ip());
    web.machine.ip(&former);
    web.machine.ip("addr add 10.77.0.200/24 dev eth0");
    let moved = format!("https://10.77.0.200:{PORT}");
    world.ok(&["hosts", "edit", "web-1", "--address", &moved]);
    world.until_succeeded(&deployment);
    let ran = web.trace();
    assert_eq!(ran.len(), 2, "{ran:?}");
    world.until_ok("web-1");
    assert!(world.ok(&["hosts", "web-1"]).contains(&web.fingerprint()));
    world.push("2.0", "0");
    world.ok(&["deploy", "shop", "production", "2.0", "--wait"]);
}

#[test]
fn an_address_at_which_somebody_else_answers_gets_nothing() {
    let mut world = World::new();
    let web = world.joined("web-1");
    let other = world.joined("web-2");
    // It is nobody of this project's any more, and still has its key.
    world.ok(&["hosts", "remove", "web-2"]);
    world.push("1.0", "6");
    let deployment = world.deploy("1.0");
    until("its first script runs", || web.trace().len() == 1);
    let wrong = other.address();
    world.ok(&["hosts", "edit", "web-1", "--address", &wrong]);
    world.until_problem("web-1", "somebody else is at");
    let right = web.address();
    world.ok(&["hosts", "edit", "web-1", "--address", &right]);
    world.until_succeeded(&deployment);
    assert_eq!(web.trace().len(), 2, "{:?}", web.trace());
    assert!(other.trace().is_empty(), "{:?}", other.trace());
}
