//! What the agent says of its host, compared with what the host itself says.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use cutover::agent::facts::{Facts, LeastFree};
use cutover::agent::protocol::AgentInfo;
use cutover::model::lifecycle::LifecycleEvent as E;
use cutover::model::timestamp::Timestamp;

use crate::support::{Host, appspec, execution, order, until};

async fn facts(host: &Host) -> Facts {
    (*host.info().await.facts.unwrap()).clone()
}

#[expect(clippy::disallowed_methods, reason = "compared with the agent's clock")]
fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap())
}

fn kernel(name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap();
    text.trim().to_owned()
}

#[tokio::test]
async fn the_facts_are_those_of_this_host() {
    let before = now();
    let host = Host::started().await;
    let facts = facts(&host).await;
    let after = now();

    let release = fs::read_to_string("/etc/os-release")
        .or_else(|_| fs::read_to_string("/usr/lib/os-release"))
        .unwrap();
    assert!(!facts.os.name.is_empty() && release.contains(&facts.os.name));
    assert!(release.contains(&format!("ID={}", facts.os.id)));
    assert!(release.contains(&facts.os.version));
    assert_eq!(facts.kernel, kernel("osrelease"));
    assert_eq!(facts.hostname, kernel("hostname"));
    assert_eq!(facts.architecture, std::env::consts::ARCH);

    assert!(before <= facts.started && facts.started <= facts.clock && facts.clock <= after);
    let uptime = fs::read_to_string("/proc/uptime").unwrap();
    let seconds: f64 = uptime.split_whitespace().next().unwrap().parse().unwrap();
    let up = now().since(facts.booted.unwrap()).as_secs_f64();
    assert!((up - seconds).abs() < 5.0, "{up} and {seconds}");

    // The installation root is in the same file system.
    let [disk] = facts.disks.as_slice() else {
        panic!("{:?}", facts.disks)
    };
    let known = nix::sys::statvfs::statvfs(&host.config.root).unwrap();
    let size = known.fragment_size();
    assert_eq!(disk.total, known.blocks() * size);
    assert_eq!(disk.files_total, known.files());
    let free = known.blocks_available() * size;
    assert!(
        disk.free.abs_diff(free) <= disk.total / 10,
        "{disk:?}, {free}"
    );
    assert_eq!(disk.path, host.config.root.display().to_string());

    let memory = facts.agent_memory.unwrap();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak: u64 = peak.unwrap().replace("kB", "").trim().parse().unwrap();
    assert!(memory > 1 << 20 && memory <= 2 * peak * 1024, "{memory}");
    assert!(facts.installed.is_empty() && facts.running.is_empty());
}

#[tokio::test]
async fn what_runs_and_what_is_installed() {
    let host = Host::started().await;
    let gate = host.path("gate");
    let script = format!(
        "#!/bin/sh\nuntil [ -e {} ]; do sleep 0.02; done\n",
        gate.display()
    );
    let spec = appspec("hooks:\n  AfterInstall: [{location: wait.sh}]");
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("wait.sh", script.as_str(), 0o755),
        ("files/page", "1", 0o644),
    ];
    let revision = host.push("1.8.0", &members).await;
    let first = order(1, &revision);
    let id = execution(&first);
    let asked = now();
    host.order(&id, &first).await;
    let mut known = facts(&host).await;
    while known
        .running
        .first()
        .is_none_or(|run| run.event != Some(E::AfterInstall))
    {
        host.renew(&id).await;
        known = facts(&host).await;
    }
    assert_eq!(known.running[0].execution, id);
    assert_eq!(known.running[0].deployment_id, first.deployment_id);
    assert_eq!(known.running[0].application_name.as_str(), "shop");
    fs::write(&gate, "").unwrap();
    host.finish(&id, &first, 0).await.succeeded();

    let known = facts(&host).await;
    assert!(known.running.is_empty());
    let [installed] = known.installed.as_slice() else {
        panic!("{:?}", known.installed)
    };
    assert_eq!(installed.deployment_group_id, first.deployment_group_id);
    assert_eq!(installed.deployment_id, first.deployment_id);
    assert_eq!(
        installed.application_name,
        Some(first.application_name.clone())
    );
    assert_eq!(
        installed.deployment_group_name,
        Some(first.deployment_group_name.clone())
    );
    assert_eq!(installed.revision, Some(revision));
    let at = installed.installed.unwrap();
    // A file's time may lag behind the clock by a tick.
    assert!(at.0 + 20 >= asked.0 && at <= now(), "{at:?}");

    // A deployment that fails before its Install leaves what is installed.
    let broken = host
        .push(
            "2.0",
            &[(
                "appspec.yml",
                "version: 0.0\nos: linux\nhooks:\n  BeforeInstall: [{location: no.sh}]\n",
                0o644,
            )],
        )
        .await;
    host.run(&order(2, &broken)).await;
    assert_eq!(facts(&host).await.installed, known.installed);
}

