//! Secrets for scripts that can't be had, and what an agent leaves that is killed.

use std::path::Path;

use crate::host::{Agent, private};
use crate::lab::{Lab, until};

/// A lab with one host, whose agent is the test's own.
fn lab(agent: &Agent) -> Lab {
    let lab = Lab::up(1);
    let text = format!(
        "name: lab\nsettings: {{ stateDirectory: .state }}\nhosts:\n  - {{ name: web-9, address: '{}', tags: {{ role: web }} }}\n",
        agent.address()
    );
    std::fs::write(lab.folder().join("cutover.yaml"), text).unwrap();
    lab.group("production", "role", "web", "");
    lab
}

#[test]
fn an_event_whose_secret_is_missing_fails_before_its_script_starts() {
    let (host, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = kept.path().join("password");
    let config = format!(
        "secrets: [{{ name: DB_PASSWORD, file: {}, applications: [shop] }}]\n",
        file.display()
    );
    let agent = Agent::start(host.path(), &config, &[]);
    let lab = lab(&agent);
    lab.push("1.0", "0", None);
    let told = |why: &str| {
        let (id, code) = lab.deploy(&["production", "1.0"]);
        assert_eq!(code, 1);
        let shown = lab.ok(&["show", &id]);
        let wanted = format!(
            "the script hook.sh was not started: the secret DB_PASSWORD can't be read from {}: {why}",
            file.display()
        );
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(&shown).contains(&words(&wanted)), "{shown}\n{wanted}");
    };
    told("No such file or directory");
    std::fs::write(&file, "hush-hush\n").unwrap();
    told(&format!(
        "everybody may read it; run: chmod 600 {}",
        file.display()
    ));
    assert_eq!(agent.left("trace"), "");
    private(&file, "hush-hush\n");
    let (id, code) = lab.deploy(&["production", "1.0"]);
    assert_eq!(code, 0, "{}", lab.ok(&["show", &id]));
    assert_eq!(agent.left("trace").lines().count(), 4);
}

#[test]
fn a_killed_agent_removes_the_files_of_its_scripts_when_it_starts() {
    let (host, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = kept.path().join("key");
    private(&file, "hush-hush\n");
    let config = format!(
        "secrets: [{{ name: KEY, file: {}, as: file, applications: [shop] }}]\n",
        file.display()
    );
    let mut agent = Agent::start(host.path(), &config, &[]);
    let lab = lab(&agent);
    let revision = lab.revision("1.0", "0", None);
    let hook = "#!/bin/sh\necho \"$KEY_FILE\" > \"$INSTALL_ROOT/path.new\"\nmv \"$INSTALL_ROOT/path.new\" \"$INSTALL_ROOT/path\"\nexec sleep 20\n";
    std::fs::write(revision.join("hook.sh"), hook).unwrap();
    lab.ok(&["push", "shop", revision.to_str().unwrap(), "--label", "1.0"]);
    lab.ok(&["deploy", "shop", "production", "1.0"]);
    until("the script runs", || !agent.left("path").is_empty());
    let path = agent.left("path");
    let path = Path::new(path.trim());
    assert_eq!(std::fs::read_to_string(path).unwrap(), "hush-hush");
    agent.kill();
    assert!(path.exists());
    std::fs::remove_file(host.path().join("ready")).unwrap();
    let _agent = Agent::start(host.path(), &config, &[]);
    assert!(!path.exists() && !path.parent().unwrap().exists());
}
