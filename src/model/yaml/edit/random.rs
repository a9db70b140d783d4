//! Random edits: the text means what is wanted, and lines that have nothing to do with it stay.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use similar::{DiffOp, TextDiff};

use super::{Change, Content, Format, edit};
use crate::model::yaml::node::{Node, Value};
use crate::model::yaml::parse;
use crate::model::yaml::path::Path;

const DOCUMENTS: [(Format, &str); 5] = [
    (
        Format::Yaml,
        include_str!("../../../../assets/init/cutover.yaml"),
    ),
    (
        Format::Yaml,
        include_str!("../../../../assets/init/applications/shop/production.yaml"),
    ),
    (
        Format::Yaml,
        "# CRLF\r\na:   'x'  # one\r\n\r\nb:\r\n    # two\r\n    c: [1, 2,]\r\n    d: { e: \"f\" } # three\r\n\r\n# four\r\ng: |\r\n    text\r\n    more\r\nh:\r\n- i # five\r\n-   j: 1\r\n    k: ~\r\n# six\r\n",
    ),
    (
        Format::Yaml,
        "a: [\n  b, # b\n  { c: d,\n    e: f }, # e\n  # lonely\n  [g]\n] # a\nh:\nk:\n  - - x\n    - y # y\n  # z\n  - - z\nl: last # no line end",
    ),
    (
        Format::Json,
        "{\n    \"deploymentGroupInfo\": {\n        \"applicationName\": \"shop\",\n        \"ec2TagFilters\": [\n            {\n                \"Key\": \"role\",\n                \"Type\": \"KEY_ONLY\"\n            }\n        ],\n        \"empty\": {},\n        \"alarms\": [],\n        \"list\": [1, 2, 3],\n        \"enabled\": false\n    }\n}\n",
    ),
];

fn scalar() -> impl Strategy<Value = Content> {
    prop_oneof![
        "[a-z]{1,8}".prop_map(Content::text),
        "[ -~äß😀\n]{0,12}".prop_map(Content::text),
        prop::sample::select(vec![
            "yes", "0644", "null", "- a", "#x", "a: b", "*a", "[", "~"
        ])
        .prop_map(Content::text),
        any::<u32>().prop_map(|number| Content::number(number.into())),
        any::<bool>().prop_map(Content::flag),
    ]
}

fn content() -> impl Strategy<Value = Content> {
    scalar().prop_recursive(3, 12, 4, |inner| {
        let key = prop_oneof!["[a-zA-Z]{1,6}", "[ -~]{1,6}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Content::Sequence),
            prop::collection::btree_map(key, inner, 0..4)
                .prop_map(|entries| Content::Mapping(entries.into_iter().collect())),
        ]
    })
}

/// Every path of a document, with what is there.
fn places(content: &Content, path: &Path, found: &mut Vec<(Path, Content)>) {
    found.push((path.clone(), content.clone()));
    match content {
        Content::Mapping(entries) => {
            for (key, value) in entries {
                places(value, &path.key(key.as_str()), found);
            }
        }
        Content::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &path.index(index), found);
            }
        }
        Content::Null | Content::Scalar { .. } => {}
    }
}

/// A change at one of the document's places.
fn change(text: &str, at: Index, verb: u8, new: Content) -> Change {
    let mut found = Vec::new();
    places(
        &Content::from(&parse(text).unwrap().unwrap()),
        &Path::root(),
        &mut found,
    );
    let (path, there) = at.get(&found).clone();
    match (verb % 3, &there) {
        (0, Content::Mapping(_)) => Change::Set(path.key("new"), new),
        (0, Content::Sequence(_)) => Change::Append(path, new),
        _ if path == Path::root() => Change::Set(path.key("new"), new),
        (1, _) => Change::Remove(path),
        _ => Change::Set(path, new),
    }
}

