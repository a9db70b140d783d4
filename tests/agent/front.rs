//! The agent of root's as two processes: what the network reaches may do nothing, and dies alone.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use cutover::agent::protocol::OutputSource::Stdout;
use cutover::model::lifecycle::LifecycleEvent as E;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{DEADLINE, Host, appspec, execution, needs_root, order, set_mode, until};

/// The children of a process, by the kernel's own list.
fn children(pid: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let list = list.unwrap_or_default();
    let numbers = list.split_whitespace().map(|pid| pid.parse().unwrap());
    numbers.collect()
}

fn title(pid: u32) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words)
        .replace('\0', " ")
        .trim()
        .to_owned()
}

/// The agent's front, once it is there.
async fn front(host: &Host) -> u32 {
    let fronts = || {
        let all = children(host.pid()).into_iter();
        all.filter(|pid| title(*pid) == "cutover agent front")
            .collect::<Vec<_>>()
    };
    until("there is a front", || fronts().len() == 1).await;
    // One that answers has done what it does before it does.
    host.info().await;
    fronts()[0]
}

fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal).unwrap();
}

fn is_there(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

fn status(pid: u32) -> HashMap<String, String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect()
}

#[tokio::test]
async fn what_the_network_reaches_may_do_nothing() {
    needs_root();
    let mut host = Host::new();
    set_mode(&host, 0o755);
    fs::write(host.path("agent.yml"), "front_user: daemon\n").unwrap();
    host.start_binary().await;
    let front = front(&host).await;
    let status = status(front);
    let daemon = nix::unistd::User::from_name("daemon").unwrap().unwrap();
    for (field, id) in [("Uid", daemon.uid.as_raw()), ("Gid", daemon.gid.as_raw())] {
        let ids: Vec<_> = status[field].split_whitespace().collect();
        assert_eq!(ids, vec![id.to_string(); 4], "{field}");
    }
    assert_eq!(status["Groups"], "");
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(status[set], "0000000000000000", "{set}");
    }
    assert_eq!(status["NoNewPrivs"], "1");
    let of = |what: &str| format!("/proc/{front}/{what}");
    assert_eq!(fs::read(of("environ")).unwrap(), b"");
    assert_eq!(fs::read_link(of("cwd")).unwrap(), Path::new("/"));
    let stat = fs::read_to_string(of("stat")).unwrap();
    let fields: Vec<_> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let own = front.to_string();
    assert_eq!(fields[2..4], [&own, &own], "its process group and session");

    // Sockets and what the runtime itself needs, and not one file or terminal.
    let mut open = HashMap::new();
    for entry in fs::read_dir(of("fd")).unwrap() {
        let entry = entry.unwrap();
        let number: u32 = entry.file_name().to_str().unwrap().parse().unwrap();
        let target = fs::read_link(entry.path()).unwrap_or_default();
        open.insert(number, target.to_string_lossy().into_owned());
    }
    assert!(open[&0].starts_with("socket:"), "{open:?}");
    assert_eq!(open[&1], "/dev/null");
    assert!(open[&2].starts_with("pipe:"), "{open:?}");
    let kinds = [
        "socket:",
        "anon_inode:[eventpoll]",
        "anon_inode:[eventfd]",
        "pipe:",
    ];
    for (number, target) in open.iter().filter(|(number, _)| **number > 2) {
        assert!(
            kinds.iter().any(|kind| target.starts_with(kind)),
            "{number} is {target}"
        );
    }

    // What the agent keeps to itself is closed to that user.
    let script = "cd / && for at in log bundles deployment-instructions; do ls \"$1/$at\" && exit 1; done; exit 0";
    let tried = Command::new("setpriv")
        .args([
            "--reuid=daemon",
            "--regid=daemon",
            "--clear-groups",
            "sh",
            "-c",
            script,
            "sh",
        ])
        .arg(&host.config.root)
        .output()
        .unwrap();
    assert!(tried.status.success(), "{tried:?}");
    let said = String::from_utf8_lossy(&tried.stderr);
    assert_eq!(said.matches("Permission denied").count(), 3, "{said}");
}

