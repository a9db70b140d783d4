//! What each message does to the model, and what is to be done outside because of it. Pure: no clock, no I/O.

mod afterwards;
mod answers;
mod navigate;
mod output;
mod perform;
mod point;
mod settle;

use std::time::Duration;

use super::action::available::available;
use super::action::{Action, Context};
use super::attention;
use super::effect::Effect;
use super::layers;
use super::lists::row;
use super::message::Message;
use super::model::{Link, Model, Outcome};
use super::replay;
use crate::model::timestamp::Timestamp;

pub(crate) use answers::feed;
pub(crate) use navigate::{move_by, other, page, select_deployment};
pub(crate) use perform::perform;

/// Takes a message that came at this time, and makes the model whole again.
pub(crate) fn update(model: &mut Model, at: Timestamp, message: Message) -> Vec<Effect> {
    let mut effects = take(model, at, message);
    effects.extend(settle(model));
    effects
}

/// Takes one of many messages that came together: the model is whole again once it has been settled, before anything is
/// drawn and before a key is taken.
pub(crate) fn take(model: &mut Model, at: Timestamp, message: Message) -> Vec<Effect> {
    // Behind a replay the world goes on.
    if let Some(behind) = model.behind.as_mut().filter(|_| message.is_news()) {
        return take(behind, at, message);
    }
    if matches!(message, Message::Terminated) {
        afterwards::go_back(model);
    }
    let mut effects = apply(model, at, message);
    if model.outcome.is_some() && afterwards::go_back(model) {
        model.now = at;
        effects.retain(|effect| *effect != Effect::Quit);
    }
    effects
}

/// What a message changes by itself.
fn apply(model: &mut Model, at: Timestamp, message: Message) -> Vec<Effect> {
    if model.replay.is_some() {
        replay::advance(model, at);
    } else {
        model.now = at;
    }
    match message {
        Message::Key(key) => {
            if key.is_interrupt() {
                layers::leaving::ask(model)
            } else if model.layers.is_empty() {
                main_key(model, key)
            } else {
                layers::key(model, key)
            }
        }
        Message::Act(action) if model.layers.is_empty() => act(model, action),
        Message::Act(action) => layers::act(model, action),
        Message::Go(address) => {
            if model.layers.is_empty() {
                perform::go(model, &address);
            }
            Vec::new()
        }
        Message::Select(row) => {
            if model.layers.is_empty() && !row::select(model, &row) {
                model.complain("it is not there any more");
            }
            Vec::new()
        }
        Message::Click(target) => point::click(model, target),
        Message::Wheel { over, up } => point::wheel(model, over.as_ref(), up),
        Message::Choose(choice) => layers::choose(model, &choice),
        Message::Type(text) => {
            layers::retype(model, &text);
            Vec::new()
        }
        Message::Paste(text) => {
            layers::paste(model, &text);
            Vec::new()
        }
        Message::Resized(width, height) => {
            model.size = (width, height);
            Vec::new()
        }
        Message::Focused(focused) => {
            model.attention.focused = Some(focused);
            Vec::new()
        }
        Message::Tick => Vec::new(),
        Message::Feed(item) => feed(model, *item),
        Message::Lost(reason) => {
            lost(model, at, reason);
            Vec::new()
        }
        Message::Fetched(id, result) => {
            answers::fetched(model, id, result);
            Vec::new()
        }
        Message::Journal(number, id, result) => afterwards::take(model, number, &id, result),
        Message::Past(host, result) => {
            model.history.take(&host, result);
            Vec::new()
        }
        Message::Servers(id, result) => {
            model.servers.take(&id, result.as_deref().ok());
            Vec::new()
        }
        Message::Output(number, news) => {
            answers::output(model, number, news);
            Vec::new()
        }
        Message::Saved(result) => {
            answers::saved(model, result);
            Vec::new()
        }
        Message::Previewed(number, result) => {
            layers::previewed(model, number, result);
            Vec::new()
        }
        Message::Answered(number, result) => {
            answers::answered(model, number, result);
            Vec::new()
        }
        Message::Edited(result) => {
            answers::edited(model, result);
            Vec::new()
        }
        Message::Prepared(number, result) => {
            layers::form::prepared(model, number, result);
            Vec::new()
        }
        Message::Written(result) => {
            answers::written(model, result);
            Vec::new()
        }
        Message::Terminated => {
            model.outcome = Some(Outcome::Signal);
            vec![Effect::Quit]
        }
    }
}

/// The feed broke. The last news count: later attempts fail for the same reason, and silence is noticed late.
fn lost(model: &mut Model, at: Timestamp, reason: String) {
    if !matches!(model.link, Link::Lost { .. }) {
        let since = model.heard.unwrap_or(at);
        model.link = Link::Lost { since, reason };
    }
}

/// Makes the model whole, and what is behind a replay: lists, selection and positions fit what was taken, and whoever looks
/// elsewhere is called.
pub(crate) fn settle(model: &mut Model) -> Vec<Effect> {
    let mut effects = settle::settle(model);
    effects.extend(attention::heed(model));
    if let Some(behind) = model.behind.as_mut() {
        effects.extend(settle(behind));
    }
    effects
}

fn main_key(model: &mut Model, key: super::action::key::Key) -> Vec<Effect> {
    let reads = model.reads();
    let pane = if reads {
        Context::Output
    } else {
        Context::Rows
    };
    // A replay's keys come before what they mean elsewhere, and so do those of the output, where they can do something.
    let replayed = model.replay.is_some();
    let own = replayed.then(|| model.keymap.action(&[Context::Replay], key));
    let reading = || {
        let action = reads.then(|| model.keymap.action(&[Context::Reading], key));
        action
            .flatten()
            .filter(|action| available(*action, model).is_ok())
    };
    let action = own.flatten().or_else(reading);
    let Some(action) = action.or_else(|| model.keymap.action(&[pane, Context::Main], key)) else {
        return Vec::new();
    };
    act(model, action)
}

/// Does an action that somebody asked for.
fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    // Bad news stays until somebody was there to read it. A replay's time may stand still, and its news with it.
    if model.replay.is_some() {
        model.messages.put_away();
    } else {
        model.messages.read();
    }
    perform(model, action)
}

/// Whether something on the screen changes every second by itself.
pub(crate) fn moves(model: &Model) -> bool {
    let running = model
        .summary()
        .is_some_and(|summary| !summary.status.is_terminal());
    running
        || !model.running().is_empty()
        || !model.unlocked.is_empty()
        || model.link != Link::Live
        || (model.view.is_some() && model.is_stale())
        || model.screen.moves(model)
}

/// When the picture changes although nothing happens: the next second, minute, or the moment that a dialog listens or looks again.
pub(crate) fn wake(model: &Model) -> Timestamp {
    if let Some(at) = replay::wake(model) {
        return at;
    }
    let span = if moves(model) { 1000 } else { 60_000 };
    let beat = Timestamp((model.now.0.div_euclid(span) + 1) * span);
    let layers = model.layers.iter().filter_map(|layer| layer.due(model));
    let due = model.screen.due(model);
    // A silent feed must be seen to be silent.
    let stale = model
        .heard
        .map(|heard| heard + crate::api::gate::TOO_OLD + Duration::from_millis(1));
    layers
        .chain(due)
        .chain(model.messages.due())
        .chain(stale)
        .filter(|at| *at > model.now)
        .fold(beat, Timestamp::min)
}
