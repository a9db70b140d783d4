//! The `files` section.

use super::{FileEntry, paths};
use crate::appspec::fields::{Findings, position, present};
use crate::model::yaml::Node;

pub(super) fn read(document: &Node, findings: &mut Findings) -> Vec<FileEntry> {
    let Some(node) = present(document, "files") else {
        return Vec::new();
    };
    let entries = findings.list("E05", "files", node);
    entries
        .iter()
        .filter_map(|entry| one(entry, findings))
        .collect()
}

fn one(entry: &Node, findings: &mut Findings) -> Option<FileEntry> {
    if entry.as_mapping().is_none() {
        let message = format!(
            "an entry is a mapping with a source and a destination, but this is {}",
            entry.kind()
        );
        findings.error("E05", entry, message);
        return None;
    }
    findings.unknown_keys(entry, &["source", "destination"]);
    let source = findings.required("E05", "source", entry);
    let destination = findings.required("E06", "destination", entry);
    let (source, destination) = (source?, destination?);
    let inside = paths::inside(source);
    if inside.is_none() {
        let message = format!("the source {source:?} leads out of the revision");
        findings.error("E09", entry.get("source").unwrap_or(entry), message);
    }
    let absolute = paths::absolute(destination);
    if absolute.is_none() {
        let message = format!("the destination {destination:?} is not an absolute path");
        findings.error("E07", entry.get("destination").unwrap_or(entry), message);
    }
    Some(FileEntry {
        source: inside?,
        destination: absolute?,
        position: position(entry),
    })
}
