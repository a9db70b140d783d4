//! Connections in `cutover.yaml`.

use super::errors;

const CONNECTIONS: &str = "\
name: demo
hosts:
  - name: web-1
    address: http://127.0.0.1:7301
    tags: { role: web }
    endpoints: { web: '127.0.0.1:8081' }
connections:
  loadBalancers:
    - name: web
      port: 8080
      drainSeconds: 30
      provider:
        haproxy: { address: '127.0.0.1:9999', backend: app }
    - name: edge
      provider:
        nginx: { host: web-1, upstream: app }
    - name: inner
      provider:
        haproxy: { host: web-1, backend: app }
    - name: mesh
      provider:
        envoy:
          admin: 'http://127.0.0.1:9901'
          control:
            runtime: { keyPrefix: shop.weights, original: blue, replacement: green }
    - name: cells
      provider:
        envoy:
          admin: 'http://127.0.0.1:9902'
          control:
            endpoints: { cluster: app, listen: '127.0.0.1:18000' }
  alarms:
    - name: errors
      source:
        prometheus: { address: 'http://127.0.0.1:9090', query: 'rate(errors[1m])', above: '0.05' }
  receivers:
    - name: ops
      via:
        webhook: { url: 'http://127.0.0.1:9000/hook', token: token, secret: key }
    - { name: chat, via: { slack: { url: { secret: slack } } } }
    - { name: script, via: { command: { run: [./told, ops] } } }
  fleets:
    - name: web
      provider:
        command: { provision: [./provision], terminate: [./terminate] }
secrets: { token: { file: token }, key: { environment: KEY }, slack: { command: [pass, slack] } }
";

#[test]
fn connections_of_every_kind_are_read() {
    let folder = super::project(&[("cutover.yaml", CONNECTIONS)]);
    let project = super::documents::load(folder.path()).unwrap().project;
    let web = project.connections.load_balancer("web").unwrap();
    assert_eq!((web.port, web.drain_seconds), (Some(8080), 30));
    assert_eq!(
        (web.provider.label(), web.provider.host()),
        ("HAProxy", None)
    );
    let inner = project.connections.load_balancer("inner").unwrap();
    assert_eq!(inner.provider.host().unwrap().as_str(), "web-1");
    assert!(project.connections.alarm("errors").is_some());
    assert!(project.connections.receiver("ops").is_some());
    assert!(project.connections.fleet("web").is_some());
}

#[test]
fn what_is_wrong_with_connections_names_the_place_and_the_remedy() {
    let broken = [
        ("endpoints: { web:", "endpoints: { wep:"),
        ("'127.0.0.1:8081'", "'8081'"),
        ("- name: edge", "- name: web"),
        ("haproxy:", "haprxy:"),
        ("'127.0.0.1:18000'", "'18000'"),
        ("haproxy: { host: web-1,", "haproxy: {"),
        (
            "haproxy: { host:",
            "haproxy: { address: '127.0.0.1:9999', host:",
        ),
    ];
    let found = broken.map(|(right, wrong)| {
        let text = CONNECTIONS.replacen(right, wrong, 1);
        let found = errors(&[("cutover.yaml", &text)]);
        assert_eq!(found.len(), 1, "{found:#?}");
        found.into_iter().next().unwrap()
    });
    assert_eq!(
        found,
        [
            "cutover.yaml:6:23: error: hosts[0].endpoints.wep: no load balancer of `connections` is called wep (did you mean \"web\"?)",
            "cutover.yaml:6:23: error: hosts[0].endpoints.web: \"8081\" is no endpoint: write ADDRESS:PORT, as in 10.0.0.7:8080",
            "cutover.yaml:14:13: error: connections.loadBalancers[1].name: loadBalancers[0] has the name web already",
            "cutover.yaml:13:9: error: connections.loadBalancers[0].provider: expected one of haproxy, nginx, envoy, router, http, elbv2, found \"haprxy\" (did you mean \"haproxy\"?)",
            "cutover.yaml:31:48: error: connections.loadBalancers[4].provider.control.listen: \"18000\" is no endpoint: write ADDRESS:PORT, as in 10.0.0.7:8080",
            "cutover.yaml:19:18: error: connections.loadBalancers[2].provider.haproxy: write either `address`, where its runtime API listens, or `host`, on which it runs and whose agent reaches it",
            "cutover.yaml:19:18: error: connections.loadBalancers[2].provider.haproxy: write either `address`, where its runtime API listens, or `host`, on which it runs and whose agent reaches it",
        ]
    );
}

