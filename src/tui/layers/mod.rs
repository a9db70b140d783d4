//! What lies on top of the screen: a stack, the topmost has the keys. A new dialog is a file here and a line in each
//! match below.

pub(crate) mod compare;
pub(crate) mod confirm;
pub(crate) mod deploy;
pub(crate) mod documents;
pub(crate) mod export;
pub(crate) mod filter;
pub(crate) mod form;
pub(crate) mod goto;
pub(crate) mod help;
pub(crate) mod invitation;
pub(crate) mod leaving;
pub(crate) mod messages;
mod picker;
mod reading;
pub(crate) mod requests;
pub(crate) mod review;
pub(crate) mod search;
pub(crate) mod share;
pub(crate) mod sort;
pub(crate) mod text;
pub(crate) mod told;
pub(crate) mod unlock;
mod window;
mod written;

use super::action::key::Key;
use super::action::{Action, Context};
use super::effect::Effect;
use super::model::Model;
use super::paint::Brush;
use super::widgets::field::Field;
use crate::api::command::Preview;
use crate::model::group::GroupKey;
use crate::model::timestamp::Timestamp;
use told::Choice;

/// Something on top of the screen.
#[derive(Debug)]
pub(crate) enum Layer {
    Help(help::Help),
    Messages(messages::Messages),
    Requests(requests::Requests),
    Confirm(Box<confirm::Confirm>),
    Leaving(leaving::Leaving),
    GoTo(goto::GoTo),
    Deploy(deploy::Pick),
    Export(export::Export),
    Filter(filter::Filter),
    Search(search::Search),
    Share(share::Share),
    Sort(sort::Sort),
    Text(Box<text::Text>),
    Compare(compare::Compare),
    Documents(documents::Pick),
    Form(Box<form::Form>),
    Invitation(invitation::Invitation),
    Review(Box<review::Review>),
    Unlock(unlock::Unlock),
}

/// What a layer made of a key.
pub(crate) enum Reply {
    /// It stays.
    Stay(Layer),
    /// It goes.
    Close,
}

impl Layer {
    /// Where its keys are looked up.
    pub(crate) fn context(&self) -> Context {
        match self {
            Self::Help(help::Help(reading))
            | Self::Messages(messages::Messages(reading))
            | Self::Requests(requests::Requests { reading, .. }) => reading.context(),
            Self::Text(text) => text.reading.context(),
            Self::Compare(_) => Context::Help,
            Self::Confirm(confirm) => confirm.context(),
            Self::Review(_) | Self::Invitation(_) => Context::Confirm,
            Self::Form(_) => Context::Form,
            Self::Leaving(_) => Context::Leaving,
            Self::GoTo(_)
            | Self::Deploy(_)
            | Self::Documents(_)
            | Self::Export(_)
            | Self::Filter(_)
            | Self::Search(_)
            | Self::Share(_)
            | Self::Sort(_)
            | Self::Unlock(_) => Context::Typing,
        }
    }

    /// What is typed into, if something is.
    fn field(&mut self) -> Option<&mut Field> {
        Some(match self {
            Self::GoTo(goto) => &mut goto.picker.field,
            Self::Deploy(pick) => &mut pick.picker.field,
            Self::Filter(filter) => &mut filter.field,
            Self::Search(search) => &mut search.field,
            Self::Share(share) => &mut share.field,
            Self::Sort(sort) => &mut sort.picker.field,
            Self::Unlock(unlock) => &mut unlock.field,
            Self::Documents(pick) => &mut pick.picker.field,
            Self::Export(export) => &mut export.picker.field,
            Self::Form(form) => form.field()?,
            Self::Confirm(confirm) => confirm.why()?,
            Self::Help(help::Help(reading))
            | Self::Messages(messages::Messages(reading))
            | Self::Requests(requests::Requests { reading, .. }) => reading.field()?,
            Self::Text(text) => text.reading.field()?,
            Self::Leaving(_) | Self::Compare(_) | Self::Invitation(_) | Self::Review(_) => {
                return None;
            }
        })
    }

    /// When it changes although nothing happens: it begins to listen, or looks at news that it has let wait.
    pub(crate) fn due(&self, model: &Model) -> Option<Timestamp> {
        match self {
            Self::Confirm(confirm) => Some(confirm.due()),
            Self::Leaving(leaving) => Some(leaving.armed_at()),
            Self::Invitation(invitation) => Some(invitation.armed_at()),
            Self::Review(review) => Some(review.armed_at()),
            Self::GoTo(goto) => goto.due(model),
            _ => None,
        }
    }
}

/// Gives a key to the topmost layer.
pub(crate) fn key(model: &mut Model, key: Key) -> Vec<Effect> {
    let context = model.layers.last().map(Layer::context);
    let action = context.and_then(|context| model.keymap.action(&[context], key));
    give(model, key, action)
}

