//! The confirmation: says what will happen, in numbers from the picture, and is tied to that picture.
//!
//! It listens only after a moment, so that keys typed before it was read do nothing. Its accept key is neither Enter nor
//! the one that opened it. When what was decided changes while it is open, it shows what changed and must be given
//! anew; a stop is never made hard, and is only kept up to date. A command carries the newest decision that was on the
//! screen, so that the orchestrator refuses it if somebody was faster. Why it is done can be typed, for the journal. What
//! decides what the users of a production environment get takes its name besides, typed.

mod draw;
mod line;
mod naming;
mod reason;

use std::time::Duration;

use self::naming::{Naming, Typed};
use self::reason::Reason;
use super::{Layer, Reply};
use crate::api::command::{Deploy, Preview};
use crate::api::locks;
use crate::engine::input::What;
use crate::model::deployment::DeploymentId;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::Split;
use crate::tui::action::available::{STEP, locked, moved};
use crate::tui::action::key::Key;
use crate::tui::action::{Action, Context};
use crate::tui::consequence::{self, Choice, Statement};
use crate::tui::effect::Effect;
use crate::tui::glyph::Glyph;
use crate::tui::model::Model;
use crate::tui::widgets::field::Field;

/// Keys within this time after it appeared, or changed, were meant for something else.
pub(crate) const DEAF: Duration = Duration::from_millis(500);

/// What is to be confirmed.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    Control(DeploymentId, What),
    RollBack(DeploymentId),
    /// Letting a host join.
    Invite(Name),
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
    /// The entries that it was made from, where looking again costs much.
    made_of: Option<Entries>,
    /// What was decided when it was shown, where that has changed since.
    before: Option<Vec<String>>,
    shown: Timestamp,
    /// Why a new preview could not be had.
    failure: Option<String>,
    reason: Reason,
    /// The name of an environment that is being typed.
    naming: Option<Naming>,
    /// Whether one was forgotten because nothing was typed for a while.
    forgot: bool,
    /// What would happen, if somebody asked: the steps, or why they can't be told.
    rehearsal: Option<Result<Vec<String>, String>>,
    /// Whether it shows the command lines that do the same instead.
    as_command: bool,
}

/// Asks whether to do this to the selected deployment.
pub(crate) fn control(model: &mut Model, what: What) {
    if let Some(id) = model.selected.deployment.clone() {
        open(model, Subject::Control(id, what));
    }
}

/// Asks whether a deployment's replacement is to get this share.
pub(super) fn share(model: &mut Model, id: DeploymentId, split: Split) {
    open(model, Subject::Control(id, What::Weight { split }));
}

/// Asks whether to let the selected host join.
pub(crate) fn invite(model: &mut Model) {
    if let Some(host) = model.hosts.selected() {
        open(model, Subject::Invite(host));
    }
}

/// The question whether to deploy what was previewed.
pub(super) fn deploy(model: &Model, deploy: Box<Deploy>, preview: Box<Preview>) -> Option<Layer> {
    let subject = Subject::Deploy {
        deploy,
        preview,
        awaited: None,
    };
    Confirm::new(model, subject).map(|confirm| Layer::Confirm(Box::new(confirm)))
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
        Subject::Control(id, what) => known(id).map(|deployment| match what {
            What::Stop { .. } => consequence::stop(model, deployment),
            what => consequence::control(model, deployment, what),
        }),
        Subject::RollBack(id) => {
            known(id).map(|deployment| consequence::roll_back(model, deployment))
        }
        Subject::Invite(host) => consequence::invite(model, host),
        Subject::Deploy {
            deploy, preview, ..
        } => Some(consequence::deploy(model, deploy, preview)),
    }
}

/// Which lock keeps a choice from being taken.
fn shut(model: &Model, choice: &Choice) -> Option<String> {
    let environment = model.lock(&choice.command)?;
    Some(locked(model, &environment))
}

/// What would happen, step by step; nothing if the picture does not know what it is about.
fn rehearse(model: &Model, subject: &Subject) -> Option<Result<Vec<String>, String>> {
    let known = |id| model.view.as_ref()?.deployments.get(id);
    Some(match subject {
        Subject::Control(id, what) => consequence::of_control(model, known(id)?, what),
        Subject::RollBack(id) => consequence::of_rollback(model, known(id)?),
        Subject::Deploy { preview, .. } => consequence::of_deploy(model, preview),
        // It happens at once.
        Subject::Invite(_) => return None,
    })
}

