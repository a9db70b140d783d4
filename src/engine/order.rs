//! The order in which instances are deployed: the sick first (configurations.md §4.6).

use super::deliberate::{Bug, deliberate};
use super::spec::TargetSpec;
use crate::model::name::Name;

/// Unhealthy instances first, then by revision health unknown, old, current; inside a class by zone and name, where
/// runs of digits count as numbers, so that `web-2` comes before `web-10`.
pub fn deployment_order(targets: &[TargetSpec]) -> Vec<Name> {
    let mut sorted: Vec<&TargetSpec> = targets.iter().collect();
    sorted.sort_by_cached_key(|target| {
        (
            target.instance_health,
            target.revision_health,
            target.zone.clone(),
            natural_key(target.name.as_str()),
        )
    });
    if deliberate(Bug::HealthyFirst) {
        sorted.reverse();
    }
    sorted
        .into_iter()
        .map(|target| target.name.clone())
        .collect()
}

/// A key that sorts runs of digits by their value.
fn natural_key(text: &str) -> Vec<(String, u128)> {
    let mut parts: Vec<(String, u128)> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let letters = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(letters);
        let digits = after
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(after.len());
        let (number, after) = after.split_at(digits);
        parts.push((word.to_owned(), number.parse().unwrap_or(u128::MAX)));
        rest = after;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::deployment::{InstanceHealth as I, RevisionHealth as R};

    fn target(name: &str, instance_health: I, revision_health: R) -> TargetSpec {
        TargetSpec {
            name: name.parse().unwrap(),
            zone: None,
            side: None,
            fleet: None,
            instance_health,
            revision_health,
        }
    }

    #[test]
    fn unhealthy_then_unknown_then_old_then_current() {
        let targets = [
            target("web-10", I::Healthy, R::Current),
            target("web-2", I::Healthy, R::Current),
            target("web-3", I::Healthy, R::Old),
            target("web-4", I::Healthy, R::Unknown),
            target("web-5", I::Unhealthy, R::Current),
        ];
        let order: Vec<_> = deployment_order(&targets)
            .iter()
            .map(|n| n.as_str().to_owned())
            .collect();
        assert_eq!(order, ["web-5", "web-4", "web-3", "web-2", "web-10"]);
    }
}