#[test]
fn a_load_balancer_whose_agent_is_on_no_host_is_warned_of() {
    let text = CONNECTIONS
        .replace("nginx: { host: web-1", "nginx: { host: wep-1")
        .replace("haproxy: { host: web-1", "haproxy: { host: edge");
    let folder = super::project(&[("cutover.yaml", &text)]);
    let loaded = super::documents::load(folder.path()).unwrap();
    let warning = "warning: connections.loadBalancers";
    assert_eq!(
        super::lines(&loaded.notes),
        [
            format!(
                "cutover.yaml:16:24: {warning}[1].provider.nginx.host: no host of the project is called wep-1: deployments cannot reach edge (did you mean \"web-1\"?)"
            ),
            format!(
                "cutover.yaml:19:26: {warning}[2].provider.haproxy.host: no host of the project is called edge: deployments cannot reach inner"
            ),
        ]
    );
}

/// A project with these alarms.
fn alarms(list: &str) -> String {
    let start = "name: demo\nhosts: [{ name: web-1, address: 'http://127.0.0.1:7301', tags: { role: web } }]\n";
    format!("{start}connections:\n  alarms:\n{list}")
}

#[test]
fn an_alarm_is_a_query_an_alert_a_url_or_a_command() {
    let text = alarms(
        "    - name: errors
      intervalSeconds: 5
      source:
        prometheus: { address: 'http://127.0.0.1:9090/prometheus', query: up, above: 0.05, below: -1e3 }
    - { name: latency, source: { prometheus: { address: 'http://127.0.0.1:9090', alert: Slow } } }
    - { name: health, source: { http: { url: 'http://127.0.0.1:8080/health' } } }
    - { name: disk, source: { command: { run: [./disk, '90'] } } }
",
    );
    let folder = super::project(&[("cutover.yaml", &text)]);
    let project = super::documents::load(folder.path()).unwrap().project;
    let threshold = |name| {
        let alarm = project.connections.alarm(name).unwrap();
        alarm.source.threshold()
    };
    assert_eq!(threshold("errors"), "below -1000 or above 0.05");
    assert_eq!(threshold("latency"), "Slow fires");
    let errors = project.connections.alarm("errors").unwrap();
    assert_eq!(errors.interval_seconds, Some(5));
    assert_eq!(project.settings.alarms.interval_seconds, 15);
}

#[test]
fn what_is_wrong_with_an_alarm_names_the_place_and_the_remedy() {
    let wrong = [
        "{ prometheus: { address: 'http://127.0.0.1:9090' } }",
        "{ prometheus: { address: 'http://127.0.0.1:9090', query: up, alert: Slow } }",
        "{ prometheus: { address: 'http://127.0.0.1:9090', query: up } }",
        "{ prometheus: { address: 'http://127.0.0.1:9090', query: up, abov: 1 } }",
        "{ prometheus: { address: 'http://127.0.0.1:9090', query: up, above: .inf } }",
        "{ prometheus: { address: 'http://127.0.0.1:9090', alert: Slow, above: 1 } }",
        "{ prometheus: { address: '127.0.0.1:9090', alert: Slow } }",
        "{ http: { url: 'https://127.0.0.1/health' } }",
        "{ command: { run: [] } }",
    ];
    let found = wrong.map(|source| {
        let text = alarms(&format!("    - name: a\n      source: {source}\n"));
        let found = errors(&[("cutover.yaml", &text)]);
        assert_eq!(found.len(), 1, "{found:#?}");
        let start = "cutover.yaml:6:";
        let line = found[0].strip_prefix(start).unwrap();
        line.replace("connections.alarms[0].source.", "")
    });
    assert_eq!(
        found,
        [
            "29: error: prometheus: write either `query` with `above` or `below`, or `alert`",
            "29: error: prometheus: write either `query` with `above` or `below`, or `alert`",
            "72: error: prometheus.query: a query needs a threshold: add `above` or `below`",
            "76: error: connections.alarms[0].source: unknown field \"abov\" (did you mean \"above\"?)",
            "83: error: prometheus.above: `above` is no finite decimal: write a number such as 0.05",
            "85: error: prometheus.above: an alert has its threshold in its rule: remove `above`",
            "40: error: prometheus.address: \"127.0.0.1:9090\" is no URL: write one such as http://127.0.0.1:9090",
            "30: error: http.url: https:// is not supported yet, only http://",
            "33: error: command.run: name a program, as in [./check-errors, --since, 5m]",
        ]
    );
    let never =
        alarms("    - { name: a, intervalSeconds: 0, source: { command: { run: [true] } } }\n")
            + "settings: { alarms: { intervalSeconds: 0 } }\n";
    assert_eq!(
        errors(&[("cutover.yaml", &never)]),
        [
            "cutover.yaml:5:35: error: connections.alarms[0].intervalSeconds: an interval is at least 1 second",
            "cutover.yaml:6:40: error: settings.alarms.intervalSeconds: an interval is at least 1 second",
        ]
    );
}

