//! What a fleet answers: the instances that it provisioned.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::first_line;
use crate::model::endpoint::Endpoint;
use crate::model::host::Host;
use crate::model::name::Name;
use crate::model::tags::Tags;
use crate::store::documents::address;

/// What it may say besides is none of our business.
#[derive(Deserialize)]
struct Answer {
    hosts: Vec<Instance>,
}

#[derive(Deserialize)]
struct Instance {
    name: String,
    address: String,
    #[serde(default)]
    tags: Tags,
    #[serde(default)]
    zone: Option<String>,
    #[serde(default)]
    endpoints: BTreeMap<String, String>,
}

/// The instances in an answer, if they are what was asked for.
///
/// # Errors
/// What is wrong with it, as the end of a sentence that begins with the fleet's name.
pub(super) fn read(said: &[u8], count: usize) -> Result<Vec<Host>, String> {
    let answer: Answer = serde_json::from_slice(said).map_err(|error| {
        let shown = first_line(said);
        match shown.as_str() {
            "" => "answered nothing: write {\"hosts\": [{\"name\": …, \"address\": …}]}".to_owned(),
            shown => format!("answered something that is no list of hosts ({error}): {shown}"),
        }
    })?;
    if answer.hosts.len() != count {
        return Err(format!(
            "answered {} instances, and {count} were asked for",
            answer.hosts.len()
        ));
    }
    let hosts: Vec<Host> = answer
        .hosts
        .into_iter()
        .map(host)
        .collect::<Result<_, _>>()?;
    let (mut names, mut addresses) = (BTreeSet::new(), BTreeSet::new());
    for host in &hosts {
        if !names.insert(&host.name) {
            return Err(format!("answered two instances called {}", host.name));
        }
        if !addresses.insert(&host.address) {
            return Err(format!(
                "answered two instances at the address {}",
                host.address
            ));
        }
    }
    Ok(hosts)
}

fn host(instance: Instance) -> Result<Host, String> {
    let shown = first_line(instance.name.as_bytes());
    let name: Name = instance
        .name
        .parse()
        .map_err(|error| format!("answered an instance called {shown:?}: {error}"))?;
    let wrong = |what: String| format!("answered the instance {name}: {what}");
    let address = address::check(&instance.address)
        .map_err(|error| wrong(crate::text::safe(&error)))?
        .to_owned();
    for (balancer, endpoint) in &instance.endpoints {
        if Endpoint::parse(endpoint).is_none() {
            return Err(wrong(format!(
                "its endpoint for {} is no ADDRESS:PORT: {}",
                first_line(balancer.as_bytes()),
                first_line(endpoint.as_bytes())
            )));
        }
    }
    Ok(Host {
        name,
        address,
        tags: instance.tags,
        zone: instance.zone,
        endpoints: instance.endpoints,
        provisioned: None,
        instance: None,
    })
}

#[cfg(test)]
mod tests {
    use super::read;

    const GOOD: &str = r#"{"hosts": [
        {"name": "web-7", "address": "http://127.0.0.1:7307/", "tags": {"role": "web"}, "zone": "a",
         "endpoints": {"web": "127.0.0.1:8087"}, "instanceId": "i-7"},
        {"name": "web-8", "address": "http://127.0.0.1:7308"}], "took": 3}"#;

    #[test]
    fn instances_are_read_with_what_is_known_of_them() {
        let hosts = read(GOOD.as_bytes(), 2).unwrap();
        assert_eq!(hosts[0].address, "http://127.0.0.1:7307");
        assert_eq!(hosts[0].tags["role"], "web");
        assert_eq!(hosts[0].endpoints["web"], "127.0.0.1:8087");
        assert_eq!(
            (hosts[0].zone.as_deref(), hosts[1].zone.as_deref()),
            (Some("a"), None)
        );
    }

    #[test]
    fn what_is_wrong_with_an_answer_is_said() {
        let changed = |right: &str, wrong: &str| {
            assert!(GOOD.contains(right));
            read(GOOD.replacen(right, wrong, 1).as_bytes(), 2).unwrap_err()
        };
        for (error, said) in [
            (read(b"", 2).unwrap_err(), "answered nothing"),
            (read(b"\x1b[2Jno", 2).unwrap_err(), "no list of hosts"),
            (
                read(GOOD.as_bytes(), 3).unwrap_err(),
                "answered 2 instances, and 3",
            ),
            (changed("web-8", "web-7"), "two instances called web-7"),
            (changed("web-8", "web 8"), "an instance called \"web 8\""),
            (
                changed("7308", "7307"),
                "at the address http://127.0.0.1:7307",
            ),
            (
                changed("127.0.0.1:7308", "10.1.2.3:7308"),
                "is not the loopback",
            ),
            (changed("127.0.0.1:8087", "8087"), "its endpoint for web"),
            (changed("\"web-7\"", "7"), "no list of hosts"),
        ] {
            assert!(error.contains(said), "{error}");
            assert!(!error.contains('\x1b'), "{error:?}");
        }
    }
}
