//! `cutover local`, the real program, on the real file system: options, events, output, exit codes, and what it leaves on
//! the host.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(30);

/// A host whose state, logs and files are in a scratch folder.
struct Host {
    scratch: TempDir,
}

impl Host {
    fn new() -> Self {
        let host = Self {
            scratch: tempfile::tempdir().unwrap(),
        };
        let config = format!(
            "---\n:root_dir: '{}'\n:log_dir: '{}'\n",
            host.path("state").display(),
            host.path("log").display()
        );
        fs::write(host.path("agent.yml"), config).unwrap();
        host
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Writes a bundle: an `AppSpec` below its two first lines, and executable scripts.
    fn bundle(&self, appspec: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = self.path("bundle");
        let _ = fs::remove_dir_all(&folder);
        let header = "version: 0.0\nos: linux\n";
        for (name, text) in [("appspec.yml", format!("{header}{appspec}"))]
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .chain(files.iter().copied())
        {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        folder
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command
            .arg("local")
            .arg("-c")
            .arg(self.path("agent.yml"))
            .arg("--root")
            .arg(self.path("root"))
            .args(args)
            .current_dir(self.scratch.path())
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Deploys and reads the one object that is printed.
    fn json(&self, args: &[&str]) -> (i32, Value) {
        let output = self.run(&[args, &["--output", "json"]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let value = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{error}: {text:?} {}", text_of(&output.stderr)));
        (output.status.code().unwrap(), value)
    }

    fn installed(&self, path: &str) -> PathBuf {
        self.path("root").join(path.trim_start_matches('/'))
    }
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The events that ran, with their statuses.
fn events(result: &Value) -> Vec<(String, String)> {
    let events = result["lifecycleEvents"].as_array().unwrap();
    events
        .iter()
        .map(|event| {
            let text = |field: &str| event[field].as_str().unwrap().to_owned();
            (text("lifecycleEventName"), text("status"))
        })
        .collect()
}

fn names(result: &Value) -> String {
    let names: Vec<_> = events(result).into_iter().map(|(name, _)| name).collect();
    names.join(",")
}

/// Appends who runs it to a trace.
const TRACE: &str = "#!/bin/sh\necho \"$LIFECYCLE_EVENT $APPLICATION_NAME $DEPLOYMENT_GROUP_NAME $DEPLOYMENT_GROUP_ID\" >> \"$INSTALL_ROOT/trace\"\n";

const EVERY_HOOK: &str = "hooks:
  BeforeBlockTraffic: [{location: t.sh}]
  AfterBlockTraffic: [{location: t.sh}]
  ApplicationStop: [{location: t.sh}]
  BeforeInstall: [{location: t.sh}]
  AfterInstall: [{location: t.sh}]
  ApplicationStart: [{location: t.sh}]
  ValidateService: [{location: t.sh}]
  BeforeAllowTraffic: [{location: t.sh}]
  AfterAllowTraffic: [{location: t.sh}]
";

#[test]
fn every_event_runs_in_order_with_the_defaults() {
    let host = Host::new();
    host.bundle(EVERY_HOOK, &[("t.sh", TRACE)]);
    let (code, result) = host.json(&["-l", "bundle"]);
    assert_eq!(code, 0);
    assert_eq!(result["ok"], true);
    let id = result["deploymentId"].as_str().unwrap();
    assert!(
        id.starts_with("d-") && id.ends_with("-local") && id.len() == 17,
        "{id}"
    );
    assert_eq!(
        names(&result),
        "BeforeBlockTraffic,AfterBlockTraffic,ApplicationStop,DownloadBundle,BeforeInstall,Install,AfterInstall,\
         ApplicationStart,ValidateService,BeforeAllowTraffic,AfterAllowTraffic"
    );
    let trace = || fs::read_to_string(host.installed("/trace")).unwrap();
    let group = "LocalFleet default-local-deployment-group";
    let line = |event: &str, app: &str, group: &str| format!("{event} {app} {group}");
    let after: Vec<_> = [
        "BeforeInstall",
        "AfterInstall",
        "ApplicationStart",
        "ValidateService",
        "BeforeAllowTraffic",
        "AfterAllowTraffic",
    ]
    .map(|event| line(event, "bundle", group))
    .into();
    assert_eq!(
        trace().lines().collect::<Vec<_>>(),
        after,
        "nothing was installed before"
    );

    fs::remove_file(host.installed("/trace")).unwrap();
    let (code, _) = host.json(&["-l", "bundle", "-a", "shop", "-d", "web"]);
    assert_eq!(code, 0);
    let group = "web default-local-deployment-group";
    let stop = ["BeforeBlockTraffic", "AfterBlockTraffic", "ApplicationStop"];
    let expected: Vec<_> = stop.map(|event| line(event, "shop", group)).into();
    assert_eq!(
        trace().lines().take(3).collect::<Vec<_>>(),
        expected,
        "of the revision before"
    );
}

#[test]
fn events_are_selected_as_codedeploy_local_does_it() {
    let host = Host::new();
    host.bundle(
        &format!("{EVERY_HOOK}  WarmTheCache: [{{location: t.sh}}]\n"),
        &[("t.sh", TRACE)],
    );
    let (code, result) = host.json(&["-l", "bundle", "-e", "ApplicationStop,WarmTheCache"]);
    assert_eq!(code, 0, "{result}");
    assert_eq!(
        names(&result),
        "DownloadBundle,Install,ApplicationStop,WarmTheCache"
    );
    let trace = fs::read_to_string(host.installed("/trace")).unwrap();
    assert!(
        trace.contains("\nWarmTheCache ") && trace.starts_with("ApplicationStop "),
        "{trace}"
    );

    // Exactly the installed revision's stop script, and no new revision.
    let (code, result) = host.json(&["-l", "bundle", "-e", "ApplicationStop", "--exactly"]);
    assert_eq!((code, names(&result).as_str()), (0, "ApplicationStop"));

    // The AppSpec has an event that was neither asked for nor is the platform's.
    let (code, result) = host.json(&["-l", "bundle"]);
    assert_eq!(code, 1);
    assert_eq!(result["error"]["kind"], "appspec_invalid");
    assert!(
        result["error"]["message"].as_str().unwrap().contains("E18"),
        "{result}"
    );

    // And the reverse.
    let (code, result) = host.json(&["-l", "bundle", "-e", "WarmTheCache,Unheard"]);
    assert_eq!(code, 1);
    assert!(
        result["error"]["message"].as_str().unwrap().contains("E19"),
        "{result}"
    );

    let (code, result) = host.json(&["-l", "bundle", "-e", "AfterInstall,Install,DownloadBundle"]);
    assert_eq!(code, 1);
    assert_eq!(result["error"]["kind"], "invalid_arguments");
    assert_eq!(result["deploymentId"], Value::Null);
}

/// The kind of failure, the `AppSpec` and the files that bring it about, and words of the message.
type Case<'a> = (&'a str, String, &'a [(&'a str, &'a str)], &'a str);

#[test]
fn a_failure_says_what_which_and_where() {
    let host = Host::new();
    let hook =
        |script: &str| format!("hooks: {{AfterInstall: [{{location: {script}, timeout: 1}}]}}\n");
    let files = "files: [{source: a, destination: /srv}]\n";
    let cases: [Case; 9] = [
        ("script_failed", hook("x.sh"), &[("x.sh", "#!/bin/sh\necho told; exit 7\n")], "exit code 7"),
        ("script_missing", hook("y.sh"), &[], "y.sh"),
        ("script_timed_out", hook("x.sh"), &[("x.sh", "#!/bin/sh\nexec sleep 60\n")], "timeout"),
        ("appspec_invalid", "files: [{source: a}]\n".to_owned(), &[], "E06"),
        ("install_conflict", files.to_owned(), &[], "E08"),
        ("file_exists", files.to_owned(), &[("a", "x")], "E15"),
        (
            "unknown_owner",
            "files: [{source: b, destination: /srv}]\npermissions: [{object: /srv/b, owner: nobody-of-this-name}]\n"
                .to_owned(),
            &[("b", "x")],
            "E40",
        ),
        (
            "attributes_failed",
            "files: [{source: b, destination: /srv}]\npermissions: [{object: /srv/b, acls: ['d:u:root:rw']}]\n".to_owned(),
            &[("b", "x")],
            "E29",
        ),
        ("appspec_invalid", "file_exists_behavior: overwrite\n".to_owned(), &[], "E14"),
    ];
    fs::create_dir_all(host.installed("/srv")).unwrap();
    fs::write(host.installed("/srv/a"), "somebody else's").unwrap();
    for (kind, appspec, members, words) in cases {
        host.bundle(&appspec, members);
        let (code, result) = host.json(&["-l", "bundle"]);
        assert_eq!((code, &result["ok"]), (1, &Value::Bool(false)), "{kind}");
        let error = &result["error"];
        assert_eq!(error["kind"], kind, "{result}");
        assert!(
            error["message"].as_str().unwrap().contains(words),
            "{kind}: {error}"
        );
        assert!(error["event"].is_string(), "{kind}");
        assert_eq!(
            error["script"].is_string(),
            kind.starts_with("script_"),
            "{kind}"
        );
        let log = result["scriptsLog"].as_str().unwrap();
        assert!(Path::new(log).parent().unwrap().is_dir());
    }

    host.bundle(&hook("x.sh"), &[("x.sh", "#!/bin/sh\necho told; exit 7\n")]);
    let output = host.run(&["-l", "bundle"]);
    assert_eq!(output.status.code(), Some(1));
    let (said, noted) = (text_of(&output.stdout), text_of(&output.stderr));
    assert!(
        said.contains("[stdout]told") && said.contains("AfterInstall Failed"),
        "{said}"
    );
    assert!(
        noted.contains("deployment-archive/x.sh") && noted.contains("scripts.log"),
        "{noted}"
    );
}

#[test]
fn a_script_that_failed_is_named_where_it_is() {
    let host = Host::new();
    host.bundle(
        "hooks: {ApplicationStop: [{location: /bin/../stop.sh}]}\n",
        &[("stop.sh", "#!/bin/sh\nexit 3\n")],
    );
    let (code, installed) = host.json(&["-l", "bundle"]);
    assert_eq!(code, 0, "{installed}");
    let script = Path::new(installed["deploymentFolder"].as_str().unwrap())
        .join("deployment-archive/stop.sh");

    // The new revision has no such script: it is the installed one's that fails.
    host.bundle("", &[]);
    let (code, result) = host.json(&["-l", "bundle"]);
    assert_eq!(code, 1);
    let error = &result["error"];
    assert_eq!(error["event"], "ApplicationStop");
    assert_eq!(error["script"], "/bin/../stop.sh");
    assert_eq!(error["scriptPath"], script.to_str().unwrap());
    assert!(script.is_file());
    let noted = text_of(&host.run(&["-l", "bundle"]).stderr);
    assert!(
        noted.contains(&format!("Script: {}\n", script.display())),
        "{noted}"
    );

    // The deployment's own, and none at all.
    let events = ["-l", "bundle", "--exactly", "-e"];
    let own = "DownloadBundle,Install,ApplicationStop";
    host.bundle(
        "hooks: {ApplicationStop: [{location: own.sh}]}\n",
        &[("own.sh", "#!/bin/sh\nexit 4\n")],
    );
    let (_, result) = host.json(&[&events[..], &[own]].concat());
    let folder = Path::new(result["deploymentFolder"].as_str().unwrap());
    let path = folder.join("deployment-archive/own.sh");
    assert_eq!(result["error"]["scriptPath"], path.to_str().unwrap());
    host.bundle("file_exists_behavior: overwrite\n", &[]);
    let (_, result) = host.json(&[&events[..], &["DownloadBundle"]].concat());
    assert_eq!(result["error"]["kind"], "appspec_invalid");
    assert_eq!(result["error"]["scriptPath"], Value::Null);
}

#[test]
fn what_cannot_begin_says_so() {
    let host = Host::new();
    host.bundle("", &[]);
    fs::write(host.path("file"), "no archive").unwrap();
    fs::create_dir(host.path("empty")).unwrap();
    for (args, kind) in [
        (&["-l", "nowhere"][..], "location_not_found"),
        (&["-l", "file"], "location_not_found"),
        (&["-l", "bundle", "-t", "zip"], "location_not_found"),
        (&["-l", "empty"], "appspec_missing"),
        (&["-l", "s3://bucket/key"], "location_unsupported"),
        (
            &["-l", "http://127.0.0.1/x.zip", "-t", "zip"],
            "location_unsupported",
        ),
        (&["-l", "bundle", "-g", "../up"], "invalid_arguments"),
        (&["-l", "bundle", "-e", "Install,,X"], "invalid_arguments"),
    ] {
        let (code, result) = host.json(args);
        assert_eq!(code, 1, "{args:?}");
        assert_eq!(result["error"]["kind"], kind, "{args:?} {result}");
        assert_eq!(result["deploymentId"], Value::Null, "{args:?}");
    }
    let (code, result) = host.json(&["-l", "file", "-t", "tgz"]);
    assert_eq!(
        (code, &result["error"]["kind"]),
        (1, &"bundle_invalid".into()),
        "{result}"
    );

    fs::write(host.path("agent.yml"), ":root_dri: /x\n").unwrap();
    let (code, result) = host.json(&["-l", "bundle"]);
    assert_eq!(
        (code, &result["error"]["kind"]),
        (1, &"invalid_configuration".into()),
        "{result}"
    );
    let message = result["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("root_dri") && message.contains("root_dir"),
        "{message}"
    );
    let output = host.run(&["--type", "rar"]);
    assert_eq!(output.status.code(), Some(2));
}

/// Everything below a folder: name, kind, mode and content.
fn tree(root: &Path) -> BTreeSet<String> {
    fn walk(root: &Path, folder: &Path, all: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let found = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            let content = if found.is_file() {
                fs::read_to_string(&path).unwrap()
            } else if found.is_symlink() {
                fs::read_link(&path).unwrap().display().to_string()
            } else {
                String::new()
            };
            all.insert(format!(
                "{name} {:o} {}:{} {content}",
                found.mode(),
                found.uid(),
                found.gid()
            ));
            if found.is_dir() {
                walk(root, &path, all);
            }
        }
    }
    let mut all = BTreeSet::new();
    walk(root, root, &mut all);
    all
}

#[test]
fn a_folder_and_archives_of_it_leave_the_same() {
    let host = Host::new();
    let folder = host.bundle(
        "files: [{source: /, destination: /srv/app}]\npermissions: [{object: /srv/app, pattern: '*.sh', mode: 4750, type: [file]}]\n",
        &[("run.sh", "#!/bin/sh\n"), ("conf/app.ini", "x=1\n")],
    );
    std::os::unix::fs::symlink("conf/app.ini", folder.join("link")).unwrap();
    for (program, args) in [
        (
            "tar",
            &["--owner=0", "--group=0", "-czf", "../b.tgz", "."][..],
        ),
        ("tar", &["--owner=0", "--group=0", "-cf", "../b.tar", "."]),
        ("zip", &["-qry", "../b.zip", "."]),
    ] {
        let status = Command::new(program)
            .args(args)
            .current_dir(&folder)
            .status();
        let status = status.unwrap_or_else(|error| panic!("{error}: apt-get install {program}"));
        assert!(status.success());
    }
    let mut trees = Vec::new();
    for (location, of) in [
        ("bundle", "directory"),
        ("b.tgz", "tgz"),
        ("b.tar", "tar"),
        ("b.zip", "zip"),
    ] {
        let (code, result) = host.json(&["-l", location, "-t", of]);
        assert_eq!(code, 0, "{location}: {result}");
        trees.push(tree(&host.installed("/srv")));
    }
    assert!(
        trees[0]
            .iter()
            .any(|line| line.starts_with("app/run.sh 104750 ")),
        "{:?}",
        trees[0]
    );
    assert!(
        trees[0]
            .iter()
            .any(|line| line.starts_with("app/link ") && line.ends_with(" conf/app.ini"))
    );
    for other in &trees[1..] {
        assert_eq!(*other, trees[0]);
    }
}

#[test]
fn state_and_logs_go_where_the_configuration_says() {
    let host = Host::new();
    host.bundle(
        "files: [{source: a, destination: /srv}]\nhooks: {AfterInstall: [{location: x.sh}]}\n",
        &[("a", "x"), ("x.sh", "#!/bin/sh\n")],
    );
    let (code, result) = host.json(&["-l", "bundle", "-g", "0b5e-group"]);
    assert_eq!(code, 0);
    let id = result["deploymentId"].as_str().unwrap();
    let state = host.path("state");
    for (name, is) in [
        (
            format!("0b5e-group/{id}/deployment-archive/appspec.yml"),
            true,
        ),
        (
            "deployment-instructions/0b5e-group-cleanup".to_owned(),
            true,
        ),
        (
            "deployment-instructions/0b5e-group-install.json".to_owned(),
            true,
        ),
        (
            "deployment-instructions/0b5e-group_last_successful_install".to_owned(),
            true,
        ),
        (
            "deployment-instructions/0b5e-group_most_recent_install".to_owned(),
            true,
        ),
        (
            "deployment-logs/codedeploy-agent-deployments.log".to_owned(),
            true,
        ),
    ] {
        assert_eq!(state.join(&name).exists(), is, "{name}");
    }
    let leftovers = fs::read_dir(&state).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with('.')
    });
    assert_eq!(leftovers.count(), 0, "nothing of the run itself stays");
    let log = fs::read_to_string(host.path("log/codedeploy-local.log")).unwrap();
    assert!(log.contains(id) && log.contains("Succeeded"), "{log}");
}

#[test]
fn a_deployment_waits_for_another_one_of_its_group() {
    let host = Host::new();
    host.bundle("", &[]);
    assert_eq!(host.json(&["-l", "bundle"]).0, 0);
    let lock = host.path("state/deployment-instructions/default-local-deployment-group.lock");
    let held = File::options().write(true).open(lock).unwrap();
    held.lock().unwrap();
    let mut waiting = host
        .command(&["-l", "bundle"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(
        host.json(&["-l", "bundle", "-g", "another"]).0,
        0,
        "another group need not wait"
    );
    assert!(waiting.try_wait().unwrap().is_none());
    drop(held);
    assert!(end(waiting).success());
}

/// Waits for a condition.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

fn end(mut child: Child) -> ExitStatus {
    until("the program ends", || child.try_wait().unwrap().is_some());
    child.wait().unwrap()
}

fn ends_the_deployment(signal: Signal) {
    let host = Host::new();
    host.bundle(
        "hooks: {BeforeInstall: [{location: x.sh}], AfterInstall: [{location: x.sh}]}\n",
        &[(
            "x.sh",
            "#!/bin/sh\ntouch \"$INSTALL_ROOT/$LIFECYCLE_EVENT\"\nexec sleep 600\n",
        )],
    );
    fs::create_dir_all(host.path("root")).unwrap();
    let child = host
        .command(&["-l", "bundle", "--output", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    until("the script starts", || {
        host.installed("/BeforeInstall").exists()
    });
    send(&child, signal);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["error"]["kind"], "interrupted", "{result}");
    assert_eq!(result["error"]["event"], "BeforeInstall");
    let skipped = events(&result)
        .into_iter()
        .filter(|(_, status)| status == "Skipped");
    assert_eq!(skipped.count(), 6);
    assert!(!host.installed("/AfterInstall").exists());
}

#[test]
fn an_interrupt_ends_the_script_and_the_deployment() {
    ends_the_deployment(Signal::SIGINT);
}

#[test]
fn a_terminal_that_goes_away_ends_them_too() {
    ends_the_deployment(Signal::SIGHUP);
}

fn interrupt(child: &Child) {
    send(child, Signal::SIGINT);
}

fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    kill(pid, signal).unwrap();
}

#[test]
fn an_interrupt_starts_no_further_script() {
    let host = Host::new();
    host.bundle(
        "hooks: {BeforeInstall: [{location: polite.sh}, {location: next.sh}]}\n",
        &[
            (
                "polite.sh",
                "#!/bin/sh\ntrap 'exit 0' TERM\ntouch \"$INSTALL_ROOT/ready\"\nwhile :; do sleep 0.1; done\n",
            ),
            ("next.sh", "#!/bin/sh\ntouch \"$INSTALL_ROOT/next\"\n"),
        ],
    );
    fs::create_dir_all(host.path("root")).unwrap();
    let child = host
        .command(&["-l", "bundle", "--output", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    until("the script starts", || host.installed("/ready").exists());
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["error"]["kind"], "interrupted", "{result}");
    assert_eq!(result["error"]["script"], "polite.sh", "{result}");
    assert!(!host.installed("/next").exists(), "{result}");
}

#[test]
fn a_deployment_that_waits_can_be_interrupted() {
    let host = Host::new();
    host.bundle("", &[]);
    assert_eq!(host.json(&["-l", "bundle"]).0, 0);
    let lock = host.path("state/deployment-instructions/default-local-deployment-group.lock");
    let held = File::options().write(true).open(lock).unwrap();
    held.lock().unwrap();
    let mut waiting = host
        .command(&["-l", "bundle", "--output", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let log = host.path("log/codedeploy-local.log");
    until("it waits", || {
        fs::read_to_string(&log)
            .unwrap()
            .contains("waiting for another deployment")
    });
    interrupt(&waiting);
    until("it ends", || waiting.try_wait().unwrap().is_some());
    let output = waiting.wait_with_output().unwrap();
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["error"]["kind"], "interrupted", "{result}");
    drop(held);
}

/// A daemon that a script starts must not hold the locks of whoever started the deployment.
#[test]
fn scripts_inherit_no_open_files() {
    let host = Host::new();
    host.bundle(
        "hooks: {BeforeInstall: [{location: x.sh}]}\n",
        &[("x.sh", "#!/bin/sh\nls -l /proc/self/fd\n")],
    );
    let lock = host.path("lock");
    let inner = host.command(&["-l", "bundle"]);
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg("lock=$1; shift; exec \"$@\" 9> \"$lock\"")
        .arg("sh")
        .arg(&lock)
        .arg(inner.get_program())
        .args(inner.get_args())
        .current_dir(host.scratch.path())
        .stdin(Stdio::null());
    let output = command.output().unwrap();
    let said = text_of(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("/dev/null"), "{said}");
    assert!(!said.contains(&lock.display().to_string()), "{said}");
}
