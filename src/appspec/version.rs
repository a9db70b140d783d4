//! The one version of the format, which all platforms share.

use crate::model::yaml::{Node, Value};

/// What is wrong with the value of `version`.
pub(super) fn problem(version: Option<&Node>) -> Option<&'static str> {
    match version {
        None => Some("version is missing; write version: 0.0"),
        Some(node) if is_zero(&node.value) => None,
        Some(_) => Some("write version: 0.0; there is no other"),
    }
}

/// The number zero without an exponent, or the texts `0.0` and `0`.
fn is_zero(value: &Value) -> bool {
    let Value::Scalar { text, plain } = value else {
        return false;
    };
    if !plain {
        return text == "0.0" || text == "0";
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.contains('0')
        && digits.chars().all(|c| matches!(c, '0' | '.'))
        && digits.matches('.').count() <= 1
}
