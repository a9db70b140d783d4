//! Automatic deployments in `cutover.yaml`: whether each is of a group, and of one alone.

use super::document::Document;
use super::problem::{Problem, Problems, Severity};
use crate::model::automatic::{AutomaticDeployment, SHORTEST};
use crate::model::group::DeploymentGroup;
use crate::model::yaml::{self, Path};

/// Checks which groups follow what, and how often it is looked at.
pub(super) fn check(
    all: &[AutomaticDeployment],
    document: &Document,
    groups: &[DeploymentGroup],
    problems: &mut Problems,
) {
    let list = Path::root().key("automaticDeployments");
    for (index, one) in all.iter().enumerate() {
        let path = list.index(index);
        let key = one.key();
        if one.interval_seconds < SHORTEST {
            let message = format!("a place is looked at every {SHORTEST} seconds at most");
            let path = path.key("intervalSeconds");
            problems.add(document.problem(Severity::Error, &path, message));
        }
        let names = || groups.iter().map(DeploymentGroup::key);
        if !names().any(|known| known == key) {
            let known: Vec<String> = names().map(|known| known.to_string()).collect();
            let known = known.iter().map(String::as_str);
            let message = format!("there is no deployment group {key}");
            problems.add(Problem {
                help: yaml::nearest(&key.to_string(), known),
                ..document.problem(Severity::Error, &path.key("group"), message)
            });
        }
        if let Some(first) = all.iter().position(|other| other.key() == key)
            && first < index
        {
            let message = format!(
                "automaticDeployments[{first}] is of {key} already: a group follows one place"
            );
            problems.add(document.problem(Severity::Error, &path, message));
        }
    }
}
