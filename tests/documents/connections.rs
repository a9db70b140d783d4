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
        webhook: { url: 'http://127.0.0.1:9000/hook' }
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
        ("'127.0.0.1:18000'", "'18000'"),
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
            "cutover.yaml:28:48: error: connections.loadBalancers[3].provider.control.listen: \"18000\" is no endpoint: write ADDRESS:PORT, as in 10.0.0.7:8080",
        ]
    );
}
