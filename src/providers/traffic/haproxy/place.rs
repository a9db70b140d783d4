//! Where a server of `HAProxy` stands, against where a host serves.

use std::net::IpAddr;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;

use super::stats::Server;
use crate::model::endpoint::Endpoint;

/// How long a host name may take to become an address.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether a server stands for an endpoint. A host name that nobody knows here is taken to be right: `HAProxy` may know it.
pub(super) async fn is_at(server: &Server, endpoint: &Endpoint) -> bool {
    if server.endpoint.port != endpoint.port {
        return false;
    }
    if server.endpoint.host == endpoint.host || server.host_name.as_ref() == Some(&endpoint.host) {
        return true;
    }
    let Ok(at) = server.endpoint.host.parse::<IpAddr>() else {
        return false;
    };
    match addresses(endpoint).await {
        Ok(addresses) => addresses.contains(&at),
        Err(_) => true,
    }
}

/// The addresses of an endpoint's host, at least one.
///
/// # Errors
/// If there is none, with the reason.
pub(super) async fn addresses(endpoint: &Endpoint) -> Result<Vec<IpAddr>, String> {
    if let Ok(address) = endpoint.host.parse() {
        return Ok(vec![address]);
    }
    let asked = lookup_host((endpoint.host.as_str(), endpoint.port));
    let found = match timeout(PATIENCE, asked).await {
        Ok(Ok(found)) => found.map(|address| address.ip()).collect::<Vec<_>>(),
        Ok(Err(error)) => return Err(format!("{} has no address: {error}", endpoint.host)),
        Err(_) => return Err(format!("nobody says the address of {}", endpoint.host)),
    };
    if found.is_empty() {
        return Err(format!("{} has no address", endpoint.host));
    }
    Ok(found)
}
