//! Applying `permissions`. Users and groups are looked up before anything is touched. Owners are set before modes,
//! because a change of owner clears setuid; access control lists follow from the modes; contexts come last.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use nix::unistd::{Group, User, getegid, geteuid, getgroups};

use super::cleanup::Journal;
use super::execute::context;
use super::place::Place;
use super::selinux;
use super::tools::{self, Tools};
use crate::appspec::Finding;
use crate::appspec::server::acl::{self, AclKind};
use crate::appspec::server::{Acl, Context, Permission};

/// So many paths are given to one run of a program.
const AT_ONCE: usize = 200;

/// What is to be done with one file or directory.
#[derive(Clone, Debug, PartialEq)]
pub struct Change<'a> {
    /// Which, as the host names it.
    pub path: PathBuf,
    /// What the `AppSpec` says.
    pub permission: &'a Permission,
    owner: Option<u32>,
    group: Option<u32>,
    /// With ids in place of names, so that names with special characters are no trouble.
    acls: Vec<Acl>,
}

impl<'a> Change<'a> {
    /// What is to be done with a target; users and groups are yet to be looked up.
    pub fn new(path: &Path, permission: &'a Permission) -> Self {
        Self {
            path: path.to_owned(),
            permission,
            owner: None,
            group: None,
            acls: Vec::new(),
        }
    }
}

/// Looks up users and groups. Answers `E40` for those that do not exist, and for those that the agent cannot give
/// anything to.
pub fn resolve(changes: &mut [Change<'_>]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    // Many targets have few names, and each question may go over the network.
    let mut known = HashMap::new();
    for change in changes {
        let permission = change.permission;
        let mut refuse = |message: String| {
            let finding = Finding::at("E40", permission.position, message);
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        };
        let mut look_up = |name: &str, is_user: bool| {
            let ask = || {
                if is_user {
                    user_id(name)
                } else {
                    group_id(name)
                }
            };
            let id = *known.entry((is_user, name.to_owned())).or_insert_with(ask);
            if id.is_none() {
                let kind = if is_user { "user" } else { "group" };
                refuse(format!("there is no {kind} {name} on this host"));
            }
            id
        };
        let owner = permission.owner.as_deref();
        change.owner = owner.and_then(|name| look_up(name, true));
        let group = permission.group.as_deref();
        change.group = group.and_then(|name| look_up(name, false));
        change.acls.clone_from(&permission.acls);
        for acl in change.acls.iter_mut().filter(|acl| !acl.name.is_empty()) {
            if let Some(id) = look_up(&acl.name, acl.kind == AclKind::User) {
                acl.name = id.to_string();
            }
        }
        if !may_give(change) {
            refuse(
                "the agent does not run as root, so that it cannot give files to other users or groups"
                    .to_owned(),
            );
        }
    }
    findings
}

/// Only root gives files away; others can at most choose among their own groups.
fn may_give(change: &Change<'_>) -> bool {
    let own_group = |group: u32| {
        let own = getgroups().unwrap_or_default();
        own.iter()
            .chain([&getegid()])
            .any(|id| id.as_raw() == group)
    };
    geteuid().is_root()
        || (change.owner.is_none_or(|owner| owner == geteuid().as_raw())
            && change.group.is_none_or(own_group))
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

/// Makes the changes, and answers remarks for the operator. A symbolic link gets the owner itself; modes and access
/// control lists are not for links.
///
/// # Errors
///
/// When the system or a program refuses one.
pub fn apply(
    changes: &[Change<'_>],
    place: &Place,
    tools: &Tools,
    journal: &mut Journal,
) -> io::Result<Vec<String>> {
    let mut lists: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for change in changes {
        let at = place.at(&change.path)?;
        if change.owner.is_some() || change.group.is_some() {
            lchown(&at, change.owner, change.group)
                .map_err(context("changing the owner of", &at))?;
        }
        let found = fs::symlink_metadata(&at).map_err(context("reading", &at))?;
        if found.is_symlink() {
            continue;
        }
        let mode = change.permission.mode;
        if let Some(mode) = mode {
            fs::set_permissions(&at, fs::Permissions::from_mode(mode))
                .map_err(context("changing the mode of", &at))?;
        }
        if !change.acls.is_empty() {
            let mode = mode.unwrap_or_else(|| found.permissions().mode());
            let complete = acl::complete(&change.acls, mode, found.is_dir());
            let complete: Vec<_> = complete.iter().map(Acl::to_string).collect();
            lists.entry(complete.join(",")).or_default().push(at);
        }
    }
    for (list, paths) in &lists {
        for paths in paths.chunks(AT_ONCE) {
            set_acl(list, paths, tools)?;
        }
    }
    set_contexts(changes, place, tools, journal)
}

fn set_acl(list: &str, paths: &[PathBuf], tools: &Tools) -> io::Result<()> {
    let program = tools.setfacl.as_deref().unwrap_or(Path::new("setfacl"));
    let mut arguments = ["--set", list, "--"].map(OsString::from).to_vec();
    arguments.extend(paths.iter().map(|path| path.clone().into_os_string()));
    tools::run(program, &arguments).map_err(|error| {
        let message = error.to_string();
        if message.contains("Operation not supported") {
            let hint = "this file system does not support access control lists";
            io::Error::other(format!("{message} ({hint})"))
        } else {
            error
        }
    })
}

fn set_contexts(
    changes: &[Change<'_>],
    place: &Place,
    tools: &Tools,
    journal: &mut Journal,
) -> io::Result<Vec<String>> {
    let mut targets = Vec::new();
    for change in changes {
        if let Some(wanted) = &change.permission.context {
            targets.push((wanted, place.real(&change.path)?));
        }
    }
    let selinux = match &tools.selinux {
        Ok(selinux) => selinux,
        Err(why) => {
            let not_run = |(wanted, path): &(&Context, PathBuf)| {
                format!("not run: {}: {why}", selinux::commands(wanted, path))
            };
            return Ok(targets.iter().map(not_run).collect());
        }
    };
    if !targets.is_empty() {
        let expressions = targets.iter().map(|(_, path)| selinux::expression(path));
        journal.announce_contexts(expressions.collect())?;
    }
    for (wanted, path) in &targets {
        let rule = selinux::add(wanted, &selinux::expression(path));
        tools::run(&selinux.semanage, &rule)?;
        tools::run(&selinux.restorecon, &selinux::relabel(path))?;
    }
    Ok(Vec::new())
}
