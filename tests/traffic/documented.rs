//! What docs/load-balancers.md shows is what the program reads.

use std::path::Path;

use cutover::model::connections::TrafficProvider;
use cutover::model::name::Name;
use cutover::model::secret::SecretSources;
use cutover::providers::secrets::Secrets;
use cutover::providers::traffic::haproxy::HaProxyBalancer;
use cutover::providers::traffic::http::RequestBalancer;
use cutover::store::documents;

use crate::agents::client;

#[test]
fn the_connections_in_the_documentation_are_read() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/load-balancers.md");
    let text = std::fs::read_to_string(file).unwrap();
    let blocks = text.split("```yaml\n").skip(1);
    let (mut haproxy, mut http) = (0, 0);
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    // Others are of agent.yml, of the router's document or of Envoy.
    for block in blocks.filter(|block| block.starts_with("connections:")) {
        let folder = tempfile::tempdir().unwrap();
        let project = format!("name: demo\n{block}");
        std::fs::write(folder.path().join("cutover.yaml"), project).unwrap();
        let loaded = documents::load(folder.path());
        let project = loaded.unwrap_or_else(|e| panic!("{block}\n{e:?}")).project;
        for balancer in &project.connections.load_balancers {
            match &balancer.provider {
                TrafficProvider::Haproxy(connection) => {
                    let agent = |_: &Name| Ok(client("http://127.0.0.1:7420"));
                    HaProxyBalancer::new(&balancer.name, connection, agent).unwrap();
                    haproxy += 1;
                }
                TrafficProvider::Http(connection) => {
                    let none = Secrets::new(folder.path(), SecretSources::new);
                    RequestBalancer::new(&balancer.name, connection, &none).unwrap();
                    http += 1;
                }
                _ => {}
            }
        }
    }
    assert!(haproxy >= 3 && http >= 1, "{haproxy} and {http}");
}
