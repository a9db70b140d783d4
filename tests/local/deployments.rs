//! What runs, in which order, and what it leaves on the host.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::host::{Host, names, text_of};

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