#[test]
fn a_group_whose_alarm_nobody_knows_is_warned_of() {
    let text = alarms("    - { name: errors, source: { command: { run: [true] } } }\n");
    let group = |configuration: &str| {
        let group = format!("{}alarmConfiguration: {configuration}\n", super::GROUP);
        let files = [
            ("cutover.yaml", &*text),
            ("applications/shop/production.yaml", &group),
        ];
        let folder = super::project(&files);
        super::lines(&super::documents::load(folder.path()).unwrap().notes)
    };
    let none: [&str; 0] = [];
    assert_eq!(group("{ enabled: true, alarms: [{ name: errors }] }"), none);
    assert_eq!(group("{ enabled: false, alarms: [{ name: other }] }"), none);
    let path = "alarmConfiguration.alarms";
    let unknown = "no alarm of `connections` is called";
    let file = "applications/shop/production.yaml:4";
    let found = group("{ enabled: true, alarms: [{ name: error }, { name: other }] }");
    assert_eq!(
        found,
        [
            format!(
                "{file}:55: warning: {path}[0].name: {unknown} error: its state counts as unreadable (did you mean \"errors\"?)"
            ),
            format!(
                "{file}:72: warning: {path}[1].name: {unknown} other: its state counts as unreadable (define it in cutover.yaml, below connections.alarms)"
            ),
        ]
    );
}

#[test]
fn a_receiver_that_cannot_be_told_is_an_error_that_does_not_repeat_its_address() {
    let broken = [
        ("http://127.0.0.1:9000/hook", "ftp://secret.example/hook"),
        (
            "via: { slack: { url: { secret: slack } } }",
            "via: { webhook: { url: nowhere } }",
        ),
        ("run: [./told, ops]", "run: []"),
        ("slack: { url:", "slack: { ur: 1, url:"),
    ];
    let found = broken.map(|(right, wrong)| {
        let text = CONNECTIONS.replacen(right, wrong, 1);
        let found = errors(&[("cutover.yaml", &text)]);
        assert_eq!(found.len(), 1, "{found:#?}");
        found.into_iter().next().unwrap()
    });
    let address = "this is no address: write one such as https://chat.example/hooks/7";
    let receiver = "error: connections.receivers";
    assert_eq!(
        found,
        [
            format!("cutover.yaml:39:25: {receiver}[0].via.webhook.url: {address}"),
            format!("cutover.yaml:40:44: {receiver}[1].via.webhook.url: {address}"),
            format!("cutover.yaml:41:46: {receiver}[2].via.command.run: a command needs a program"),
            format!(
                "cutover.yaml:40:37: {receiver}[1].via: unknown field \"ur\" (did you mean \"url\"?)"
            ),
        ]
    );
}

#[test]
fn a_trigger_whose_receiver_is_not_defined_is_a_warning() {
    let group = format!(
        "{}triggerConfigurations:\n  - {{ triggerName: a, triggerTargetArn: ops, triggerEvents: [DeploymentStart] }}\n  - {{ triggerName: b, triggerTargetArn: chats, triggerEvents: [DeploymentStart] }}\n",
        super::GROUP
    );
    let folder = super::project(&[
        ("cutover.yaml", CONNECTIONS),
        ("applications/shop/production.yaml", &group),
    ]);
    let loaded = super::documents::load(folder.path()).unwrap();
    assert_eq!(
        super::lines(&loaded.notes),
        [
            "applications/shop/production.yaml:6:41: warning: triggerConfigurations[1].triggerTargetArn: no receiver of `connections` in cutover.yaml is called chats: nobody is told (did you mean \"chat\"?)"
        ]
    );
}