/// The numbers of the newest entries of a deployment and its group, and of news about documents, hosts and servers; and when
/// its load balancers were looked at.
type Entries = (u64, u64, u64, u64, Option<Timestamp>);

/// What a statement about a deployment is made from: as long as it is the same, so is the statement.
fn entries(model: &Model, subject: &Subject) -> Option<Entries> {
    let (Subject::Control(id, _) | Subject::RollBack(id)) = subject else {
        return None;
    };
    let view = model.view.as_ref()?;
    let deployment = view.deployments.get(id)?;
    let ledger = model.ledger(&deployment.group_key());
    let ledger = ledger.map_or(0, |ledger| ledger.seq);
    let look = model.gauge(deployment).map(|gauge| gauge.status.at);
    let servers = model.servers.news;
    Some((deployment.seq, ledger, view.host_news, servers, look))
}

impl Subject {
    /// Stopping is the way out, and never made hard.
    fn is_stop(&self) -> bool {
        matches!(self, Self::Control(_, What::Stop { .. }))
    }
}

impl Confirm {
    /// A confirmation of this; `None` if the picture does not know it.
    pub(crate) fn new(model: &Model, subject: Subject) -> Option<Self> {
        let statement = state(model, &subject)?;
        Some(Self {
            made_of: entries(model, &subject),
            subject,
            statement,
            before: None,
            shown: model.now,
            failure: None,
            reason: Reason::default(),
            naming: None,
            forgot: false,
            rehearsal: None,
            as_command: false,
        })
    }

    /// Where its keys are looked up.
    pub(super) fn context(&self) -> Context {
        if self.reason.typing || self.naming.is_some() {
            Context::Typing
        } else {
            Context::Confirm
        }
    }

    /// Whether there is something to rehearse: an invitation is there at once.
    fn takes_rehearsal(&self) -> bool {
        !matches!(self.subject, Subject::Invite(_))
    }

    /// Whether its journal has a place for a reason.
    fn takes_reason(&self) -> bool {
        matches!(self.subject, Subject::Control(..))
    }

    /// The reason that is being typed, if one is.
    pub(super) fn why(&mut self) -> Option<&mut Field> {
        match &mut self.naming {
            Some(naming) => Some(&mut naming.field),
            None => self.reason.typing.then_some(&mut self.reason.field),
        }
    }

    /// A line that was typed whole.
    pub(super) fn retype(&mut self, text: &str) {
        if let Some(field) = self.why() {
            field.set(text);
        }
    }

    /// Pasted text is part of a reason that is being typed, and nothing else.
    pub(super) fn paste(&mut self, text: &str) {
        if self.reason.typing {
            self.reason.field.paste(text);
        }
    }

    /// When it begins to listen.
    pub(crate) fn armed_at(&self) -> Timestamp {
        self.shown + DEAF
    }

    /// When it changes although nothing happens.
    pub(super) fn due(&self) -> Timestamp {
        self.naming.as_ref().map_or(self.armed_at(), Naming::ends)
    }

    /// Looks at the picture again. A deployment that has left it keeps what was said, and can't be accepted.
    pub(super) fn refresh(&mut self, model: &Model) -> bool {
        if self
            .naming
            .take_if(|naming| naming.ends() <= model.now)
            .is_some()
        {
            self.forgot = true;
            // Whoever still types it answers nothing by that.
            self.shown = model.now;
        }
        let made_of = entries(model, &self.subject);
        if made_of.is_some() && made_of == self.made_of {
            return true;
        }
        self.made_of = made_of;
        let Some(fresh) = state(model, &self.subject) else {
            self.statement.blocked = Some("the deployment is being fetched again".to_owned());
            return true;
        };
        let old = &self.statement;
        let changed = (&fresh.decided, &fresh.warnings, fresh.seen)
            != (&old.decided, &old.warnings, old.seen);
        if !self.subject.is_stop() && changed {
            self.before = Some(std::mem::take(&mut self.statement.decided));
            self.shown = model.now;
            // What has changed is read before anything else.
            self.as_command = false;
            self.rehearsal = None;
        }
        if changed {
            self.naming = None;
        }
        self.statement = fresh;
        // It costs a run of the engine.
        if changed && self.rehearsal.is_some() {
            self.rehearsal = rehearse(model, &self.subject);
        }
        true
    }

