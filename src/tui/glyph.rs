//! Every status as a glyph, a word and a role, and the other signs on the screen, each with an ASCII form.
//!
//! No glyph is an emoji or of ambiguous width: a terminal that draws it two cells wide would shift the row.

use super::theme::{Role, Theme};
use crate::api::snapshot::HostState;
use crate::engine::Deployment;
use crate::model::alarm::{AlarmState, AlarmStatus};
use crate::model::deployment::{DeploymentStatus, TargetStatus};
use crate::model::lifecycle::EventStatus;

/// A sign on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Glyph {
    Succeeded,
    Failed,
    Running,
    Pending,
    Skipped,
    Stopped,
    Waiting,
    Unknown,
    Attention,
    Rollback,
    Paused,
    Cursor,
    Separator,
    Cut,
    BarFull,
    BarEmpty,
    Up,
    Down,
    Asked,
    Measured,
    Into,
}

impl Glyph {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 21] = [
        Self::Succeeded,
        Self::Failed,
        Self::Running,
        Self::Pending,
        Self::Skipped,
        Self::Stopped,
        Self::Waiting,
        Self::Unknown,
        Self::Attention,
        Self::Rollback,
        Self::Paused,
        Self::Cursor,
        Self::Separator,
        Self::Cut,
        Self::BarFull,
        Self::BarEmpty,
        Self::Up,
        Self::Down,
        Self::Asked,
        Self::Measured,
        Self::Into,
    ];

    /// The glyph as this theme draws it: always one cell, or a word for those who listen.
    pub(crate) fn draw(self, theme: Theme) -> &'static str {
        if theme.words {
            return self.word();
        }
        let (unicode, ascii) = match self {
            Self::Succeeded => ("\u{2714}", "+"),
            Self::Failed => ("\u{2716}", "x"),
            Self::Running => ("\u{25b8}", "*"),
            Self::Pending => ("\u{22c5}", "."),
            Self::Skipped => ("\u{21b7}", "-"),
            Self::Stopped => ("\u{25aa}", "#"),
            Self::Waiting => ("\u{25f7}", "w"),
            Self::Unknown => ("?", "?"),
            Self::Attention => ("!", "!"),
            Self::Rollback => ("\u{21ba}", "<"),
            Self::Paused => ("\u{275a}", "="),
            Self::Cursor => ("\u{276f}", ">"),
            Self::Separator => ("\u{22c5}", "-"),
            Self::Cut => ("\u{22ef}", "~"),
            Self::BarFull => ("\u{25b0}", "#"),
            Self::BarEmpty => ("\u{25b1}", "."),
            Self::Up => ("\u{25b4}", "^"),
            Self::Down => ("\u{25be}", "v"),
            Self::Asked => ("\u{25ca}", "|"),
            Self::Measured => ("\u{25e6}", "o"),
            Self::Into => ("\u{203a}", ">"),
        };
        if theme.unicode { unicode } else { ascii }
    }

    /// What it says where it stands alone; nothing, if it only decorates.
    fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "done",
            Self::Failed => "failed",
            Self::Running => "now",
            Self::Pending => "to come",
            Self::Skipped => "skipped",
            Self::Stopped => "stopped",
            Self::Waiting => "waiting",
            Self::Unknown => "unknown",
            Self::Attention => "attention:",
            Self::Paused => "paused",
            Self::Separator | Self::Into => ",",
            Self::Cut => "...",
            Self::Up => " up",
            Self::Down => " down",
            Self::Rollback
            | Self::Cursor
            | Self::BarFull
            | Self::BarEmpty
            | Self::Asked
            | Self::Measured => "",
        }
    }

    /// The sign before a text that says the same: the text alone for those who listen.
    pub(crate) fn beside(self, theme: Theme, text: &str) -> String {
        if theme.words {
            text.to_owned()
        } else {
            format!("{} {text}", self.draw(theme))
        }
    }
}

/// A status as the screen shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Its sign.
    pub glyph: Glyph,
    /// Its word, as `CodeDeploy` writes it.
    pub word: &'static str,
    /// Its meaning.
    pub role: Role,
}

impl Mark {
    /// How many there are of it.
    pub(crate) fn counted(self, theme: Theme, count: u32) -> String {
        if theme.words {
            format!("{count} {}", self.word)
        } else {
            format!("{} {count}", self.glyph.draw(theme))
        }
    }
}

const fn mark(glyph: Glyph, word: &'static str, role: Role) -> Mark {
    Mark { glyph, word, role }
}

/// The mark of a deployment's status.
pub(crate) fn deployment(status: DeploymentStatus) -> Mark {
    use DeploymentStatus as S;
    match status {
        S::Created => mark(Glyph::Pending, "Created", Role::Muted),
        S::Queued => mark(Glyph::Waiting, "Queued", Role::Muted),
        S::InProgress => mark(Glyph::Running, "InProgress", Role::Active),
        S::Baking => mark(Glyph::Running, "Baking", Role::Active),
        S::Ready => mark(Glyph::Waiting, "Ready", Role::Warn),
        S::Succeeded => mark(Glyph::Succeeded, "Succeeded", Role::Good),
        S::Failed => mark(Glyph::Failed, "Failed", Role::Bad),
        S::Stopped => mark(Glyph::Stopped, "Stopped", Role::Warn),
    }
}

