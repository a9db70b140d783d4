//! Variables that a script is given beside the agent's own.

use crate::appspec::fields::{Findings, present};
use crate::model::yaml::Node;

/// The variables that the agent sets itself.
pub const RESERVED_VARIABLES: [&str; 15] = [
    "APPLICATION_NAME",
    "DEPLOYMENT_ID",
    "DEPLOYMENT_GROUP_NAME",
    "DEPLOYMENT_GROUP_ID",
    "LIFECYCLE_EVENT",
    "BUNDLE_BUCKET",
    "BUNDLE_KEY",
    "BUNDLE_VERSION",
    "BUNDLE_ETAG",
    "BUNDLE_COMMIT",
    "BUNDLE_DIR",
    "DEPLOYMENT_CREATOR",
    "DEPLOYMENT_TYPE",
    "INSTALL_ROOT",
    "CUTOVER_SCRIPT",
];

pub(super) fn read(entry: &Node, findings: &mut Findings) -> Vec<(String, String)> {
    let Some(node) = present(entry, "environment") else {
        return Vec::new();
    };
    let Some(variables) = node.as_mapping() else {
        let message = format!(
            "environment is a mapping of names to values, but this is {}",
            node.kind()
        );
        findings.error("E53", node, message);
        return Vec::new();
    };
    variables
        .iter()
        .filter(|(_, value)| !value.is_null())
        .filter_map(|(name, value)| one(name, value, findings))
        .collect()
}

fn one(name: &Node, value: &Node, findings: &mut Findings) -> Option<(String, String)> {
    let text = name.as_str()?;
    if !is_name(text) {
        let message = format!(
            "{text:?} is no name for a variable: letters, digits and _, not beginning with a digit"
        );
        findings.error("E53", name, message);
        return None;
    }
    if RESERVED_VARIABLES.contains(&text) {
        let message = format!("the agent sets {text} itself; choose another name");
        findings.error("E54", name, message);
        return None;
    }
    let Some(written) = value.as_str() else {
        let message = format!("the value of {text} is text, but this is {}", value.kind());
        findings.error("E53", value, message);
        return None;
    };
    if written.contains('\0') {
        let message = format!("the value of {text} contains a NUL character");
        findings.error("E53", value, message);
        return None;
    }
    Some((text.to_owned(), written.to_owned()))
}

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}
