//! The lab's second application: requests flow through the router while its traffic moves, with real processes.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::processes;
use crate::terminal::Terminal;

/// What is on the screen while the deployment waits for a person.
pub const WAITS: &str = "waiting for somebody to reroute";

impl Terminal {
    /// Runs a command that must succeed, and reads what it prints.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.cutover(&[arguments, &["--output", "json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub fn ok(&self, arguments: &[&str]) {
        let output = self.cutover(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }

    /// What became of the requests.
    fn requests(&self) -> Requests {
        let status = self.json(&["lab", "status"]);
        assert_eq!(status["routerRuns"], true, "{status}");
        assert_eq!(status["requestsRun"], true, "{status}");
        let by = |name: &str| status["requests"]["answered"][name].as_u64().unwrap_or(0);
        Requests {
            first: by("2.0"),
            second: by("2.1"),
            failed: status["requests"]["failed"].to_string(),
        }
    }

    /// Waits until so many requests in a row were answered by one version.
    pub fn wait_until_all_go(&self, to_second: bool) -> Requests {
        let split = |r: &Requests| {
            if to_second {
                (r.second, r.first)
            } else {
                (r.first, r.second)
            }
        };
        let deadline = Instant::now() + Duration::from_mins(1);
        let mut since = self.requests();
        loop {
            let now = self.requests();
            let ((here, there), (before, others)) = (split(&now), split(&since));
            assert!(Instant::now() < deadline, "{since:?} {now:?}");
            if there != others {
                since = now;
            } else if here >= before + 40 {
                return now;
            }
        }
    }

