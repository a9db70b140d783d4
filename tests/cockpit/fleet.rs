//! The lab's own fleet: the replacement of `checkout` is made for each deployment, and the one before it is ended.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::checkout::WAITS;
use crate::processes;
use crate::terminal::Terminal;

impl Terminal {
    /// Waits until a command prints this.
    fn until_it_says(&self, arguments: &[&str], what: &str) {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let output = self.cutover(arguments);
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            if said.contains(what) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{arguments:?}: {what}: {output:?}"
            );
        }
    }

    /// Waits until a deployment has this status.
    pub fn until_it_is(&self, id: &str, status: &str) {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let now = self.json(&["show", id])["deploymentInfo"].clone();
            if now["status"] == status {
                return;
            }
            assert!(Instant::now() < deadline, "{status}: {now:#}");
        }
    }

    /// Deploys a revision, and waits until its replacement is installed.
    fn replacement(&self, revision: &str) -> String {
        self.ok(&["deploy", "checkout", "production", revision]);
        let id = self.newest();
        self.until_it_is(&id, "Ready");
        id
    }

    /// Ends the wait with the original, and waits for the end.
    fn finish(&self, id: &str) {
        self.until_it_says(&["show", id], "keeping the original");
        self.ok(&["skip-wait", id]);
        self.until_it_is(id, "Succeeded");
    }

    /// The hosts of `checkout`, with the fleets of those that have one.
    fn hosts(&self) -> Vec<(String, Option<String>)> {
        let listed = self.json(&["hosts"]);
        let hosts = listed["hosts"].as_array().unwrap().iter();
        let all = hosts.map(|one| {
            let fleet = one["host"]["provisioned"]["fleet"].as_str();
            let name = one["host"]["name"].as_str().unwrap();
            (name.to_owned(), fleet.map(str::to_owned))
        });
        all.filter(|(name, _)| name.starts_with("pay")).collect()
    }

    /// Those that a fleet made.
    fn made(&self) -> Vec<String> {
        let all = self.hosts().into_iter();
        let made = all.filter(|(_, fleet)| fleet.as_deref() == Some("lab"));
        made.map(|(name, _)| name).collect()
    }
}

/// Asks the lab's fleet, as the orchestrator does.
fn ask(folder: &Path, part: &str, question: &Value) -> Value {
    let output = asking(folder, part, question);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
}

