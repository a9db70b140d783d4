//! Approvals: what a deployment waits with until people other than its creator have said yes. How many is in its snapshot;
//! who has said yes is in its journal.

use std::fmt;

use serde::Serialize;

use super::availability::Refusal;
use super::deliberate::{Bug, deliberate};
use super::deployment::{Deployment, Wish};
use super::input::Command;
use super::plan::{Before, Stage};
use super::words::counted;
use crate::model::approval::Step;
use crate::model::deployment::DeploymentStatus;

/// The approvals that a step waits for. Its `Display` says how far they have come: `1 of 2 (ana approved)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Approvals {
    /// Before which step.
    pub step: Step,
    /// How many people have to approve.
    pub wanted: u32,
    /// Who has.
    pub by: Vec<String>,
    /// Who created the deployment, and may not.
    pub creator: String,
}

impl fmt::Display for Approvals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let far = format!("{} of {}", self.by.len(), self.wanted);
        f.pad(&match self.by.as_slice() {
            [] => far,
            by => format!("{far} ({} approved)", by.join(" and ")),
        })
    }
}

/// Somebody, as far as it is known who they are.
#[derive(Clone, Copy)]
struct Person<'a> {
    name: &'a str,
    uid: Option<u32>,
}

impl Person<'_> {
    /// Whether two are one: one Unix user can have several names, and the names of users can change.
    fn is(self, other: Person<'_>) -> bool {
        self.name == other.name || (self.uid.is_some() && self.uid == other.uid)
    }

    /// `ben`, or `ben, who is the same Unix user as ana,`
    fn called(self, other: Person<'_>) -> String {
        if self.name == other.name {
            return self.name.to_owned();
        }
        format!(
            "{}, who is the same Unix user as {},",
            self.name, other.name
        )
    }
}

impl Approvals {
    /// `1 of 2 (ana approved), by somebody other than ben`
    pub fn by_whom(&self) -> String {
        format!("{self}, by somebody other than {}", self.creator)
    }
}

impl Deployment {
    /// How many approvals a step still needs.
    pub fn missing(&self, step: Step) -> u32 {
        let wanted = self.spec.approvals.get(&step).copied().unwrap_or_default();
        let given = self.approvals.get(&step).map_or(0, Vec::len);
        wanted.saturating_sub(u32::try_from(given).unwrap_or(u32::MAX))
    }

    /// Whether nobody's approval of a step is missing.
    pub fn is_approved(&self, step: Step) -> bool {
        self.missing(step) == 0 || deliberate(Bug::ApprovalForgotten)
    }

    /// The step that can be approved now: it comes next, and approvals are missing.
    pub fn next_approval(&self) -> Option<Step> {
        use DeploymentStatus::{Created, Queued};
        let step = match (self.status, self.current_stage()) {
            (Created | Queued, _) => Step::Start,
            (
                _,
                Some(
                    Stage::Approval
                    | Stage::Wait {
                        before: Before::Reroute,
                        ..
                    },
                ),
            ) => Step::Reroute,
            _ => return None,
        };
        (!self.status.is_terminal() && self.missing(step) > 0).then_some(step)
    }

    /// The approvals that it waits for; none while something else comes first, or when it is ending.
    pub fn awaits_approval(&self) -> Option<Approvals> {
        let step = self.next_approval()?;
        let going_on = !self.is_ceasing() && self.halted.is_none();
        going_on.then(|| self.approvals_of(step))
    }

    fn approvals_of(&self, step: Step) -> Approvals {
        Approvals {
            step,
            wanted: self.spec.approvals.get(&step).copied().unwrap_or_default(),
            by: self.people(step).map(|it| it.name.to_owned()).collect(),
            creator: self.spec.by.clone(),
        }
    }

    /// Who has approved a step.
    fn people(&self, step: Step) -> impl Iterator<Item = Person<'_>> {
        let wishes = self.approvals.get(&step).into_iter().flatten();
        wishes.map(|wish| Person {
            name: &wish.by,
            uid: wish.uid,
        })
    }

    /// Who has approved what, a sentence each, with their reasons.
    pub fn approved_by(&self) -> impl Iterator<Item = String> {
        let wishes = self.approvals.iter();
        wishes.flat_map(|(step, wishes)| {
            wishes.iter().map(move |wish| {
                let why = wish.why.as_ref().map(|why| format!(": {why}"));
                format!("{} approved the {step}{}", wish.by, why.unwrap_or_default())
            })
        })
    }

    /// Whether approvals alone keep it where it is, for as long as they take: that time does not count.
    pub(super) fn stands_for_approval(&self) -> bool {
        matches!(self.current_stage(), Some(Stage::Approval))
    }

    /// What has to become of it before anything goes on, whoever approves: `resumed`, `thawed`, or both.
    pub fn kept_until(&self) -> Option<String> {
        let paused = self.paused.is_some().then_some("resumed");
        let frozen = self.frozen.is_some().then_some("thawed");
        let words: Vec<&str> = paused.into_iter().chain(frozen).collect();
        (!words.is_empty()).then(|| words.join(" and "))
    }

    /// Whether it waits for somebody to say that it need not wait, besides all approvals.
    pub fn awaits_word(&self) -> bool {
        self.wait_ends().is_some() && self.continued.is_none()
    }

    /// Somebody approves.
    pub(super) fn approve(&mut self, step: Step, wish: Wish) {
        self.approvals.entry(step).or_default().push(wish);
    }
}

/// Why somebody can't approve, if so.
pub(super) fn refusal(
    deployment: &Deployment,
    command: &Command,
    step: Option<Step>,
) -> Option<Refusal> {
    let now = |message: String| Some(Refusal::Now(message));
    let Some(next) = deployment.next_approval() else {
        let later = deployment.missing(Step::Reroute);
        return now(match later {
            _ if !deployment.spec.is_blue_green() => {
                "nothing in it waits for an approval".to_owned()
            }
            0 => "nothing in it waits for an approval".to_owned(),
            _ => format!(
                "nothing in it waits for an approval yet: the reroute needs {} once the replacement is ready",
                counted(later, "approval")
            ),
        });
    };
    if let Some(step) = step.filter(|step| *step != next) {
        return now(format!(
            "it is the {next} that waits for an approval, not the {step}"
        ));
    }
    let person = Person {
        name: &command.by,
        uid: command.uid,
    };
    let creator = Person {
        name: &deployment.spec.by,
        uid: deployment.spec.uid,
    };
    if person.is(creator) && !deliberate(Bug::OwnApprovalCounts) {
        let by = person.called(creator);
        return now(format!(
            "{by} created it, and a second person has to approve it: another Unix user with the role approver or admin. Who shares one user with others can't"
        ));
    }
    let known = deployment.people(next).find(|known| known.is(person))?;
    Some(Refusal::Now(format!(
        "{} has approved it already: {}; another person is needed",
        person.called(known),
        deployment.approvals_of(next)
    )))
}
