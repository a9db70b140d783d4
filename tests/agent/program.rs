//! The program around the agent: its configuration file, its log, its checks, and what systemd makes of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use cutover::agent::config::REFERENCE;
use cutover::model::lifecycle::LifecycleEvent as E;

use crate::support::{Host, until};

fn agent(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cutover"))
        .arg("agent")
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_wrong_configuration_stops_the_start_and_says_where() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("agent.yml");
    let path = file.to_str().unwrap();
    for (content, message) in [
        (
            "name: web-1\nroot_dri: /x\n",
            ":2:1: unknown field \"root_dri\" (did you mean \"root_dir\"?)",
        ),
        ("name: web-1\nmax_revisions: 0\n", ":2:16: max_revisions: "),
        (
            "name: web-1\nlisten: 0.0.0.0:7420\n",
            "not a loopback address",
        ),
        ("name: web-1\nprogram_name: a/b\n", "program_name: "),
        ("name: web-1\ngroup: daemon\n", "group: "),
        ("name: web-1\nuser: nobody-here\n", "no user nobody-here"),
        ("verbose: true\n", "the agent needs the host's name"),
    ] {
        fs::write(&file, content).unwrap();
        let run = agent(&["--config", path]);
        assert_eq!(run.status.code(), Some(2), "{content}");
        let said = text(&run.stderr);
        assert!(said.contains(message), "{content}: {said}");
        let check = agent(&["--check", "--config", path]);
        assert_eq!(check.status.code(), Some(1), "{content}");
        let said = text(&check.stdout);
        assert!(
            said.starts_with("problem ") || said.contains("\nproblem "),
            "{said}"
        );
        assert!(said.contains(message), "{content}: {said}");
    }
    let run = agent(&["--config", "/no/such/file"]);
    assert!(text(&run.stderr).contains("reading /no/such/file"));
}

#[tokio::test]
async fn a_codedeploy_file_sets_an_agent_up() {
    let mut host = Host::new();
    let (logs, pids) = (host.path("log"), host.path("pid"));
    fs::create_dir(&logs).unwrap();
    // Yesterday's log is put aside, with the time by which it is known.
    let log = logs.join("codedeploy-agent.log");
    fs::write(&log, "before\n").unwrap();
    let file = fs::File::options().append(true).open(&log).unwrap();
    let day = std::time::Duration::from_hours(24);
    file.set_modified(file.metadata().unwrap().modified().unwrap() - day)
        .unwrap();
    fs::write(
        host.path("agent.yml"),
        format!(
            "---\n:log_aws_wire: false\n:log_dir: '{}/'\n:pid_dir: '{}/'\n:program_name: codedeploy-agent\n\
             :wait_between_runs: 1\n:proxy_uri:\n:max_revisions: 2\n:enable_deployments_log: false\n",
            logs.display(),
            pids.display()
        ),
    )
    .unwrap();
    host.start_binary().await;
    let pid = fs::read_to_string(pids.join("codedeploy-agent.pid")).unwrap();
    assert_eq!(pid.trim(), host.pid().to_string());
    for number in 1..=3 {
        host.script(number, E::BeforeInstall, "", "#!/bin/sh\n")
            .await
            .succeeded();
    }
    let group = host
        .config
        .root
        .join("0d1f3c1e-6a5e-4a0e-9a37-2f6d7b1c9e11");
    assert_eq!(fs::read_dir(group).unwrap().count(), 2, "max_revisions");
    let shared = host.config.root.join("deployment-logs");
    assert_eq!(fs::read_dir(shared).unwrap().count(), 0, "no such log");

    let said = fs::read_to_string(&log).unwrap();
    let mark = format!(" INFO  [codedeploy-agent({})]: ", host.pid());
    let lines: Vec<_> = said
        .lines()
        .map(|line| line.split_once(&mark).unwrap())
        .collect();
    let time = lines[0].0.replace(|c: char| c.is_ascii_digit(), "9");
    assert_eq!(time, "9999-99-99T99:99:99");
    assert_eq!(
        lines[0].1,
        "these options of CodeDeploy's agent have no effect here: log_aws_wire, wait_between_runs, proxy_uri"
    );
    let serving = format!("serving on {}", host.address);
    assert!(lines.iter().any(|(_, text)| *text == serving), "{said}");
    if nix::unistd::geteuid().is_root() {
        let front = "the front runs as ";
        assert!(
            lines.iter().any(|(_, text)| text.starts_with(front)),
            "{said}"
        );
    }
    let names = fs::read_dir(&logs)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[0].starts_with("codedeploy-agent.2"), "{names:?}");

    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(i32::try_from(host.pid()).unwrap()),
        nix::sys::signal::Signal::SIGTERM,
    )
    .unwrap();
    until("the file with the process number is gone", || {
        !pids.join("codedeploy-agent.pid").exists()
    })
    .await;
}

