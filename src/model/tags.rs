//! Tags, tag filters and tag groups, with `CodeDeploy`'s exact matching.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The tags of a host: at most one value a key.
pub type Tags = BTreeMap<String, String>;

/// `EC2TagFilter` and `TagFilter`: one condition on a host's tags.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagFilter {
    /// The tag's key, compared exactly.
    #[serde(rename = "Key", skip_serializing_if = "Option::is_none", default)]
    pub key: Option<String>,
    /// The tag's value; `*` stands for any run of characters, `?` for one, `\` takes the next character literally.
    #[serde(rename = "Value", skip_serializing_if = "Option::is_none", default)]
    pub value: Option<String>,
    /// Which of the two is compared; inferred from what is given when absent.
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none", default)]
    pub kind: Option<TagFilterType>,
}

/// `EC2TagFilterType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TagFilterType {
    /// Some tag has the key.
    KeyOnly,
    /// Some tag has the value.
    ValueOnly,
    /// A tag has both.
    KeyAndValue,
}

/// Why a filter can't match anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagFilterError {
    /// Neither key nor value.
    #[error("a tag filter needs Key, Value or both (InvalidTagException)")]
    Empty,
    /// The type needs a key.
    #[error("a tag filter of this Type needs Key (InvalidTagException)")]
    NoKey,
    /// The type needs a value.
    #[error("a tag filter of this Type needs Value (InvalidTagException)")]
    NoValue,
}

impl TagFilter {
    /// Whether the filter is complete.
    ///
    /// # Errors
    /// Says which part is missing.
    pub fn check(&self) -> Result<TagFilterType, TagFilterError> {
        let kind = match (self.kind, &self.key, &self.value) {
            (Some(kind), ..) => kind,
            (None, Some(_), Some(_)) => TagFilterType::KeyAndValue,
            (None, Some(_), None) => TagFilterType::KeyOnly,
            (None, None, Some(_)) => TagFilterType::ValueOnly,
            (None, None, None) => return Err(TagFilterError::Empty),
        };
        if kind != TagFilterType::ValueOnly && self.key.is_none() {
            return Err(TagFilterError::NoKey);
        }
        if kind != TagFilterType::KeyOnly && self.value.is_none() {
            return Err(TagFilterError::NoValue);
        }
        Ok(kind)
    }

    /// Whether a host with these tags is meant. An incomplete filter matches nothing.
    pub fn matches(&self, tags: &Tags) -> bool {
        let value = self.value.as_deref().unwrap_or_default();
        let key = self.key.as_deref().unwrap_or_default();
        match self.check() {
            Ok(TagFilterType::KeyOnly) => tags.contains_key(key),
            Ok(TagFilterType::ValueOnly) => tags.values().any(|have| wildcard(value, have)),
            Ok(TagFilterType::KeyAndValue) => {
                tags.get(key).is_some_and(|have| wildcard(value, have))
            }
            Err(_) => false,
        }
    }
}

/// A flat list: any filter suffices. An empty list selects nothing.
pub fn any_matches(filters: &[TagFilter], tags: &Tags) -> bool {
    filters.iter().any(|filter| filter.matches(tags))
}

/// Tag groups: every group needs one matching filter. No groups select nothing.
pub fn all_groups_match(groups: &[Vec<TagFilter>], tags: &Tags) -> bool {
    !groups.is_empty() && groups.iter().all(|group| any_matches(group, tags))
}

/// One piece of a wildcard pattern.
enum Piece {
    Run,
    One,
    Literal(char),
}

/// Matches `text` against a pattern of `*`, `?` and `\`-escaped characters, in time linear in pattern times text.
fn wildcard(pattern: &str, text: &str) -> bool {
    let mut pieces = Vec::new();
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        pieces.push(match c {
            '*' => Piece::Run,
            '?' => Piece::One,
            '\\' => Piece::Literal(characters.next().unwrap_or('\\')),
            other => Piece::Literal(other),
        });
    }
    let text: Vec<char> = text.chars().collect();
    // reachable[i]: the pieces so far can consume exactly the first i characters.
    let mut reachable = vec![false; text.len() + 1];
    reachable[0] = true;
    for piece in pieces {
        let mut next = vec![false; text.len() + 1];
        match piece {
            Piece::Run => {
                let mut seen = false;
                for (to, from) in next.iter_mut().zip(&reachable) {
                    seen |= from;
                    *to = seen;
                }
            }
            Piece::One => next[1..].copy_from_slice(&reachable[..text.len()]),
            Piece::Literal(c) => {
                for (i, have) in text.iter().enumerate() {
                    next[i + 1] = reachable[i] && *have == c;
                }
            }
        }
        reachable = next;
    }
    reachable[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    fn filter(key: Option<&str>, value: Option<&str>) -> TagFilter {
        TagFilter {
            key: key.map(str::to_owned),
            value: value.map(str::to_owned),
            kind: None,
        }
    }

    #[test]
    fn wildcards_in_values() {
        for (pattern, text, expected) in [
            ("GRP-*a", "GRP-1a", true),
            ("GRP-*a", "GRP-XYZ-a", true),
            ("GRP-*a", "GRP-1b", false),
            ("web-?", "web-1", true),
            ("web-?", "web-12", false),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("Beta", "beta", false),
            ("*a*b*", "xxaxxbxx", true),
        ] {
            assert_eq!(wildcard(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn keys_take_no_wildcards() {
        assert!(!filter(Some("En*"), Some("x")).matches(&tags(&[("Env", "x")])));
        assert!(filter(Some("Env"), None).matches(&tags(&[("Env", "")])));
        assert!(filter(Some("Env"), Some("")).matches(&tags(&[("Env", "")])));
    }

    #[test]
    fn the_documented_truth_table_of_tag_groups() {
        let pair = |k: &str, v: &str| filter(Some(k), Some(v));
        let groups = vec![
            vec![pair("Env", "Beta"), pair("Env", "Staging")],
            vec![
                pair("Region", "North"),
                pair("Region", "South"),
                pair("Region", "East"),
            ],
            vec![pair("Type", "t2.medium"), pair("Type", "t2.large")],
        ];
        for (env, region, kind, expected) in [
            ("Beta", "North", "t2.medium", true),
            ("Staging", "East", "t2.large", true),
            ("Staging", "South", "t2.large", true),
            ("Beta", "West", "t2.medium", false),
            ("Staging", "East", "t2.micro", false),
            ("Production", "South", "t2.large", false),
        ] {
            let host = tags(&[
                ("Env", env),
                ("Region", region),
                ("Type", kind),
                ("Extra", "y"),
            ]);
            assert_eq!(
                all_groups_match(&groups, &host),
                expected,
                "{env} {region} {kind}"
            );
        }
    }

    #[test]
    fn nothing_given_selects_nothing() {
        let host = tags(&[("Env", "Beta")]);
        assert!(!any_matches(&[], &host));
        assert!(!all_groups_match(&[], &host));
        assert_eq!(filter(None, None).check(), Err(TagFilterError::Empty));
    }
}
