//! Connections that have become something else, such as a websocket: bytes both ways until one side ends.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

use super::answer::Flight;

/// Joins client and server, as soon as both have changed over. The request is in flight until then.
pub(super) async fn join(client: OnUpgrade, server: OnUpgrade, flight: Flight) {
    // Either may have gone by now; then the other is closed, by being dropped.
    if let (Ok(client), Ok(server)) = tokio::join!(client, server) {
        let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
        let _how = copy_bidirectional(&mut client, &mut server).await;
    }
    drop(flight);
}
