//! The instruction file, for people: what is done, in order, as `CodeDeploy`'s agent writes it down.

use std::path::Path;

use serde_json::{Value, json};

use super::permissions::Change;
use super::plan::{Plan, Step};
use crate::appspec::server::Acl;

/// What a plan and the changes after it do.
pub fn describe(plan: &Plan, changes: &[Change<'_>]) -> Value {
    let mut instructions: Vec<_> = plan.steps.iter().map(step).collect();
    for change in changes {
        let (file, permission) = (text(&change.path), change.permission);
        let (owner, group) = (&permission.owner, &permission.group);
        if owner.is_some() || group.is_some() {
            let chown = json!({ "type": "chown", "owner": owner, "group": group, "file": file });
            instructions.push(chown);
        }
        if let Some(mode) = permission.mode {
            let mode = format!("{mode:03o}");
            instructions.push(json!({ "type": "chmod", "mode": mode, "file": file }));
        }
        if !permission.acls.is_empty() {
            let acl: Vec<_> = permission.acls.iter().map(Acl::to_string).collect();
            instructions.push(json!({ "type": "setfacl", "acl": acl, "file": file }));
        }
        if let Some(context) = &permission.context {
            let context = json!({
                "user": context.user,
                "role": null,
                "type": context.kind,
                "range": context.range,
            });
            instructions.push(json!({ "type": "semanage", "context": context, "file": file }));
        }
    }
    json!({ "instructions": instructions })
}

fn step(step: &Step) -> Value {
    match step {
        Step::Directory { path } => json!({ "type": "mkdir", "directory": text(path) }),
        Step::Copy { source, path, .. } => {
            json!({ "type": "copy", "source": text(source), "destination": text(path) })
        }
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