    /// Why it can't be accepted now.
    fn blocked(&self, model: &Model) -> Option<String> {
        if let Some(reason) = self.failure.as_ref().or(self.statement.blocked.as_ref()) {
            return Some(reason.clone());
        }
        match &self.subject {
            // The way out works on old data too.
            subject if subject.is_stop() => None,
            _ if model.is_stale() => {
                Some("what you see is old: wait until the connection is back".to_owned())
            }
            Subject::Deploy {
                awaited: Some(_), ..
            } => Some("looking again: something has changed".to_owned()),
            _ => shut(model, &self.statement.accept),
        }
    }

    /// Whether it is about a share of the traffic, which keys can change while it is open.
    fn is_share(&self) -> bool {
        matches!(self.subject, Subject::Control(_, What::Weight { .. }))
    }

    /// Another share is asked about: it has to be read, and confirmed anew.
    fn move_share(&mut self, model: &Model, points: i16) {
        let Subject::Control(_, What::Weight { split }) = &mut self.subject else {
            return;
        };
        let wanted = moved(*split, points);
        if *split != wanted {
            *split = wanted;
            self.made_of = None;
            self.refresh(model);
            self.before = None;
            self.shown = model.now;
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
}

/// Takes a key.
pub(super) fn key(
    mut confirm: Box<Confirm>,
    model: &mut Model,
    key: Key,
    action: Option<Action>,
    effects: &mut Vec<Effect>,
) -> Reply {
    if confirm.reason.typing {
        confirm.reason.key(key, action);
        return Reply::Stay(Layer::Confirm(confirm));
    }
    if let Some(mut naming) = confirm.naming.take() {
        match naming.key(model.now, key, action) {
            Typed::Goes => confirm.naming = Some(naming),
            Typed::Ends => {}
            Typed::Whole => return confirm.accept(model, &naming.choice, effects),
        }
        return Reply::Stay(Layer::Confirm(confirm));
    }
    confirm.forgot = false;
    let choice = match action {
        Some(Action::Cancel) => return Reply::Close,
        Some(Action::More) => {
            confirm.move_share(model, STEP);
            None
        }
        Some(Action::Less) => {
            confirm.move_share(model, -STEP);
            None
        }
        Some(Action::AsCommand) => {
            confirm.as_command = !confirm.as_command;
            None
        }
        Some(Action::CopyCommand) => {
            effects.extend(confirm.copy(model));
            None
        }
        Some(Action::Rehearse) => {
            confirm.as_command = false;
            confirm.rehearsal = match confirm.rehearsal {
                Some(_) => None,
                None => rehearse(model, &confirm.subject),
            };
            None
        }
        Some(Action::Reason) => {
            confirm.reason.typing = confirm.takes_reason();
            None
        }
        Some(Action::Accept) => Some(confirm.statement.accept.clone()),
        Some(Action::Alternative) => confirm.statement.alternative.clone(),
        _ => None,
    };
    let Some(choice) = choice else {
        return Reply::Stay(Layer::Confirm(confirm));
    };
    if model.now < confirm.armed_at() || confirm.keeps(model, &choice) {
        return Reply::Stay(Layer::Confirm(confirm));
    }
    confirm.naming = Naming::of(model, &choice);
    if confirm.naming.is_some() {
        return Reply::Stay(Layer::Confirm(confirm));
    }
    confirm.accept(model, &choice, effects)
}

impl Confirm {
    /// Whether a choice can't be taken now.
    fn keeps(&self, model: &Model, choice: &Choice) -> bool {
        let old = model.is_stale() && !locks::is_way_out(&choice.command);
        old || self.blocked(model).is_some() || shut(model, choice).is_some()
    }

    /// Does what was confirmed, unless something has come in the way since.
    fn accept(
        self: Box<Self>,
        model: &mut Model,
        choice: &Choice,
        effects: &mut Vec<Effect>,
    ) -> Reply {
        if self.keeps(model, choice) {
            return Reply::Stay(Layer::Confirm(self));
        }
        let command = self.command(choice);
        let circumstances = model.circumstances(&command);
        effects.push(Effect::Send(Box::new(command), circumstances));
        model.say(format!("{} …", choice.label).replace('…', Glyph::Cut.draw(model.theme)));
        match &self.subject {
            Subject::RollBack(id) | Subject::Control(id, What::Stop { .. } | What::GiveUp) => {
                model.expected_rollback = Some(id.clone());
            }
            Subject::Control(..) | Subject::Invite(_) => {}
            // The picker or the form below has done its work.
            Subject::Deploy { .. } => model
                .layers
                .retain(|layer| !matches!(layer, Layer::Deploy(_) | Layer::Form(_))),
        }
        Reply::Close
    }
}
