//! `NetworkConfiguration`: the network of the new task set.

use serde::{Deserialize, Serialize};

use crate::appspec::fields::Findings;
use crate::appspec::spot::Spot;

const SECTION: &str = "NetworkConfiguration";
const INNER: &str = "AwsvpcConfiguration";
const KEYS: [&str; 3] = ["Subnets", "SecurityGroups", "AssignPublicIp"];

/// The network of tasks, which have an address each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// The subnets in which tasks run.
    pub subnets: Vec<String>,
    /// What may reach them.
    pub security_groups: Vec<String>,
    /// Whether their addresses are public.
    pub assign_public_ip: AssignPublicIp,
}

/// Whether tasks have public addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AssignPublicIp {
    /// They have.
    Enabled,
    /// They have not.
    Disabled,
}

/// All of the network, or none: half of one says nothing about the other half.
pub(super) fn read(properties: &Spot, findings: &mut Findings) -> Option<Network> {
    let section = properties.field(SECTION)?;
    if !findings.is_mapping("L04", &section, "write AwsvpcConfiguration below it") {
        return None;
    }
    findings.keys("L01", &section, &[INNER]);
    let inner = section.field(INNER)?;
    let remedy = "write Subnets, SecurityGroups and AssignPublicIp below it";
    if !findings.is_mapping("L04", &inner, remedy) {
        return None;
    }
    findings.keys("L01", &inner, &KEYS);
    let [subnets, groups, public] = KEYS.map(|key| inner.field(key));
    if subnets.is_none() && groups.is_none() && public.is_none() {
        return None;
    }
    let remedy = "a network is given as a whole, or not at all";
    for key in KEYS {
        findings.demand("L04", &inner, key, remedy);
    }
    let subnets = subnets.and_then(|spot| names(&spot, findings));
    let security_groups = groups.and_then(|spot| names(&spot, findings));
    let assign_public_ip = public.and_then(|spot| choice(&spot, findings));
    Some(Network {
        subnets: subnets?,
        security_groups: security_groups?,
        assign_public_ip: assign_public_ip?,
    })
}

fn names(spot: &Spot, findings: &mut Findings) -> Option<Vec<String>> {
    let remedy = "write one id or more in a list";
    let items = findings.several("L04", spot, remedy)?;
    if items.is_empty() {
        findings.wrong("L04", spot, format!("the list is empty; {remedy}"));
        return None;
    }
    let names: Vec<_> = items
        .iter()
        .filter_map(|item| findings.word("L04", item, "write an id"))
        .map(str::to_owned)
        .collect();
    (names.len() == items.len()).then_some(names)
}

fn choice(spot: &Spot, findings: &mut Findings) -> Option<AssignPublicIp> {
    match spot.node.as_str().map(str::trim) {
        Some("ENABLED") => Some(AssignPublicIp::Enabled),
        Some("DISABLED") => Some(AssignPublicIp::Disabled),
        _ => {
            findings.wrong("L04", spot, "write ENABLED or DISABLED, in capitals");
            None
        }
    }
}
