//! What is said of a place, around its list.

use super::super::Screen;
use super::words::words;
use crate::tui::lists::{List, counts};
use crate::tui::model::{Model, Pane};
use crate::tui::panes::{self, alarms, header, output, rollout};
use crate::tui::screens::{configurations, here, history, home, hosts, way};

/// Where this is, and what comes before its list.
pub(super) fn head(model: &Model) -> Vec<String> {
    let way = way(model, &here(model));
    let way: Vec<String> = way.iter().map(ToString::to_string).collect();
    let project = model
        .view
        .as_ref()
        .map(|view| view.project.name.to_string());
    let mut lines = vec![
        String::new(),
        format!("{}: {}.", project.unwrap_or_default(), way.join(", ")),
    ];
    lines.extend(header::told(model));
    match (model.screen, model.focus) {
        (Screen::Home, _) if model.home.needs().is_empty() => {
            lines.push(words(&home::calm(model)));
        }
        (Screen::Home, _) => lines.push(format!("{}.", words(&[home::verdict(model)]))),
        (Screen::Rollouts, Pane::Instances) => lines.extend(deployment(model)),
        (Screen::Rollouts, Pane::Output) => lines.extend(written(model)),
        _ => {}
    }
    lines
}

/// What comes behind the list: what is selected in it, whole.
pub(super) fn foot(model: &Model) -> Vec<String> {
    match (model.screen, model.focus) {
        (Screen::Home, _) => {
            let whole = model.home.whole(model);
            let selected = model.home.selected();
            let told = selected.map(|at| format!("{at}: {whole}"));
            told.into_iter().collect()
        }
        (Screen::Hosts, _) => {
            let width = usize::from(model.size.0);
            let host = model.hosts.host(model);
            let rows = host.map(|host| hosts::details::rows(host, model, width));
            let rows = rows.unwrap_or_default();
            rows.iter().map(|row| words(row)).collect()
        }
        (Screen::History, _) => vec![history::sentence(model)],
        (Screen::Configurations, _) => {
            let rows = configurations::rows(model, usize::from(model.size.0));
            rows.iter().map(|row| words(row)).collect()
        }
        (Screen::Rollouts, Pane::Deployments) => deployment(model),
        (Screen::Rollouts, Pane::Instances) => alarms::told(model),
        (Screen::Rollouts, _) => Vec::new(),
    }
}

/// What a list is, how many it has, and how it is arranged; home says it by itself.
pub(super) fn title(model: &Model, list: List) -> Option<String> {
    let (shown, all) = counts(model, list);
    let name = match list {
        List::Home => "Home".to_owned(),
        List::Applications => "Applications".to_owned(),
        List::Groups => {
            let of = model.selected.application.as_ref();
            format!(
                "Deployment groups{}",
                of.map_or_else(String::new, |of| format!(" of {of}"))
            )
        }
        List::Deployments => {
            let of = model.selected.group.as_ref();
            format!(
                "Deployments{}",
                of.map_or_else(String::new, |of| format!(" to {of}"))
            )
        }
        List::Instances => "Instances".to_owned(),
        List::Hosts => {
            let counts = model.hosts.counts(model);
            let counts: Vec<String> = counts.into_iter().map(|(_, text)| text).collect();
            format!(
                "Hosts, {}",
                words(&[(crate::tui::theme::Role::Text, counts.join("  "))])
            )
        }
        List::History => model.history.title(),
        List::Configurations => model.configurations.title(),
    };
    let arranged = panes::arranged(model, list);
    let is_counted = matches!(
        list,
        List::Home | List::Hosts | List::History | List::Configurations
    );
    Some(match arranged {
        None if list == List::Home => return None,
        Some((_, arranged)) => format!("{name}, {arranged}."),
        None if is_counted => format!("{name}."),
        None if (shown, all) == (0, 0) => format!("{name}: none."),
        None => format!("{name}: {all}."),
    })
}

/// The selected deployment: which it is, and all that is said of it.
fn deployment(model: &Model) -> Vec<String> {
    let title = words(&rollout::title(model));
    let title = (!title.is_empty()).then(|| format!("{title}."));
    let lines = rollout::lines(model, usize::from(model.size.0));
    let lines = lines.iter().map(|line| words(line));
    title
        .into_iter()
        .chain(lines.filter(|line| !line.is_empty()))
        .collect()
}

/// What must be known of the instance, and the end of what was written.
fn written(model: &Model) -> Vec<String> {
    let whose = model.output.of.as_ref();
    let whose = whose.map_or_else(String::new, |of| match &of.instance {
        Some(name) => format!(" of {name} in {}", of.deployment),
        None => format!(" of all instances of {}", of.deployment),
    });
    let only = model.output.only;
    let only = only.map_or_else(String::new, |event| format!(", {event} alone"));
    let how = &model.output.how;
    let since = how.since.words(how.reach);
    let since = since.map_or_else(String::new, |since| format!(", {since}"));
    let mut lines = vec![format!("Output{whose}{only}{since}:")];
    let reasons = output::diagnostics(model);
    lines.extend(reasons.iter().map(|row| words(row)));
    if model.output.ring.gone() > 0 {
        lines.push(output::older(&model.output));
    }
    lines.extend(super::lines(model));
    lines
}
