//! The confirmation: says what will happen, in numbers from the picture, and is tied to that picture.
//!
//! It listens only after a moment, so that keys typed before it was read do nothing. Its accept key is neither Enter nor
//! the one that opened it. When what was decided changes while it is open, it shows what changed and must be given
//! anew; a stop is never made hard, and is only kept up to date.

use std::time::Duration;

use super::window;
use super::{Layer, Reply};
use crate::api::command::{Deploy, Preview};
use crate::model::deployment::DeploymentId;
use crate::model::group::GroupKey;
use crate::model::timestamp::Timestamp;
use crate::tui::action::Action;
use crate::tui::consequence::{self, Statement};
use crate::tui::effect::Effect;
use crate::tui::glyph::Glyph;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Run, run};
use crate::tui::theme::Role;

/// Keys within this time after it appeared, or changed, were meant for something else.
pub(crate) const DEAF: Duration = Duration::from_millis(500);

/// What is to be confirmed.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    Stop(DeploymentId),
    RollBack(DeploymentId),
    Deploy {
        deploy: Box<Deploy>,
        preview: Box<Preview>,
        /// The preview that is on its way, if one is.
        awaited: Option<u64>,
    },
}

/// A confirmation on the screen.
#[derive(Debug)]
pub(crate) struct Confirm {
    subject: Subject,
    /// What the screen says.
    statement: Statement,
    /// What was decided when it was shown, where that has changed since.
    before: Option<Vec<String>>,
    shown: Timestamp,
    /// Why a new preview could not be had.
    failure: Option<String>,
}

/// Asks whether to stop the selected deployment.
pub(crate) fn stop(model: &mut Model) {
    if let Some(id) = model.selected.deployment.clone() {
        open(model, Subject::Stop(id));
    }
}

/// Asks whether to roll the selected deployment back.
pub(crate) fn roll_back(model: &mut Model) {
    if let Some(id) = model.selected.deployment.clone() {
        open(model, Subject::RollBack(id));
    }
}

fn open(model: &mut Model, subject: Subject) {
    let opened = Confirm::new(model, subject);
    model
        .layers
        .extend(opened.map(|confirm| Layer::Confirm(Box::new(confirm))));
}

fn state(model: &Model, subject: &Subject) -> Option<Statement> {
    let known = |id| {
        model
            .view
            .as_ref()
            .and_then(|view| view.deployments.get(id))
    };
    match subject {
        Subject::Stop(id) => known(id).map(|deployment| consequence::stop(model, deployment)),
        Subject::RollBack(id) => {
            known(id).map(|deployment| consequence::roll_back(model, deployment))
        }
        Subject::Deploy {
            deploy, preview, ..
        } => Some(consequence::deploy(model, deploy, preview)),
    }
}

impl Confirm {
    /// A confirmation of this; `None` if the picture does not know it.
    pub(crate) fn new(model: &Model, subject: Subject) -> Option<Self> {
        let statement = state(model, &subject)?;
        Some(Self {
            subject,
            statement,
            before: None,
            shown: model.now,
            failure: None,
        })
    }

    /// When it begins to listen.
    pub(crate) fn armed_at(&self) -> Timestamp {
        self.shown + DEAF
    }

    /// Looks at the picture again. A deployment that has left it keeps what was said, and can't be accepted.
    pub(super) fn refresh(&mut self, model: &Model) -> bool {
        let Some(fresh) = state(model, &self.subject) else {
            self.statement.blocked = Some("the deployment is being fetched again".to_owned());
            return true;
        };
        let stopping = matches!(self.subject, Subject::Stop(_));
        if !stopping && fresh.decided != self.statement.decided {
            self.before = Some(std::mem::take(&mut self.statement.decided));
            self.shown = model.now;
        }
        self.statement = fresh;
        true
    }

    /// Why it can't be accepted now.
    fn blocked(&self, model: &Model) -> Option<String> {
        if let Some(reason) = self.failure.as_ref().or(self.statement.blocked.as_ref()) {
            return Some(reason.clone());
        }
        match &self.subject {
            // The way out works on old data too.
            Subject::Stop(_) => None,
            _ if model.is_stale() => {
                Some("what you see is old: wait until the connection is back".to_owned())
            }
            Subject::Deploy {
                awaited: Some(_), ..
            } => Some("looking again: something has changed".to_owned()),
            _ => None,
        }
    }

