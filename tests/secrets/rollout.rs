//! Whole rollouts with a canary in every place: each arrives, and none is found where it should not be.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::canaries::{ALL, found_below, found_in, value};
use crate::host::{Agent, private};
use crate::lab::{Lab, until};
use crate::listener::Listener;
use crate::nowhere::{Feed, Watch, answer};
use crate::terminal::Terminal;

/// Prints what it can, in every disguise, and notes what it saw so that nobody can read it there.
const LEAKS: &str = r#"#!/bin/sh
set -x
echo "password is $DB_PASSWORD"
echo "$DB_PASSWORD" >&2
printf 'user:%s' "$DB_PASSWORD" | base64 -w0; echo
printf '%s' "$DB_PASSWORD" | sed 's/+/%2B/g; s/ /%20/g; s,/,%2F,g'; echo
env
cat "$SIGNING_KEY_FILE"; echo
base64 "$SIGNING_KEY_FILE"
set +x
printf %s "$DB_PASSWORD" | sha256sum >> "$INSTALL_ROOT/variable"
sha256sum < "$SIGNING_KEY_FILE" >> "$INSTALL_ROOT/file"
stat -c '%a %u' "$SIGNING_KEY_FILE" "${SIGNING_KEY_FILE%/*}" >> "$INSTALL_ROOT/modes"
stat -f -c '%T' "$SIGNING_KEY_FILE" >> "$INSTALL_ROOT/system"
echo "$SIGNING_KEY_FILE" >> "$INSTALL_ROOT/paths"
echo "${OTHER_APPLICATION-none} ${OTHER_GROUP-none} ${AGENTS_OWN-none}" >> "$INSTALL_ROOT/others"
[ ! -e fails ] || { echo "no entry with $DB_PASSWORD" >&2; exit 7; }
"#;

/// A program of the project: says what it was given, and notes it so that nobody can read it there.
const TELLS: &str = "#!/bin/sh\nprintf %s \"$GIVEN\" | sha256sum > \"$0.saw\"\necho \"it is $GIVEN\"\necho \"it is $GIVEN\" >&2\nexit $1\n";

struct Setting {
    lab: Lab,
    agent: Agent,
    listener: Listener,
    /// Where secrets are kept.
    kept: tempfile::TempDir,
    /// Where the agent is.
    _host: tempfile::TempDir,
}