#[test]
fn hooks_call_back_on_the_loopback_at_an_address_that_is_no_secret() {
    let text = |settings: &str| {
        let host = "{ name: web-1, address: http://127.0.0.1:7301, tags: { role: web } }";
        format!("name: demo\nhosts: [{host}]\nsettings:\n  hooks: {settings}\n")
    };
    let with = |settings: &str| errors(&[("cutover.yaml", &text(settings))]);
    for good in [
        "{ listen: '127.0.0.1:7430' }",
        "{ listen: '[::1]:7430', url: 'https://deploy.example/hooks' }",
    ] {
        let folder = super::project(&[("cutover.yaml", &text(good))]);
        let read = super::documents::load(folder.path()).unwrap().project;
        assert!(read.settings.hooks.is_some(), "{good}");
    }
    let elsewhere = "cutover.yaml:4:20: error: settings.hooks.listen: hooks are listened for on the loopback alone: write an address such as 127.0.0.1:7430, and where they come from elsewhere have a reverse proxy with TLS pass them on, whose address is `url`";
    for listen in [
        "0.0.0.0:7430",
        "10.0.0.7:7430",
        "localhost:7430",
        "127.0.0.1:0",
    ] {
        assert_eq!(with(&format!("{{ listen: '{listen}' }}")), [elsewhere]);
    }
    let open = "cutover.yaml:4:43: error: settings.hooks.url: hooks are told this address, so nothing of it is a secret: write one such as https://deploy.example/hooks";
    for url in [
        "deploy.example",
        "ftp://deploy.example",
        "https://ana:pw@deploy.example",
        "https://deploy.example?key=1",
    ] {
        let found = with(&format!("{{ listen: '127.0.0.1:7430', url: '{url}' }}"));
        assert_eq!(found, [open], "{url}");
    }
    assert_eq!(
        with("{ listen: 7430 }"),
        [
            "cutover.yaml:4:20: error: settings.hooks.listen: \"7430\" is no endpoint: write ADDRESS:PORT, as in 10.0.0.7:8080"
        ]
    );
    assert_eq!(
        with("{ url: 'https://deploy.example' }"),
        ["cutover.yaml:4:10: error: settings.hooks: the field \"listen\" is missing"]
    );
}

#[test]
fn sources_name_somebody_and_addresses_without_passwords() {
    let with = |from: &str| {
        let host = "{ name: web-1, address: http://127.0.0.1:7301, tags: { role: web } }";
        let text = format!(
            "name: demo\nhosts: [{host}]\nsecrets: {{ reader: {{ file: token }} }}\nconnections:\n  sources:\n    - {{ name: a, from: {from} }}\n"
        );
        let folder = super::project(&[("cutover.yaml", &text)]);
        match super::documents::load(folder.path()) {
            Ok(loaded) => super::lines(&loaded.notes),
            Err(_) => errors(&[("cutover.yaml", &text)]),
        }
    };
    for good in [
        "{ github: {} }",
        "{ github: { of: acme/shop, address: 'https://github.acme.example/api/v3', token: reader } }",
        "{ bitbucket: { of: acme, headers: { Authorization: { secret: reader } } } }",
        "{ http: { address: 'https://files.example/', token: reader } }",
    ] {
        assert_eq!(with(good), [""; 0], "{good}");
    }
    let place = "error: connections.sources[0].from";
    for (wrong, found) in [
        (
            "{ github: { of: a/b/c } }",
            format!(
                "cutover.yaml:6:40: {place}.github.of: write OWNER or OWNER/REPOSITORY, as in acme or acme/shop; leave it out for all"
            ),
        ),
        (
            "{ bitbucket: { address: here } }",
            format!(
                "cutover.yaml:6:48: {place}.bitbucket.address: this is no address: write one such as https://github.acme.example/api/v3"
            ),
        ),
        (
            "{ http: { address: here } }",
            format!(
                "cutover.yaml:6:43: {place}.http.address: this is no address: write how addresses begin, such as https://artifacts.example/shop/"
            ),
        ),
        (
            "{ github: { repository: acme/shop } }",
            "cutover.yaml:6:36: error: connections.sources[0].from: unknown field \"repository\" (known here: of, address, headers, token)"
                .to_owned(),
        ),
    ] {
        assert_eq!(with(wrong), [found], "{wrong}");
    }
    for (wrong, words) in [
        ("{ github: { token: readre } }", "did you mean \"reader\"?"),
        (
            "{ http: { address: 'https://ana:pw@files.example/' } }",
            "a user or a password",
        ),
        (
            "{ http: { address: 'https://files.example', headers: { Authorization: x } } }",
            "is a secret",
        ),
    ] {
        let found = with(wrong);
        assert!(
            found.len() == 1 && found[0].contains(words),
            "{wrong}: {found:?}"
        );
    }
}