    /// The deployment of `checkout` that was created last.
    pub fn newest(&self) -> String {
        let listed = self.json(&["list", "--group", "checkout/production"]);
        listed["deployments"][0]["deploymentId"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub fn kill_cockpit(&mut self) {
        self.child.kill().unwrap();
        self.ended();
    }
}

#[derive(Debug)]
pub struct Requests {
    first: u64,
    second: u64,
    pub failed: String,
}

/// A process of the lab, from what it remembers.
fn recorded(folder: &Path, pointer: &str) -> Pid {
    let record = std::fs::read(folder.join("lab.json")).unwrap();
    let record: Value = serde_json::from_slice(&record).unwrap();
    let pid = record.pointer(pointer).and_then(Value::as_i64).unwrap();
    Pid::from_raw(i32::try_from(pid).unwrap())
}

/// What a newcomer does in the first minute, and no request is lost by it.
#[test]
fn live_requests_are_rerouted_and_come_back_and_none_is_lost() {
    let mut terminal = Terminal::small_lab(&[]);
    terminal.wait_for(WAITS);
    let before = terminal.wait_until_all_go(false);
    assert_eq!((before.second, before.failed.as_str()), (0, "{}"));

    let id = terminal.newest();
    terminal.ok(&["reroute", &id]);
    let moved = terminal.wait_until_all_go(true);
    assert_eq!(moved.failed, "{}");
    // The original is still there, so that the way back is short.
    terminal.wait_for("keep original");
    terminal.ok(&["rollback", &id]);
    let back = terminal.wait_until_all_go(false);
    assert_eq!(back.failed, "{}");
    assert!(back.first > moved.first && back.second > 40, "{back:?}");

    let alarm = |code| {
        let asked = terminal.cutover(&["alarms", "checkout-errors", "--exit-code"]);
        assert_eq!(asked.status.code(), Some(code), "{asked:?}");
    };
    alarm(0);
    terminal.ok(&["lab", "alarm", "on"]);
    alarm(1);
    terminal.ok(&["lab", "alarm", "off"]);
    alarm(0);

    // Ended from outside, the lab takes its cockpit along.
    let folder = terminal.folder();
    terminal.ok(&["lab", "--down"]);
    assert!(terminal.ended().success());
    terminal.wait("the shell's screen", |screen| !screen.alternate_screen());
    assert_eq!(processes(&folder), Vec::<String>::new());
    let gone = terminal.cutover(&["lab", "alarm", "on"]);
    assert_eq!(gone.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&gone.stderr).contains("no lab runs in"));
}

/// The alarm goes by what the requests meet: a revision that fails some of them sets it off.
#[test]
fn a_revision_that_fails_requests_sets_the_alarm_off() {
    let mut terminal = Terminal::small_lab(&[]);
    terminal.wait_for(WAITS);
    let stopped = terminal.cutover(&["stop", &terminal.newest(), "--no-rollback", "--wait"]);
    assert_eq!(stopped.status.code(), Some(3), "{stopped:?}");
    let broken = [
        "deploy",
        "checkout",
        "production",
        "2.2-broken",
        "--replacement",
        "set=b",
    ];
    terminal.ok(&broken);
    let id = terminal.newest();
    let deadline = Instant::now() + Duration::from_mins(1);
    while terminal.json(&["show", &id])["deploymentInfo"]["status"] != "Ready" {
        assert!(Instant::now() < deadline);
    }
    // Its own checks find nothing.
    assert_eq!(terminal.wait_until_all_go(false).failed, "{}");
    terminal.ok(&["reroute", &id]);
    let state = || terminal.json(&["lab", "status"])["alarm"]["state"].clone();
    while state() != "ALARM" {
        assert!(Instant::now() < deadline, "{}", state());
    }
    assert!(
        terminal
            .requests()
            .failed
            .contains("status 500 from 2.2-broken")
    );
    terminal.leave();
}

/// Router and requests are started again when the lab is opened; without its port the router is not, and the lab says so; what
/// is left of a lab without agents is ended before the next one begins.
#[test]
fn what_was_killed_runs_again_when_the_lab_is_opened() {
    let mut first = Terminal::small_lab(&[]);
    first.wait_for(WAITS);
    let folder = first.folder();
    let front = first.json(&["lab", "status"])["front"].clone();
    first.kill_cockpit();
    // One that is ending has no command line any more, and is there until nobody but its parent asks for it.
    let old = |pid: Pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.is_ok_and(|stat| !stat.rsplit_once(") ").unwrap().1.starts_with('Z'))
    };
    let end = |pointer: &str| {
        let process = recorded(&folder, pointer);
        kill(process, Signal::SIGKILL).unwrap();
        let deadline = Instant::now() + Duration::from_mins(1);
        while old(process) {
            assert!(Instant::now() < deadline, "{pointer} was killed, and runs");
        }
    };
    end("/checkout/router/pid");
    end("/checkout/requests/pid");

    let mut second = first.again();
    second.wait_for(WAITS);
    let counted = second.wait_until_all_go(false);
    assert_eq!((counted.second, counted.failed.as_str()), (0, "{}"));
    assert_eq!(second.json(&["lab", "status"])["front"], front);
    second.kill_cockpit();

    end("/checkout/router/pid");
    let deadline = Instant::now() + Duration::from_mins(1);
    let taken = loop {
        match std::net::TcpListener::bind(front.as_str().unwrap()) {
            Ok(taken) => break taken,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
    };
    let mut third = second.again();
    third.wait_for("the router did not start");
    third.wait_for("in use");
    assert!(!third.ended().success());
    drop(taken);

    let left = recorded(&folder, "/checkout/requests/pid");
    assert!(old(left));
    for agent in [
        "agents/0",
        "agents/1",
        "checkout/agents/0",
        "checkout/agents/1",
        "checkout/agents/2",
        "checkout/agents/3",
    ] {
        end(&format!("/{agent}/process/pid"));
    }
    let mut fourth = third.again();
    fourth.wait_for(WAITS);
    assert!(!old(left));
    assert_eq!(fourth.wait_until_all_go(false).failed, "{}");
    fourth.leave();
    assert_eq!(processes(&folder), Vec::<String>::new());
}
