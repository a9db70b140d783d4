//! Whether somebody listens where the connections of a project lead. Nothing is asked of them: a connection is made, and closed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::Finding;
use crate::model::connections::Connections;

/// How long somebody may take to be reached.
const PATIENCE: Duration = Duration::from_secs(3);

/// The fields of connections that say where somebody is.
const FIELDS: [&str; 4] = ["address", "admin", "endpointUrl", "url"];

/// Where somebody listens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// A host and a port.
    Port(String, u16),
    /// A socket of this machine.
    Socket(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Port(host, port) => write!(f, "{host}:{port}"),
            Self::Socket(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Knocks everywhere at once.
pub(super) async fn look(connections: &Connections) -> Vec<Finding> {
    let places = places(connections);
    if places.is_empty() {
        return vec![Finding::ok(
            "connections",
            "none of the project's has an address",
        )];
    }
    let knocks = places.iter().map(async |(place, who)| {
        let answer = knock(place).await;
        let finding = |check: &String| match &answer {
            Ok(()) => Finding::ok(check, format!("somebody listens at {place}")),
            Err(why) => Finding::problem(
                check,
                format!("nobody answers at {place}: {why}"),
                "see that it runs, and that this machine may connect to it",
            ),
        };
        who.iter().map(finding).collect::<Vec<_>>()
    });
    join_all(knocks).await.into_iter().flatten().collect()
}

async fn knock(place: &Place) -> Result<(), String> {
    let connected = async {
        match place {
            Place::Port(host, port) => TcpStream::connect((host.as_str(), *port)).await.map(drop),
            Place::Socket(path) => UnixStream::connect(path).await.map(drop),
        }
    };
    match timeout(PATIENCE, connected).await {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err(format!("nothing within {} s", PATIENCE.as_secs())),
    }
}

/// Each place, with the connections that lead there.
fn places(connections: &Connections) -> BTreeMap<Place, Vec<String>> {
    let mut found: BTreeMap<Place, Vec<String>> = BTreeMap::new();
    // Every kind of connection has its own fields for it; as documents they are alike.
    let Ok(Value::Object(kinds)) = serde_json::to_value(connections) else {
        return found;
    };
    for (kind, all) in &kinds {
        let what = kind_of(kind);
        for one in all.as_array().into_iter().flatten() {
            let name = one.get("name").and_then(Value::as_str).unwrap_or_default();
            let mut addresses = Vec::new();
            gather(one, &mut addresses);
            for place in addresses.into_iter().filter_map(read) {
                let who = found.entry(place).or_default();
                let label = format!("{what} {name}");
                if !who.contains(&label) {
                    who.push(label);
                }
            }
        }
    }
    found
}

fn kind_of(field: &str) -> &str {
    match field {
        "aws" => "account",
        "loadBalancers" => "load balancer",
        other => other.strip_suffix('s').unwrap_or(other),
    }
}

fn gather<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                match value {
                    Value::String(text) if FIELDS.contains(&field.as_str()) => found.push(text),
                    value => gather(value, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|one| gather(one, found)),
        _ => {}
    }
}

/// Where an address leads; nothing for one that is known only once something is put into it.
fn read(address: &str) -> Option<Place> {
    if let Some(path) = address.strip_prefix("unix:") {
        return Some(Place::Socket(path.into()));
    }
    if !address.contains("://") {
        let (host, port) = address.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        return Some(Place::Port(host.to_owned(), port.parse().ok()?));
    }
    let url = reqwest::Url::parse(address).ok()?;
    let host = url.host_str().filter(|host| !host.contains('{'))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some(Place::Port(host.to_owned(), url.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn connections(text: &str) -> Connections {
        crate::model::yaml::from_str(text).unwrap()
    }

    #[test]
    fn of_an_address_only_host_and_port_are_told() {
        let shown = |address: &str| read(address).map(|place| place.to_string());
        let secret = "https://user:secret@hooks.example/services/T0/token?key=x";
        assert_eq!(shown(secret).as_deref(), Some("hooks.example:443"));
        assert_eq!(shown("127.0.0.1:9999").as_deref(), Some("127.0.0.1:9999"));
        assert_eq!(shown("http://[::1]:80/").as_deref(), Some("[::1]:80"));
        assert_eq!(shown("unix:/run/a.sock").as_deref(), Some("/run/a.sock"));
        assert_eq!(shown("http://{host}:80/"), None);
    }

    #[tokio::test]
    async fn who_listens_is_told_apart_from_who_does_not() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap();
        let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let nobody = gone.local_addr().unwrap();
        drop(gone);
        let text = format!(
            "loadBalancers:\n- name: edge\n  provider: {{haproxy: {{address: \"{here}\", backend: shop}}}}\n\
             - name: other\n  provider: {{haproxy: {{address: \"{here}\", backend: shop}}}}\n\
             alarms:\n- name: errors\n  source: {{prometheus: {{address: \"http://{nobody}\", query: up, above: 1}}}}\n"
        );
        let findings = look(&connections(&text)).await;
        let of = |check: &str| {
            let mut all = findings.iter();
            all.find(|one| one.check == check)
                .unwrap_or_else(|| panic!("{findings:?}"))
        };
        for balancer in ["load balancer edge", "load balancer other"] {
            assert_eq!(of(balancer).state, State::Ok);
        }
        assert_eq!(of("alarm errors").state, State::Problem);
        assert_eq!(findings.len(), 3);
    }
}
