//! AWS: accounts, and what of them is named by an ARN.

use serde::{Deserialize, Serialize};

/// An account, and who this program is there. What is absent is as the AWS SDK finds it: the environment, the profiles of
/// `~/.aws`, or the machine that it runs on. There is no place for a credential here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AwsAccount {
    /// As `account` names it; unique in the project.
    pub name: String,
    /// The profile of `~/.aws/config` and `~/.aws/credentials`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The region of what no ARN names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The role that is assumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// Where every service is asked instead of at AWS: a private cloud, or a server for tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_url: Option<String>,
    /// The port at which the agents of its instances listen.
    #[serde(default = "agent_port", skip_serializing_if = "is_agent_port")]
    pub agent_port: u16,
}

/// Where agents listen on a network unless somebody says otherwise.
const AGENT_PORT: u16 = 7420;

fn agent_port() -> u16 {
    AGENT_PORT
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_agent_port(port: &u16) -> bool {
    *port == AGENT_PORT
}

impl Default for AwsAccount {
    fn default() -> Self {
        Self {
            name: String::new(),
            profile: None,
            region: None,
            role_arn: None,
            endpoint_url: None,
            agent_port: AGENT_PORT,
        }
    }
}

/// Whether two names may mean the same thing of AWS: an ARN and the name that it ends with do.
pub fn may_be_one(one: &str, other: &str) -> bool {
    let ends = |arn: &str, name: &str| {
        let last = arn.rsplit_once([':', '/']);
        last.is_some_and(|(_, last)| last == name)
    };
    one == other || ends(one, other) || ends(other, one)
}

/// Why nothing says which account is meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAccount {
    /// None has the name.
    #[error("no account of `connections.aws` is called {0}")]
    Unknown(String),
    /// Nothing is named, and there are several.
    #[error("there are several accounts in `connections.aws`: say which one, as `account: NAME`")]
    Several,
}

/// The account that is meant by a name, or by none: the only one then. `None` if there are no accounts at all: what the AWS
/// SDK finds by itself is meant.
///
/// # Errors
/// If none has the name, or nothing says which of several is meant.
pub fn account<'a>(
    accounts: &'a [AwsAccount],
    named: Option<&str>,
) -> Result<Option<&'a AwsAccount>, NoAccount> {
    match (named, accounts) {
        (Some(name), _) => {
            let found = accounts.iter().find(|account| account.name == name);
            let unknown = || NoAccount::Unknown(name.to_owned());
            found.map(Some).ok_or_else(unknown)
        }
        (None, []) => Ok(None),
        (None, [only]) => Ok(Some(only)),
        (None, _) => Err(NoAccount::Several),
    }
}

/// An ARN: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// Such as `sns`.
    pub service: &'a str,
    /// Where it is; empty for what is everywhere.
    pub region: &'a str,
    /// The rest, as its service writes it.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Reads one.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (head, partition) = (parts.next()?, parts.next()?);
        let (service, region) = (parts.next()?, parts.next()?);
        let (account, resource) = (parts.next()?, parts.next()?);
        let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let whole = head == "arn" && !partition.is_empty() && digits && !resource.is_empty();
        let plain = !text.contains(|c: char| c.is_whitespace() || c.is_control());
        (whole && plain).then_some(Self {
            service,
            region,
            resource,
        })
    }

    /// Reads one of this service, in a region, whose resource begins like this.
    pub fn of(text: &'a str, service: &str, resource: &str) -> Option<Self> {
        let arn = Self::parse(text)?;
        let fits = arn.service == service && arn.resource.starts_with(resource);
        (fits && !arn.region.is_empty()).then_some(arn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_and_the_name_at_its_end_may_be_one() {
        let of = |region: &str, resource: &str| {
            let (service, kind) = resource.split_once(' ').unwrap();
            format!("arn:aws:{service}:{region}:123456789012:{kind}")
        };
        for resource in ["lambda function:thumbs", "ecs service/main/thumbs"] {
            let arn = of("eu-west-1", resource);
            assert!(may_be_one("thumbs", "thumbs"));
            assert!(may_be_one(&arn, "thumbs") && may_be_one("thumbs", &arn));
            assert!(!may_be_one(&arn, "humbs"));
            assert!(!may_be_one(&arn, &of("us-east-1", resource)));
        }
    }

    #[test]
    fn without_a_name_the_only_account_is_meant() {
        let of = |name: &str| AwsAccount {
            name: name.to_owned(),
            ..AwsAccount::default()
        };
        let (one, two) = ([of("prod")], [of("prod"), of("test")]);
        assert_eq!(account(&[], None), Ok(None));
        assert_eq!(account(&one, None), Ok(Some(&one[0])));
        assert_eq!(account(&two, None), Err(NoAccount::Several));
        assert_eq!(account(&two, Some("test")), Ok(Some(&two[1])));
        let unknown = NoAccount::Unknown("tset".to_owned());
        assert_eq!(account(&two, Some("tset")), Err(unknown));
    }

    #[test]
    fn an_arn_says_which_service_and_where() {
        let topic = "arn:aws:sns:eu-west-1:123456789012:deploys";
        let arn = Arn::parse(topic).unwrap();
        assert_eq!(
            (arn.service, arn.region, arn.resource),
            ("sns", "eu-west-1", "deploys")
        );
        assert_eq!(Arn::of(topic, "sns", ""), Some(arn));
        assert_eq!(Arn::of(topic, "elasticloadbalancing", ""), None);
        let role = "arn:aws-cn:iam::123456789012:role/deploys";
        assert_eq!(Arn::parse(role).unwrap().resource, "role/deploys");
        assert_eq!(Arn::of(role, "iam", "role/"), None, "it has no region");
        for broken in [
            "",
            "deploys",
            "arn:aws:sns:eu-west-1:12345:deploys",
            "arn:aws:sns:eu-west-1:123456789012:",
            "arn:aws:sns:eu-west-1:123456789012:a b",
            "urn:aws:sns:eu-west-1:123456789012:deploys",
        ] {
            assert_eq!(Arn::parse(broken), None, "{broken}");
        }
    }
}
