//! An orchestrator that sleeps for longer than a lease and wakes, as a laptop does.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use cutover::agent::protocol::LEASE;
use nix::sys::signal::{Signal, kill};

use crate::world::{Host, World, until};

/// What scripts noted: each notes its beginning and its end.
fn noted(host: &Host) -> Vec<String> {
    let lines = host.trace();
    let last = |line: &String| line.rsplit(' ').next().unwrap().to_owned();
    lines.iter().map(last).collect()
}

#[test]
fn an_orchestrator_that_sleeps_finds_its_host_waiting() {
    let mut world = World::new();
    world.serve();
    let web = world.joined("web-1");
    let folder = world.project().join("revision");
    std::fs::create_dir(&folder).unwrap();
    let appspec = "version: 0.0\nos: linux\nhooks:\n  BeforeInstall: [ { location: hook.sh } ]\n  \
                   ApplicationStart: [ { location: hook.sh } ]\n";
    std::fs::write(folder.join("appspec.yml"), appspec).unwrap();
    // The first one outlives the lease.
    let script = "#!/bin/sh\necho begins >> \"$INSTALL_ROOT/trace\"\n[ $LIFECYCLE_EVENT = BeforeInstall ] && sleep 13\n\
                  echo ends >> \"$INSTALL_ROOT/trace\"\n";
    let hook = folder.join("hook.sh");
    std::fs::write(&hook, script).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    let folder = folder.to_str().unwrap();
    world.ok(&["push", "shop", folder, "--label", "1.0"]);
    let deployment = world.deploy("1.0");
    until("its first script runs", || noted(&web) == ["begins"]);
    let orchestrator = world.orchestrator().unwrap();
    kill(orchestrator, Signal::SIGSTOP).unwrap();
    let asleep = Instant::now();
    until("the script has ended", || noted(&web) == ["begins", "ends"]);
    // Nobody renews the lease, so nothing else starts, however long it is watched.
    while asleep.elapsed() < LEASE + Duration::from_secs(6) {
        assert_eq!(noted(&web), ["begins", "ends"]);
        std::thread::yield_now();
    }
    kill(orchestrator, Signal::SIGCONT).unwrap();
    world.until_succeeded(&deployment);
    assert_eq!(noted(&web), ["begins", "ends", "begins", "ends"]);
    let shown = world.shown(&deployment);
    let events = shown["targets"][0]["events"].as_array().unwrap();
    assert!(
        events.iter().all(|event| event["status"] == "Succeeded"),
        "{events:#?}"
    );
    assert!(shown["targets"][0]["silentSince"].is_null(), "{shown:#}");
    world.until_ok("web-1");
}
