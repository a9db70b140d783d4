//! `cutover agent --check`, `agent.yml`, and what `cutover check` says of secrets in documents.

use crate::host::{Agent, private};
use crate::lab::cutover;

#[test]
fn the_agents_check_reads_each_secret_and_says_none() {
    let (host, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = |name: &str| kept.path().join(name).display().to_string();
    private(&kept.path().join("good"), "hush-hush\n");
    private(&kept.path().join("short"), "hush\n");
    std::fs::write(path("open"), "hush-hush\n").unwrap();
    let config = format!(
        "secrets:\n  - {{ name: GOOD, file: {}, applications: [shop] }}\n  - {{ name: SHORT, file: {}, applications: [shop] }}\n  - {{ name: OPEN, file: {}, applications: [shop] }}\n  - {{ name: GONE, environment: NO_SUCH_VARIABLE, applications: [shop] }}\n  - {{ name: FAILS, command: [sh, -c, 'echo hush-hush; echo no hush-hush >&2; exit 2'], applications: [shop] }}\n",
        path("good"),
        path("short"),
        path("open"),
    );
    let output = Agent::check(host.path(), &config);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!said.contains("hush"), "{said}");
    for line in [
        format!("ok       secret         GOOD from {}", path("good")),
        format!("warning  secret         SHORT from {} has fewer than 6 bytes: output is not searched for it", path("short")),
        format!("warning  secret         the secret OPEN can't be read from {}: everybody may read it; run: chmod 600 {}: scripts that get it will fail", path("open"), path("open")),
        "warning  secret         the secret GONE can't be read from the variable NO_SUCH_VARIABLE: it is not set".to_owned(),
        "warning  secret         the secret FAILS can't be read from the command sh: exit status: 2: no [secret FAILS]".to_owned(),
    ] {
        assert!(said.contains(&line), "{line}\n{said}");
    }
}

#[test]
fn what_is_wrong_with_a_hosts_secrets_is_said_with_its_place() {
    let host = tempfile::tempdir().unwrap();
    for (secret, wrong) in [
        (
            "{ name: a-b, file: /x, applications: [shop] }",
            "\"a-b\" is no name of a variable",
        ),
        (
            "{ name: PATH, file: /x, applications: [shop] }",
            "scripts have a variable PATH already",
        ),
        (
            "{ name: DEPLOYMENT_ID, file: /x, applications: [shop] }",
            "DEPLOYMENT_ID already",
        ),
        (
            "{ name: LD_PRELOAD, file: /x, applications: [shop] }",
            "LD_PRELOAD already",
        ),
        (
            "{ name: A, file: x, applications: [shop] }",
            "x is no file's whole path: begin with /",
        ),
        (
            "{ name: A, applications: [shop] }",
            "say where A is kept with one of `environment`, `file` and `command`",
        ),
        (
            "{ name: A, file: /x, environment: B, applications: [shop] }",
            "with one of",
        ),
        (
            "{ name: A, command: [], applications: [shop] }",
            "command: a command needs a program",
        ),
        (
            "{ name: A, file: /x, applications: [] }",
            "no application's scripts are given A",
        ),
        ("{ name: A, file: /x }", "applications"),
        (
            "{ name: A, file: /x, as: fil, applications: [shop] }",
            "fil",
        ),
        (
            "{ name: A, file: /x, applications: [shop] }, { name: A, file: /y, applications: [thumbs, shop], groups: [g] }",
            "A is given twice",
        ),
    ] {
        let output = Agent::check(host.path(), &format!("secrets: [{secret}]\n"));
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            said.contains(wrong) && said.contains("agent.yml:1:"),
            "{secret}: {said}"
        );
    }
    let apart = "{ name: A, file: /x, applications: [shop], groups: [a] }, { name: A, file: /y, applications: [shop], groups: [b] }";
    let output = Agent::check(host.path(), &format!("secrets: [{apart}]\n"));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("ok       configuration"), "{said}");
}

/// What `cutover check` says of a document, without the name of its file.
fn checked(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("cutover.yaml"),
        format!("name: demo\n{text}"),
    )
    .unwrap();
    let output = cutover(folder.path())
        .arg("--project")
        .arg(folder.path())
        .arg("check")
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    let lines = said
        .lines()
        .filter_map(|line| line.split_once("cutover.yaml:"));
    lines.map(|(_, behind)| behind.to_owned()).collect()
}

