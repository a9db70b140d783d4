//! Does an action of the main screen, if it can be done now.

use super::{afterwards, navigate, output};
use crate::model::address::Address;
use crate::tui::action::available::{available, control};
use crate::tui::action::{Action, Context};
use crate::tui::copy;
use crate::tui::documents;
use crate::tui::effect::{Effect, Purpose};
use crate::tui::layers::documents::Question;
use crate::tui::layers::{self, Layer};
use crate::tui::lists::List;
use crate::tui::model::{Model, Mouse, Pane};
use crate::tui::replay;
use crate::tui::screens::{self, Screen};
use crate::tui::writing::Manuscript;

/// Does an action, or says why it can't be done.
pub(crate) fn perform(model: &mut Model, action: Action) -> Vec<Effect> {
    if let Err(reason) = available(action, model) {
        model.complain(format!("{}: {reason}", action.entry().name));
        return Vec::new();
    }
    match action.entry().context {
        Context::Main | Context::Rows => go_about(model, action).unwrap_or_default(),
        Context::Output | Context::Reading => output::perform(model, action),
        Context::Replay => {
            replay::control(model, action);
            Vec::new()
        }
        // These belong to layers, which do them themselves.
        Context::Confirm | Context::Leaving | Context::Typing | Context::Form | Context::Help => {
            Vec::new()
        }
    }
}

/// Does an action of the lists and of every pane; `None` if it is of another context.
fn go_about(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    match action {
        Action::Deploy => return Some(layers::deploy::open(model)),
        Action::Stop
        | Action::Pause
        | Action::Retry
        | Action::Skip
        | Action::StartNext
        | Action::GiveUp
        | Action::Reroute
        | Action::Approve
        | Action::SkipWait
        | Action::ShareUp
        | Action::ShareDown => {
            if let Ok(what) = control(action, model) {
                layers::confirm::control(model, what);
            }
        }
        Action::RollBack => layers::confirm::roll_back(model),
        Action::Share => layers::share::open(model),
        Action::Invite => layers::confirm::invite(model),
        Action::Unlock => layers::unlock::turn(model),
        Action::GoTo => layers::goto::open(model),
        Action::Home => go(model, &Address::Home),
        Action::Hosts => go(model, &Address::Hosts),
        Action::Filter if model.reads() => layers::search::open(model),
        Action::Filter => layers::filter::open(model),
        Action::Sort => layers::sort::open(model),
        Action::Invert => invert(model),
        Action::Backward => screens::walk(model, false),
        Action::Forward => screens::walk(model, true),
        Action::LastPlace => last_place(model),
        Action::History => go(model, &screens::history::place(model)),
        Action::Mark => screens::history::mark(model),
        Action::Compare => return Some(layers::compare::open(model)),
        Action::Replay => return Some(afterwards::ask(model, Purpose::Replay)),
        Action::Report => return Some(afterwards::ask(model, Purpose::Report)),
        Action::Export => layers::export::open(model),
        Action::CopyAddress => return Some(vec![copy(model)]),
        Action::Edit => return Some(edit(model)),
        Action::New => layers::documents::open(model, Question::New),
        Action::Documents => layers::documents::open(model, Question::Edit),
        Action::Help => model
            .layers
            .push(Layer::Help(layers::help::Help::default())),
        Action::Messages => model
            .layers
            .push(Layer::Messages(layers::messages::Messages::default())),
        Action::Raw => layers::text::raw(model),
        Action::Details => layers::text::details(model),
        Action::Requests => model
            .layers
            .push(Layer::Requests(layers::requests::Requests::default())),
        Action::Quit => return Some(layers::leaving::ask(model)),
        Action::Shape => model.shape = model.shape.next(),
        Action::NextFailed => navigate::failed(model, true),
        Action::PreviousFailed => navigate::failed(model, false),
        Action::Linked => navigate::linked(model),
        Action::Follow | Action::Zoom | Action::AllOutput => {
            return Some(output::perform(model, action));
        }
        Action::NextPane => navigate::pane(model, 1, true),
        Action::PreviousPane => navigate::pane(model, -1, true),
        Action::PaneLeft => navigate::beside(model, -1),
        Action::PaneRight => navigate::beside(model, 1),
        Action::Enter => enter(model),
        Action::Back => back(model),
        Action::Dismiss => dismiss(model),
        Action::Mouse => lend(model),
        Action::Up => navigate::move_by(model, -1),
        Action::Down => navigate::move_by(model, 1),
        Action::PageUp => navigate::move_by(model, -navigate::page(model)),
        Action::PageDown => navigate::move_by(model, navigate::page(model)),
        Action::First => navigate::move_to_end(model, false),
        Action::Last => navigate::move_to_end(model, true),
        // Each of these is of another context.
        _ => return None,
    }
    Some(Vec::new())
}

