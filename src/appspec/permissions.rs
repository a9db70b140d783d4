//! The `permissions` section.

use super::fields::{Findings, position, present};
use super::{Acl, Permission, context, paths};
use crate::model::yaml::{Node, Value};

pub(super) fn read(document: &Node, findings: &mut Findings) -> Vec<Permission> {
    let Some(node) = present(document, "permissions") else {
        return Vec::new();
    };
    let entries = findings.list("E41", "permissions", node);
    entries
        .iter()
        .filter_map(|entry| one(entry, findings))
        .collect()
}

fn one(entry: &Node, findings: &mut Findings) -> Option<Permission> {
    let object = findings.required("E41", "object", entry);
    let pattern = findings
        .optional("E41", "pattern", entry)
        .unwrap_or("**")
        .to_owned();
    let except = findings.texts("E41", "except", entry);
    let except = except
        .into_iter()
        .map(|(text, _)| text.to_owned())
        .collect();
    let (files, directories) = kinds(entry, findings);
    let mode = mode(entry, findings);
    let acls = acls(entry, findings);
    let context = context::read(entry, findings);
    if let Some(node) = present(entry, "mode")
        && mode.is_some_and(|mode| mode & 0o111 == 0)
        && present(entry, "type").is_none()
    {
        let message = "the mode applies to directories too, which cannot be entered without x; set type: [file]";
        findings.warning("E42", node, message);
    }
    let object = object?;
    let absolute = paths::absolute(object);
    if absolute.is_none() {
        let message = format!("the object {object} is not an absolute path");
        findings.error("E41", entry.get("object").unwrap_or(entry), message);
    }
    Some(Permission {
        object: absolute?,
        pattern,
        except,
        files,
        directories,
        owner: findings.optional("E40", "owner", entry).map(str::to_owned),
        group: findings.optional("E40", "group", entry).map(str::to_owned),
        mode,
        acls,
        context,
        position: position(entry),
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
                format!("type is file or directory, not {text}"),
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
            format!("the mode {digits} has more than four digits"),
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
            "the mode {digits} is read as octal; CodeDeploy's agent reads it otherwise without quotes"
        );
        findings.warning("E24", node, message);
    }
    mode
}

fn acls(entry: &Node, findings: &mut Findings) -> Vec<Acl> {
    let mut acls = Vec::new();
    for (text, node) in findings.texts("E25", "acls", entry) {
        match Acl::parse(text) {
            Ok(acl) => acls.push(acl),
            Err((id, message)) => findings.error(id, node, message),
        }
    }
    acls
}