#[tokio::test]
async fn a_disk_counts_as_nearly_full_where_the_settings_say() {
    let mut host = Host::new();
    host.config.least_free = LeastFree {
        percent: 0,
        bytes: 0,
    };
    host.start().await;
    let codes = |facts: Facts| -> Vec<String> {
        facts
            .problems
            .into_iter()
            .map(|problem| problem.code)
            .collect()
    };
    assert_eq!(codes(facts(&host).await), Vec::<String>::new());
    host.shut_down().await;
    host.config.least_free = LeastFree {
        percent: 100,
        bytes: u64::MAX,
    };
    host.start().await;
    let known = facts(&host).await;
    let problem = &known.problems[0];
    assert_eq!(problem.code, "DiskNearlyFull");
    assert!(problem.message.contains("are free on the file system of"));
    assert!(problem.message.contains(&known.disks[0].path));
    assert!(!problem.remedy.is_empty());
}

#[tokio::test]
async fn a_damaged_pointer_is_said_and_hides_nothing_else() {
    let host = Host::started().await;
    let spec = appspec("");
    let revision = host
        .push(
            "1",
            &[("appspec.yml", &spec, 0o644), ("files/page", "1", 0o644)],
        )
        .await;
    host.run(&order(1, &revision)).await.succeeded();
    let mut other = order(2, &revision);
    other.deployment_group_id = "other".to_owned();
    other.file_exists_behavior = cutover::model::deployment::FileExistsBehavior::Overwrite;
    host.run(&other).await.succeeded();
    assert_eq!(facts(&host).await.installed.len(), 2);
    let pointer = "deployment-instructions/other_last_successful_install";
    fs::write(host.config.root.join(pointer), "nonsense").unwrap();
    let known = facts(&host).await;
    assert_eq!(known.installed.len(), 1);
    let problem = known
        .problems
        .iter()
        .find(|p| p.code == "InstalledUnreadable");
    let message = &problem.unwrap().message;
    assert!(
        message.contains("group other") && message.contains(pointer),
        "{message}"
    );
}

/// An agent as a process of a user that is not root.
struct Unprivileged(Child);

impl Drop for Unprivileged {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn an_agent_without_rights_says_so() {
    const NOBODY: u32 = 65534;
    let scratch = tempfile::tempdir().unwrap();
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let (home, program) = (scratch.path().join("home"), scratch.path().join("cutover"));
    fs::create_dir(&home).unwrap();
    // The build's folder may be closed to others.
    fs::copy(env!("CARGO_BIN_EXE_cutover"), &program).unwrap();
    let mut command = Command::new(&program);
    if nix::unistd::geteuid().is_root() {
        chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    let (root, ready) = (home.join("agent"), home.join("ready"));
    let agent = command
        .args([
            "agent",
            "--name",
            "web-1",
            "--listen",
            "127.0.0.1:0",
            "--root",
        ])
        .arg(&root)
        .arg("--ready-file")
        .arg(&ready)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let _agent = Unprivileged(agent);
    until("the agent is ready", || ready.exists()).await;
    let url = format!("{}/v1/agent", fs::read_to_string(&ready).unwrap());
    let client = reqwest::Client::new();
    let codes = async || -> Vec<String> {
        let info: AgentInfo = client.get(&url).send().await.unwrap().json().await.unwrap();
        let facts = info.facts.unwrap();
        let codes = facts.problems.iter().map(|problem| problem.code.clone());
        codes.filter(|code| code != "DiskNearlyFull").collect()
    };
    assert_eq!(codes().await, ["NotRoot"]);
    fs::set_permissions(root.join("log"), fs::Permissions::from_mode(0o500)).unwrap();
    assert_eq!(codes().await, ["LogNotWritable", "NotRoot"]);
    fs::set_permissions(&root, fs::Permissions::from_mode(0o500)).unwrap();
    assert_eq!(codes().await, ["RootNotWritable", "NotRoot"]);
}
