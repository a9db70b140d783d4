//! The backends and the load generator themselves.

use crate::backend::Backend;
use crate::load::{Connections, Load};

#[tokio::test]
async fn answers_and_failures_are_counted() {
    let backend = Backend::start("w1").await;
    for connections in [Connections::Kept, Connections::New] {
        let load = Load::start(backend.address, "/?ms=1", 400, connections);
        let count = load.next(100).await;
        assert_eq!(count.failed(), 0, "{count:?}");
        assert!((count.share("w") - 1.0).abs() < f64::EPSILON);
    }
    assert!(backend.served() >= 200);
    let load = Load::start(backend.address, "/nothing", 400, Connections::Kept);
    assert_eq!(
        load.next(10).await.failures.keys().next().unwrap(),
        "status 404"
    );
    let address = backend.address;
    drop(backend);
    let load = Load::start(address, "/", 400, Connections::New);
    assert!(load.next(10).await.failed() >= 10);
}
