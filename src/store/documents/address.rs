//! Addresses of agents.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Checks that an address is a URL with a host and a port: `https://` wherever an agent has joined, `http://` on this machine
/// alone. Returns it without a final slash.
///
/// # Errors
/// Says what is wrong.
pub fn check(address: &str) -> Result<&str, String> {
    let (scheme, rest) = address
        .split_once("://")
        .ok_or("an address is a URL such as https://10.0.0.7:7420")?;
    let plain = match scheme {
        "https" => false,
        "http" => true,
        _ => {
            return Err(format!(
                "{scheme}:// is not supported, only https:// (and http:// on the loopback)"
            ));
        }
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
    if plain && !is_loopback(host) {
        return Err(format!(
            "{host:?} is not the loopback, where alone agents are spoken to plainly: write https://, and \
             `cutover hosts invite` lets the host join"
        ));
    }
    if !plain && !is_host(host) {
        return Err(format!(
            "{host:?} is no host: write a name, an IPv4 address, or an IPv6 address in brackets"
        ));
    }
    if !plain && port.is_none() {
        return Err(format!(
            "the agent's port is missing, as in https://{host}:7420"
        ));
    }
    Ok(address.strip_suffix('/').unwrap_or(address))
}

/// An IPv6 address that is in brackets.
fn in_brackets(host: &str) -> Option<Ipv6Addr> {
    host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

fn is_host(host: &str) -> bool {
    let name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    in_brackets(host).is_some() || !host.is_empty() && host.chars().all(name)
}

fn is_loopback(host: &str) -> bool {
    in_brackets(host).is_some_and(|ip| ip.is_loopback())
        || host.eq_ignore_ascii_case("localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn plainly_on_the_loopback_alone() {
        for good in [
            "http://127.0.0.1:7301",
            "http://127.9.8.7",
            "http://[::1]:7301",
            "http://[::1]",
            "http://localhost:7301",
            "https://127.0.0.1:7420",
            "https://10.0.0.7:7420",
            "https://[fd00::7]:7420",
            "https://web-1.example.org:7420",
        ] {
            assert_eq!(check(good), Ok(good));
        }
        assert_eq!(check("http://127.0.0.1:1/"), Ok("http://127.0.0.1:1"));
        for (bad, reason) in [
            ("127.0.0.1:7301", "an address is a URL"),
            ("ftp://127.0.0.1", "ftp:// is not supported"),
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
            ("https://10.0.0.7", "the agent's port is missing"),
            ("https://:7420", "is no host"),
            ("https://fd00::7:7420", "is no host"),
            ("https://[fd00::g]:7420", "is no host"),
            ("https://web 1:7420", "is no host"),
            ("https://ana@10.0.0.7:7420", "nothing else"),
        ] {
            let error = check(bad).unwrap_err();
            assert!(error.contains(reason), "{bad}: {error}");
        }
    }
}