/// The lines that a change may touch: those of what it is about, and the ones right before that a comma or a bracket may
/// have to be put on.
fn touched(text: &str, root: &Node, change: &Change) -> BTreeSet<usize> {
    let path = match change {
        Change::Set(path, _) | Change::Append(path, _) | Change::Remove(path) => path,
    };
    let line = |offset: usize| text[..offset].matches('\n').count();
    let mut lines = BTreeSet::new();
    let mut here = root;
    let mut key_line = line(root.span.start.offset);
    for step in path.steps() {
        use crate::model::yaml::path::Step;
        lines.insert(key_line);
        // The closing bracket, which comes up when nothing is left.
        lines.insert(line(here.span.end.offset));
        let before = match (step, &here.value) {
            (Step::Key(key), Value::Mapping(entries)) => {
                let at = entries.iter().position(|(k, _)| k.as_str() == Some(key));
                let before = at.unwrap_or(entries.len()).checked_sub(1);
                let before = before.map(|at| &entries[at].1);
                if let Some(at) = at {
                    // What comes up behind the dash when the first entry goes.
                    let next = entries.get(at + 1).filter(|_| at == 0);
                    lines.extend(next.map(|(key, _)| line(key.span.start.offset)));
                    key_line = line(entries[at].0.span.start.offset);
                    here = &entries[at].1;
                } else {
                    lines.extend(before.map(|node| line(node.span.end.offset)));
                    lines.insert(line(here.span.end.offset));
                    return lines;
                }
                before
            }
            (Step::Index(index), Value::Sequence(items)) => {
                let before = index.checked_sub(1).map(|at| &items[at]);
                let next = items.get(index + 1).filter(|_| *index == 0);
                lines.extend(next.map(|item| line(item.span.start.offset)));
                here = &items[*index];
                key_line = line(here.span.start.offset);
                before
            }
            _ => None,
        };
        if let Some(before) = before {
            lines.insert(line(before.span.end.offset));
        }
    }
    lines.insert(key_line);
    match (change, here.as_sequence()) {
        (Change::Append(..), Some(items)) if !items.is_empty() => {
            lines.extend(items.last().map(|item| line(item.span.end.offset)));
            lines.insert(line(here.span.end.offset));
        }
        _ => lines.extend(key_line..=line(here.span.end.offset)),
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn only_what_is_meant_changes(
        document in 0..DOCUMENTS.len(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>(), content()), 1..4),
    ) {
        let (format, text) = DOCUMENTS[document];
        let mut text = text.to_owned();
        for (at, verb, new) in changes {
            let change = change(&text, at, verb, new);
            let root = parse(&text).unwrap().unwrap();
            let mut wanted = Content::from(&root);
            wanted.apply(&change).unwrap();
            let after = match edit(&text, format, std::slice::from_ref(&change)) {
                Ok(after) => after,
                Err(error) => return Err(TestCaseError::fail(format!("{change:?}: {error}\n{text}"))),
            };
            let read = parse(&after).unwrap().map_or_else(Content::empty, |node| Content::from(&node));
            prop_assert!(read.same(&wanted), "{change:?}\n{text}\n{after}");
            let windows = text.contains("\r\n");
            prop_assert!(!windows || !after.replace("\r\n", "").contains('\n'), "{after:?}");
            // Without their ends, for the last line has none in some documents.
            let (old, new): (Vec<&str>, Vec<&str>) = (text.lines().collect(), after.lines().collect());
            let allowed = touched(&text, &root, &change);
            for op in TextDiff::from_slices(&old, &new).ops() {
                if !matches!(op, DiffOp::Equal { .. } | DiffOp::Insert { .. }) {
                    let old: Vec<usize> = op.old_range().collect();
                    prop_assert!(
                        old.iter().all(|line| allowed.contains(line)),
                        "lines {old:?} of {allowed:?}: {change:?}\n{text}\n{after}"
                    );
                }
            }
            text = after;
        }
    }
}