/// A front that is killed in the middle comes back, and what runs knows nothing of it.
#[tokio::test]
async fn an_execution_outlives_its_front() {
    needs_root();
    let mut host = Host::new();
    host.start_binary().await;
    let (ran, gate) = (host.path("ran"), host.path("gate"));
    let script = format!(
        "#!/bin/sh\necho $LIFECYCLE_EVENT >> {}\nuntil [ -e {} ]; do sleep 0.02; done\n",
        ran.display(),
        gate.display()
    );
    let spec = appspec(
        "hooks:\n  BeforeInstall: [{location: run.sh}]\n  ApplicationStart: [{location: run.sh}]",
    );
    let members = [
        ("appspec.yml", spec.as_str(), 0o644),
        ("run.sh", &script, 0o755),
        ("files/a", "1", 0o644),
    ];
    let revision = host.push("1", &members).await;
    let order = order(1, &revision);
    let id = execution(&order);
    host.order(&id, &order).await;
    until("the script runs", || ran.exists()).await;
    let mut last = 0;
    for _ in 0..3 {
        let now = front(&host).await;
        assert_ne!(now, last, "it is another one");
        send(now, Signal::SIGKILL);
        until("it is gone", || !children(host.pid()).contains(&now)).await;
        last = now;
    }
    fs::write(&gate, "").unwrap();
    host.finish(&id, &order, 0).await.succeeded();
    let ran = fs::read_to_string(&ran).unwrap();
    assert_eq!(
        ran, "BeforeInstall\nApplicationStart\n",
        "each script ran once"
    );
    assert_eq!(host.read("/srv/app/a"), "1");
}

#[tokio::test]
async fn a_front_does_not_outlive_its_agent() {
    needs_root();
    let mut host = Host::new();
    host.start_binary().await;
    let first = front(&host).await;
    let _stream = host.stream(0).await;
    host.kill();
    until("the front is gone", || !is_there(first)).await;

    // Told to end, the agent ends it too, although somebody listens.
    host.start_binary().await;
    let second = front(&host).await;
    let _stream = host.stream(0).await;
    assert_eq!(host.end().await.code(), Some(0));
    assert!(!is_there(second));
}

#[tokio::test]
async fn scripts_get_three_files_and_a_session_of_their_own() {
    needs_root();
    let mut host = Host::new();
    host.start_binary().await;
    front(&host).await;
    // Somebody listens meanwhile, so that the agent has channels open.
    let _stream = host.stream(0).await;
    let script = "#!/bin/sh\nread -r stat < /proc/$$/stat\nset -- ${stat##*)}\n[ \"$3 $4 $5\" = \"$$ $$ 0\" ] && echo alone\n\
                  exec ls -l /proc/self/fd\n";
    for more in ["", "      runas: daemon\n"] {
        let number = 1 + u32::from(!more.is_empty());
        let run = host.script(number, E::BeforeInstall, more, script).await;
        run.succeeded();
        let lines = run.lines(Stdout);
        assert_eq!(lines[0], "alone", "{lines:?}");
        let open: Vec<_> = lines.iter().filter(|line| line.contains(" -> ")).collect();
        // ls itself opens the folder.
        assert_eq!(open.len(), 4, "{open:?}");
        assert!(open[0].ends_with(" 0 -> /dev/null"), "{open:?}");
        assert!(
            open[1].contains(" 1 -> pipe:") && open[2].contains(" 2 -> pipe:"),
            "{open:?}"
        );
        assert!(open[3].contains("/proc/"), "{open:?}");
    }
}

/// Whoever starts a front by hand is told what it is.
#[test]
fn nobody_else_starts_a_front() {
    needs_root();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let program = env!("CARGO_BIN_EXE_cutover");
    let said = run(program, &["agent", "front"]);
    assert!(said.contains("does not run as root"), "{said}");
    let said = run(
        "setpriv",
        &[
            "--reuid=daemon",
            "--clear-groups",
            program,
            "agent",
            "front",
        ],
    );
    assert!(
        said.contains("only the agent itself starts its front"),
        "{said}"
    );
}

#[test]
fn a_front_is_no_second_root() {
    needs_root();
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("agent.yml");
    for (user, message) in [
        ("root", "front_user: root has root's rights"),
        (
            "nobody-here",
            "front_user: there is no user nobody-here on this host; make it: useradd",
        ),
    ] {
        fs::write(&file, format!("name: web-1\nfront_user: {user}\n")).unwrap();
        let run = Command::new(env!("CARGO_BIN_EXE_cutover"))
            .args(["agent", "--config"])
            .arg(&file)
            .output()
            .unwrap();
        assert_eq!(run.status.code(), Some(2));
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(said.contains(message), "{said}");
    }
}

/// A front that cannot live does not take the agent with it, nor the processor.
#[tokio::test]
async fn a_front_is_started_again_with_patience() {
    needs_root();
    let mut host = Host::new();
    host.start_binary().await;
    let begun = tokio::time::Instant::now();
    for _ in 0..4 {
        let now = front(&host).await;
        send(now, Signal::SIGKILL);
        until("it is gone", || !children(host.pid()).contains(&now)).await;
    }
    front(&host).await;
    // 50, 100, 200 and 400 ms lie between them.
    let took = begun.elapsed();
    assert!(took.as_millis() >= 750 && took < DEADLINE, "{took:?}");
}
