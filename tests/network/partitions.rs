//! A network that is cut: what was begun goes on when it is whole again, and nothing runs twice.

use crate::world::{World, until};

#[test]
fn a_cable_that_was_out_for_a_while_costs_no_script() {
    let mut world = World::new();
    let web = world.joined("web-1");
    world.push("1.0", "4");
    let deployment = world.ok(&["deploy", "shop", "production", "1.0"]);
    until("its first script runs", || web.trace().len() == 1);
    world.network.cable(&web.machine, false);
    until("it is missed", || {
        world
            .ok(&["show", deployment.trim()])
            .contains("not heard of since")
    });
    world.network.cable(&web.machine, true);
    until("it has succeeded", || {
        world.deployment(deployment.trim())["status"] == "Succeeded"
    });
    let ran = web.trace();
    assert!(
        ran[0].ends_with("BeforeInstall") && ran[1].ends_with("ApplicationStart"),
        "{ran:?}"
    );
    assert_eq!(ran.len(), 2, "{ran:?}");
}
