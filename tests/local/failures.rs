//! What fails, and what is said of it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::host::{Host, text_of};

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
