//! Functions: where the alias of one is, and its versions.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::model::endpoint::Endpoint;
use crate::model::name::Name;

/// What the `Name` and `Alias` of a function in an `AppSpec` stand for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FunctionConnection {
    /// The function, as the `AppSpec` names it.
    pub name: String,
    /// The alias, likewise. Both together are unique in the project.
    pub alias: String,
    /// Who gives requests to its versions.
    pub via: FunctionKind,
}

/// Who gives requests to the versions of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FunctionKind {
    /// A load balancer: the alias is its route, and each version a server behind it.
    Endpoints(FunctionEndpoints),
    /// AWS Lambda: name, alias and versions are those there.
    Lambda(LambdaAlias),
}

/// Versions that are servers behind a load balancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FunctionEndpoints {
    /// The load balancer, as `connections.loadBalancers` names it.
    pub load_balancer: String,
    /// Where each version serves.
    pub versions: BTreeMap<Version, Endpoint>,
}

/// An alias at AWS Lambda.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LambdaAlias {
    /// The account that has the function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

impl FunctionConnection {
    /// The function's name alone, also where an ARN names it.
    pub fn short_name(&self) -> &str {
        self.name.rsplit(':').next().unwrap_or(&self.name)
    }

    /// What the server is called that a version is.
    ///
    /// # Errors
    /// If it can't be a server's name, in a sentence.
    pub fn server(&self, version: Version) -> Result<Name, String> {
        let server = format!("{}-{version}", self.short_name());
        let name = server.parse();
        name.map_err(|error| format!("{server:?} is no server's name: {error}"))
    }
}

/// The number of a function's version, above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Version(pub u64);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Version {
    /// From a number, or from its digits: that is what a number becomes as a key in JSON.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Digits)
    }
}

struct Digits;

impl Visitor<'_> for Digits {
    type Value = Version;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a version, which is a whole number above zero such as 42")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Version, E> {
        if number == 0 {
            return Err(E::invalid_value(Unexpected::Unsigned(number), &self));
        }
        Ok(Version(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Version, E> {
        match text.parse() {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }
}
