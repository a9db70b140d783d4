//! Instances of AWS as hosts: those that have certain tags, and those of Auto Scaling groups.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use crate::model::host::Host;
use crate::providers::aws::Accounts;

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

/// Why nobody knows which instances there are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookError {
    /// AWS will not say, however often it is asked.
    #[error("{0}")]
    Refused(String),
    /// It does not know who asks.
    #[error("{0}")]
    Unknown(String),
    /// It has been asked too often.
    #[error("{0}")]
    Busy(String),
    /// Nobody answered.
    #[error("{0}")]
    Unreachable(String),
}

/// Where an agent listens at this address of an instance.
pub fn agent(address: IpAddr, port: u16) -> String {
    // A stand-in for AWS may give out the loopback, where agents are spoken to plainly.
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

/// Looks once.
///
/// # Errors
/// If AWS does not say.
#[cfg(feature = "aws")]
pub async fn look(accounts: &Accounts, wanted: &Wanted) -> Result<Found, LookError> {
    use crate::providers::aws::{Kind, Trouble};

    let looked = tokio::time::timeout(DEADLINE, accounts.instances(wanted)).await;
    let (service, trouble) = match looked {
        Ok(Ok(found)) => return Ok(found),
        Ok(Err((service, trouble))) => (service, trouble),
        Err(_) => ("EC2", Trouble::late(DEADLINE)),
    };
    accounts.renew(&trouble).await;
    let label = accounts.label(service, Some(&wanted.account));
    let message = format!("{label}: {}", trouble.reason);
    Err(match trouble.kind {
        Kind::Refused => LookError::Refused(message),
        Kind::Credentials => LookError::Unknown(message),
        Kind::Busy => LookError::Busy(message),
        Kind::Unreachable => LookError::Unreachable(message),
    })
}

/// Looks once.
///
/// # Errors
/// This build has no AWS.
#[cfg(not(feature = "aws"))]
pub async fn look(accounts: &Accounts, wanted: &Wanted) -> Result<Found, LookError> {
    let label = accounts.label("EC2", Some(&wanted.account));
    let message = format!("{label}: {}", crate::providers::aws::ABSENT);
    std::future::ready(Err(LookError::Refused(message))).await
}

#[cfg(test)]
mod tests {
    use super::agent;

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
}
