//! What a configuration file may say, and what is said about one that is wrong.

use std::path::Path;

use super::*;

#[test]
fn a_codedeploy_file_is_understood() {
    let text = "---\n:log_aws_wire: false\n:log_dir: '/var/log/aws/codedeploy-agent/'\n\
        :pid_dir: '/opt/codedeploy-agent/state/.pid/'\n:program_name: codedeploy-agent\n\
        :root_dir: '/opt/codedeploy-agent/deployment-root'\n\
        :on_premises_config_file: '/etc/codedeploy-agent/conf/codedeploy.onpremises.yml'\n:verbose: false\n\
        :wait_between_runs: 1\n:proxy_uri:\n:max_revisions: 3\n:enable_deployments_log: false\n\
        :kill_agent_max_wait_time_seconds: 7200\n";
    let file = File::parse(text).unwrap();
    assert_eq!(
        file.without_effect,
        [
            "log_aws_wire",
            "on_premises_config_file",
            "wait_between_runs",
            "proxy_uri"
        ]
    );
    let mut config = Config::new("web-1".parse().unwrap(), "/var/lib/cutover-agent".into());
    file.apply(&mut config);
    assert_eq!(
        config.root,
        Path::new("/opt/codedeploy-agent/deployment-root")
    );
    assert_eq!(config.max_revisions.get(), 3);
    assert_eq!(config.drain, Duration::from_hours(2));
    assert!(!config.output.deployments_log);
}

#[test]
fn nothing_said_is_the_usual() {
    for text in ["", "---\n", "max_revisions:\n"] {
        let mut config = Config::new("web-1".parse().unwrap(), "/x".into());
        File::parse(text).unwrap().apply(&mut config);
        assert_eq!(config.max_revisions.get(), 5);
        assert_eq!(config.drain, Duration::from_mins(1));
        assert!(config.output.deployments_log);
    }
}

#[test]
fn upstreams_have_the_usual_commands_unless_they_say_otherwise() {
    let text = "upstreams:\n  - { name: app, file: /etc/nginx/cutover/app.conf }\n\
        \x20 - { name: api, file: /etc/nginx/cutover/api.conf, reload: [systemctl, reload, nginx] }\n";
    let mut config = Config::new("web-1".parse().unwrap(), "/x".into());
    File::parse(text).unwrap().apply(&mut config);
    let [app, api] = config.upstreams.all() else {
        panic!("{:?}", config.upstreams);
    };
    assert_eq!(app.test, ["nginx", "-t", "-q"]);
    assert_eq!(app.reload, ["nginx", "-s", "reload"]);
    assert_eq!(app.pid_file, Path::new("/run/nginx.pid"));
    assert_eq!(api.reload, ["systemctl", "reload", "nginx"]);
}

#[test]
fn a_backend_has_the_socket_of_its_haproxy() {
    let text = "haproxies:\n  - { socket: /run/haproxy/edge.sock, backends: [app, api] }\n\
        \x20 - { socket: /run/haproxy/inner.sock, backends: [db] }\n";
    let mut config = Config::new("web-1".parse().unwrap(), "/x".into());
    File::parse(text).unwrap().apply(&mut config);
    let socket = |backend| config.haproxies.socket(backend).map(Path::to_owned);
    assert_eq!(socket("api").unwrap(), Path::new("/run/haproxy/edge.sock"));
    assert_eq!(socket("db").unwrap(), Path::new("/run/haproxy/inner.sock"));
    assert_eq!(socket("web"), None);
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (text, place, words) in [
        ("root_dri: /x", "1:1", "did you mean \"root_dir\"?"),
        (
            "verbose: false\n:max_revision: 5",
            "2:1",
            "did you mean \"max_revisions\"?",
        ),
        ("max_revisions: 0", "1:16", ""),
        ("max_revisions: many", "1:16", ""),
        ("verbose: maybe", "1:10", ""),
        ("script_log_files: 0", "1:19", ""),
        ("listen: nowhere", "1:9", ""),
        ("verbose: true\n:verbose: true", "2:1", "line 1"),
        ("- a", "1:1", ""),
        (
            "upstreams: [{ name: app, file: app.conf }]",
            "1:",
            "begin with /",
        ),
        (
            "upstreams: [{ name: app, fiel: /app.conf }]",
            "1:",
            "did you mean \"file\"?",
        ),
        (
            "upstreams: [{ name: app, file: /app.conf, test: [] }]",
            "1:",
            "each need a program",
        ),
        (
            "upstreams:\n- { name: app, file: /a }\n- { name: app, file: /b }",
            "2:",
            "two upstreams are called app",
        ),
        (
            "upstreams:\n- { name: a, file: /a }\n- { name: b, file: /a }",
            "2:",
            "a and b have the same file /a",
        ),
        (
            "haproxies: [{ socket: admin.sock, backends: [app] }]",
            "1:",
            "begin with /",
        ),
        (
            "haproxies: [{ socket: /run/a.sock, backend: app }]",
            "1:",
            "did you mean \"backends\"?",
        ),
        (
            "haproxies: [{ socket: /run/a.sock, backends: [] }]",
            "1:",
            "name one under `backends`",
        ),
        (
            "haproxies: [{ socket: /run/a.sock, backends: ['app; quit'] }]",
            "1:",
            "write the word after `backend`",
        ),
        (
            "haproxies:\n- { socket: /a, backends: [b, c] }\n- { socket: /d, backends: [e, c] }",
            "2:",
            "the backend c is there twice",
        ),
    ] {
        let error = File::parse(text).unwrap_err().to_string();
        assert!(error.starts_with(place), "{text}: {error}");
        assert!(error.contains(words), "{text}: {error}");
    }
}
