//! What is asked of a deployment's journal: to replay it on top of the cockpit, and to copy a report of it.

use crate::api::afterwards::report::report;
use crate::engine::fold;
use crate::model::deployment::DeploymentId;
use crate::text::size;
use crate::tui::copy;
use crate::tui::effect::{Effect, Purpose};
use crate::tui::message::Journal;
use crate::tui::model::Model;
use crate::tui::replay::{self, Player, Recording};
use crate::tui::screens;

/// Asks for the journal of the selected deployment; a recording has it.
pub(super) fn ask(model: &mut Model, purpose: Purpose) -> Vec<Effect> {
    let Some(deployment) = screens::subject(model) else {
        return Vec::new();
    };
    if let Some(player) = &model.replay {
        let records = player.records(&deployment);
        return copied(model, &deployment, &records);
    }
    let summaries = model.view.as_ref().map(|view| &view.summaries);
    let summary = summaries.and_then(|summaries| summaries.get(&deployment));
    let Some(group) = summary.map(|summary| summary.group.clone()) else {
        return Vec::new();
    };
    let number = model.request();
    model.journal = Some((number, purpose));
    model.say(format!("fetching the journal of {deployment}"));
    vec![Effect::Journal {
        number,
        deployment,
        group,
    }]
}

/// Takes a journal; one that is not waited for any more is dropped.
pub(super) fn take(
    model: &mut Model,
    number: u64,
    id: &DeploymentId,
    result: Result<Box<Journal>, String>,
) -> Vec<Effect> {
    let Some((_, purpose)) = model.journal.take_if(|(wanted, _)| *wanted == number) else {
        return Vec::new();
    };
    let journal = match result {
        Ok(journal) => *journal,
        Err(reason) => {
            model.complain(format!("the journal of {id} can't be fetched: {reason}"));
            return Vec::new();
        }
    };
    match purpose {
        Purpose::Report => copied(model, id, &journal.records),
        Purpose::Replay => {
            open(model, id, journal);
            Vec::new()
        }
    }
}

/// Asks the terminal to copy a report.
fn copied(model: &mut Model, id: &DeploymentId, records: &[crate::engine::Record]) -> Vec<Effect> {
    let Some(deployment) = fold(records) else {
        model.complain(format!(
            "the journal of {id} does not begin with its creation"
        ));
        return Vec::new();
    };
    let text = report(&deployment, records, model.now);
    let length = size(u64::try_from(text.len()).unwrap_or(u64::MAX));
    let what = format!("the report of {id}, {length}");
    model.say(copy::said(model, &what));
    vec![Effect::Copy(text)]
}

/// Opens a replay on top of the cockpit, which goes on behind it.
fn open(model: &mut Model, id: &DeploymentId, journal: Journal) {
    // Whoever is asked something by now must not have other keys below their fingers.
    if !model.layers.is_empty() {
        model.complain(format!(
            "the replay of {id} was not opened: there was something to answer"
        ));
        return;
    }
    let Some(project) = model.view.as_ref().map(|view| view.project.clone()) else {
        return;
    };
    let Journal {
        records,
        group,
        ledger,
    } = journal;
    let recording = Recording::of(project, (id, records), (&group, ledger));
    model.messages.put_away();
    let mut inner = Model::new(model.keymap.clone(), model.theme, model.user.clone(), true);
    inner.size = model.size;
    inner.clock = model.clock;
    inner.date = model.date;
    inner.multiplexer = model.multiplexer;
    inner.clipboard = model.clipboard;
    inner.mouse = model.mouse;
    inner.attention.focused = model.attention.focused;
    replay::begin(&mut inner, Player::new(&recording));
    let outer = std::mem::replace(model, inner);
    model.behind = Some(Box::new(outer));
}

/// Goes back to the cockpit behind a replay; `false` if there is none.
pub(super) fn go_back(model: &mut Model) -> bool {
    let Some(outer) = model.behind.take() else {
        return false;
    };
    let (size, mouse, focused) = (model.size, model.mouse, model.attention.focused);
    *model = *outer;
    (model.size, model.mouse) = (size, mouse);
    model.attention.focused = focused;
    true
}
