//! The file with the servers of an upstream: what it says, as text and back. Pure.

use std::fmt::Write as _;

use crate::agent::protocol::{UpstreamOrder, UpstreamServer};
use crate::model::endpoint::Endpoint;

/// What the first line of every file begins with that the agent may replace.
pub const HEADER: &str = "# Managed by cutover";

/// nginx takes no upstream without servers: this line stands for nobody.
const NOBODY: &str = "server 127.0.0.1:9 down; # nobody";

/// Marks a server that is `down` because it drains, and not because its weight is 0.
const DRAINING: &str = "# draining";

/// Servers with a share of an upstream weigh at most so much.
const HEAVIEST: u32 = 65_535;

/// Why a file is not ours to write, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The line, from 1 on.
    pub line: usize,
    /// What about it.
    pub reason: String,
}

/// The text of the file.
pub fn render(servers: &[UpstreamServer]) -> String {
    let mut text = format!("{HEADER}: the agent on this host replaces this file.\n");
    for server in servers {
        let endpoint = &server.endpoint;
        // Writing to a string cannot fail.
        let _ = match (server.draining, server.weight) {
            (true, _) => writeln!(text, "server {endpoint} down; {DRAINING}"),
            (false, 0) => writeln!(text, "server {endpoint} down;"),
            (false, weight) => writeln!(text, "server {endpoint} weight={weight};"),
        };
    }
    if servers.is_empty() {
        let _ = writeln!(text, "{NOBODY}");
    }
    text
}

/// The servers that a file has.
pub fn parse(text: &str) -> Result<Vec<UpstreamServer>, Foreign> {
    if !text.starts_with(HEADER) {
        let reason = format!(
            "this file was not written by the agent: move what it says elsewhere, and begin it with \"{HEADER}\""
        );
        return Err(Foreign { line: 1, reason });
    }
    let mut servers = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || line == NOBODY {
            continue;
        }
        servers.push(server(line).ok_or_else(|| Foreign {
            line: index + 1,
            reason: "only lines such as \"server 10.0.0.7:8080 weight=10;\" or \"server 10.0.0.7:8080 down;\" belong here"
                .to_owned(),
        })?);
    }
    Ok(servers)
}

fn server(line: &str) -> Option<UpstreamServer> {
    let (directive, comment) = line.split_once(';')?;
    let mut words = directive.split_ascii_whitespace();
    if words.next() != Some("server") {
        return None;
    }
    let endpoint = words.next().filter(|text| is_endpoint(text))?.to_owned();
    let weight = match (words.next(), words.next()) {
        (None, None) => 1,
        (Some("down"), None) => 0,
        (Some(word), None) => word.strip_prefix("weight=")?.parse().ok()?,
        _ => return None,
    };
    let draining = weight == 0 && comment.trim() == DRAINING;
    let is_plain = comment.trim().is_empty() || comment.trim_start().starts_with('#');
    is_plain.then_some(UpstreamServer {
        endpoint,
        weight,
        draining,
    })
}

/// Whether an order can be carried out; if not, why.
pub fn check(order: &UpstreamOrder) -> Result<(), String> {
    let named = order.servers.iter().map(|server| &server.endpoint);
    let mut named: Vec<_> = named.chain(&order.remove).collect();
    if let Some(wrong) = named.iter().find(|text| !is_endpoint(text)) {
        return Err(format!(
            "{wrong:?} is no endpoint: write ADDRESS:PORT, as in 10.0.0.7:8080"
        ));
    }
    named.sort_unstable();
    if let Some([twice, _]) = named.array_windows().find(|[one, next]| one == next) {
        return Err(format!("{twice} is named twice"));
    }
    match order.servers.iter().find(|s| s.weight > HEAVIEST) {
        Some(server) => Err(format!(
            "{} weighs {}: weights are at most {HEAVIEST}",
            server.endpoint, server.weight
        )),
        None => Ok(()),
    }
}