/// Has the document of what is selected written by hand.
fn edit(model: &Model) -> Vec<Effect> {
    let document = documents::selected(model).ok();
    let manuscript = document.map(Manuscript::Document);
    manuscript
        .map(Box::new)
        .map(Effect::Edit)
        .into_iter()
        .collect()
}

/// Turns the list round that has the keys.
fn invert(model: &mut Model) {
    if let Some(list) = List::with_keys(model) {
        model.arranged.invert(list);
    }
}

/// Goes to where somebody was last.
fn last_place(model: &mut Model) {
    if let Some(last) = model.trail.last().cloned() {
        go(model, &last);
    }
}

/// Goes somewhere, or says why that is not possible.
pub(super) fn go(model: &mut Model, address: &Address) {
    if let Err(nowhere) = screens::visit(model, address) {
        model.complain(nowhere.to_string());
    }
}

/// Goes into what is selected.
fn enter(model: &mut Model) {
    let place = match model.screen {
        Screen::Home => model.home.selected(),
        Screen::Hosts => model.hosts.instance(model),
        Screen::History => model.history.inside(model),
        Screen::Configurations => model.configurations.inside(model),
        Screen::Rollouts if model.focus == Pane::Output => return output::enter(model),
        Screen::Rollouts => return navigate::pane(model, 1, false),
    };
    match place {
        Some(place) => go(model, &place),
        None => model.complain(screens::nothing_inside(model)),
    }
}

/// Goes out of what is the innermost: a message, a filter, a pane, a screen.
fn back(model: &mut Model) {
    if model.messages.put_away() {
        return;
    }
    if model.reads() && model.output.how.needle.is_some() {
        return model.output.search(None);
    }
    let filtered =
        List::with_keys(model).filter(|list| !model.arranged.of(*list).filter.is_empty());
    match filtered {
        Some(list) => {
            let mode = model.arranged.of(list).filter.mode();
            model.arranged.narrow(list, "", mode);
        }
        None => screens::leave(model),
    }
}

/// Asks the terminal to copy the address of what is seen.
fn copy(model: &mut Model) -> Effect {
    let address = screens::here(model).to_string();
    model.say(copy::said(model, &address));
    Effect::Copy(address)
}

/// Gives the mouse to the terminal, or takes it again.
fn lend(model: &mut Model) {
    let key = model.keymap.shown(Action::Mouse);
    model.mouse = match model.mouse {
        Mouse::Ours => Mouse::Lent,
        Mouse::Lent | Mouse::Unused => Mouse::Ours,
    };
    model.say(match model.mouse {
        Mouse::Ours => "clicks and the wheel come here again".to_owned(),
        _ => format!("the mouse selects text now: {key} takes it again"),
    });
}

fn dismiss(model: &mut Model) {
    if !model.messages.put_away() {
        model.tour.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::action::ACTIONS;
    use crate::tui::action::keymap::Keymap;
    use crate::tui::theme::Theme;

    #[test]
    fn every_action_of_the_lists_and_of_every_pane_is_done_by_somebody() {
        for entry in ACTIONS {
            let keymap = Keymap::defaults().unwrap();
            let theme = Theme::built_in("mono", true);
            let mut model = Model::new(keymap, theme, "ana".to_owned(), false);
            let ours = matches!(entry.context, Context::Main | Context::Rows);
            let done = go_about(&mut model, entry.action).is_some();
            assert_eq!(done, ours, "{}", entry.name);
        }
    }
}
