//! What lets a host join: shown once, and copied when somebody asks for it.

use super::confirm::DEAF;
use super::told::{Takes, Told};
use super::{Layer, Reply, window};
use crate::api::command::Answer;
use crate::api::invitation;
use crate::model::timestamp::Timestamp;
use crate::text::safe;
use crate::tui::action::Action;
use crate::tui::copy;
use crate::tui::effect::Effect;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Run, run};
use crate::tui::theme::Role;

/// The invitation on the screen.
#[derive(Debug)]
pub(crate) struct Invitation {
    host: String,
    /// What is run there.
    command: String,
    /// The orchestrator's key, as the host shows it.
    key: String,
    until: Timestamp,
    shown: Timestamp,
}

/// Shows what came of an invitation.
pub(crate) fn open(model: &mut Model, answer: &Answer) {
    let Answer::Invited {
        host,
        address,
        pass,
        orchestrator,
        until,
    } = answer
    else {
        return;
    };
    if !model.layers.is_empty() {
        model.say(format!("{host} may join: what lets it comes next"));
    }
    // Below whatever somebody types into: it is shown once, and no key that was meant for something else may close it.
    let invitation = Layer::Invitation(Invitation {
        host: host.to_string(),
        command: invitation::command(host, address, pass),
        key: orchestrator.fingerprint(),
        until: *until,
        shown: model.now,
    });
    model.layers.insert(0, invitation);
}

impl Invitation {
    /// When it begins to listen.
    pub(super) fn armed_at(&self) -> Timestamp {
        self.shown + DEAF
    }

    /// What it says.
    fn body(&self, model: &Model) -> Vec<Vec<Run>> {
        let width = window::columns(model);
        let until = (model.clock)(self.until);
        let host = &self.host;
        let mut rows = window::paragraph(
            Role::Text,
            &format!("Until {until}, on {host}, as root:"),
            width,
        );
        rows.push(Vec::new());
        rows.extend(window::paragraph(Role::Key, &safe(&self.command), width));
        rows.push(Vec::new());
        let text = format!(
            "With --systemd it starts there as a service; without, start `cutover agent` then. It shows the key of this orchestrator: {}",
            self.key
        );
        rows.extend(window::paragraph(Role::Muted, &text, width));
        rows
    }

    fn copies(&self, model: &Model) -> Vec<Run> {
        let armed = model.now >= self.armed_at();
        window::choice(model, armed, Action::Accept, "copy what is run")
    }

    fn title(&self) -> String {
        format!("{} may join", self.host)
    }

    /// What it says to those who listen.
    pub(super) fn told(&self, model: &Model) -> Told {
        let cancel = model.keymap.shown(Action::Cancel);
        let close = format!("{cancel}, or an empty line, closes it: it is not shown again");
        Told {
            whole: false,
            mark: format!("{:?}", self.shown),
            title: self.title(),
            lines: self.body(model),
            takes: Takes::Keys {
                listens: model.now >= self.armed_at(),
                choices: vec![self.copies(model), vec![run(Role::Text, close)]],
            },
        }
    }

    /// Draws it.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let mut rows = self.body(model);
        let cancel = model.keymap.shown(Action::Cancel);
        let choices = [
            self.copies(model),
            vec![
                run(Role::Selected, " Close "),
                run(
                    Role::Muted,
                    format!("  {cancel}, enter or esc: it is not shown again"),
                ),
            ],
        ];
        rows.push(Vec::new());
        let kept = choices.len();
        rows.extend(choices);
        let inside = window::open(model, brush, rows.len(), &self.title(), Role::Focus);
        window::rows(brush, inside, &rows, kept);
    }
}

/// Takes a key.
pub(super) fn key(
    invitation: Invitation,
    model: &mut Model,
    action: Option<Action>,
    effects: &mut Vec<Effect>,
) -> Reply {
    if model.now >= invitation.armed_at() {
        match action {
            Some(Action::Cancel) => return Reply::Close,
            Some(Action::Accept) => {
                // Messages are kept; a token is not.
                let what = format!("what lets {} join", invitation.host);
                model.say(copy::said(model, &what));
                effects.push(Effect::Copy(invitation.command.clone()));
            }
            _ => {}
        }
    }
    Reply::Stay(Layer::Invitation(invitation))
}
