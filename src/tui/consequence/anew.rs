//! Rolling back a blue/green deployment that is over: the revision before it is deployed anew, to the side without traffic.

use crate::engine::ledger::Serving;
use crate::engine::{Deployment, rollback};
use crate::model::group::Selection;
use crate::model::name::Name;
use crate::model::revision::Revision;
use crate::tui::model::Model;
use crate::tui::words::{instances, listed};

/// How many names are told.
const NAMED: usize = 4;

/// What would be deployed, and which side has the traffic now.
///
/// # Errors
/// Why there is nothing to deploy, or nowhere.
pub(crate) fn goal<'a>(
    model: &'a Model,
    deployment: &Deployment,
) -> Result<(Revision, &'a Serving), String> {
    let group = deployment.group_key();
    let nothing =
        || format!("no other deployment of {group} succeeded, so there is nothing to go back to");
    let ledger = model.ledger(&group).ok_or_else(nothing)?;
    if let Some(why) = rollback::refusal(deployment, ledger) {
        return Err(why);
    }
    let revision = rollback::revision(deployment, ledger).ok_or_else(nothing)?;
    let view = model.view.as_ref().ok_or("nothing is known yet")?;
    let document = view.project.group(&group).ok_or("its group is gone")?;
    let serving = ledger.serving(document).ok_or(
        "no deployment has moved the traffic yet, so the original has it: deploy, and name the replacement",
    )?;
    Ok((revision, serving))
}

/// What a rollback does, a sentence a line.
///
/// # Errors
/// As [`goal`].
pub(super) fn anew(model: &Model, deployment: &Deployment) -> Result<Vec<String>, String> {
    let (revision, serving) = goal(model, deployment)?;
    let hosts = model.view.iter().flat_map(|view| &view.project.hosts);
    let side = |selection: &Selection| -> Vec<&Name> {
        let hosts = hosts.clone().filter(|host| selection.selects(host));
        hosts.map(|host| &host.name).collect()
    };
    let told = |names: Vec<&Name>| format!("{} ({})", instances(names.len()), listed(names, NAMED));
    Ok(vec![
        format!(
            "It is over: {} is deployed anew, as a blue/green deployment of its own.",
            revision.label
        ),
        format!(
            "It is installed on the {} without traffic. The {} keep the traffic until it moves as in any deployment of the group.",
            told(side(&serving.before)),
            told(side(&serving.now))
        ),
    ])
}
