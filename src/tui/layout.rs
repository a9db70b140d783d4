//! Where everything is, for a size of the terminal. Update needs it to scroll, view to draw.
//!
//! ```text
//! ┌ header ─────────────────────────────┐
//! │ applications │ groups │ deployments │   low and with the keys below: not there
//! ├ rollout ────────────────────────────┤   rule, stages, errors and failures
//! ├ alarms ─────────────────────────────┤   rule, rows; only while alarms are watched
//! ├ instances ──────────────────────────┤   rule, rows
//! ├ output ─────────────────────────────┤   rule, diagnostics, lines
//! │ hint                                │
//! │ scrub                               │   only in a replay: how far it has come
//! └ footer ─────────────────────────────┘
//! ```
//!
//! Output that fills the screen has everything between the header and the footer.

use ratatui::layout::Rect;

use super::model::{Model, Pane};
use super::panes::{alarms, footer, output, rollout};

/// Below this size, a line says where things stand, and nothing else.
const SMALLEST: (u16, u16) = (40, 10);

/// From this width on, what is selected in a list that fills the screen is told beside it.
const WIDE: u16 = 120;
/// The widest that what is told there becomes.
const WIDEST: u16 = 70;

/// The places of a list that fills the screen and of what is selected in it, beside each other; nothing where there is no room
/// for both.
pub(crate) fn beside(model: &Model) -> Option<(Rect, Rect)> {
    let (width, height) = model.size;
    if width < WIDE || height < SMALLEST.1 || model.theme.words {
        return None;
    }
    let whole = Rect::new(0, 1, width, height - 1);
    let told = Rect {
        width: (width * 2 / 5).min(WIDEST),
        ..whole
    };
    let list = Rect {
        width: width - told.width,
        ..whole
    };
    Some((
        list,
        Rect {
            x: list.right(),
            ..told
        },
    ))
}

/// The places of the screen. A place that is not there has no height.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Too small for panes.
    pub tiny: bool,
    pub header: Rect,
    pub applications: Rect,
    pub groups: Rect,
    pub deployments: Rect,
    pub rollout: Rect,
    /// The alarms of the selected deployment.
    pub alarms: Rect,
    pub instances: Rect,
    pub output: Rect,
    /// Rows at the top of the output pane that tell why the instance failed.
    pub diagnostics: u16,
    pub hint: Rect,
    /// How far a replay has come.
    pub scrub: Rect,
    pub footer: Rect,
}

impl Layout {
    /// The layout for the model's size and focus.
    pub(crate) fn of(model: &Model) -> Self {
        let (width, height) = model.size;
        if width < SMALLEST.0 || height < SMALLEST.1 {
            let mut layout = Self {
                tiny: true,
                header: Rect::new(0, 0, width, height),
                ..Self::default()
            };
            if model.reads() && height > 1 {
                layout.header.height = 1;
                layout.output = Rect::new(0, 1, width, height - 1);
            }
            return layout;
        }
        let mut layout = Self {
            header: Rect::new(0, 0, width, 1),
            footer: Rect::new(0, height - 1, width, 1),
            ..Self::default()
        };
        if output::fills(model) {
            layout.output = Rect::new(0, 1, width, height - 2);
            layout.tell(model);
            return layout;
        }
        // As much of the hint as leaves room for what it explains.
        let hint = u16::try_from(footer::hint(model).len()).unwrap_or(u16::MAX);
        let hint = hint.min(height.saturating_sub(18));
        let scrub = u16::from(model.replay.is_some());
        layout.scrub = Rect::new(0, height - 1 - scrub, width, scrub);
        layout.hint = Rect::new(0, height - 1 - scrub - hint, width, hint);
        let lists = lists_height(model, height);
        layout.lists(model, Rect::new(0, 1, width, lists));
        let body = Rect::new(0, 1 + lists, width, height - 2 - lists - hint - scrub);
        layout.panes(model, body);
        layout
    }

    fn lists(&mut self, model: &Model, area: Rect) {
        if area.height == 0 {
            return;
        }
        if area.width < 60 {
            // Room for one: the one with the keys.
            match model.focus {
                Pane::Applications => self.applications = area,
                Pane::Groups => self.groups = area,
                _ => self.deployments = area,
            }
            return;
        }
        let part =
            |share: u16, least: u16, most: u16| (area.width * share / 100).clamp(least, most);
        let first = part(17, 15, 30);
        let second = part(22, 20, 36);
        self.applications = Rect {
            width: first,
            ..area
        };
        self.groups = Rect {
            x: first,
            width: second,
            ..area
        };
        self.deployments = Rect {
            x: first + second,
            width: area.width - first - second,
            ..area
        };
    }

    fn panes(&mut self, model: &Model, body: Rect) {
        let rows = |height: u16, y: u16| Rect { y, height, ..body };
        let room = body.height;
        let told =
            u16::try_from(rollout::lines(model, usize::from(body.width)).len()).unwrap_or(u16::MAX);
        // Where two sides have traffic, there is more to watch than instances.
        let sides = model.deployment().is_some_and(|d| d.spec.is_blue_green());
        let most = if sides { room * 2 / 3 } else { room / 2 };
        let rollout = (1 + told).min(most.max(2)).min(room);
        self.rollout = rows(rollout, body.y);
        let alarms = alarms::height(model, room - rollout);
        self.alarms = rows(alarms, body.y + rollout);
        let above = rollout + alarms;
        let rest = room - above;
        let count = model
            .deployment()
            .map_or(1, |deployment| deployment.targets.len());
        let wanted = u16::try_from(count).unwrap_or(u16::MAX).saturating_add(1);
        // Both panes on a low screen would be two slits: the one with the keys gets the room.
        let instances = if rest < 7 {
            if model.focus == Pane::Output { 0 } else { rest }
        } else {
            wanted.min(rest * 3 / 5).max(3).min(rest - 3)
        };
        self.instances = rows(instances, body.y + above);
        self.output = rows(rest - instances, body.y + above + instances);
        self.tell(model);
    }

    /// Gives what must be known of the instance its rows of the output.
    fn tell(&mut self, model: &Model) {
        let reasons = u16::try_from(output::diagnostics(model).len()).unwrap_or(u16::MAX);
        self.diagnostics = reasons.min(self.output.height.saturating_sub(1) / 2);
    }

    /// Everything between the header and the footer, where one screen fills it.
    pub(crate) fn body(&self) -> Rect {
        Rect {
            y: self.header.bottom(),
            height: self.footer.bottom().saturating_sub(self.header.bottom()),
            ..self.header
        }
    }

    /// The rows of a pane that show something.
    pub(crate) fn rows(&self, pane: Pane) -> usize {
        let rows = match pane {
            Pane::Applications => self.applications.height.saturating_sub(2),
            Pane::Groups => self.groups.height.saturating_sub(2),
            Pane::Deployments => self.deployments.height.saturating_sub(2),
            Pane::Instances => self.instances.height.saturating_sub(1),
            Pane::Output if self.tiny => self.output.height,
            Pane::Output => self.output.height.saturating_sub(1 + self.diagnostics),
        };
        usize::from(rows)
    }
}

/// The height of the lists at the top.
fn lists_height(model: &Model, height: u16) -> u16 {
    match height {
        50.. => 10,
        40..50 => 8,
        30..40 => 6,
        // On a low screen the lists give way to what is inside.
        16..30 if model.focus.is_list() => 6,
        _ if model.focus.is_list() => 4,
        _ => 0,
    }
}
