//! Addresses of agents.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Checks that an address is an `http://` URL of this machine: agents know no encryption and no authentication yet, so
/// that nothing else may reach them. Returns it without a final slash.
///
/// # Errors
/// Says what is wrong.
pub fn check(address: &str) -> Result<&str, String> {
    let Some(rest) = address.strip_prefix("http://") else {
        return Err(match address.split_once("://") {
            Some((scheme, _)) => format!("{scheme}:// is not supported yet, only http://"),
            None => "an address is a URL such as http://127.0.0.1:7301".to_owned(),
        });
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['/', '?', '#', '@']) {
        return Err("an address has a host and a port, and nothing else".to_owned());
    }
    let (host, port) = match authority.rfind(':') {
        Some(colon) if !authority.ends_with(']') => {
            (&authority[..colon], Some(&authority[colon + 1..]))
        }
        _ => (authority, None),
    };
    let good_port = |port: &str| {
        port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    if port.is_some_and(|port| !good_port(port)) {
        return Err("a port is a number from 1 to 65535".to_owned());
    }
    if !is_loopback(host) {
        return Err(format!(
            "{host:?} is not the loopback: agents are for this machine only as yet (127.0.0.1, [::1] or localhost)"
        ));
    }
    Ok(address.strip_suffix('/').unwrap_or(address))
}

fn is_loopback(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        return inner.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback());
    }
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn the_loopback_only() {
        for good in [
            "http://127.0.0.1:7301",
            "http://127.9.8.7",
            "http://[::1]:7301",
            "http://[::1]",
            "http://localhost:7301",
        ] {
            assert_eq!(check(good), Ok(good));
        }
        assert_eq!(check("http://127.0.0.1:1/"), Ok("http://127.0.0.1:1"));
        for (bad, reason) in [
            ("127.0.0.1:7301", "an address is a URL"),
            ("https://127.0.0.1", "https:// is not supported yet"),
            ("http://10.0.0.5:7301", "\"10.0.0.5\" is not the loopback"),
            ("http://localhost.example:1", "is not the loopback"),
            ("http://127.0.0.1.example.org", "is not the loopback"),
            ("http://127.0.0.1@example.org", "nothing else"),
            ("http://127.0.0.1:7301/path", "nothing else"),
            ("http://127.0.0.1:0", "a port is"),
            ("http://127.0.0.1:", "a port is"),
            ("http://127.0.0.1:70000", "a port is"),
            ("http://::1:7301", "is not the loopback"),
            ("http://", "is not the loopback"),
        ] {
            let error = check(bad).unwrap_err();
            assert!(error.contains(reason), "{bad}: {error}");
        }
    }
}