    /// Whether it waits for this preview.
    pub(super) fn awaits(&self, number: u64) -> bool {
        matches!(&self.subject, Subject::Deploy { awaited: Some(awaited), .. } if *awaited == number)
    }

    /// Takes a new preview; the next refresh compares it.
    pub(super) fn previewed(&mut self, result: Result<Box<Preview>, String>) {
        if let Subject::Deploy {
            preview, awaited, ..
        } = &mut self.subject
        {
            *awaited = None;
            match result {
                Ok(fresh) => {
                    *preview = fresh;
                    self.failure = None;
                }
                Err(reason) => self.failure = Some(reason),
            }
        }
    }

    /// Asks for a new preview if this group's matters here.
    pub(super) fn preview_again(
        &mut self,
        model: &mut Model,
        group: Option<&GroupKey>,
    ) -> Option<Effect> {
        let Subject::Deploy {
            deploy, awaited, ..
        } = &mut self.subject
        else {
            return None;
        };
        if group.is_some_and(|group| *group != deploy.group) {
            return None;
        }
        let number = model.request();
        *awaited = Some(number);
        Some(Effect::Preview(number, deploy.clone()))
    }

    /// Draws it.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let width = window::columns(model);
        let mut rows: Vec<Vec<Run>> = Vec::new();
        for line in &self.statement.decided {
            rows.extend(window::paragraph(Role::Text, line, width));
        }
        if let Some(before) = &self.before {
            rows.push(vec![run(
                Role::Warn,
                "This has changed while you looked. Before, it said:",
            )]);
            for line in before
                .iter()
                .filter(|line| !self.statement.decided.contains(line))
            {
                rows.extend(window::paragraph(Role::Muted, line, width));
            }
        }
        if !self.statement.now.is_empty() {
            rows.push(Vec::new());
            let dot = brush.glyph(Glyph::Separator);
            for line in &self.statement.now {
                rows.extend(window::paragraph(
                    Role::Text,
                    &format!("{dot} {line}"),
                    width,
                ));
            }
        }
        let body = rows.len();
        rows.push(Vec::new());
        match self.blocked(model) {
            Some(reason) => rows.extend(window::paragraph(Role::Bad, &reason, width)),
            None => rows.extend(self.choices(model)),
        }
        let cancel = model.keymap.shown(Action::Cancel);
        rows.push(vec![
            run(Role::Selected, " Cancel "),
            run(Role::Muted, format!("  {cancel}, enter or esc")),
        ]);
        let choices = rows.len() - body;
        let inside = window::open(model, brush, rows.len(), &self.statement.title, Role::Warn);
        window::rows(brush, inside, &rows, choices);
    }

    fn choices(&self, model: &Model) -> Vec<Vec<Run>> {
        // Until it listens its keys look dead, because they are.
        let armed = model.now >= self.armed_at();
        let role = if armed { Role::Key } else { Role::Muted };
        let one = |action, label: &str| {
            vec![
                run(role, model.keymap.shown(action)),
                run(
                    if armed { Role::Text } else { Role::Muted },
                    format!("  {label}"),
                ),
            ]
        };
        let alternative = self.statement.alternative.as_ref();
        std::iter::once(one(Action::Accept, &self.statement.accept.label))
            .chain(alternative.map(|choice| one(Action::Alternative, &choice.label)))
            .collect()
    }
}

/// Takes a key.
pub(super) fn key(
    confirm: Box<Confirm>,
    model: &mut Model,
    action: Option<Action>,
    effects: &mut Vec<Effect>,
) -> Reply {
    let choice = match action {
        Some(Action::Cancel) => return Reply::Close,
        Some(Action::Accept) => Some(&confirm.statement.accept),
        Some(Action::Alternative) => confirm.statement.alternative.as_ref(),
        _ => None,
    };
    let Some(choice) = choice else {
        return Reply::Stay(Layer::Confirm(confirm));
    };
    if model.now < confirm.armed_at() || confirm.blocked(model).is_some() {
        return Reply::Stay(Layer::Confirm(confirm));
    }
    effects.push(Effect::Send(
        Box::new(choice.command.clone()),
        model.circumstances(),
    ));
    model.say(format!("{} …", choice.label).replace('…', Glyph::Cut.draw(model.theme)));
    match &confirm.subject {
        Subject::Stop(id) | Subject::RollBack(id) => model.expected_rollback = Some(id.clone()),
        // The picker below has done its work.
        Subject::Deploy { .. } => model
            .layers
            .retain(|layer| !matches!(layer, Layer::Deploy(_))),
    }
    Reply::Close
}