/// Has the topmost layer do an action, if it is one of its own.
pub(crate) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if context(model) != Some(action.entry().context) {
        return Vec::new();
    }
    give(model, Key::NONE, Some(action))
}

/// Whether a line that is typed at this time can answer the topmost layer.
pub(crate) fn listens(model: &Model, at: Timestamp) -> bool {
    match model.layers.last() {
        Some(Layer::Unlock(unlock)) => at >= unlock.armed_at(),
        _ => true,
    }
}

/// Where the keys of the topmost layer are looked up.
pub(crate) fn context(model: &Model) -> Option<Context> {
    model.layers.last().map(Layer::context)
}

/// Gives the topmost layer a key, or what it means there.
fn give(model: &mut Model, key: Key, action: Option<Action>) -> Vec<Effect> {
    let Some(layer) = model.layers.pop() else {
        return Vec::new();
    };
    let depth = model.layers.len();
    let mut effects = Vec::new();
    let reply = match layer {
        Layer::Help(help) => help.key(model, (key, action), &mut effects),
        Layer::Messages(messages) => messages.key(model, (key, action), &mut effects),
        Layer::Requests(requests) => requests.key(model, (key, action), &mut effects),
        Layer::Confirm(confirm) => confirm::key(confirm, model, key, action, &mut effects),
        Layer::Leaving(leaving) => leaving::key(leaving, model, action, &mut effects),
        Layer::GoTo(goto) => goto::key(goto, model, key, action, &mut effects),
        Layer::Deploy(pick) => deploy::key(pick, model, key, action, &mut effects),
        Layer::Export(export) => export::key(export, model, key, action, &mut effects),
        Layer::Filter(filter) => filter::key(filter, model, key, action),
        Layer::Search(search) => search::key(search, model, key, action),
        Layer::Text(text) => text.key(model, (key, action), &mut effects),
        Layer::Share(share) => share::key(share, model, key, action),
        Layer::Sort(sort) => sort::key(sort, model, key, action),
        Layer::Compare(compare) => compare.key(model, action),
        Layer::Documents(pick) => documents::key(pick, model, key, action, &mut effects),
        Layer::Form(form) => form::key(form, model, key, action, &mut effects),
        Layer::Invitation(shown) => invitation::key(shown, model, action, &mut effects),
        Layer::Review(review) => review::key(review, model, key, action, &mut effects),
        Layer::Unlock(unlock) => unlock::key(unlock, model, key, action, &mut effects),
    };
    if let Reply::Stay(layer) = reply {
        // Below whatever it opened itself.
        model.layers.insert(depth.min(model.layers.len()), layer);
    }
    effects
}

/// Gives pasted text to the topmost layer. Where nothing is typed it is nothing: it must not act as keys.
pub(crate) fn paste(model: &mut Model, text: &str) {
    match model.layers.last_mut() {
        Some(Layer::GoTo(goto)) => goto.picker.paste(text),
        Some(Layer::Deploy(pick)) => pick.picker.paste(text),
        Some(Layer::Export(export)) => export.paste(text),
        Some(Layer::Documents(pick)) => pick.picker.paste(text),
        Some(Layer::Sort(sort)) => sort.picker.paste(text),
        Some(Layer::Form(form)) => form.paste(text),
        Some(Layer::Filter(filter)) => {
            let (list, text) = filter.paste(text);
            let mode = model.arranged.of(list).filter.mode();
            model.arranged.narrow(list, &text, mode);
        }
        Some(Layer::Search(search)) => {
            let needle = search.paste(text);
            model.output.search(needle);
        }
        Some(Layer::Confirm(confirm)) => confirm.paste(text),
        Some(Layer::Share(share)) => share.paste(text),
        Some(Layer::Unlock(unlock)) => unlock.paste(text),
        Some(
            Layer::Help(help::Help(reading))
            | Layer::Messages(messages::Messages(reading))
            | Layer::Requests(requests::Requests { reading, .. }),
        ) => {
            if let Some(field) = reading.field() {
                field.paste(text);
            }
        }
        Some(Layer::Text(shown)) => {
            if let Some(field) = shown.reading.field() {
                field.paste(text);
            }
        }
        _ => {}
    }
}

/// Puts a text in the place of what was typed into the topmost layer.
pub(crate) fn retype(model: &mut Model, text: &str) {
    // A name is typed, and not pasted.
    if let Some(Layer::Confirm(confirm)) = model.layers.last_mut() {
        return confirm.retype(text);
    }
    if let Some(Layer::Form(form)) = model.layers.last_mut() {
        return form.retype(text);
    }
    if let Some(field) = model.layers.last_mut().and_then(Layer::field) {
        field.text.clear();
    }
    paste(model, text);
}