#[tokio::test]
async fn a_check_says_what_stands_in_the_way_and_changes_nothing() {
    let mut host = Host::new();
    let root = host.config.root.clone();
    let path = root.to_str().unwrap();
    let check = |more: &[&str]| {
        let mut arguments = vec!["--check", "--config", "/dev/null", "--name", "web-1"];
        arguments.extend(more);
        let output = agent(&arguments);
        (output.status.code(), text(&output.stdout))
    };
    let (code, said) = check(&["--root", path, "--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains(&format!("ok       root           {path} will be made in ")),
        "{said}"
    );
    assert!(
        said.contains("ok       lock           no agent is running here"),
        "{said}"
    );
    for subject in [
        "configuration",
        "user",
        "front",
        "root",
        "disk",
        "lock",
        "listen",
        "program",
        "kernel",
        "clock",
    ] {
        assert!(
            said.lines().any(|line| line[9..].starts_with(subject)),
            "{subject}: {said}"
        );
    }
    assert!(!root.exists(), "nothing was made");

    host.start_binary().await;
    let authority = host.address.trim_start_matches("http://").to_owned();
    let (code, said) = check(&["--root", path, "--listen", &authority]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("warning  lock           an agent is running on"),
        "{said}"
    );
    assert!(said.contains("in use while the agent runs"), "{said}");

    let elsewhere = host.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o770)).unwrap();
    let (code, said) = check(&[
        "--root",
        elsewhere.to_str().unwrap(),
        "--listen",
        &authority,
    ]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("problem  listen"), "{said}");
    assert!(
        said.contains("others may write to it; chmod go-w"),
        "{said}"
    );
    assert!(said.contains("chmod o+x"), "{said}");

    let file = host.path("file");
    fs::write(&file, "").unwrap();
    let (code, said) = check(&["--root", file.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("is not a folder; choose another root_dir"),
        "{said}"
    );
    let (code, said) = check(&["--root", path, "--listen", "0.0.0.0:0"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("not a loopback address"), "{said}");
}

/// The reference in the documentation is the program's own.
#[test]
fn the_documentation_has_every_option() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/agent.md");
    let documentation = fs::read_to_string(path).unwrap();
    let rows: Vec<_> = documentation
        .lines()
        .skip_while(|line| !line.starts_with("| option |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(str::to_owned)
        .collect();
    let expected: Vec<_> = REFERENCE
        .iter()
        .map(|setting| {
            format!(
                "| `{}` | {} | {} |",
                setting.name,
                setting.default,
                setting.meaning.trim()
            )
        })
        .collect();
    assert_eq!(
        rows,
        expected,
        "the table should be:\n{}",
        expected.join("\n")
    );
}

/// systemd understands the unit, and finds it no worse than it has to be.
#[test]
fn systemd_accepts_the_unit() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/cutover-agent.service");
    let analyze = |arguments: &[&str], unit: &Path| {
        Command::new("systemd-analyze")
            .args(arguments)
            .arg(unit)
            .output()
            .expect("the program systemd-analyze is missing: apt-get install systemd")
    };
    // The unit names the place where the program is installed; here it is elsewhere.
    let scratch = tempfile::tempdir().unwrap();
    let here = scratch.path().join("cutover-agent.service");
    let text_of_unit = fs::read_to_string(&unit).unwrap();
    let program = env!("CARGO_BIN_EXE_cutover");
    fs::write(
        &here,
        text_of_unit.replace("/usr/local/bin/cutover", program),
    )
    .unwrap();
    let verified = analyze(&["verify", "--man=no"], &here);
    let said = text(&verified.stderr);
    assert!(
        verified.status.success() && !said.contains("cutover-agent"),
        "{said}"
    );
    // It says so if there is no such option.
    let wrong = scratch.path().join("wrong.service");
    let text_of_wrong = fs::read_to_string(&here).unwrap();
    let text_of_wrong = text_of_wrong.replace("RestrictRealtime=", "RestrictRealTime=");
    fs::write(&wrong, text_of_wrong).unwrap();
    let verified = text(&analyze(&["verify", "--man=no"], &wrong).stderr);
    assert!(verified.contains("RestrictRealTime"), "{verified}");
    let security = analyze(
        &["security", "--offline=yes", "--no-pager", "--threshold=90"],
        &here,
    );
    let said = text(&security.stdout);
    assert!(
        security.status.success(),
        "{said}{}",
        text(&security.stderr)
    );

    // The unit waits longer than the agent does by itself.
    let seconds = text_of_unit
        .lines()
        .find_map(|line| line.strip_prefix("TimeoutStopSec="))
        .unwrap();
    assert!(seconds.parse::<u64>().unwrap() > 60);
}
