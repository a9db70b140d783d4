//! Disks that are full in the middle of a rollout: the orchestrator's, and an agent's.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cutover::model::deployment::DeploymentStatus;
use tokio::time::sleep;

use crate::check;
use crate::cluster::{Cluster, until};
use crate::project::{ALL, ONE, Revision};
use crate::trace;

/// A small disk of its own.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: &Path, size: &str) -> Self {
        assert!(
            nix::unistd::geteuid().is_root(),
            "this test needs root: run it as root, in a container if need be"
        );
        fs::create_dir_all(path).unwrap();
        let options = format!("mode=700,size={size}");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(path)
            .status();
        let mount = mount.expect("the program mount is missing: apt-get install mount");
        assert!(
            mount.success(),
            "this test mounts a tmpfs, which needs CAP_SYS_ADMIN"
        );
        Self(path.to_owned())
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(self.0.join("filler"))
            .unwrap();
        for size in [64 * 1024, 4096, 1] {
            let piece = vec![b'x'; size];
            while let Ok(1..) = file.write(&piece) {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Nothing is done that is not written, and when there is room again everything goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_of_the_orchestrator_stops_a_rollout_and_loses_nothing() {
    let mut cluster = Cluster::prepare(8).await;
    let disk = SmallDisk::mount(&cluster.state(), "6m");
    cluster.start_agents(&[None; 8]);
    cluster.start_orchestrator(None).await;
    cluster
        .push(Revision {
            label: "1",
            pause: "0.1",
            failing: &[],
            hanging: &[],
        })
        .await;
    let id = cluster.deploy("1", ONE).await;
    for done in [1, 4] {
        cluster
            .wait_for(&id, |now| now.overview.succeeded >= done)
            .await;
        disk.fill();
        let log = cluster.path("serve.log");
        let said = || {
            fs::read_to_string(&log)
                .unwrap()
                .matches("nothing goes on before")
                .count()
        };
        let before = said();
        until("the orchestrator says that it waits", || said() > before).await;
        // The host in flight ends its events; no other begins.
        let started = cluster
            .deployment(&id)
            .await
            .targets
            .iter()
            .filter(|t| t.start_time.is_some())
            .count();
        sleep(Duration::from_secs(3)).await;
        let now = cluster.deployment(&id).await;
        assert!(!now.status.is_terminal());
        let marks = trace::read(&cluster.trace());
        let mut hosts: Vec<_> = marks
            .keys()
            .filter_map(|mark| mark.split('~').nth(1))
            .collect();
        hosts.dedup();
        assert!(
            hosts.len() <= started,
            "{hosts:?}: a host began, and that is not written"
        );
        disk.make_room();
    }
    let ended = cluster.wait_for_end(&id).await;
    assert_eq!(
        (ended.status, ended.overview.succeeded),
        (DeploymentStatus::Succeeded, 8)
    );
    check::everything(&mut cluster).await;
}

/// What needs room on the host fails there, truthfully, and nowhere else; with room again it succeeds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_of_an_agent_fails_one_host_and_loses_nothing() {
    let mut cluster = Cluster::prepare(8).await;
    let disks: Vec<_> = ["web-1", "web-2"]
        .map(|host| SmallDisk::mount(&cluster.host_folder(host).join("agent"), "8m"))
        .into();
    cluster.start_agents(&[None; 8]);
    cluster.start_orchestrator(None).await;
    for label in ["1", "2", "3"] {
        cluster
            .push(Revision {
                label,
                pause: "0.2",
                failing: &[],
                hanging: &[],
            })
            .await;
    }
    let id = cluster.deploy("1", ALL).await;
    cluster.wait_for_end(&id).await;
    // One in the middle of its scripts, with its agent killed on top of it; one before it is sent the bundle.
    let id = cluster.deploy("2", ALL).await;
    let name = "web-1".parse().unwrap();
    cluster
        .wait_for(&id, |now| {
            now.target(&name)
                .unwrap()
                .running()
                .is_some_and(|e| e.event.name() == "BeforeInstall")
        })
        .await;
    disks[0].fill();
    cluster.agents[0].kill();
    let second = cluster.wait_for_end(&id).await;
    disks[1].fill();
    let id = cluster.deploy("3", ALL).await;
    cluster
        .wait_for(&id, |now| now.overview.succeeded >= 6)
        .await;
    for disk in &disks {
        disk.make_room();
    }
    let third = cluster.wait_for_end(&id).await;
    for ended in [second, third] {
        assert_eq!(
            ended.status,
            DeploymentStatus::Succeeded,
            "{:?}",
            ended.overview
        );
        assert!(ended.overview.succeeded >= 6);
    }
    let id = cluster.deploy("2", ALL).await;
    let ended = cluster.wait_for_end(&id).await;
    assert_eq!(ended.overview.succeeded, 8);
    check::everything(&mut cluster).await;
}
