//! `AppSpec`s of the Lambda platform: the traffic of a function's alias goes from one version to another.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fields::Findings;
use super::resource::{self, Kind};
use super::spot::Spot;
use super::{Finding, Review, function};
use crate::model::application::ComputePlatform;
use crate::model::lifecycle::LifecycleEvent;

/// What the one resource is.
pub(super) const FUNCTION: Kind = Kind {
    platform: ComputePlatform::Lambda,
    name: "AWS::Lambda::Function",
    properties: &["Name", "Alias", "CurrentVersion", "TargetVersion"],
    id: "L03",
};

/// What a revision asks of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppSpec {
    /// Whose traffic moves.
    pub function: Function,
    /// The functions that check the deployment, in the order of their events.
    #[serde(default)]
    pub hooks: BTreeMap<LifecycleEvent, String>,
}

/// A function's alias, and the versions that it leads to before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Function {
    /// The function's name, or its ARN.
    pub name: String,
    /// The alias whose traffic is shifted.
    pub alias: String,
    /// The version that gets the traffic by now; none means whichever the alias leads to.
    #[serde(default)]
    pub current_version: Option<u64>,
    /// The version that is to get it.
    pub target_version: u64,
}

impl Function {
    /// Its name alone, also where an ARN names it.
    pub fn short_name(&self) -> &str {
        function::parse(&self.name).map_or(&self.name, |reference| reference.name)
    }
}

/// Reads an `AppSpec` of the Lambda platform.
///
/// # Errors
///
/// Everything that is wrong with it.
pub fn parse(text: &str) -> Result<AppSpec, Vec<Finding>> {
    review(text).whole()
}

/// Reads an `AppSpec` of the Lambda platform, and answers everything that there is to say about it.
pub fn review(text: &str) -> Review<AppSpec> {
    resource::review(text, FUNCTION, read, |function, hooks| AppSpec {
        function,
        hooks,
    })
}

fn read(properties: &Spot, findings: &mut Findings) -> Option<Function> {
    let name = name(properties, findings);
    let alias = alias(properties, findings);
    let current = properties.field("CurrentVersion");
    let current_version = current
        .as_ref()
        .map(|spot| number(spot, findings).ok_or(()));
    let target = findings.demand(
        "L03",
        properties,
        "TargetVersion",
        "write the number of the version that is to get the traffic",
    );
    let target_version = target.as_ref().and_then(|spot| number(spot, findings));
    if let (Some(target), Some(Ok(current)), Some(version)) =
        (&target, current_version, target_version)
        && current == version
    {
        let message = format!(
            "the traffic is to go from version {version} to the same; publish a version and write its number"
        );
        findings.wrong("L08", target, message);
    }
    Some(Function {
        name: name?,
        alias: alias?,
        current_version: current_version.transpose().ok()?,
        target_version: target_version?,
    })
}

fn name(properties: &Spot, findings: &mut Findings) -> Option<String> {
    let remedy = "write the name of the function";
    let spot = findings.demand("L03", properties, "Name", remedy)?;
    let text = findings.word("L03", &spot, remedy)?;
    let problem = match function::parse(text) {
        Ok(reference) => reference.qualifier.map(|qualifier| {
            format!("{qualifier:?} behind the name has no meaning here; write it as Alias or TargetVersion")
        }),
        Err(problem) => Some(problem),
    };
    match problem {
        None => Some(text.to_owned()),
        Some(problem) => {
            findings.wrong("L03", &spot, problem);
            None
        }
    }
}

fn alias(properties: &Spot, findings: &mut Findings) -> Option<String> {
    let remedy = "write the name of the alias whose traffic is to be shifted";
    let spot = findings.demand("L03", properties, "Alias", remedy)?;
    let text = findings.word("L03", &spot, remedy)?;
    match function::alias_problem(text) {
        None => Some(text.to_owned()),
        Some(problem) => {
            findings.wrong("L03", &spot, problem);
            None
        }
    }
}

/// The number of a version.
fn number(spot: &Spot, findings: &mut Findings) -> Option<u64> {
    let version = spot.number().filter(|version| *version > 0);
    if version.is_none() {
        let message = match spot.node.as_str() {
            Some("$LATEST") => {
                "$LATEST is what is not published yet; publish a version and write its number"
                    .to_owned()
            }
            Some(text) => {
                format!("{text:?} is no version, which is a whole number above zero such as 42")
            }
            None => format!(
                "this is {}, and a version is a whole number above zero such as 42",
                spot.node.kind()
            ),
        };
        findings.wrong("L03", spot, message);
    }
    version
}