/// The mark of how a deployment stands: its status, or what an operator should know rather than that it is `InProgress`.
/// Words of ours are small, `CodeDeploy`'s are as it writes them.
pub(crate) fn standing(of: &Deployment) -> Mark {
    if of.status.is_terminal() {
        deployment(of.status)
    } else if of.is_ceasing() {
        mark(Glyph::Stopped, "stopping", Role::Warn)
    } else if of.halted.is_some() {
        mark(Glyph::Failed, "failing", Role::Bad)
    } else if of.held.is_some() {
        mark(Glyph::Attention, "held", Role::Bad)
    } else if of.paused.is_some() {
        mark(Glyph::Paused, "paused", Role::Warn)
    } else if of.frozen.is_some() {
        mark(Glyph::Paused, "frozen", Role::Warn)
    } else if of.awaits_approval().is_some() {
        mark(Glyph::Waiting, "unapproved", Role::Warn)
    } else if of.monitor_ends().is_some() {
        mark(Glyph::Waiting, "watching", Role::Active)
    } else {
        deployment(of.status)
    }
}

/// The mark of a target's status.
pub(crate) fn target(status: TargetStatus) -> Mark {
    use TargetStatus as S;
    match status {
        S::Pending => mark(Glyph::Pending, "Pending", Role::Muted),
        S::InProgress => mark(Glyph::Running, "InProgress", Role::Active),
        S::Succeeded => mark(Glyph::Succeeded, "Succeeded", Role::Good),
        S::Failed => mark(Glyph::Failed, "Failed", Role::Bad),
        S::Skipped => mark(Glyph::Skipped, "Skipped", Role::Muted),
        S::Unknown => mark(Glyph::Unknown, "Unknown", Role::Warn),
        S::Ready => mark(Glyph::Waiting, "Ready", Role::Warn),
    }
}

/// The mark of a host's state.
pub(crate) fn host(state: HostState) -> Mark {
    let (glyph, role) = match state {
        HostState::Unreachable => (Glyph::Failed, Role::Bad),
        HostState::Untrusted => (Glyph::Unknown, Role::Bad),
        HostState::Problem => (Glyph::Attention, Role::Warn),
        HostState::NotAsked => (Glyph::Pending, Role::Muted),
        HostState::Working => (Glyph::Running, Role::Active),
        HostState::Ok => (Glyph::Succeeded, Role::Good),
    };
    mark(glyph, state.word(), role)
}

/// The mark of an alarm that is watched; `ignored` says that it does not matter if it can't be read.
pub(crate) fn alarm(of: Option<&AlarmStatus>, ignored: bool) -> Mark {
    let unreadable = of.is_some_and(|status| status.unreadable().is_some());
    match of.and_then(AlarmStatus::state) {
        _ if unreadable && ignored => mark(Glyph::Unknown, "ignored", Role::Warn),
        _ if unreadable => mark(Glyph::Unknown, "unreadable", Role::Bad),
        None => mark(Glyph::Waiting, "not read", Role::Muted),
        Some(AlarmState::Ok) => mark(Glyph::Succeeded, "OK", Role::Good),
        Some(AlarmState::Alarm) => mark(Glyph::Failed, "ALARM", Role::Bad),
        Some(AlarmState::InsufficientData) => mark(Glyph::Pending, "no data", Role::Warn),
    }
}

/// The mark of a lifecycle event's status.
pub(crate) fn event(status: EventStatus) -> Mark {
    match status {
        EventStatus::Pending => target(TargetStatus::Pending),
        EventStatus::InProgress => target(TargetStatus::InProgress),
        EventStatus::Succeeded => target(TargetStatus::Succeeded),
        EventStatus::Failed => target(TargetStatus::Failed),
        EventStatus::Skipped => target(TargetStatus::Skipped),
        EventStatus::Unknown => target(TargetStatus::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    #[test]
    fn every_glyph_is_one_cell_in_every_terminal() {
        for unicode in [true, false] {
            for glyph in Glyph::ALL {
                let text = glyph.draw(Theme::built_in("terminal", unicode));
                assert_eq!((text.width(), text.width_cjk()), (1, 1), "{glyph:?}");
                assert!(unicode || text.is_ascii());
            }
        }
    }

    #[test]
    fn no_two_states_of_a_host_share_a_glyph() {
        use HostState as S;
        let all = [
            S::Unreachable,
            S::Untrusted,
            S::Problem,
            S::NotAsked,
            S::Working,
            S::Ok,
        ];
        for unicode in [true, false] {
            let theme = Theme::built_in("terminal", unicode);
            let mut glyphs: Vec<_> = all.iter().map(|s| host(*s).glyph.draw(theme)).collect();
            glyphs.sort_unstable();
            glyphs.dedup();
            assert_eq!(glyphs.len(), all.len());
        }
    }

    #[test]
    fn no_two_target_statuses_share_a_glyph() {
        use TargetStatus as S;
        let all = [
            S::Pending,
            S::InProgress,
            S::Succeeded,
            S::Failed,
            S::Skipped,
            S::Unknown,
            S::Ready,
        ];
        for unicode in [true, false] {
            let theme = Theme::built_in("terminal", unicode);
            let mut glyphs: Vec<_> = all.iter().map(|s| target(*s).glyph.draw(theme)).collect();
            glyphs.sort_unstable();
            glyphs.dedup();
            assert_eq!(glyphs.len(), all.len());
        }
    }
}
