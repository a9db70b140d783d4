//! Where a host serves the traffic of a load balancer.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::connections::LoadBalancer;
use super::host::Host;

/// A host name or address, and a port. In documents and messages it is a text, as [`Endpoint::parse`] reads it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint {
    /// An IP address or a host name; an IPv6 address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// A text that is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no endpoint: write ADDRESS:PORT, as in 10.0.0.7:8080")]
pub struct EndpointError(String);

/// Nothing says where a host serves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "nothing says where {host} serves the traffic of {balancer}: give the connection a `port`, or the host `endpoints: {{{balancer}: ADDRESS:PORT}}`"
)]
pub struct NoEndpoint {
    host: String,
    balancer: String,
}

impl Endpoint {
    /// Where a host serves a load balancer's traffic: at the endpoint that it names for it, else at the load balancer's
    /// port, under the address of its agent.
    ///
    /// # Errors
    /// If neither is given.
    pub fn of(host: &Host, balancer: &LoadBalancer) -> Result<Self, NoEndpoint> {
        let named = host.endpoints.get(&balancer.name);
        named
            .and_then(|text| Self::parse(text))
            .or_else(|| {
                Some(Self {
                    host: host_of(&host.address)?,
                    port: balancer.port?,
                })
            })
            .ok_or_else(|| NoEndpoint {
                host: host.name.to_string(),
                balancer: balancer.name.clone(),
            })
    }

    /// Reads `ADDRESS:PORT`, with an IPv6 address in brackets.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let host = match bare {
            Some(inner) => inner,
            None if host.contains(':') => return None,
            None => host,
        };
        if host.is_empty() {
            return None;
        }
        Some(Self {
            host: host.to_owned(),
            port: port.parse().ok()?,
        })
    }
}

/// The host name or address in a URL with a port.
pub fn host_of(url: &str) -> Option<String> {
    let authority = url.split_once("://")?.1;
    let authority = authority.split('/').next()?;
    Endpoint::parse(authority).map(|endpoint| endpoint.host)
}

impl TryFrom<String> for Endpoint {
    type Error = EndpointError;

    fn try_from(text: String) -> Result<Self, EndpointError> {
        Self::parse(&text).ok_or(EndpointError(text))
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.to_string()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_and_written() {
        for text in ["127.0.0.1:80", "web-1.example:8080", "[::1]:443"] {
            assert_eq!(Endpoint::parse(text).unwrap().to_string(), text);
        }
        for text in ["", ":80", "web-1", "web-1:", "web-1:99999", "::1:443"] {
            assert_eq!(Endpoint::parse(text), None, "{text}");
        }
    }
}
