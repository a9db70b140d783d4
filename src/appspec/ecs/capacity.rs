//! `CapacityProviderStrategy`: where the tasks of the new task set run.

use serde::{Deserialize, Serialize};

use crate::appspec::fields::Findings;
use crate::appspec::spot::Spot;

const SECTION: &str = "CapacityProviderStrategy";
const KEYS: [&str; 3] = ["Base", "CapacityProvider", "Weight"];

/// One of those that tasks run at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capacity {
    /// So many tasks run there before any runs elsewhere.
    pub base: u32,
    /// Its name.
    pub capacity_provider: String,
    /// Its share of the other tasks, in relation to the others' weights.
    pub weight: u32,
}

/// The strategy, as far as it is right.
pub(super) fn read(properties: &Spot, findings: &mut Findings) -> Vec<Capacity> {
    let Some(section) = properties.field(SECTION) else {
        return Vec::new();
    };
    let remedy = "write a list of CapacityProvider with Weight and Base";
    let Some(items) = findings.several("L04", &section, remedy) else {
        return Vec::new();
    };
    let mut strategy: Vec<Capacity> = Vec::new();
    let mut is_right = true;
    for item in &items {
        let Some(capacity) = one(item, findings) else {
            is_right = false;
            continue;
        };
        if capacity.base > 0
            && let Some(other) = strategy.iter().find(|other| other.base > 0)
        {
            let message = format!(
                "{} has a Base already, and only one may; leave this one out",
                other.capacity_provider
            );
            let base = item.field("Base");
            findings.wrong("L04", base.as_ref().unwrap_or(item), message);
        }
        strategy.push(capacity);
    }
    // Of what is wrong in itself nobody knows the weight.
    if is_right && strategy.len() > 1 && strategy.iter().all(|one| one.weight == 0) {
        let message = "no provider has a Weight above zero, so tasks beyond Base run nowhere; give one a Weight";
        findings.wrong("L04", &section, message);
    }
    strategy
}

fn one(item: &Spot, findings: &mut Findings) -> Option<Capacity> {
    if !findings.is_mapping("L04", item, "write CapacityProvider, Weight and Base") {
        return None;
    }
    findings.keys("L01", item, &KEYS);
    let remedy = "write the name of the provider";
    let provider = findings.demand("L04", item, "CapacityProvider", remedy);
    let provider = provider.and_then(|spot| findings.word("L04", &spot, remedy));
    let base = count(item, "Base", findings);
    let weight = count(item, "Weight", findings);
    Some(Capacity {
        base: base?,
        capacity_provider: provider?.to_owned(),
        weight: weight?,
    })
}

/// A whole number; zero where there is none.
fn count(item: &Spot, name: &str, findings: &mut Findings) -> Option<u32> {
    let Some(spot) = item.field(name) else {
        return Some(0);
    };
    let number = spot.number().and_then(|number| u32::try_from(number).ok());
    if number.is_none() {
        let message = format!("{name} is a whole number from zero up");
        findings.wrong("L04", &spot, message);
    }
    number
}
