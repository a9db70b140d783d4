//! A row of a list in a sentence.

use super::words::words;
use crate::engine::Deployment;
use crate::engine::deployment::Target;
use crate::model::deployment::TargetStatus;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::timestamp::Short;
use crate::tui::glyph;
use crate::tui::lists::row::Row;
use crate::tui::model::Model;
use crate::tui::panes::lists::{deployment, is_frozen, standing};
use crate::tui::panes::note::note;
use crate::tui::panes::seat;
use crate::tui::screens::{configurations, history, home, hosts};

/// The heading that a row stands below, if its list has several.
pub(super) fn part(row: &Row) -> Option<&'static str> {
    match row {
        Row::Home(id) => Some(id.part.title()),
        _ => None,
    }
}

/// A row in a sentence.
pub(super) fn told(model: &Model, row: &Row) -> String {
    let told = match row {
        Row::Home(id) => Some(words(&home::row(model, id, 0))),
        Row::Application(name) => application(model, name),
        Row::Group(key) => group(model, key),
        Row::Deployment(id) => {
            let summary = model.view.as_ref().and_then(|view| view.summaries.get(id));
            summary.map(|summary| {
                let label = summary.revision.label.chars().count() + 1;
                words(&deployment(model, summary, label))
            })
        }
        Row::Instance(name) => {
            let found = model
                .deployment()
                .and_then(|of| Some((of, of.target(name)?)));
            found.map(|(of, target)| instance(model, of, target))
        }
        Row::Host(name) => {
            let host = model.view.as_ref().and_then(|view| view.host(name));
            host.map(|host| words(&hosts::list::row(model, host, name.as_str().len(), true)))
        }
        Row::Configuration(name) => {
            let view = model.view.as_ref();
            view.map(|view| words(&configurations::row(view, name, name.as_str())))
        }
        Row::Past(id) => {
            let row = history::row(model, id);
            row.map(|row| format!("{id}, {}", words(&row)))
        }
    };
    told.unwrap_or_default()
}

fn application(model: &Model, name: &Name) -> Option<String> {
    let application = model.view.as_ref()?.project.applications.get(name)?;
    Some(format!("{name}, {}", application.compute_platform.name()))
}

fn group(model: &Model, key: &GroupKey) -> Option<String> {
    let group = model.view.as_ref()?.project.group(key)?;
    let mut text = format!(
        "{}, {}",
        key.group,
        group.deployment_style.deployment_type.label()
    );
    let last = model
        .ledger(key)
        .and_then(|ledger| ledger.last_attempted_deployment.as_ref());
    let summary = last.and_then(|last| model.view.as_ref()?.summaries.get(&last.deployment_id));
    if let Some(summary) = summary {
        text += ", last ";
        text += standing(model, summary).word;
    }
    if is_frozen(model, key) {
        text += ", frozen";
    }
    Some(text)
}

/// An instance: on which side it is, how it stands, what it does, how long, and what must be known of it.
fn instance(model: &Model, deployment: &Deployment, target: &Target) -> String {
    let mut parts = vec![target.name.to_string()];
    parts.extend(target.side.map(|side| side.label().to_owned()));
    parts.push(glyph::target(target.status).word.to_owned());
    if deployment.spec.group.controls_traffic() {
        let (_, seat) = seat::traffic(model, deployment, target, 2);
        let seat = seat.trim();
        if !seat.is_empty() {
            parts.push(format!("traffic {seat}"));
        }
    }
    if let Some(entry) = target.running() {
        parts.push(format!("{} runs", entry.event));
    } else if target.status == TargetStatus::Failed
        && let Some(entry) = target.failure()
    {
        parts.push(format!("{} failed", entry.event));
    }
    let worked = target.worked(model.present());
    if let Some(straggles) = worked.and_then(|worked| model.pace.straggles(worked)) {
        parts.push(format!("{straggles:.1} times as long as the others"));
    }
    parts.extend(worked.map(|worked| Short(worked).to_string()));
    parts.extend(note(model, deployment, target).map(|(_, note)| note));
    parts.join(", ")
}