/// Whether this is an endpoint that means nothing else in a configuration of nginx.
fn is_endpoint(text: &str) -> bool {
    Endpoint::parse(text).is_some_and(|endpoint| {
        let plain = |c: char| c.is_ascii_alphanumeric() || ".:_-".contains(c);
        endpoint.port > 0 && endpoint.host.chars().all(plain)
    })
}

/// The servers after an order: known ones stay where they are, new ones follow.
pub fn merge(mut servers: Vec<UpstreamServer>, order: &UpstreamOrder) -> Vec<UpstreamServer> {
    servers.retain(|server| !order.remove.contains(&server.endpoint));
    for wanted in &order.servers {
        match servers.iter_mut().find(|s| s.endpoint == wanted.endpoint) {
            Some(server) => server.clone_from(wanted),
            None => servers.push(wanted.clone()),
        }
    }
    servers
}

/// What nginx makes of servers: who gets traffic, and how much. A server that is `down` is as good as none.
pub fn effect(servers: &[UpstreamServer]) -> Vec<(&str, u32)> {
    let serving = servers.iter().filter(|s| s.weight > 0 && !s.draining);
    serving.map(|s| (s.endpoint.as_str(), s.weight)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(endpoint: &str, weight: u32, draining: bool) -> UpstreamServer {
        UpstreamServer {
            endpoint: endpoint.to_owned(),
            weight,
            draining,
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let servers = vec![
            server("10.0.0.7:8080", 50, false),
            server("[::1]:80", 0, false),
            server("web-1.example:80", 0, true),
        ];
        for servers in [&servers[..], &[]] {
            assert_eq!(parse(&render(servers)).unwrap(), servers);
        }
        assert_eq!(effect(&servers), [("10.0.0.7:8080", 50)]);
    }

    #[test]
    fn what_is_not_ours_is_named_by_its_line() {
        let ours = |line: &str| parse(&format!("{HEADER}\n\n{line}\n"));
        assert_eq!(
            ours("server 10.0.0.7:80; # new").unwrap(),
            [server("10.0.0.7:80", 1, false)]
        );
        for line in [
            "server 10.0.0.7:80 max_fails=3;",
            "server 10.0.0.7:80 weight=2",
            "server unix:/run/app.sock;",
            "server 10.0.0.7:80; server 10.0.0.8:80;",
            "keepalive 16;",
        ] {
            assert_eq!(ours(line).unwrap_err().line, 3, "{line}");
        }
        let foreign = parse("upstream app { server 10.0.0.7:80; }").unwrap_err();
        assert_eq!(foreign.line, 1);
    }

    #[test]
    fn an_order_changes_whom_it_names() {
        let servers = vec![server("a:1", 5, false), server("b:1", 5, false)];
        let order = UpstreamOrder {
            servers: vec![server("c:1", 1, false), server("b:1", 0, true)],
            remove: vec!["a:1".to_owned()],
        };
        check(&order).unwrap();
        let merged = merge(servers, &order);
        assert_eq!(merged, [server("b:1", 0, true), server("c:1", 1, false)]);
        assert_eq!(merge(merged.clone(), &order), merged);
    }

    #[test]
    fn nothing_but_endpoints_gets_into_the_file() {
        for wrong in [
            "a:1; include /etc/passwd",
            "a b:1",
            "a",
            "a:0",
            "{:1",
            "a\n:1",
        ] {
            let order = UpstreamOrder {
                servers: vec![server(wrong, 1, false)],
                remove: vec![],
            };
            let said = check(&order).unwrap_err();
            assert!(said.contains("is no endpoint"), "{said}");
        }
        let order = UpstreamOrder {
            servers: vec![server("a:1", 1, false)],
            remove: vec!["a:1".to_owned()],
        };
        assert_eq!(check(&order).unwrap_err(), "a:1 is named twice");
    }
}
