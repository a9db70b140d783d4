//! Does an action of the main screen, if it can be done now.

use super::navigate;
use crate::tui::action::Action;
use crate::tui::action::available::{available, control};
use crate::tui::effect::Effect;
use crate::tui::layers::{self, Layer};
use crate::tui::model::{Model, Pane};
use crate::tui::replay;

/// Does an action, or says why it can't be done.
pub(crate) fn perform(model: &mut Model, action: Action) -> Vec<Effect> {
    if let Err(reason) = available(action, model) {
        model.complain(format!("{}: {reason}", action.entry().name));
        return Vec::new();
    }
    match action {
        Action::Deploy => return layers::deploy::open(model),
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
        Action::GoTo => layers::goto::open(model),
        Action::Hosts => layers::hosts::open(model),
        Action::Help => model
            .layers
            .push(Layer::Help(layers::help::Help::default())),
        Action::Quit => return layers::leaving::ask(model),
        Action::NextFailed => navigate::failed(model, true),
        Action::PreviousFailed => navigate::failed(model, false),
        Action::Linked => navigate::linked(model),
        Action::Follow => follow(model),
        Action::NextPane => navigate::pane(model, 1, true),
        Action::PreviousPane => navigate::pane(model, -1, true),
        Action::PaneLeft => navigate::pane(model, -1, false),
        Action::PaneRight | Action::Enter => navigate::pane(model, 1, false),
        Action::Back => back(model),
        Action::Dismiss => dismiss(model),
        Action::Up => navigate::move_by(model, -1),
        Action::Down => navigate::move_by(model, 1),
        Action::PageUp => navigate::move_by(model, -navigate::page(model)),
        Action::PageDown => navigate::move_by(model, navigate::page(model)),
        Action::First => navigate::move_to_end(model, false),
        Action::Last => navigate::move_to_end(model, true),
        Action::ScrollLeft => navigate::sideways(model, false),
        Action::ScrollRight => navigate::sideways(model, true),
        Action::ReplayPlay
        | Action::ReplayForward
        | Action::ReplayBack
        | Action::ReplayFaster
        | Action::ReplaySlower
        | Action::ReplayFirst
        | Action::ReplayLast => replay::control(model, action),
        // These belong to layers, which do them themselves.
        Action::Accept
        | Action::Alternative
        | Action::More
        | Action::Less
        | Action::Reason
        | Action::Cancel
        | Action::LeaveRunning
        | Action::StopAndLeave
        | Action::Stay
        | Action::ChoiceUp
        | Action::ChoiceDown
        | Action::ChoicePageUp
        | Action::ChoicePageDown
        | Action::ChoiceFirst
        | Action::ChoiceLast
        | Action::Choose
        | Action::Close
        | Action::CloseHelp
        | Action::HelpUp
        | Action::HelpDown => {}
    }
    Vec::new()
}

fn follow(model: &mut Model) {
    let height = model.layout().rows(Pane::Output);
    let output = &mut model.output;
    if output.follow {
        output.top = output.top(height);
    }
    output.follow = !output.follow;
}

fn back(model: &mut Model) {
    if model.toast.take().is_none() {
        navigate::pane(model, -1, false);
    }
}

fn dismiss(model: &mut Model) {
    if model.toast.take().is_none() {
        model.hint.clear();
    }
}
