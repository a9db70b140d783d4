//! The name of a production environment, typed before what moves its users: nobody does that by habit. It goes when the picture
//! changes, and when nothing was typed for a while.

use std::time::Duration;

use crate::api::locks;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::tui::action::Action;
use crate::tui::action::key::Key;
use crate::tui::consequence::Choice;
use crate::tui::model::Model;
use crate::tui::widgets::field::Field;

/// What is typed is forgotten when nothing came for this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A name that is being typed.
#[derive(Debug)]
pub(super) struct Naming {
    /// What is asked for.
    pub name: Name,
    /// What it stands for, once the name is there.
    pub choice: Choice,
    pub field: Field,
    /// When something was typed last.
    touched: Timestamp,
}

/// What a key makes of it.
pub(super) enum Typed {
    /// More is to come.
    Goes,
    /// It was called off.
    Ends,
    /// The name is there.
    Whole,
}

impl Naming {
    /// What has to be typed before this is done, if anything has.
    pub(super) fn of(model: &Model, choice: &Choice) -> Option<Self> {
        let name = model.production(&choice.command)?;
        locks::is_weighty(&choice.command).then(|| Self {
            name,
            choice: choice.clone(),
            field: Field::default(),
            touched: model.now,
        })
    }

    /// When it is forgotten.
    pub(super) fn ends(&self) -> Timestamp {
        self.touched + PATIENCE
    }

    /// Takes a key.
    pub(super) fn key(&mut self, now: Timestamp, key: Key, action: Option<Action>) -> Typed {
        if self.ends() <= now {
            return Typed::Ends;
        }
        self.touched = now;
        match action {
            Some(Action::Close) => return Typed::Ends,
            Some(Action::Choose) if self.field.text.trim() == self.name.as_str() => {
                return Typed::Whole;
            }
            Some(_) => {}
            None => {
                self.field.key(key);
            }
        }
        Typed::Goes
    }
}
