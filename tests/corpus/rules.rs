//! Which rules there are, and that each of them is proved.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::case::{self, Case};

/// A rule as `rules.yaml` has it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Rule {
    /// Cases prove it.
    Cases(String),
    /// Something else does.
    Elsewhere(Elsewhere),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Elsewhere {
    rule: String,
    /// Functions of other tests: a file and a function each.
    #[serde(default)]
    tests: Vec<String>,
    /// Why nothing proves it yet.
    pending: Option<String>,
}

/// Checks that every rule is proved, and that the cases prove rules that exist.
///
/// # Errors
///
/// Everything that is missing.
pub fn check(cases: &[Case]) -> Result<(), String> {
    let text =
        fs::read_to_string(case::folder().join("rules.yaml")).map_err(|error| error.to_string())?;
    let headings: BTreeMap<String, Vec<Rule>> =
        serde_yaml::from_str(&text).map_err(|error| format!("rules.yaml: {error}"))?;
    let mut problems = Vec::new();
    let proved: BTreeSet<&str> = cases
        .iter()
        .flat_map(|case| case.rules.iter().map(String::as_str))
        .collect();
    let mut known = BTreeSet::new();
    for (heading, rules) in &headings {
        for rule in rules {
            let name = match rule {
                Rule::Cases(name) => {
                    if !proved.contains(name.as_str()) {
                        problems.push(format!("{heading}: no case proves {name:?}"));
                    }
                    name
                }
                Rule::Elsewhere(rule) => {
                    problems.extend(rule.tests.iter().filter_map(|test| missing(test)));
                    if rule.tests.is_empty() && rule.pending.is_none() {
                        problems.push(format!("{heading}: nothing proves {:?}", rule.rule));
                    }
                    &rule.rule
                }
            };
            if !known.insert(name.as_str()) {
                problems.push(format!("{heading}: {name:?} is there twice"));
            }
        }
    }
    let mut titles = BTreeSet::new();
    for case in cases {
        let unknown = case
            .rules
            .iter()
            .filter(|rule| !known.contains(rule.as_str()));
        problems.extend(unknown.map(|rule| format!("{}: there is no rule {rule:?}", case.title())));
        if !titles.insert(case.title()) {
            problems.push(format!(
                "{}: there are two cases of that name",
                case.title()
            ));
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.join("\n"))
    }
}

/// What is wrong with `tests/agent/install.rs some_function`.
fn missing(test: &str) -> Option<String> {
    let (file, function) = test.split_once(' ').unwrap_or((test, ""));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let source = fs::read_to_string(&path).unwrap_or_default();
    (function.is_empty() || !source.contains(&format!("fn {function}(")))
        .then(|| format!("there is no test {test}"))
}
