//! What each message does to the model, and what is to be done outside because of it. Pure: no clock, no I/O.

mod afterwards;
mod answers;
mod navigate;
mod output;
mod perform;
mod point;
mod settle;
mod whole;

use std::time::Duration;

use super::action::available::available;
use super::action::key::Key;
use super::action::keys::Keys;
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
    // Whatever somebody does ends the sequence that they have begun.
    let begun = model.begun.take_if(|_| message.is_by_hand());
    match message {
        Message::Key(key) if key.is_interrupt() => return layers::leaving::ask(model),
        Message::Key(key) if model.layers.is_empty() => return main_key(model, begun, key),
        Message::Key(key) => return layers::key(model, key),
        Message::Act(action) if model.layers.is_empty() => return act(model, action),
        Message::Act(action) => return layers::act(model, action),
        Message::Click(target) => return point::click(model, target),
        Message::Wheel { over, up } => return point::wheel(model, over.as_ref(), up),
        Message::Choose(choice) => return layers::choose(model, &choice),
        Message::Feed(item) => return feed(model, *item),
        Message::Journal(number, id, result) => {
            return afterwards::take(model, number, &id, result);
        }
        Message::Terminated => {
            model.outcome = Some(Outcome::Signal);
            return vec![Effect::Quit];
        }
        Message::Go(address) if model.layers.is_empty() => perform::go(model, &address),
        Message::Select(row) if model.layers.is_empty() => {
            if !row::select(model, &row) {
                model.complain("it is not there any more");
            }
        }
        Message::Go(_) | Message::Select(_) | Message::Tick => {}
        Message::Type(text) => layers::retype(model, &text),
        Message::Paste(text) => layers::paste(model, &text),
        Message::Resized(width, height) => model.size = (width, height),
        Message::Focused(focused) => model.attention.focused = Some(focused),
        Message::Lost(reason) => lost(model, at, reason),
        Message::Fetched(id, result) => answers::fetched(model, id, result),
        Message::Past(host, result) => model.history.take(&host, result),
        Message::Servers(id, result) => model.servers.take(&id, result.as_deref().ok()),
        Message::Output(number, news) => answers::output(model, number, news),
        Message::Saved(result) => answers::saved(model, result),
        Message::Uncopied(reason) => model.complain(reason),
        Message::Previewed(number, result) => layers::previewed(model, number, result),
        Message::Answered(number, result) => answers::answered(model, number, result),
        Message::Edited(result) => answers::edited(model, result),
        Message::Prepared(number, result) => layers::form::prepared(model, number, result),
        Message::Written(result) => answers::written(model, result),
    }
    Vec::new()
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

/// Where keys are looked up while nothing lies on top: a replay's keys come before what they mean elsewhere, and so do those of the
/// output.
pub(crate) fn contexts(model: &Model) -> Vec<Context> {
    let own = model.replay.is_some().then_some(Context::Replay);
    let pane: &[Context] = if model.reads() {
        &[Context::Reading, Context::Output]
    } else {
        &[Context::Rows]
    };
    let pane = pane.iter().copied();
    own.into_iter().chain(pane).chain([Context::Main]).collect()
}

/// A key, which may end the sequence that is begun, or begin one. What ends it and means nothing does nothing.
fn main_key(model: &mut Model, begun: Option<Key>, key: Key) -> Vec<Effect> {
    let keys = begun.map_or_else(|| Keys::from(key), |first| Keys::two(first, key));
    let contexts = contexts(model);
    let means = |context: &Context| {
        let action = model.keymap.action(&[*context], keys)?;
        // In the output a key means what it means elsewhere, where it can do nothing there.
        let fits = *context != Context::Reading || available(action, model).is_ok();
        fits.then_some(action)
    };
    if let Some(action) = contexts.iter().find_map(means) {
        return act(model, action);
    }
    if begun.is_none() && !model.keymap.after(&contexts, key).is_empty() {
        model.begun = Some(key);
    }
    Vec::new()
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
        .chain(model.rest.due())
        .chain(stale)
        .filter(|at| *at > model.now)
        .fold(beat, Timestamp::min)
}
