//! What lets a host join, as it is run there.

use super::command::Pass;
use crate::model::endpoint::Endpoint;
use crate::model::name::Name;

/// What is run on a host that may join, as root.
pub fn command(host: &Name, address: &str, pass: &Pass) -> String {
    let pass = match pass {
        Pass::Token(token) => format!("--token {token}"),
        Pass::Certificate(orchestrator) => {
            format!("--certificate FILE --authority FILE --orchestrator {orchestrator}")
        }
    };
    let listen = listen(address);
    format!("cutover agent join --name {host} --listen {listen} {pass}")
}

/// Where an agent listens that is reached at this address.
fn listen(address: &str) -> String {
    let authority = address.split_once("://").map_or(address, |(_, rest)| rest);
    match Endpoint::parse(authority) {
        Some(endpoint) if endpoint.host.parse::<std::net::IpAddr>().is_ok() => endpoint.to_string(),
        Some(endpoint) => format!("0.0.0.0:{}", endpoint.port),
        None => authority.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_listens_where_it_is_looked_for() {
        assert_eq!(listen("https://10.0.0.7:7420"), "10.0.0.7:7420");
        assert_eq!(listen("https://[fd00::7]:7420"), "[fd00::7]:7420");
        assert_eq!(listen("https://web-1.example.org:7420"), "0.0.0.0:7420");
    }

    #[test]
    fn what_is_run_says_by_what_the_host_joins() {
        let host = "web-1".parse().unwrap();
        let run = |pass| command(&host, "https://10.0.0.7:7420", &pass);
        assert_eq!(
            run(Pass::Token("T".to_owned())),
            "cutover agent join --name web-1 --listen 10.0.0.7:7420 --token T"
        );
        assert!(run(Pass::Certificate("hub".to_owned())).ends_with("--orchestrator hub"));
    }
}