fn setting() -> Setting {
    let kept = tempfile::tempdir().unwrap();
    let listener = Listener::start();
    let at = listener.address;
    for (name, value) in ALL {
        private(&kept.path().join(name), value);
    }
    let path = |name: &str| kept.path().join(name).display().to_string();
    for (name, hook) in [("hook-path", "hooks"), ("chat-path", "refuses")] {
        let url = format!("http://{at}/{hook}/{}\n", value(name));
        private(&kept.path().join(format!("{name}.url")), &url);
    }
    let host = tempfile::tempdir().unwrap();
    let agent = Agent::start(
        host.path(),
        &format!(
            "inherit_environment: true\nsecrets:\n  - {{ name: DB_PASSWORD, file: {}, applications: [shop], groups: [rolling, plain] }}\n  - {{ name: SIGNING_KEY, command: [cat, {}], as: file, applications: [thumbs, shop] }}\n  - {{ name: OTHER_APPLICATION, file: {}, applications: [thumbs] }}\n  - {{ name: OTHER_GROUP, file: {}, applications: [shop], groups: [swap] }}\n  - {{ name: ANOTHER, environment: AGENTS_OWN, applications: [thumbs] }}\n",
            path("DB_PASSWORD"),
            path("SIGNING_KEY"),
            path("told"),
            path("told"),
        ),
        &[("AGENTS_OWN", value("told"))],
    );
    let lab = Lab::up(1);
    for name in ["alarm.sh", "told.sh"] {
        let script = lab.folder().join(name);
        private(&script, TELLS);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(script, mode).unwrap();
    }
    let mut text = "name: lab\nsettings: { stateDirectory: .state, alarms: { intervalSeconds: 1 } }\nsecrets:\n".to_owned();
    for name in [
        "alarm-token",
        "alarm-header",
        "told",
        "balancer-token",
        "hook-key",
        "fleet-token",
    ] {
        writeln!(text, "  {name}: {{ file: {} }}", path(name)).unwrap();
    }
    for name in ["alarm-command", "balancer-header"] {
        writeln!(text, "  {name}: {{ command: [cat, {}] }}", path(name)).unwrap();
    }
    for name in ["hook-path", "chat-path"] {
        writeln!(text, "  {name}: {{ file: {}.url }}", path(name)).unwrap();
    }
    writeln!(text, "  hook-token: {{ environment: HOOK_TOKEN }}").unwrap();
    let balancer = |action: &str| {
        format!(
            "{{ url: 'http://{at}/balancer/{action}/{{server}}', token: balancer-token, headers: {{ X-Key: {{ secret: balancer-header }} }} }}"
        )
    };
    write!(
        text,
        "hosts:\n  - {{ name: web-9, address: '{}', tags: {{ side: blue }}, endpoints: {{ web: '127.0.0.1:9' }} }}\n\
         connections:\n  loadBalancers:\n    - name: web\n      drainSeconds: 0\n      provider:\n        http: {{ enter: {}, leave: {} }}\n  \
         alarms:\n    - {{ name: page, source: {{ http: {{ url: 'http://{at}/alarm', token: alarm-token }} }} }}\n    \
         - {{ name: query, source: {{ prometheus: {{ address: 'http://{at}', query: up, below: '1', headers: {{ X-Key: {{ secret: alarm-header }} }} }} }} }}\n    \
         - {{ name: script, source: {{ command: {{ run: [./alarm.sh, '0'], secrets: {{ GIVEN: alarm-command }} }} }} }}\n  \
         receivers:\n    - {{ name: hook, via: {{ webhook: {{ url: {{ secret: hook-path }}, token: hook-token, secret: hook-key }} }} }}\n    \
         - {{ name: chat, via: {{ slack: {{ url: {{ secret: chat-path }} }} }} }}\n    \
         - {{ name: script, via: {{ command: {{ run: [./told.sh, '0'], secrets: {{ GIVEN: told }} }} }} }}\n  \
         fleets:\n    - {{ name: pool, provider: {{ http: {{ provision: 'http://{at}/refuses/provision', terminate: 'http://{at}/x', token: fleet-token }} }} }}\n",
        agent.address(), balancer("enter"), balancer("leave"),
    )
    .unwrap();
    std::fs::write(lab.folder().join("cutover.yaml"), text).unwrap();
    let style = |kind: &str| {
        format!(
            "deploymentStyle: {{ deploymentType: {kind}, deploymentOption: WITH_TRAFFIC_CONTROL }}\nloadBalancerInfo: {{ targetGroupInfoList: [{{ name: web }}] }}\n"
        )
    };
    let mut told = "alarmConfiguration: { enabled: true, ignorePollAlarmFailure: true, alarms: [{ name: page }, { name: query }, { name: script }] }\ntriggerConfigurations:\n".to_owned();
    for receiver in ["hook", "chat", "script"] {
        writeln!(told, "  - {{ triggerName: {receiver}, triggerTargetArn: {receiver}, triggerEvents: [DeploymentStart, DeploymentFailure, InstanceFailure] }}").unwrap();
    }
    lab.group("plain", "side", "blue", &told);
    lab.group("rolling", "side", "blue", &(style("IN_PLACE") + &told));
    lab.group("swap", "side", "blue", &format!("{}autoScalingGroups: [pool]\nblueGreenDeploymentConfiguration:\n  greenFleetProvisioningOption: {{ action: COPY_AUTO_SCALING_GROUP }}\n", style("BLUE_GREEN")));
    Setting {
        lab,
        agent,
        listener,
        kept,
        _host: host,
    }
}

/// A revision whose script leaks, and fails if told.
fn revision(lab: &Lab, label: &str, fails: bool) {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).unwrap();
    write(
        "appspec.yml",
        "version: 0.0\nos: linux\nhooks:\n  BeforeInstall: [{ location: leaks.sh }]\n  ValidateService: [{ location: leaks.sh, workdir: bundle }]\n",
    );
    write("leaks.sh", LEAKS);
    if fails {
        write("fails", "");
    }
    let path = folder.path().to_str().unwrap();
    lab.ok(&["push", "shop", path, "--label", label]);
}

