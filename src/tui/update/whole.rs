//! Deployments that are needed whole: each is fetched when it is looked at, and of those that are over only the last are kept.

use crate::tui::effect::Effect;
use crate::tui::model::{Fetch, Model};
use crate::tui::recent::KEPT;
use crate::tui::screens;

/// Asks for the deployment that the screen tells about. Beside a list that is the one on which the cursor rests, and one
/// after the other.
pub(super) fn fetch(model: &mut Model) -> Option<Effect> {
    let wanted = screens::about(model);
    let beside = screens::tells_beside(model);
    let row = wanted.as_ref().filter(|_| beside);
    let rests = model.rest.on(row, model.now);
    let wanted = wanted?;
    if model.view.as_ref()?.deployments.contains_key(&wanted) {
        return None;
    }
    let asked = match &model.fetch {
        Some(Fetch::Running(_)) if beside => true,
        Some(Fetch::Running(id) | Fetch::Failed(id, _)) => *id == wanted,
        None => false,
    };
    if asked || (beside && !rests) {
        return None;
    }
    model.fetch = Some(Fetch::Running(wanted.clone()));
    Some(Effect::Fetch(wanted))
}

/// Keeps no more than the last of those that are over.
pub(super) fn release(model: &mut Model) {
    let looked_at = [
        model.selected.deployment.clone(),
        screens::about(model),
        model.history.marked().cloned(),
        model.left.example().cloned(),
    ];
    for id in looked_at.into_iter().flatten() {
        model.recent.touch(id);
    }
    // What lies on top may be about others.
    if model.replay.is_some() || !model.layers.is_empty() {
        return;
    }
    let Some(view) = &mut model.view else { return };
    let whole = view.deployments.values();
    let over = whole.filter(|deployment| deployment.status.is_terminal());
    if over.count() > KEPT {
        view.release(|id| model.recent.has(id));
    }
}
