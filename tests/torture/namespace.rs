//! A host in a network of its own, whose cable is pulled and put in again.

use std::fs::File;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use cutover::agent::protocol::LEASE;
use cutover::model::deployment::DeploymentStatus;
use nix::sched::{CloneFlags, setns};
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

use crate::check;
use crate::cluster::Cluster;
use crate::project::{HALF, Revision};
use crate::relay::Relay;
use crate::trace;

/// A network namespace with one cable to ours.
struct Namespace {
    name: String,
    /// Its address at the other end of the cable.
    address: SocketAddr,
}

fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split(' ')).output();
    let output = output.expect("the program ip is missing: apt-get install iproute2");
    assert!(
        output.status.success(),
        "this test makes a network namespace, which needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN): ip {arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

impl Namespace {
    fn new() -> Self {
        let pid = std::process::id();
        // Addresses that are kept for tests of networks: 198.18.0.0/15.
        let [.., middle, low] = pid.to_be_bytes();
        let (ours, theirs) = (low & 0xfc | 1, low & 0xfc | 2);
        let namespace = Self {
            name: format!("cutover-{pid}"),
            address: format!("198.18.{middle}.{theirs}:7500").parse().unwrap(),
        };
        let (name, cable) = (&namespace.name, format!("cut{pid}"));
        ip(&format!("netns add {name}"));
        ip(&format!(
            "link add {cable} type veth peer name agent netns {name}"
        ));
        ip(&format!("addr add 198.18.{middle}.{ours}/30 dev {cable}"));
        ip(&format!("link set {cable} up"));
        ip(&format!(
            "-n {name} addr add 198.18.{middle}.{theirs}/30 dev agent"
        ));
        ip(&format!("-n {name} link set agent up"));
        ip(&format!("-n {name} link set lo up"));
        namespace
    }

    /// Relays in there from the cable to an agent, which listens on its own loopback only. Ends with the sender.
    fn relay(&self, to: SocketAddr) -> oneshot::Sender<()> {
        let (stop, stopped) = oneshot::channel();
        let (ready, listening) = mpsc::channel();
        let (path, address) = (format!("/run/netns/{}", self.name), self.address);
        std::thread::spawn(move || {
            // This thread alone, and what it opens.
            setns(File::open(path).unwrap(), CloneFlags::CLONE_NEWNET).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                let _relay = Relay::start(address, watch::channel(to).1).await;
                ready.send(()).unwrap();
                // The sender's end is the sign.
                let _ = stopped.await;
            });
        });
        listening.recv().unwrap();
        stop
    }

    /// At the far end: at ours that would take the way there with it, and another way might be found.
    fn pull(&self) {
        ip(&format!("-n {} link set agent down", self.name));
    }

    fn plug_in(&self) {
        ip(&format!("-n {} link set agent up", self.name));
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // With it goes its end of the cable, and with that ours.
        let _ = Command::new("ip")
            .args(["netns", "del", &self.name])
            .status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_whose_cable_is_pulled_waits_and_goes_on() {
    let namespace = Namespace::new();
    let starter = ["ip", "netns", "exec", &namespace.name];
    let mut cluster = Cluster::prepare_with(8, &starter, Some(namespace.address)).await;
    let _relay = namespace.relay(cluster.hosts[0].address);
    cluster.start_agents(&[None; 8]);
    cluster.start_orchestrator(None).await;
    cluster
        .push(Revision {
            label: "1",
            pause: "4",
            failing: &[],
            hanging: &[],
        })
        .await;
    let id = cluster.deploy("1", HALF).await;
    let name = "web-1".parse().unwrap();
    cluster
        .wait_for(&id, |now| now.target(&name).unwrap().running().is_some())
        .await;
    namespace.pull();
    sleep(LEASE + Duration::from_secs(4)).await;
    let runs = trace::read(&cluster.trace());
    let validated = |host: &str| {
        runs.keys()
            .any(|mark| mark.contains(&format!("~{host}~")) && mark.contains("/ValidateService/"))
    };
    assert!(!validated("web-1"), "it went on without a lease");
    assert!(
        !cluster
            .deployment(&id)
            .await
            .target(&name)
            .unwrap()
            .status
            .is_terminal()
    );
    namespace.plug_in();
    let ended = cluster.wait_for_end(&id).await;
    assert_eq!(
        (ended.status, ended.overview.succeeded),
        (DeploymentStatus::Succeeded, 8)
    );
    check::everything(&mut cluster).await;
}
