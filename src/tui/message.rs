//! What can happen to the cockpit. The time comes in beside each message.

use super::action::key::Key;
use crate::api::command::{Answer, Preview};
use crate::api::feed::{FeedItem, OutputLine};
use crate::engine::Deployment;
use crate::model::deployment::DeploymentId;
use crate::model::traffic::status::BalancerDetails;

/// Something happened.
#[derive(Debug)]
pub(crate) enum Message {
    /// A key was pressed.
    Key(Key),
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
    /// How the servers of a deployment stand at its load balancers.
    Servers(DeploymentId, Result<Vec<BalancerDetails>, String>),
    /// Output of the target that is being followed.
    Output(u64, OutputNews),
    /// Lines were saved: where, or why not.
    Saved(Result<String, String>),
    /// A preview was made.
    Previewed(u64, Result<Box<Preview>, String>),
    /// A command was answered.
    Answered(Result<Answer, String>),
    /// Somebody asks the process to end.
    Terminated,
}

/// News of a followed output.
#[derive(Debug)]
pub(crate) enum OutputNews {
    /// More lines.
    Lines(Vec<OutputLine>),
    /// The stream ended, or broke.
    Ended(Option<String>),
}