fn asking(folder: &Path, part: &str, question: &Value) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cutover"))
        .args(["lab", part, "--dir"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(question.to_string().as_bytes()).unwrap();
    drop(input);
    child.wait_with_output().unwrap()
}

/// What the lab remembers.
fn record_of(folder: &Path) -> Value {
    let record = std::fs::read(folder.join("lab.json")).unwrap();
    serde_json::from_slice(&record).unwrap()
}

/// The process of the agent of a host that was made.
fn agent(folder: &Path, name: &str) -> Pid {
    let record = record_of(folder);
    let made = record["checkout"]["provisioned"].as_array().unwrap();
    let one = made.iter().find(|one| one["name"] == name).unwrap();
    let pid = one["agent"]["process"]["pid"].as_i64().unwrap();
    Pid::from_raw(pid.try_into().unwrap())
}

#[test]
fn the_replacement_is_made_and_the_next_one_ends_it_and_no_request_is_lost() {
    let mut first = Terminal::small_lab(&[]);
    first.wait_for(WAITS);
    let stopped = first.cutover(&["stop", &first.newest(), "--no-rollback", "--wait"]);
    assert_eq!(stopped.status.code(), Some(3), "{stopped:?}");
    // As the README says it.
    first.ok(&[
        "group",
        "edit",
        "checkout",
        "production",
        "--set",
        "autoScalingGroups=[lab]",
        "--set",
        "blueGreenDeploymentConfiguration.greenFleetProvisioningOption.action=COPY_AUTO_SCALING_GROUP",
    ]);
    let planned = "the fleet lab is asked to provision 2 instances first";
    first.until_it_says(&["plan", "checkout", "production", "2.1"], planned);

    let one = first.replacement("2.1");
    assert_eq!(first.made(), ["pay-5", "pay-6"]);
    // Cockpit and orchestrator are killed: whoever opens the lab finds all of it.
    let folder = first.folder();
    let orchestrator = std::fs::read_to_string(folder.join(".state/lock")).unwrap();
    let orchestrator = Pid::from_raw(orchestrator.trim().parse().unwrap());
    first.kill_cockpit();
    kill(orchestrator, Signal::SIGKILL).unwrap();
    let mut second = first.again();
    second.wait_for("checkout / production");
    second.ok(&["reroute", &one]);
    let moved = second.wait_until_all_go(true);
    assert_eq!(moved.failed, "{}");
    second.finish(&one);
    let there = ["pay-1", "pay-2", "pay-3", "pay-4", "pay-5", "pay-6"];
    assert_eq!(
        second
            .hosts()
            .iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>(),
        there
    );

    let two = second.replacement("2.0");
    assert_eq!(second.made(), ["pay-5", "pay-6", "pay-7", "pay-8"]);
    second.ok(&["reroute", &two]);
    let back = second.wait_until_all_go(false);
    assert_eq!(back.failed, "{}");
    second.finish(&two);
    assert_eq!(second.made(), ["pay-7", "pay-8"]);
    for gone in ["pay-5", "pay-6"] {
        let host = folder.join("hosts").join(gone);
        assert!(!host.exists(), "{}", host.display());
        assert_eq!(processes(&host), Vec::<String>::new());
    }
    assert_eq!(second.wait_until_all_go(false).failed, "{}");

    second.ok(&["lab", "--down"]);
    assert!(second.ended().success());
    assert_eq!(processes(&folder), Vec::<String>::new());
}

#[test]
fn a_question_that_is_asked_again_makes_nothing_new() {
    let mut terminal = Terminal::small_lab(&[]);
    terminal.wait_for(WAITS);
    let folder = terminal.folder();
    let question = json!({ "version": 1, "action": "provision", "token": "d-1", "count": 2 });
    // Two at once.
    let [one, other] = std::thread::scope(|scope| {
        let asks = [(); 2].map(|()| scope.spawn(|| ask(&folder, "provision", &question)));
        asks.map(|ask| ask.join().unwrap())
    });
    assert_eq!(one, other);
    assert_eq!(one["hosts"][0]["name"], "pay-5");
    assert_eq!(one["hosts"][1]["name"], "pay-6");
    assert_eq!(one["hosts"].as_array().unwrap().len(), 2);
    // An agent that has ended is there again, where it was.
    let killed = agent(&folder, "pay-6");
    kill(killed, Signal::SIGKILL).unwrap();
    let stat = format!("/proc/{killed}/stat");
    let runs = |stat: String| !stat.contains(") Z ") && !stat.contains(") X ");
    while std::fs::read_to_string(&stat).is_ok_and(runs) {
        std::thread::yield_now();
    }
    assert_eq!(ask(&folder, "provision", &question), one);
    assert_ne!(agent(&folder, "pay-6"), killed);
    // Another question, other hosts.
    let another = json!({ "token": "d-2", "count": 1 });
    let next = ask(&folder, "provision", &another);
    assert_eq!(next["hosts"][0]["name"], "pay-7");
    // As if who asked first had been killed before it could write down what it started.
    let unknown = agent(&folder, "pay-7");
    let mut record = record_of(&folder);
    record["checkout"]["provisioned"][2]["agent"] = Value::Null;
    std::fs::write(folder.join("lab.json"), record.to_string()).unwrap();
    ask(&folder, "provision", &another);
    assert_eq!(processes(&folder.join("hosts/pay-7")).len(), 1);
    assert_ne!(agent(&folder, "pay-7"), unknown);

    // What can't be made says why, and leaves nothing.
    std::fs::write(folder.join("hosts/pay-9"), "in the way").unwrap();
    let failed = asking(&folder, "provision", &json!({ "token": "d-3", "count": 2 }));
    let said = String::from_utf8(failed.stderr).unwrap();
    let first = said.lines().next().unwrap();
    assert!(
        first.ends_with("pay-9 can't be set up: Not a directory (os error 20)"),
        "{said}"
    );
    assert_eq!(processes(&folder.join("hosts/pay-8")), Vec::<String>::new());

    let end = json!({ "action": "terminate", "hosts": [{ "name": "pay-5" }, { "name": "pay-1" }] });
    ask(&folder, "terminate", &end);
    ask(&folder, "terminate", &end);
    assert_eq!(processes(&folder.join("hosts/pay-5")), Vec::<String>::new());
    assert_eq!(
        processes(&folder.join("hosts/pay-1")).len(),
        2,
        "its agent, and checkout"
    );

    // Asked while the lab is being ended, it makes what is ended at once, or nothing.
    let late = json!({ "token": "d-4", "count": 3 });
    std::thread::scope(|scope| {
        scope.spawn(|| asking(&folder, "provision", &late));
        terminal.ok(&["lab", "--down"]);
    });
    assert!(terminal.ended().success());
    assert_eq!(processes(&folder), Vec::<String>::new());
}
