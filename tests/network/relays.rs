//! A bad way between orchestrator and host: slow, cut, half-open, deaf on one side. What was begun goes on, nothing runs twice, and
//! nobody is said to have failed.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use cutover::agent::protocol::LEASE;
use cutover::clock;
use tokio::sync::{oneshot, watch};

use crate::namespaces::Machine;
use crate::weather::{Mode, Relay};
use crate::world::{Host, PORT, World, until};

/// A machine by whose relay the orchestrator reaches a host.
struct Between {
    _machine: Machine,
    /// Where new connections go.
    to: watch::Sender<SocketAddr>,
    relay: Option<(Relay, oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Between {
    fn relay(&self) -> &Relay {
        &self.relay.as_ref().unwrap().0
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        let (relay, over, running) = self.relay.take().unwrap();
        drop((relay, over));
        running.join().unwrap();
    }
}

/// A host that has joined by way of a relay.
fn far(world: &mut World) -> (Host, Between) {
    let mut host = world.host("web-1");
    let machine = world.network.machine();
    let to = SocketAddr::new(host.ip().into(), PORT);
    let at = SocketAddr::new(machine.address.into(), PORT);
    let (give, take) = std::sync::mpsc::channel();
    let (over, ended) = oneshot::channel();
    let (leading, there) = watch::channel(to);
    let running = machine.thread(move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            give.send(Relay::start(at, there).await).unwrap();
            let _dropped = ended.await;
        });
    });
    let relay = take.recv().unwrap();
    let (address, listen) = (format!("https://{at}"), to.to_string());
    let invitation = world.add_at(&host, &address, &listen);
    world.welcome(&mut host, &invitation);
    let between = Between {
        _machine: machine,
        to: leading,
        relay: Some((relay, over, running)),
    };
    (host, between)
}

/// Every script of the revision ran, once.
fn ran_once(host: &Host) {
    let ran = host.trace();
    assert_eq!(ran.len(), 2, "{ran:?}");
    assert!(ran[0].ends_with("BeforeInstall"), "{ran:?}");
    assert!(ran[1].ends_with("ApplicationStart"), "{ran:?}");
}

#[test]
fn a_slow_way_only_takes_longer() {
    let mut world = World::new();
    let (web, between) = far(&mut world);
    between.relay().set(Mode::Delay(Duration::from_millis(200)));
    world.push("1.0", "1");
    let deployment = world.deploy("1.0");
    world.until_succeeded(&deployment);
    ran_once(&web);
    let target = world.shown(&deployment)["targets"][0].clone();
    assert!(target["message"].is_null(), "{target:#}");
}

/// Nothing passes, not even the end of a connection.
#[test]
fn half_open_connections_are_noticed_within_a_lease() {
    let mut world = World::new();
    let (web, between) = far(&mut world);
    // The first script outlives the lease.
    world.push("1.0", "12");
    let deployment = world.deploy("1.0");
    until("its first script runs", || web.trace().len() == 1);
    let silenced = clock::now();
    between.relay().set(Mode::Silence);
    let mut missed = None;
    until("it is missed", || {
        missed = world.shown(&deployment)["targets"][0]["silentSince"].as_i64();
        missed.is_some()
    });
    let after = Duration::from_millis(u64::try_from(missed.unwrap() - silenced.0).unwrap());
    assert!(after <= LEASE, "missed only after {after:?}");
    assert_eq!(web.trace().len(), 1, "nothing starts without a lease");
    between.relay().set(Mode::Pass);
    world.until_succeeded(&deployment);
    ran_once(&web);
}

/// A middlebox that forgot a connection: it stays open for ever, and new ones pass.
#[test]
fn stuck_connections_are_replaced() {
    let mut world = World::new();
    let (web, between) = far(&mut world);
    world.push("1.0", "12");
    let deployment = world.deploy("1.0");
    until("its first script runs", || web.trace().len() == 1);
    between.relay().set(Mode::StickAfter(0));
    until("a connection is stuck", || between.relay().stuck() > 0);
    between.relay().set(Mode::Pass);
    world.until_succeeded(&deployment);
    ran_once(&web);
}

#[test]
fn one_direction_alone_is_no_connection() {
    for mode in [Mode::Deaf, Mode::Mute] {
        let mut world = World::new();
        let (web, between) = far(&mut world);
        world.push("1.0", "3");
        let deployment = world.deploy("1.0");
        until("its first script runs", || web.trace().len() == 1);
        between.relay().set(mode);
        until("it is missed", || {
            world.shown(&deployment)["targets"][0]["silentSince"].is_i64()
        });
        between.relay().set(Mode::Pass);
        world.until_succeeded(&deployment);
        ran_once(&web);
    }
}

/// In the middle of handshakes, records and requests.
#[test]
fn connections_that_are_cut_after_some_bytes_cost_no_script() {
    let mut world = World::new();
    let (web, between) = far(&mut world);
    world.push("1.0", "6");
    let deployment = world.deploy("1.0");
    let mut limits = [0, 1, 100, 300, 700, 1_000, 1_500, 2_500, 4_000].iter();
    until("it has ended", || {
        if let Some(limit) = limits.next() {
            // Until the next try of the orchestrator's.
            between.relay().set(Mode::CutAfter(*limit));
            world.shown(&deployment);
            between.relay().set(Mode::Refuse);
        }
        between.relay().set(Mode::Pass);
        world.deployment(&deployment)["status"] == "Succeeded"
    });
    assert_eq!(limits.next(), None, "it was over too soon");
    ran_once(&web);
}

/// Somebody else is the host now, and the one that was it still talks on a connection that was open before.
#[test]
fn who_was_a_host_before_another_joined_in_its_place_is_heard_no_more() {
    let mut world = World::new();
    world.serve();
    let (former, between) = far(&mut world);
    world.push("1.0", "6");
    let deployment = world.deploy("1.0");
    until("its first script runs", || former.trace().len() == 1);
    std::fs::write(former.installed().join("fail"), "").unwrap();
    let mut present = world.host("web-2");
    let there = SocketAddr::new(present.ip().into(), PORT);
    between.to.send_replace(there);
    let invitation = world.invite("web-1", &["--replace-key"]);
    let mut arguments = invitation.arguments;
    let listen = arguments.iter().position(|one| one == "--listen").unwrap();
    arguments[listen + 1] = format!("{}:{PORT}", present.ip());
    present.join_with(&arguments);
    present.start();
    let fingerprint = present.fingerprint();
    until("it is the host", || {
        world.ok(&["hosts", "web-1"]).contains(&fingerprint)
    });
    // The order is the present one's, from the beginning; that it fails at the other is nobody's word.
    world.until_succeeded(&deployment);
    ran_once(&present);
    assert_eq!(former.trace().len(), 1, "{:?}", former.trace());
}