#[test]
fn secrets_that_are_written_down_or_missing_are_found_with_a_remedy_and_not_repeated() {
    for (document, wanted) in [
        (
            "connections: { alarms: [{ name: a, source: { http: { url: 'http://me:hush-hush@h/' } } }] }\n",
            "2:59: error: connections.alarms[0].source.http.url: a user or a password does not belong into an address, which is shown: leave it out, and send a `token`, or a header `Authorization` that is `{ secret: NAME }`",
        ),
        (
            "connections: { alarms: [{ name: a, source: { http: { url: 'http://h/', headers: { authorization: hush-hush } } } }] }\n",
            "error: connections.alarms[0].source.http.headers.authorization: what this header says is a secret: write `authorization: { secret: NAME }`, and say below `secrets:` where NAME is kept",
        ),
        (
            "connections: { alarms: [{ name: a, source: { http: { url: 'http://h/?api_key=hush-hush', headers: { X-Auth: hush-hush } } } }] }\n",
            "warning: connections.alarms[0].source.http.headers.X-Auth: what this header says is a secret",
        ),
        (
            "connections: { alarms: [{ name: a, source: { http: { url: 'http://h/?api_key=hush-hush' } } }] }\n",
            "warning: connections.alarms[0].source.http.url: the parameter api_key looks like a secret",
        ),
        (
            "connections: { receivers: [{ name: a, via: { slack: { url: 'https://hooks.slack.com/services/hush-hush' } } }] }\n",
            "error: connections.receivers[0].via.slack.url: who knows this address may write to the channel: write `url: { secret: NAME }`",
        ),
        (
            "connections: { receivers: [{ name: a, via: { slack: { url: 'https://chat.example/hush-hush' } } }] }\n",
            "warning: connections.receivers[0].via.slack.url: who knows this address",
        ),
        (
            "connections: { receivers: [{ name: a, via: { command: { run: [./x, --token=hush-hush] } } }] }\n",
            "warning: connections.receivers[0].via.command.run: what --token says looks like a secret",
        ),
        (
            "connections: { receivers: [{ name: a, via: { command: { run: [./x], secrets: { A-B: n } } } }] }\nsecrets: { n: { file: n } }\n",
            "error: connections.receivers[0].via.command.secrets.A-B: this is no name of a variable",
        ),
        (
            "connections: { receivers: [{ name: a, via: { webhook: { url: 'http://h/', token: pagr } } }] }\nsecrets: { pager: { file: n } }\n",
            "error: connections.receivers[0].via.webhook.token: no secret of `secrets` has this name: say there where it is kept, as in `NAME: { file: /etc/cutover/NAME }`; what it is belongs nowhere here (did you mean \"pager\"?)",
        ),
        (
            "secrets: { a: { environment: A-B } }\n",
            "error: secrets.a.environment: this is no name of a variable",
        ),
        (
            "secrets: { a: { command: [] } }\n",
            "error: secrets.a.command: a command needs a program",
        ),
        (
            "secrets: { a: hush-hush }\n",
            "2:15: error: secrets.a: say where the secret is kept, not what it is",
        ),
        (
            "connections: { receivers: [{ name: a, via: { webhook: { url: 'http://h/', token: hush-hush } } }] }\n",
            "error: connections.receivers[0].via.webhook.token: no secret of `secrets` has this name",
        ),
        (
            "secrets: { a: { value: hush-hush } }\n",
            "error: secrets.a: ",
        ),
        (
            "connections: { receivers: [{ name: a, via: { webhook: { url: 'http://h/', tokenFile: secrets/t } } }] }\n",
            "error: connections.receivers[0].via.webhook.tokenFile: secrets are referred to by name now: write `token: NAME` here, and `NAME: { file: secrets/t }` below `secrets:`",
        ),
        (
            "connections: { alarms: [{ name: a, source: { http: { url: 'http://h/', headers: { X-Version: 1.10 } } } }] }\n",
            "in quotes",
        ),
    ] {
        let said = checked(document);
        assert!(
            said.iter().any(|line| line.contains(wanted)),
            "{document}{said:#?}"
        );
        assert!(
            said.iter().all(|line| !line.contains("hush")),
            "{document}{said:#?}"
        );
    }
    let good = "secrets: { n: { file: n } }\nconnections: { alarms: [{ name: a, source: { http: { url: 'http://h/a@b', token: n, headers: { X-Key: { secret: n }, Accept: text/plain } } } }], receivers: [{ name: c, via: { slack: { url: 'http://127.0.0.1:9/x' } } }, { name: d, via: { command: { run: [./x, --token-file, t], secrets: { A: n } } } }] }\n";
    assert_eq!(checked(good), [""; 0]);
}
