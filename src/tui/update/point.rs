//! What a click does, and the wheel. Neither confirms anything: that takes a key.

use super::navigate::move_in;
use super::{act, move_by, perform};
use crate::tui::action::{Action, Context, Grade};
use crate::tui::aims::Aim;
use crate::tui::effect::Effect;
use crate::tui::layers::{self, Layer};
use crate::tui::lists::{List, row};
use crate::tui::model::{Model, Pane};

/// Lines of output that a notch of the wheel moves.
const NOTCH: isize = 3;

/// Does what a click on this does.
pub(super) fn click(model: &mut Model, aim: Aim) -> Vec<Effect> {
    let mut effects = Vec::new();
    // What is typed below a list stays with it.
    if let Some(Layer::Filter(_) | Layer::Search(_)) = model.layers.last() {
        effects.extend(layers::act(model, Action::Choose));
    }
    let open = model.layers.is_empty();
    match aim {
        Aim::Row(row) if open => {
            let list = row.list();
            let again = List::with_keys(model) == Some(list)
                && row::selected(model, list).as_ref() == Some(&row);
            if again {
                effects.extend(act(model, Action::Enter));
            } else if !row::select(model, &row) {
                model.complain("it is not there any more");
            }
        }
        Aim::Column(list, column) if open => {
            model.focus = list.pane().unwrap_or(model.focus);
            model.arranged.sort(list, column);
        }
        Aim::Pane(pane) if open => model.focus = pane,
        Aim::Go(address) if open => perform::go(model, &address),
        Aim::Act(action) if open => effects.extend(act(model, action)),
        // A question is answered by a key: a click only puts it away.
        Aim::Act(action) if action.entry().grade == Grade::Harmless => {
            effects.extend(layers::act(model, action));
        }
        Aim::Choice(choice) => effects.extend(layers::choose(model, &choice)),
        _ => {}
    }
    effects
}

/// Turns what is below the pointer by a notch.
pub(super) fn wheel(model: &mut Model, aim: Option<&Aim>, up: bool) -> Vec<Effect> {
    let by = if up { -1 } else { 1 };
    let either = |above, below| if up { above } else { below };
    match layers::context(model) {
        None => {}
        Some(Context::Help) => {
            let action = either(Action::HelpUp, Action::HelpDown);
            let turned = (0..NOTCH).map(|_| layers::act(model, action));
            return turned.flatten().collect();
        }
        Some(Context::Typing) => {
            return layers::act(model, either(Action::ChoiceUp, Action::ChoiceDown));
        }
        Some(_) => return Vec::new(),
    }
    let list = match aim {
        Some(Aim::Pane(Pane::Output)) => {
            move_in(model, Pane::Output, NOTCH * by);
            return Vec::new();
        }
        Some(Aim::Pane(pane)) => {
            move_in(model, *pane, by);
            return Vec::new();
        }
        Some(Aim::Row(row)) => row.list(),
        Some(Aim::Column(list, _)) => *list,
        _ => return Vec::new(),
    };
    match list.pane() {
        Some(pane) => move_in(model, pane, by),
        None => move_by(model, by),
    }
    Vec::new()
}
