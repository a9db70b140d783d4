//! Instances of AWS as hosts: those that have certain tags, and those of Auto Scaling groups.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use crate::model::endpoint::Endpoint;
use crate::model::host::Host;
use crate::providers::aws::{Accounts, AskError};

/// How long a look may take.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Which instances are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// In which account, as `connections.aws` names it.
    pub account: String,
    /// Where their agents listen.
    pub port: u16,
    /// Those that have a tag with one of these keys.
    pub keys: Keys,
    /// And those of these Auto Scaling groups.
    pub groups: BTreeSet<String>,
    /// And these, by their ids.
    pub ids: BTreeSet<String>,
}

/// Keys of tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    /// Whatever keys there are: somebody looks for values alone.
    Any,
    /// These; nobody looks for others.
    Of(BTreeSet<String>),
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The instances, by their ids. One without an address has an empty one.
    pub hosts: Vec<Host>,
    /// Auto Scaling groups that are not there.
    pub missing: Vec<String>,
}

/// Where an agent listens at this address of an instance.
pub fn agent(address: IpAddr, port: u16) -> String {
    // A stand-in for AWS may give out the loopback, where agents are spoken to plainly unless they were told to join.
    let scheme = if address.is_loopback() {
        "http"
    } else {
        "https"
    };
    match address {
        IpAddr::V4(address) => format!("{scheme}://{address}:{port}"),
        IpAddr::V6(address) => format!("{scheme}://[{address}]:{port}"),
    }
}

/// The same address where its agent speaks TLS, or plainly: on the loopback alone that is not said by where it is.
pub fn spoken(address: &str, encrypted: bool) -> String {
    let Some((_, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let there = Endpoint::parse(rest).and_then(|it| it.host.parse::<IpAddr>().ok());
    match there.filter(IpAddr::is_loopback) {
        Some(_) if encrypted => format!("https://{rest}"),
        Some(_) => format!("http://{rest}"),
        None => address.to_owned(),
    }
}

/// Looks once.
///
/// # Errors
/// If AWS does not say.
#[cfg(feature = "aws")]
pub async fn look(accounts: &Accounts, wanted: &Wanted) -> Result<Found, AskError> {
    let looked = tokio::time::timeout(DEADLINE, accounts.instances(wanted)).await;
    let late = || Err(("EC2", crate::providers::aws::Trouble::late(DEADLINE)));
    match looked.unwrap_or_else(|_| late()) {
        Ok(found) => Ok(found),
        Err((service, trouble)) => {
            let account = Some(wanted.account.as_str());
            Err(accounts.told(service, account, trouble).await)
        }
    }
}

/// Looks once.
///
/// # Errors
/// This build has no AWS.
#[cfg(not(feature = "aws"))]
pub async fn look(accounts: &Accounts, wanted: &Wanted) -> Result<Found, AskError> {
    let absent = accounts.absent("EC2", Some(&wanted.account));
    std::future::ready(Err(absent)).await
}

#[cfg(test)]
mod tests {
    use super::{agent, spoken};

    #[test]
    fn agents_are_spoken_to_plainly_on_the_loopback_alone() {
        for (address, url) in [
            ("10.0.0.7", "https://10.0.0.7:7420"),
            ("fd00::7", "https://[fd00::7]:7420"),
            ("127.0.0.7", "http://127.0.0.7:7420"),
        ] {
            assert_eq!(agent(address.parse().unwrap(), 7420), url);
        }
    }

    #[test]
    fn nothing_leaves_the_machine_plainly() {
        for (address, encrypted, wanted) in [
            ("http://127.0.0.7:7420", true, "https://127.0.0.7:7420"),
            ("https://127.0.0.7:7420", false, "http://127.0.0.7:7420"),
            ("http://[::1]:7420", true, "https://[::1]:7420"),
            ("https://10.0.0.7:7420", false, "https://10.0.0.7:7420"),
            ("", true, ""),
        ] {
            assert_eq!(spoken(address, encrypted), wanted);
        }
    }
}
