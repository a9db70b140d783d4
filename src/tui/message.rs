//! What can happen to the cockpit. The time comes in beside each message.

use super::action::Action;
use super::action::key::Key;
use super::aims::Aim;
use super::layers::told::Choice;
use super::lists::row::Row;
use crate::api::afterwards::past::Given;
use crate::api::command::{Answer, Preview};
use crate::api::feed::{FeedItem, OutputLine};
use crate::engine::ledger::LedgerRecord;
use crate::engine::{Deployment, Record};
use crate::model::address::Address;
use crate::model::deployment::DeploymentId;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::traffic::status::BalancerDetails;
use crate::tui::sent::Unanswered;
use crate::tui::writing::Reviewed;

/// Something happened.
#[derive(Debug)]
pub(crate) enum Message {
    /// A key was pressed.
    Key(Key),
    /// An action was asked for by its name, or by a click.
    Act(Action),
    /// A place was asked for.
    Go(Address),
    /// A row was pointed at.
    Select(Row),
    /// Something was clicked at.
    Click(Aim),
    /// The wheel was turned over something, or over nothing.
    Wheel {
        /// Over what.
        over: Option<Aim>,
        /// Which way.
        up: bool,
    },
    /// A candidate of the topmost layer was pointed at.
    Choose(Choice),
    /// A whole line was typed, in the place of what was typed before.
    Type(String),
    /// Text was pasted: it goes where text can be typed, and is no command anywhere.
    Paste(String),
    /// The terminal has this many columns and rows.
    Resized(u16, u16),
    /// The terminal is looked at, or no longer.
    Focused(bool),
    /// Time has passed.
    Tick,
    /// The orchestrator says something.
    Feed(Box<FeedItem>),
    /// The feed broke.
    Lost(String),
    /// A deployment was fetched.
    Fetched(DeploymentId, Result<Box<Deployment>, String>),
    /// The journal of a deployment was fetched, with the number of the request.
    Journal(u64, DeploymentId, Result<Box<Journal>, String>),
    /// What a host was given.
    Past(Name, Result<Vec<Given>, String>),
    /// How the servers of a deployment stand at its load balancers.
    Servers(DeploymentId, Result<Vec<BalancerDetails>, String>),
    /// Output of the target that is being followed.
    Output(u64, OutputNews),
    /// Lines were saved: where, or why not.
    Saved(Result<String, String>),
    /// What should have copied a text did not: why.
    Uncopied(String),
    /// A preview was made.
    Previewed(u64, Result<Box<Preview>, String>),
    /// A command was answered, with its number among what was sent.
    Answered(u64, Result<Answer, Unanswered>),
    /// A document is back from the editor, or why it was not written by hand.
    Edited(Result<Box<Reviewed>, String>),
    /// A draft of something new was made.
    Prepared(u64, Result<Box<Reviewed>, String>),
    /// A draft was written: what, or why not.
    Written(Result<String, String>),
    /// Somebody asks the process to end.
    Terminated,
}

/// What is written of a deployment.
#[derive(Debug)]
pub(crate) struct Journal {
    /// Its own entries.
    pub records: Vec<Record>,
    /// Its group, and what that remembers.
    pub group: GroupKey,
    /// The entries of its group.
    pub ledger: Vec<LedgerRecord>,
}

impl Message {
    /// Whether a person did it.
    pub(crate) fn is_by_hand(&self) -> bool {
        matches!(
            self,
            Self::Key(_)
                | Self::Act(_)
                | Self::Go(_)
                | Self::Select(_)
                | Self::Click(_)
                | Self::Wheel { .. }
                | Self::Choose(_)
                | Self::Type(_)
                | Self::Paste(_)
        )
    }

    /// Whether it is about the world, and not about who looks at it.
    pub(crate) fn is_news(&self) -> bool {
        match self {
            Self::Feed(_)
            | Self::Lost(_)
            | Self::Fetched(..)
            | Self::Journal(..)
            | Self::Past(..)
            | Self::Servers(..)
            | Self::Output(..)
            | Self::Previewed(..)
            | Self::Edited(_)
            | Self::Prepared(..)
            | Self::Written(_)
            | Self::Answered(..) => true,
            Self::Key(_)
            | Self::Act(_)
            | Self::Go(_)
            | Self::Select(_)
            | Self::Choose(_)
            | Self::Click(_)
            | Self::Wheel { .. }
            | Self::Type(_)
            | Self::Paste(_)
            | Self::Resized(..)
            | Self::Focused(_)
            | Self::Tick
            | Self::Saved(_)
            | Self::Uncopied(_)
            | Self::Terminated => false,
        }
    }
}

/// News of a followed output.
#[derive(Debug)]
pub(crate) enum OutputNews {
    /// More lines.
    Lines(Vec<OutputLine>),
    /// The stream ended, or broke.
    Ended(Option<String>),
}
