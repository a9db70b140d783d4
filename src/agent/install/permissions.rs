//! Applying `permissions`: users are looked up before anything is touched, owners are set before modes.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::PathBuf;

use nix::unistd::{Group, User};

use super::execute::context;
use super::place::Place;
use crate::appspec::Finding;
use crate::appspec::select::Selected;

/// What is to be done with one file or directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    path: PathBuf,
    owner: Option<u32>,
    group: Option<u32>,
    mode: Option<u32>,
}

/// Looks up users and groups.
///
/// # Errors
///
/// `E40` for those that do not exist.
pub fn resolve(targets: &[Selected<'_>]) -> Result<Vec<Change>, Vec<Finding>> {
    let mut changes = Vec::new();
    let mut findings: Vec<Finding> = Vec::new();
    for target in targets {
        let permission = target.permission;
        let mut look_up = |name: &Option<String>, kind: &str, id: fn(&str) -> Option<u32>| {
            let name = name.as_deref()?;
            let found = id(name);
            if found.is_none() {
                let message = format!("there is no {kind} {name} on this host");
                let finding = Finding::at("E40", permission.position, message);
                if !findings.contains(&finding) {
                    findings.push(finding);
                }
            }
            found
        };
        let owner = look_up(&permission.owner, "user", user_id);
        let group = look_up(&permission.group, "group", group_id);
        changes.push(Change {
            path: target.path.to_owned(),
            owner,
            group,
            mode: permission.mode,
        });
    }
    if findings.is_empty() {
        Ok(changes)
    } else {
        Err(findings)
    }
}

fn user_id(name: &str) -> Option<u32> {
    match User::from_name(name) {
        Ok(Some(user)) => Some(user.uid.as_raw()),
        _ => name.parse().ok(),
    }
}

fn group_id(name: &str) -> Option<u32> {
    match Group::from_name(name) {
        Ok(Some(group)) => Some(group.gid.as_raw()),
        _ => name.parse().ok(),
    }
}

/// Makes the changes. A symbolic link gets the owner itself; modes are not for links.
///
/// # Errors
///
/// When the system refuses one.
pub fn apply(changes: &[Change], place: &Place) -> io::Result<()> {
    for change in changes {
        let at = place.at(&change.path)?;
        if change.owner.is_some() || change.group.is_some() {
            lchown(&at, change.owner, change.group)
                .map_err(context("changing the owner of", &at))?;
        }
        let is_link = fs::symlink_metadata(&at)
            .map_err(context("reading", &at))?
            .is_symlink();
        if let Some(mode) = change.mode.filter(|_| !is_link) {
            fs::set_permissions(&at, fs::Permissions::from_mode(mode))
                .map_err(context("changing the mode of", &at))?;
        }
    }
    Ok(())
}
