//! What the tests of nginx and Envoy have in common: what is wanted, and a slow request.

use std::net::SocketAddr;

use cutover::model::endpoint::Endpoint;
use cutover::model::traffic::{Side, Split};
use cutover::providers::traffic::{
    Balancer, Observed, Seen, Server, Service, TrafficError, Wanted,
};
use tokio::task::JoinHandle;

use crate::backend::Backend;

/// A server at a backend.
pub fn server(backend: &Backend, side: Side, service: Service) -> Server {
    Server {
        name: backend.name.parse().unwrap(),
        endpoint: Endpoint::parse(&backend.address.to_string()).unwrap(),
        side,
        service,
    }
}

/// An original and a replacement, with so much for the replacement.
pub fn both(blue: (&Backend, Service), green: (&Backend, Service), replacement: u8) -> Wanted {
    Wanted {
        servers: vec![
            server(blue.0, Side::Blue, blue.1),
            server(green.0, Side::Green, green.1),
        ],
        split: Some(Split::new(replacement).unwrap()),
    }
}

/// Looks, and goes where it is wanted.
pub async fn apply(balancer: &dyn Balancer, wanted: &Wanted) -> Result<(), TrafficError> {
    let observed = balancer.observe(&wanted.servers).await?;
    balancer.apply(wanted, &observed).await
}

/// How one backend is seen.
pub fn seen<'a>(observed: &'a Observed, backend: &Backend) -> &'a Seen {
    &observed.servers[backend.name.as_str()]
}

/// A request that takes so long, in milliseconds. It ends with the name of who answered.
pub fn slow(address: SocketAddr, ms: u32) -> JoinHandle<String> {
    tokio::spawn(async move {
        let answer = reqwest::get(format!("http://{address}/?ms={ms}")).await;
        answer.unwrap().text().await.unwrap()
    })
}
