//! What forms ask, and what they make of it: a file a kind.

mod application;
mod configuration;
mod deployment;
mod group;
mod host;
mod words;

use super::Values;
use crate::api::command::Deploy;
use crate::store::documents::edit::New;
use crate::tui::model::Model;

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Application,
    Group,
    Deployment,
    Configuration,
    Host,
}

/// What a form makes.
pub(super) enum Made {
    /// Something for the documents.
    New(Box<New>),
    /// A deployment, which is previewed.
    Deploy(Box<Deploy>),
}

/// A field of a form.
#[derive(Debug)]
pub(super) struct Blank {
    pub name: &'static str,
    /// What it is for, in a line.
    pub about: &'static str,
    /// Whether it takes several words.
    pub many: bool,
    /// What stands in it at first.
    pub first: fn(&Model) -> String,
    /// Whether it is asked for, as the others are filled in.
    pub asked: fn(&Model, Values<'_>) -> bool,
    /// What may stand in it, or in one of its words.
    pub choices: fn(&Model, Values<'_>) -> Vec<String>,
    /// What is wrong with what was typed.
    pub check: fn(&str, &Model, Values<'_>) -> Result<(), String>,
}

/// A field that is always asked for, is empty at first and takes anything.
const PLAIN: Blank = Blank {
    name: "",
    about: "",
    many: false,
    first: |_| String::new(),
    asked: |_, _| true,
    choices: |_, _| Vec::new(),
    check: |_, _, _| Ok(()),
};

impl Kind {
    /// Everything that can be made.
    pub(super) const ALL: [Self; 5] = [
        Self::Application,
        Self::Group,
        Self::Deployment,
        Self::Configuration,
        Self::Host,
    ];

    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Group => "deployment group",
            Self::Deployment => "deployment",
            Self::Configuration => "deployment configuration",
            Self::Host => "host",
        }
    }

    /// What it is.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Application => "what is deployed, on one compute platform",
            Self::Group => "where an application is deployed together",
            Self::Deployment => {
                "a revision to a group, with another configuration or a description"
            }
            Self::Configuration => "how many instances at a time, and how many stay healthy",
            Self::Host => "a machine with an agent, in cutover.yaml",
        }
    }

    /// What is asked.
    pub(super) fn blanks(self) -> &'static [Blank] {
        match self {
            Self::Application => &application::BLANKS,
            Self::Group => &group::BLANKS,
            Self::Deployment => &deployment::BLANKS,
            Self::Configuration => &configuration::BLANKS,
            Self::Host => &host::BLANKS,
        }
    }

    /// What is to be made of what was typed.
    ///
    /// # Errors
    /// If a field is wrong.
    pub(super) fn make(self, model: &Model, values: Values<'_>) -> Result<Made, String> {
        let new = match self {
            Self::Application => application::make(values),
            Self::Group => group::make(model, values),
            Self::Configuration => configuration::make(values),
            Self::Host => host::make(values),
            Self::Deployment => {
                let deploy = deployment::make(model, values)?;
                return Ok(Made::Deploy(Box::new(deploy)));
            }
        };
        Ok(Made::New(Box::new(new?)))
    }
}
