//! `SELinux` contexts.

use crate::appspec::fields::{Findings, present};
use crate::model::yaml::Node;

/// The highest category there is.
const LAST_CATEGORY: u16 = 1023;

/// A context for what was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The type.
    pub kind: String,
    /// The user, if it changes.
    pub user: Option<String>,
    /// The range in its normal form, if it changes.
    pub range: Option<String>,
}

type Refusal = (&'static str, String);

pub(super) fn read(entry: &Node, findings: &mut Findings) -> Option<Context> {
    let node = present(entry, "context")?;
    if node.as_mapping().is_none() {
        findings.error(
            "E30",
            node,
            format!("context is a mapping, but this is {}", node.kind()),
        );
        return None;
    }
    findings.unknown_keys(node, &["type", "user", "name", "range", "role"]);
    if let Some(role) = present(node, "role") {
        findings.error("E31", role, "a role cannot be set");
    }
    let kind = findings.required("E30", "type", node);
    let user = findings.optional("E30", "user", node);
    let user = user.or_else(|| findings.optional("E30", "name", node));
    let range = match findings.optional("E33", "range", node).map(range) {
        Some(Err((id, message))) => {
            findings.error(id, node.get("range").unwrap_or(node), message);
            None
        }
        Some(Ok(range)) => Some(range),
        None => None,
    };
    Some(Context {
        kind: kind?.to_owned(),
        user: user.map(str::to_owned),
        range,
    })
}

/// Reads `s0-s3:c0.c4,c9` and writes it in its normal form.
fn range(text: &str) -> Result<String, Refusal> {
    let (levels, categories) = match text.split_once(':') {
        Some((levels, categories)) => (levels, Some(categories)),
        None => (text, None),
    };
    let (low, high) = levels.split_once('-').unwrap_or((levels, levels));
    let (low, high) = (sensitivity(low)?, sensitivity(high)?);
    if high < low {
        return Err(("E32", format!("the range {text} ends below its beginning")));
    }
    let levels = if high > low {
        format!("s{low}-s{high}")
    } else {
        format!("s{low}")
    };
    match categories {
        Some(list) => Ok(format!("{levels}:{}", self::categories(list)?)),
        None => Ok(levels),
    }
}

fn sensitivity(text: &str) -> Result<u32, Refusal> {
    if text.is_empty() {
        return Err(("E33", "a part of the range is empty".to_owned()));
    }
    number(text, 's').ok_or_else(|| {
        (
            "E34",
            format!("the sensitivity {text} is not s and a number"),
        )
    })
}

fn categories(text: &str) -> Result<String, Refusal> {
    let mut chosen = std::collections::BTreeSet::new();
    for part in text.split(',') {
        let (low, high) = part.split_once('.').unwrap_or((part, part));
        let (low, high) = (category(low)?, category(high)?);
        if high < low {
            return Err((
                "E36",
                format!("the categories {part} are in the wrong order"),
            ));
        }
        for category in low..=high {
            if !chosen.insert(category) {
                return Err(("E37", format!("the category c{category} is there twice")));
            }
        }
    }
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for category in chosen {
        match runs.last_mut() {
            Some((_, high)) if *high + 1 == category => *high = category,
            _ => runs.push((category, category)),
        }
    }
    let shown = runs.iter().map(|(low, high)| {
        if low == high {
            format!("c{low}")
        } else {
            format!("c{low}.c{high}")
        }
    });
    Ok(shown.collect::<Vec<_>>().join(","))
}

fn category(text: &str) -> Result<u16, Refusal> {
    if text.is_empty() {
        return Err(("E33", "a part of the range is empty".to_owned()));
    }
    number(text, 'c')
        .and_then(|number| u16::try_from(number).ok())
        .filter(|number| *number <= LAST_CATEGORY)
        .ok_or_else(|| {
            (
                "E35",
                format!("the category {text} is not c and a number up to {LAST_CATEGORY}"),
            )
        })
}

fn number(text: &str, letter: char) -> Option<u32> {
    let digits = text.strip_prefix(letter)?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_checked_and_written_in_normal_form() {
        for (text, expected) in [
            ("s0", "s0"),
            ("s2-s2", "s2"),
            ("s1-s3:c0.c4,c9", "s1-s3:c0.c4,c9"),
            ("s0:c3,c1,c2", "s0:c1.c3"),
        ] {
            assert_eq!(range(text).unwrap(), expected, "{text}");
        }
        for (text, id) in [
            ("s3-s2", "E32"),
            ("s0:", "E33"),
            ("s0-", "E33"),
            ("s0:c1.", "E33"),
            ("sx", "E34"),
            ("s", "E34"),
            ("s0:c1024", "E35"),
            ("s0:x", "E35"),
            ("s0:c5.c3", "E36"),
            ("s0:c1,c0.c2", "E37"),
        ] {
            assert_eq!(range(text).unwrap_err().0, id, "{text}");
        }
    }
}
