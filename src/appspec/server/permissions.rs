//! The `permissions` section.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Acl, Permission, context, paths, select};
use crate::appspec::fields::{Findings, position, present};
use crate::model::yaml::{Node, Value};

const KEYS: [&str; 10] = [
    "object", "pattern", "except", "type", "owner", "group", "mode", "acls", "context", "self",
];

pub(super) fn read(document: &Node, findings: &mut Findings) -> Vec<Permission> {
    let Some(node) = present(document, "permissions") else {
        return Vec::new();
    };
    let entries = findings.list("E43", "permissions", node);
    entries
        .iter()
        .filter_map(|entry| one(entry, findings))
        .collect()
}

fn one(entry: &Node, findings: &mut Findings) -> Option<Permission> {
    if entry.as_mapping().is_none() {
        let message = format!(
            "an entry is a mapping with an object, but this is {}",
            entry.kind()
        );
        findings.error("E43", entry, message);
        return None;
    }
    findings.unknown_keys(entry, &KEYS);
    let object = findings.required("E41", "object", entry);
    // Empty text is no pattern's absence: it matches nothing, where an absent one matches everything.
    let pattern =
        present(entry, "pattern").map_or(Some("**"), |node| findings.text("E43", "pattern", node));
    let except = findings.texts("E43", "except", entry);
    let (files, directories) = kinds(entry, findings);
    let permission = Permission {
        object: PathBuf::new(),
        pattern: pattern.unwrap_or_default().to_owned(),
        except: except.iter().map(|(text, _)| (*text).to_owned()).collect(),
        files,
        directories,
        itself: itself(entry, findings),
        owner: findings.optional("E43", "owner", entry).map(str::to_owned),
        group: findings.optional("E43", "group", entry).map(str::to_owned),
        mode: mode(entry, findings),
        acls: acls(entry, findings),
        context: context::read(entry, findings),
        position: position(entry),
    };
    let object = object?;
    let Some(absolute) = paths::absolute(object) else {
        let message = format!("{object:?} is not an absolute path, so the entry changes nothing");
        findings.warning("W24", entry.get("object").unwrap_or(entry), message);
        return None;
    };
    let permission = Permission {
        object: absolute,
        ..permission
    };
    remark_on(&permission, entry, &except, findings);
    Some(permission)
}

/// Says so where an entry may not do what its author thinks.
fn remark_on(
    permission: &Permission,
    entry: &Node,
    except: &[(&str, &Node)],
    findings: &mut Findings,
) {
    if let Some(node) = present(entry, "pattern").filter(|node| node.as_str().is_some()) {
        let pattern = &permission.pattern;
        if pattern.is_empty() || pattern.contains('/') {
            let message = format!(
                "the pattern {pattern:?} never matches: \"**\" means everything below the object, any other pattern names directly below it"
            );
            findings.warning("W22", node, message);
        }
        literal(pattern, node, findings);
    }
    for (item, node) in except {
        if !select::can_except(permission, item) {
            findings.warning(
                "W22",
                node,
                format!("{item:?} excepts nothing that the entry means"),
            );
        }
        literal(item, node, findings);
    }
    if let Some(node) = present(entry, "mode")
        && permission.mode.is_some_and(|mode| mode & 0o111 == 0)
        && permission.directories
    {
        let message = "the mode applies to directories, which cannot be entered without x; set type: [file] if it is for files";
        findings.warning("W21", node, message);
    }
    if let Some(node) = present(entry, "type")
        && node.as_sequence().is_some_and(<[Node]>::is_empty)
    {
        findings.warning("W25", node, "type is empty, so the entry means nothing");
    }
    let changes = ["owner", "group", "mode", "acls", "context"];
    if !changes.iter().any(|key| present(entry, key).is_some()) {
        findings.warning(
            "W25",
            entry,
            "the entry sets neither owner, group, mode, acls nor context",
        );
    }
}

/// Only `*` is special in a pattern.
fn literal(pattern: &str, node: &Node, findings: &mut Findings) {
    if let Some(c) = pattern
        .chars()
        .find(|c| matches!(c, '?' | '[' | ']' | '{' | '}'))
    {
        let message =
            format!("in {pattern:?} the character {c} stands for itself; only * is special");
        findings.warning("W23", node, message);
    }
}

/// Whether the object is meant besides what is below it.
fn itself(entry: &Node, findings: &mut Findings) -> bool {
    let Some(node) = present(entry, "self") else {
        return false;
    };
    node.as_bool().unwrap_or_else(|| {
        findings.error("E43", node, "self is true or false");
        false
    })
}

/// Whether files and whether directories are meant.
fn kinds(entry: &Node, findings: &mut Findings) -> (bool, bool) {
    if present(entry, "type").is_none() {
        return (true, true);
    }
    let (mut files, mut directories) = (false, false);
    for (text, node) in findings.texts("E42", "type", entry) {
        match text {
            "file" => files = true,
            "directory" => directories = true,
            _ => findings.error(
                "E42",
                node,
                format!("type is file or directory, not {text:?}"),
            ),
        }
    }
    (files, directories)
}

/// Octal digits as they are written.
fn mode(entry: &Node, findings: &mut Findings) -> Option<u32> {
    let node = present(entry, "mode")?;
    let Value::Scalar { text, plain } = &node.value else {
        findings.error(
            "E24",
            node,
            format!("a mode is octal digits, but this is {}", node.kind()),
        );
        return None;
    };
    let digits = text.trim();
    if digits.chars().count() > 4 {
        findings.error(
            "E23",
            node,
            format!("the mode {digits:?} has more than four digits"),
        );
        return None;
    }
    let octal = digits.chars().all(|c| c.is_digit(8));
    let mode = u32::from_str_radix(digits, 8).ok().filter(|_| octal);
    if mode.is_none() {
        findings.error(
            "E24",
            node,
            format!("the mode {digits:?} is not octal digits such as 644"),
        );
    } else if *plain && digits.starts_with('0') && digits.len() > 1 {
        let message = format!(
            "the mode {digits} is read as it is written; CodeDeploy's agent reads another number, because there are no quotes"
        );
        findings.warning("W20", node, message);
    }
    mode
}

fn acls(entry: &Node, findings: &mut Findings) -> Vec<Acl> {
    let (mut acls, mut known) = (Vec::new(), BTreeSet::new());
    for (text, node) in findings.texts("E25", "acls", entry) {
        match Acl::parse(text) {
            Ok(acl) if !known.insert((acl.default, acl.kind, acl.name.clone())) => {
                let message = format!("{text:?} is about the same as an entry before it");
                findings.error("E25", node, message);
            }
            Ok(acl) => acls.push(acl),
            Err((id, message)) => findings.error(id, node, message),
        }
    }
    acls
}
