//! What the selected deployment waits for and what comes then, with the keys that matter now: always on the screen while
//! it is not over.

use crate::engine::outlook::{Awaited, Outlook, Standing};
use crate::engine::plan::Before;
use crate::tui::action::Action;
use crate::tui::action::available::{available, lock_in_the_way};
use crate::tui::glyph::Glyph;
use crate::tui::model::Model;
use crate::tui::paint::{Run, run};
use crate::tui::theme::Role;
use crate::tui::widgets::wrap::wrap;

/// Rows that it takes at most, on a screen of this height. What waits for the operator is never cut to one.
fn most(height: u16, outlook: &Outlook) -> usize {
    match &outlook.standing {
        _ if height >= 20 => 3,
        Standing::Holds { .. }
        | Standing::Paused(_)
        | Standing::Frozen(_)
        | Standing::Unapproved(_) => 2,
        _ => 1,
    }
}

/// The words, line by line.
pub(super) fn lines(model: &Model, room: usize) -> Vec<Vec<Run>> {
    let Some(outlook) = &model.ahead.outlook else {
        return Vec::new();
    };
    let (glyph, role) = mark(outlook);
    let keys = keys(model, outlook);
    let keys_wide: usize = keys.iter().map(|(_, text)| text.chars().count()).sum();
    let mut rows = wrap(&outlook.to_string(), room.saturating_sub(2).max(1));
    let most = most(model.size.1, outlook);
    if rows.len() > most {
        rows.truncate(most);
        if let Some(last) = rows.last_mut() {
            last.push(' ');
            last.push_str(Glyph::Cut.draw(model.theme));
        }
    }
    let last = rows.len().saturating_sub(1);
    let mut lines: Vec<Vec<Run>> = rows
        .into_iter()
        .enumerate()
        .map(|(row, text)| {
            let sign = if row == 0 {
                glyph.beside(model.theme, "")
            } else {
                "  ".to_owned()
            };
            vec![run(role, sign), run(text_role(role), text)]
        })
        .collect();
    if let Some(line) = lines.last_mut().filter(|_| !keys.is_empty()) {
        let used: usize = line.iter().map(|(_, text)| text.chars().count()).sum();
        if used + keys_wide <= room {
            line.extend(keys);
        } else if last + 1 < most {
            lines.push(keys);
        }
    }
    lines
}

fn mark(outlook: &Outlook) -> (Glyph, Role) {
    match &outlook.standing {
        Standing::Queued { .. } => (Glyph::Waiting, Role::Muted),
        Standing::Unapproved(_) => (Glyph::Waiting, Role::Warn),
        Standing::Runs if outlook.needed.is_some() || asks(outlook) => (Glyph::Waiting, Role::Warn),
        Standing::Runs => (Glyph::Waiting, Role::Text),
        Standing::Paused(_) | Standing::Frozen(_) => (Glyph::Paused, Role::Warn),
        Standing::Holds { .. } => (Glyph::Attention, Role::Bad),
        Standing::Ending { .. } | Standing::Alarmed { .. } | Standing::TimedOut => {
            (Glyph::Failed, Role::Bad)
        }
        Standing::Stopping(_) => (Glyph::Stopped, Role::Warn),
        Standing::Over { .. } => (Glyph::Unknown, Role::Muted),
    }
}

/// Whether it waits for a person.
fn asks(outlook: &Outlook) -> bool {
    let before = Before::Reroute;
    let mut waits = outlook.waits.iter();
    waits.any(|wait| wait.what == Awaited::Continue { before })
}

/// The sign alone carries what is not alarming.
fn text_role(role: Role) -> Role {
    match role {
        Role::Muted => Role::Muted,
        _ => Role::Text,
    }
}

/// The keys with which somebody lets it go on.
fn keys(model: &Model, outlook: &Outlook) -> Vec<Run> {
    let resume = (Action::Pause, "resumes");
    let approve = (Action::Approve, "approves");
    let mut wanted = Vec::new();
    let (mut waits, mut shifts, mut approvals) = (None, false, false);
    for wait in &outlook.waits {
        match &wait.what {
            Awaited::Continue { before } => waits = Some(*before),
            Awaited::Shift { .. } => shifts = true,
            Awaited::Approval(_) => approvals = true,
            _ => {}
        }
    }
    if let Standing::Holds { paused, .. } = &outlook.standing {
        wanted.extend([
            (Action::Retry, "tries again"),
            (Action::GiveUp, "gives up"),
            (Action::Stop, "stops"),
        ]);
        wanted.extend(paused.is_some().then_some(resume));
    } else if let Standing::Paused(_) = &outlook.standing {
        wanted.push(resume);
        wanted.extend(approvals.then_some(approve));
    } else if let Some(before) = waits {
        wanted.extend(approvals.then_some(approve));
        wanted.extend(match before {
            Before::Reroute => [(Action::Reroute, "reroutes"), (Action::Stop, "stops")],
            Before::Termination => [
                (Action::SkipWait, "ends the wait"),
                (Action::RollBack, "rolls back"),
            ],
        });
    } else if approvals {
        wanted.extend([approve, (Action::Stop, "stops")]);
    } else if shifts {
        wanted.push((Action::Pause, "holds"));
    }
    if shifts {
        wanted.extend([
            (Action::ShareUp, "5 more"),
            (Action::ShareDown, "5 less"),
            (Action::Share, "any share"),
            (Action::RollBack, "rolls back"),
        ]);
    }
    let mut keys = Vec::new();
    let locks = wanted
        .iter()
        .find_map(|(action, _)| lock_in_the_way(*action, model));
    for (action, word) in wanted {
        if available(action, model).is_ok() {
            keys.push(run(Role::Key, format!("  {}", model.keymap.shown(action))));
            keys.push(run(Role::Muted, format!(" {word}")));
        }
    }
    // What is missing among them is missed.
    keys.extend(locks.map(|why| run(Role::Warn, format!("  {why}"))));
    keys
}
