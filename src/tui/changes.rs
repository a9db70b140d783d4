//! What has changed at the hosts of either side since a blue/green deployment was made: whoever moves its traffic must know.

use crate::engine::Deployment;
use crate::engine::plan::Stage;
use crate::engine::spec::TargetSpec;
use crate::model::deployment::DeploymentId;
use crate::model::host::Host;
use crate::model::name::Name;
use crate::model::traffic::Side;
use crate::tui::model::Model;
use crate::tui::words::listed;

/// How many names are told.
const NAMED: usize = 4;

/// What has changed, kept until something may have changed again.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    of: Option<(DeploymentId, u64, u64, u64)>,
    /// A sentence each, without a full stop.
    pub found: Vec<String>,
}

impl Changes {
    /// Fits it to the picture.
    pub(crate) fn refresh(&mut self, model: &Model, deployment: &Deployment) {
        let news = model.view.as_ref().map_or(0, |view| view.host_news);
        let of = (
            deployment.id().clone(),
            deployment.seq,
            news,
            model.servers.news,
        );
        if self.of.as_ref() != Some(&of) {
            self.found = changes(model, deployment);
            self.of = Some(of);
        }
    }
}

/// What has changed at the hosts of a deployment whose replacement is installed; nothing for one without sides.
pub(crate) fn changes(model: &Model, deployment: &Deployment) -> Vec<String> {
    let installs = matches!(
        deployment.current_stage(),
        Some(Stage::Provision { .. } | Stage::Install { .. })
    );
    let begun = deployment.start_time.is_some() && !deployment.status.is_terminal();
    if deployment.spec.sides.is_none() || installs || !begun || model.replay.is_some() {
        return Vec::new();
    }
    [Side::Green, Side::Blue]
        .into_iter()
        .flat_map(|side| of_side(model, deployment, side))
        .collect()
}

fn of_side(model: &Model, deployment: &Deployment, side: Side) -> Vec<String> {
    let Some(view) = &model.view else {
        return Vec::new();
    };
    let spec = &deployment.spec;
    let now = |host: &Host| side_of(deployment, host);
    let hosts = &view.project.hosts;
    let joined = hosts.iter().filter(|host| {
        now(host) == Some(side) && !spec.targets.iter().any(|t| t.name == host.name)
    });
    let joined: Vec<&Name> = joined.map(|host| &host.name).collect();
    let mut removed = Vec::new();
    let mut retagged = Vec::new();
    let mut silent = Vec::new();
    let mut unwell = Vec::new();
    let stay = |target: &&TargetSpec| !is_terminated(deployment, &target.name);
    let targets = spec.targets.iter().filter(|t| t.side == Some(side));
    for target in targets.filter(stay) {
        let name = &target.name;
        match view.project.host(name) {
            None => removed.push(name),
            Some(host) if now(host) != Some(side) => retagged.push(name),
            Some(_) => {}
        }
        if is_silent(model, deployment, target) {
            silent.push(name);
        }
        let seat = model.servers.seat(deployment, name);
        if let Some(why) = seat.and_then(|seat| seat.unwell.as_ref()) {
            unwell.push((name, why));
        }
    }
    let label = side.label();
    let told = |names: &[&Name]| listed(names.iter().copied(), NAMED);
    let mut lines = Vec::new();
    if !joined.is_empty() {
        lines.push(format!(
            "{} joined the {label} meanwhile and {} no part in this{}",
            told(&joined),
            if joined.len() == 1 { "takes" } else { "take" },
            match side {
                Side::Green => format!(": {} is not installed there", spec.revision.label),
                Side::Blue => String::new(),
            }
        ));
    }
    if !removed.is_empty() {
        let text = format!("no longer in the project: {} ({label})", told(&removed));
        lines.push(text);
    }
    if !retagged.is_empty() {
        let text = format!("no longer tagged as the {label}: {}", told(&retagged));
        lines.push(text);
    }
    if !silent.is_empty() {
        lines.push(format!("no answer from {} ({label})", told(&silent)));
    }
    let more = unwell.len().saturating_sub(NAMED);
    let each = unwell.iter().take(NAMED);
    lines.extend(each.map(|(name, why)| format!("{name} ({label}): {why}")));
    if more > 0 {
        lines.push(format!("{more} more of the {label} are not well"));
    }
    lines
}

/// The side that a host would be on now.
fn side_of(deployment: &Deployment, host: &Host) -> Option<Side> {
    let sides = deployment.spec.sides.as_ref()?;
    if sides.replacement.selects(host) {
        Some(Side::Green)
    } else {
        sides.original.selects(host).then_some(Side::Blue)
    }
}

/// Whether its fleet is asked to terminate it: that it goes is what is wanted.
fn is_terminated(deployment: &Deployment, target: &Name) -> bool {
    let stage = deployment.current_stage();
    matches!(stage, Some(Stage::Terminate { targets }) if targets.contains(target))
}

/// What is at work is told elsewhere.
fn is_silent(model: &Model, deployment: &Deployment, target: &TargetSpec) -> bool {
    let hosts = model.view.as_ref().map(|view| &view.hosts);
    let host = hosts.and_then(|hosts| hosts.get(&target.name));
    let at_work = deployment.running().any(|t| t.name == target.name);
    host.is_some_and(|host| !host.reachable) && !at_work
}