/// Takes a candidate of the topmost layer.
pub(crate) fn choose(model: &mut Model, choice: &Choice) -> Vec<Effect> {
    let there = match (model.layers.last_mut(), choice) {
        (Some(Layer::GoTo(goto)), Choice::GoTo(place)) => goto.picker.put(place),
        (Some(Layer::Deploy(pick)), Choice::Deploy(item)) => pick.picker.put(item),
        (Some(Layer::Documents(pick)), Choice::Document(item)) => pick.picker.put(item),
        (Some(Layer::Export(export)), Choice::Export(form)) => export.picker.put(form),
        (Some(Layer::Sort(sort)), Choice::Sort(column)) => sort.picker.put(column),
        _ => false,
    };
    if there {
        act(model, Action::Choose)
    } else {
        Vec::new()
    }
}

/// Lets every layer see what has changed below.
pub(crate) fn refresh(model: &mut Model) {
    let mut layers = std::mem::take(&mut model.layers);
    layers.retain_mut(|layer| match layer {
        Layer::Confirm(confirm) => confirm.refresh(model),
        Layer::GoTo(goto) => {
            goto.refresh(model);
            true
        }
        Layer::Deploy(pick) => {
            pick.refresh(model);
            true
        }
        Layer::Compare(compare) => {
            compare.refresh(model);
            true
        }
        Layer::Export(export) => {
            export.refresh(model);
            true
        }
        Layer::Text(text) => {
            text.refresh(model);
            true
        }
        Layer::Documents(pick) => {
            pick.refresh(model);
            true
        }
        Layer::Sort(sort) => {
            sort.refresh(model);
            true
        }
        Layer::Help(_)
        | Layer::Messages(_)
        | Layer::Requests(_)
        | Layer::Leaving(_)
        | Layer::Filter(_)
        | Layer::Search(_)
        | Layer::Form(_)
        | Layer::Invitation(_)
        | Layer::Review(_)
        | Layer::Share(_)
        | Layer::Unlock(_) => true,
    });
    model.layers = layers;
}

/// Takes a preview to the layer that asked for it.
pub(crate) fn previewed(model: &mut Model, number: u64, result: Result<Box<Preview>, String>) {
    let mut layers = std::mem::take(&mut model.layers);
    let mut opened = None;
    let mut result = Some(result);
    for layer in &mut layers {
        match layer {
            Layer::Confirm(confirm) if confirm.awaits(number) => {
                if let Some(result) = result.take() {
                    confirm.previewed(result);
                }
            }
            Layer::Form(form) if form.awaits_preview(number) => {
                if let Some(result) = result.take() {
                    opened = form.previewed(model, result);
                }
            }
            Layer::Deploy(pick) if pick.awaits(number) => {
                if let Some(result) = result.take() {
                    opened = pick.previewed(model, result);
                }
            }
            _ => {}
        }
    }
    model.layers = layers;
    model.layers.extend(opened);
}

/// Asks again for a preview on the screen when what it rests on may have changed: this group, or all if `None`.
pub(crate) fn preview_again(model: &mut Model, group: Option<&GroupKey>) -> Option<Effect> {
    let mut layers = std::mem::take(&mut model.layers);
    let effect = layers.iter_mut().find_map(|layer| match layer {
        Layer::Confirm(confirm) => confirm.preview_again(model, group),
        _ => None,
    });
    model.layers = layers;
    effect
}

/// Draws all layers, the topmost last.
pub(crate) fn draw(model: &Model, brush: &mut Brush<'_>) {
    for layer in &model.layers {
        match layer {
            Layer::Help(help) => help.draw(model, brush),
            Layer::Messages(messages) => messages.draw(model, brush),
            Layer::Requests(requests) => requests.draw(model, brush),
            Layer::Confirm(confirm) => confirm.draw(model, brush),
            Layer::Leaving(leaving) => leaving.draw(model, brush),
            Layer::GoTo(goto) => goto.draw(model, brush),
            Layer::Deploy(pick) => pick.draw(model, brush),
            Layer::Export(export) => export.draw(model, brush),
            Layer::Filter(filter) => filter.draw(model, brush),
            Layer::Search(search) => search.draw(model, brush),
            Layer::Share(share) => share.draw(model, brush),
            Layer::Sort(sort) => sort.draw(model, brush),
            Layer::Text(text) => text.draw(model, brush),
            Layer::Compare(compare) => compare.draw(model, brush),
            Layer::Documents(pick) => pick.draw(model, brush),
            Layer::Form(form) => form.draw(model, brush),
            Layer::Invitation(invitation) => invitation.draw(model, brush),
            Layer::Review(review) => review.draw(model, brush),
            Layer::Unlock(unlock) => unlock.draw(model, brush),
        }
    }
}