fn digest(text: &str) -> String {
    hexadecimal(&Sha256::digest(text.as_bytes()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

fn saw(file: &Path, name: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(
        text.starts_with(&digest(value(name))),
        "{}: {text}",
        file.display()
    );
}

#[test]
fn every_secret_arrives_and_is_nowhere_else() {
    let setting = setting();
    let (lab, agent) = (&setting.lab, &setting.agent);
    let watch = Watch::start();
    // The first command starts the orchestrator, with its environment.
    let listed = lab
        .command(&["hosts"])
        .env("HOOK_TOKEN", value("hook-token"))
        .output();
    assert!(listed.unwrap().status.success());
    let feed = Feed::follow(&lab.socket());
    revision(lab, "1.0", false);
    revision(lab, "2.0", true);
    let (good, code) = lab.deploy(&["rolling", "1.0"]);
    assert_eq!(code, 0, "{}", lab.ok(&["show", &good]));
    let (bad, code) = lab.deploy(&["plain", "2.0"]);
    assert_eq!(code, 1);
    let (swap, code) = lab.deploy(&["swap", "1.0"]);
    assert_eq!(code, 1);
    until("everybody was told", || {
        let listed = lab.ok(&["notifications", &bad, "--output", "json"]);
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        let mut all = listed["notifications"].as_array().unwrap().iter();
        all.all(|one| one["status"] != "Pending")
    });

    let shown = lab.ok(&["show", &bad]);
    assert!(shown.contains("exit code 7"), "{shown}");
    arrived(&setting);
    let said = screens(&setting, [&good, &bad, &swap]);
    let looked = watch.end();
    assert_eq!(looked, [""; 0]);
    for (what, text) in said {
        assert_eq!(found_in(&text), None, "{what}");
    }
    let feed = feed.said();
    assert_eq!(found_in(&feed), None, "the feed");
    let feed = String::from_utf8_lossy(&feed);
    for name in ["DB_PASSWORD", "SIGNING_KEY", "alarm-token", "alarm-command"] {
        let mark = format!("[secret {name}]");
        assert!(feed.contains(&mark), "{mark} is in what the door says");
    }
    for folder in [lab.folder().as_path(), &agent.folder] {
        assert_eq!(found_below(folder, &[]), [""; 0]);
    }
    let log = agent.folder.join("agent/deployment-logs");
    assert!(!log.exists() || found_below(&log, &[]).is_empty());
    drop(setting.kept);
}

/// Each where it is meant to be.
fn arrived(setting: &Setting) {
    let (lab, agent, listener) = (&setting.lab, &setting.agent, &setting.listener);
    let bearer = |name: &str| format!("Bearer {}", value(name));
    for (path, header, said) in [
        ("/alarm", "authorization", bearer("alarm-token")),
        ("/api/v1/query", "x-key", value("alarm-header").to_owned()),
        ("/hooks/", "authorization", bearer("hook-token")),
        (
            "/balancer/enter/web-9",
            "authorization",
            bearer("balancer-token"),
        ),
        (
            "/balancer/enter/web-9",
            "x-key",
            value("balancer-header").to_owned(),
        ),
        ("/refuses/provision", "authorization", bearer("fleet-token")),
    ] {
        let seen = listener.at(path);
        assert!(!seen.is_empty(), "nothing came to {path}");
        assert!(
            seen.iter().all(|one| one.header(header) == said),
            "{path}: {seen:?}"
        );
    }
    for told in listener.at("/hooks/") {
        assert!(told.path.ends_with(value("hook-path")));
        let mut code = Hmac::<Sha256>::new_from_slice(value("hook-key").as_bytes()).unwrap();
        code.update(told.body.as_bytes());
        let code = code.finalize().into_bytes();
        let digits = hexadecimal(&code);
        assert_eq!(
            told.header("x-cutover-signature"),
            format!("sha256={digits}")
        );
    }
    let chat = listener.at("/refuses/canary");
    assert!(!chat.is_empty() && chat[0].path.ends_with(value("chat-path")));
    saw(&lab.folder().join("alarm.sh.saw"), "alarm-command");
    saw(&lab.folder().join("told.sh.saw"), "told");
    // Two scripts of the good deployment, two of the bad one.
    for (file, name) in [("variable", "DB_PASSWORD"), ("file", "SIGNING_KEY")] {
        let left = agent.left(file);
        let digest = digest(value(name));
        assert_eq!(
            left.lines()
                .filter(|line| line.starts_with(&digest))
                .count(),
            4,
            "{left}"
        );
    }
    let user = nix::unistd::geteuid();
    assert!(
        agent
            .left("modes")
            .starts_with(&format!("400 {user}\n700 {user}\n"))
    );
    assert!(agent.left("system").lines().all(|line| line == "tmpfs"));
    assert!(
        agent
            .left("others")
            .lines()
            .all(|line| line == "none none none")
    );
    let paths = agent.left("paths");
    assert_eq!(paths.lines().count(), 4);
    assert!(
        paths.lines().all(|path| !Path::new(path).exists()),
        "{paths}"
    );
}

/// What commands print, the door answers and the cockpit shows.
fn screens(setting: &Setting, deployments: [&str; 3]) -> Vec<(String, Vec<u8>)> {
    let (lab, mut said) = (&setting.lab, Vec::new());
    let mut say = |arguments: &[&str]| {
        let output = lab.run(arguments);
        let text = [output.stdout, output.stderr].concat();
        said.push((arguments.join(" "), text));
    };
    for id in deployments {
        let recording = lab.folder().join(format!("{id}.recording"));
        say(&["show", id]);
        say(&["show", id, "--output", "json"]);
        say(&["logs", id, "web-9"]);
        say(&["export", id, "--to", recording.to_str().unwrap()]);
        say(&["export", id]);
        say(&["notifications", id]);
        say(&["notifications", id, "--output", "json"]);
        say(&["traffic", id]);
    }
    say(&["check"]);
    say(&["alarms"]);
    say(&["alarms", "page"]);
    say(&["hosts"]);
    say(&["hosts", "web-9"]);
    say(&["list"]);
    say(&["notifications", "test", "chat"]);
    for (what, text) in &said {
        // The fleet's deployment came to no host.
        let nothing = what.starts_with("logs") && what.contains(deployments[2]);
        assert!(nothing || !text.is_empty(), "{what} says nothing");
    }
    let socket = lab.socket();
    for path in [
        "alarms",
        "notifications?limit=100",
        "groups/shop/rolling/ledger",
    ] {
        said.push((path.to_owned(), answer(&socket, &format!("/v1/{path}"))));
    }
    for id in deployments {
        for rest in ["", "/records", "/targets/web-9/output"] {
            let path = format!("/v1/deployments/{id}{rest}");
            if rest.ends_with("output") && id == deployments[2] {
                continue;
            }
            said.push((path.clone(), answer(&socket, &path)));
        }
    }
    said.push(("cockpit".to_owned(), cockpit(lab)));
    said
}

/// The cockpit on what the bad deployment's script printed.
fn cockpit(lab: &Lab) -> Vec<u8> {
    let folder = lab.folder();
    let home = folder.parent().unwrap().to_str().unwrap().to_owned();
    let run = format!("{home}/run");
    let state = format!("{home}/state");
    let mut terminal = Terminal::start(
        Arc::new(tempfile::tempdir().unwrap()),
        &["--project", folder.to_str().unwrap()],
        &[("XDG_RUNTIME_DIR", &run), ("XDG_STATE_HOME", &state)],
    );
    let mut seen = Vec::new();
    terminal.wait_for("shop");
    terminal.press(":");
    terminal.wait_for("Go to");
    terminal.press("shop/plain");
    terminal.wait_for("> shop/plain");
    terminal.press("\r");
    terminal.wait_for("shop / plain");
    seen.extend(terminal.text().into_bytes());
    terminal.wait_for("web-9");
    terminal.wait_for("[secret DB_PASSWORD]");
    seen.extend(terminal.text().into_bytes());
    seen
}
