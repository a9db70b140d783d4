//! What the driver does for the cockpit. Updates only say it.

use crate::api::command::{Command, Deploy};
use crate::api::gate::Circumstances;
use crate::model::deployment::DeploymentId;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::store::documents::edit::{Draft, New};
use crate::tui::writing::Manuscript;

/// What a journal is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To replay it.
    Replay,
    /// To copy a report of it.
    Report,
}

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Fetch a deployment whole.
    Fetch(DeploymentId),
    /// Fetch the journal of a deployment, and what its group remembers.
    Journal {
        /// The request's number, which the answer carries.
        number: u64,
        /// Which deployment.
        deployment: DeploymentId,
        /// Its group.
        group: GroupKey,
    },
    /// Ask what these groups have given a host.
    Past(Name, Vec<GroupKey>),
    /// Ask how the servers of a deployment stand at its load balancers.
    Servers(DeploymentId),
    /// Follow the output of a target, besides what is followed already.
    Follow {
        /// The stream's number, which its news carry.
        stream: u64,
        /// Whose.
        deployment: DeploymentId,
        /// Whose.
        target: Name,
        /// From the line after this one on.
        after: u64,
    },
    /// Follow nothing.
    Unfollow,
    /// Ask what a deployment would do.
    Preview(u64, Box<Deploy>),
    /// Ask for a change, through the gate.
    Send(Box<Command>, Circumstances),
    /// Give the terminal to the operator's editor, to write a document by hand.
    Edit(Box<Manuscript>),
    /// Make a draft of something new.
    Prepare(u64, Box<New>),
    /// Write a draft, through the gate.
    Write(Box<Draft>, Circumstances),
    /// Call whoever looks elsewhere.
    Call(String),
    /// Ask the terminal to copy a text.
    Copy(String),
    /// Write a text to a new file.
    Save {
        /// What it is called.
        name: String,
        /// What its name ends in, without the dot.
        ending: &'static str,
        /// What is written.
        text: String,
    },
    /// Leave.
    Quit,
}
