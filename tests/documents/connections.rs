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
  alarms:
    - name: errors
      source:
        prometheus: { address: 'http://127.0.0.1:9090', query: 'rate(errors[1m])', above: '0.05' }
  receivers:
    - name: ops
      via:
        webhook: { url: 'http://127.0.0.1:9000/hook', tokenFile: token, secretFile: secret }
    - { name: chat, via: { slack: { urlFile: slack } } }
    - { name: script, via: { command: { run: [./told, ops] } } }
  fleets:
    - name: web
      provider:
        command: { provision: [./provision], terminate: [./terminate] }
";

#[test]
fn connections_of_every_kind_are_read() {
    let folder = super::project(&[("cutover.yaml", CONNECTIONS)]);
    let project = super::documents::load(folder.path()).unwrap().project;
    let web = project.connections.load_balancer("web").unwrap();
    assert_eq!((web.port, web.drain_seconds), (Some(8080), 30));
    assert_eq!(web.provider.label(), "HAProxy");
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
            "cutover.yaml:13:9: error: connections.loadBalancers[0].provider: expected one of haproxy, nginx, envoy, router, http, found \"haprxy\" (did you mean \"haproxy\"?)",
        ]
    );
}

#[test]
fn a_receiver_that_cannot_be_told_is_an_error_that_does_not_repeat_its_address() {
    let broken = [
        ("http://127.0.0.1:9000/hook", "ftp://secret.example/hook"),
        ("{ urlFile: slack }", "{ url: nowhere }"),
        (
            "{ urlFile: slack }",
            "{ url: 'https://x.example/', urlFile: slack }",
        ),
        ("run: [./told, ops]", "run: []"),
        ("urlFile", "urlFiles"),
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
            format!("cutover.yaml:24:25: {receiver}[0].via.webhook.url: {address}"),
            format!("cutover.yaml:25:42: {receiver}[1].via.slack.url: {address}"),
            format!("cutover.yaml:25:35: {receiver}[1].via.slack: write either url or urlFile"),
            format!("cutover.yaml:26:46: {receiver}[2].via.command.run: a command needs a program"),
            format!(
                "cutover.yaml:25:37: {receiver}[1].via: unknown field \"urlFiles\" (did you mean \"urlFile\"?)"
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
