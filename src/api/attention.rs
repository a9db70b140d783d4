//! What needs a person, what runs and what ended lately: a client's picture at one glance. It is told by the engine's own
//! outlook, so that it is what will happen.

use super::snapshot::{HostState, Summary};
use super::view::View;
use crate::engine::Deployment;
use crate::engine::outlook::{Awaited, Outlook, Standing, outlook};
use crate::engine::plan::Before;
use crate::model::address::Address;
use crate::model::alarm::{AlarmState, AlarmStatus};
use crate::model::deployment::{DeploymentId, DeploymentStatus};
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;

/// Deployments that ended lately are told up to this many.
const ENDED: usize = 10;
/// So many of the newest are looked at for those.
const LATELY: usize = 200;
/// Hosts that are named in a line.
const NAMED: usize = 4;

/// The picture at one glance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attention {
    /// What needs a person: nearest deadline first, then what is worst.
    pub needs: Vec<Need>,
    /// What runs, newest first.
    pub running: Vec<DeploymentId>,
    /// What ended lately, the last first.
    pub ended: Vec<DeploymentId>,
}

/// Something that needs a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// What kind of thing.
    pub kind: Kind,
    /// Where it is looked at.
    pub at: Address,
    /// What tells it from others of its kind at the same address: a state, a name. Empty where there is one alone.
    pub which: String,
    /// The group that it is about, if it is about one.
    pub group: Option<GroupKey>,
    /// What it is, and what happens by itself, in a line. What operators and hosts wrote is in it as they wrote it.
    pub text: String,
    /// Since when, if that is known.
    pub since: Option<Timestamp>,
    /// When something happens by itself.
    pub until: Option<Timestamp>,
}

/// What can need a person, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A deployment holds: failures would have ended it.
    Held,
    /// A group's last deployment failed or was stopped, and nothing was done about it.
    Failed,
    /// An alarm.
    Alarm,
    /// Traffic waits for somebody who moves it.
    Reroute,
    /// A step waits for people who approve it.
    Approval,
    /// An instance of a deployment is not heard of.
    Silent,
    /// Somebody paused a deployment.
    Paused,
    /// The original is about to be terminated; until then going back is quick.
    Termination,
    /// Hosts that do not answer, are not trusted, or say that something is wrong.
    Hosts,
    /// The documents have errors: what was last good holds.
    Documents,
    /// Nothing starts, for a while.
    Frozen,
}

impl Kind {
    /// Its word on a screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Alarm => "alarm",
            Self::Reroute => "reroute",
            Self::Approval => "approval",
            Self::Silent => "silent",
            Self::Paused => "paused",
            Self::Termination => "termination",
            Self::Hosts => "hosts",
            Self::Documents => "documents",
            Self::Frozen => "frozen",
        }
    }

    /// Whether its deadline is one that a person has to meet. A freeze only ends.
    fn presses(self) -> bool {
        self != Self::Frozen
    }
}

/// The glance at a picture at this time.
pub fn attention(view: &View, now: Timestamp) -> Attention {
    let mut needs: Vec<Need> = view
        .running()
        .filter_map(|summary| view.deployments.get(&summary.deployment_id))
        .flat_map(|deployment| of_deployment(deployment, now))
        .collect();
    needs.extend(unsettled(view));
    needs.extend(alarms(view, &needs));
    needs.extend(hosts(view));
    needs.extend(documents(view));
    needs.extend(freezes(view));
    needs.sort_by(|a, b| order(a).cmp(&order(b)));
    let mut ended: Vec<&Summary> = view
        .newest
        .iter()
        .take(LATELY)
        .filter_map(|id| view.summaries.get(id))
        .filter(|summary| summary.status.is_terminal())
        .collect();
    ended.sort_by_key(|summary| std::cmp::Reverse(summary.complete_time));
    let ids = |summary: &Summary| summary.deployment_id.clone();
    Attention {
        needs,
        running: view.running().map(ids).collect(),
        ended: ended.into_iter().take(ENDED).map(ids).collect(),
    }
}

/// Nearest deadline first; without one, the worst and then the oldest.
fn order(need: &Need) -> (Timestamp, Kind, Timestamp, &Address) {
    let never = Timestamp(i64::MAX);
    let until = need.until.filter(|_| need.kind.presses());
    (
        until.unwrap_or(never),
        need.kind,
        need.since.unwrap_or(never),
        &need.at,
    )
}

/// What one deployment that is not over needs.
fn of_deployment(deployment: &Deployment, now: Timestamp) -> Vec<Need> {
    let outlook = outlook(deployment, now);
    let need = |kind, since, until| Need {
        kind,
        at: Address::Deployment(deployment.id().clone()),
        which: String::new(),
        group: Some(deployment.group_key()),
        text: outlook.to_string(),
        since,
        until,
    };
    let mut needs = Vec::new();
    match &outlook.standing {
        Standing::Holds { since, .. } => needs.push(need(Kind::Held, *since, None)),
        Standing::Paused(wish) => needs.push(need(Kind::Paused, Some(wish.at), None)),
        Standing::Alarmed { .. } => needs.push(need(Kind::Alarm, None, None)),
        Standing::Runs | Standing::Unapproved(_) => {
            needs.extend(awaited(&outlook).map(|(kind, since, until)| need(kind, since, until)));
        }
        _ => {}
    }
    needs.extend(silent(deployment, &outlook));
    needs
}

/// What it waits for that a person can say: one line, of approval where both are asked for.
fn awaited(outlook: &Outlook) -> Option<(Kind, Option<Timestamp>, Option<Timestamp>)> {
    let mut waits = outlook.waits.iter().filter_map(|wait| {
        let kind = match wait.what {
            Awaited::Approval(_) => Kind::Approval,
            Awaited::Continue {
                before: Before::Reroute,
            } => Kind::Reroute,
            Awaited::Continue {
                before: Before::Termination,
            } => Kind::Termination,
            _ => return None,
        };
        Some((kind, wait.since, wait.until))
    });
    let first = waits.next()?;
    let approval = (first.0 != Kind::Approval)
        .then(|| waits.find(|(kind, ..)| *kind == Kind::Approval))
        .flatten();
    Some(match approval {
        Some((kind, since, until)) => (kind, since, until.or(first.2)),
        None => first,
    })
}

/// Instances at work that are not heard of: the first that is given up.
fn silent(deployment: &Deployment, outlook: &Outlook) -> Option<Need> {
    let silent = outlook.waits.iter().filter_map(|wait| match &wait.what {
        Awaited::Target {
            name,
            silent_since: Some(since),
            ..
        } => Some((wait.until.unwrap_or(Timestamp(i64::MAX)), *since, name)),
        _ => None,
    });
    let mut silent: Vec<_> = silent.collect();
    silent.sort();
    let (until, since, first) = *silent.first()?;
    let names = named(silent.iter().map(|(_, _, name)| *name), silent.len());
    Some(Need {
        kind: Kind::Silent,
        at: Address::Instance(deployment.id().clone(), first.clone()),
        which: String::new(),
        group: Some(deployment.group_key()),
        text: format!("{names} not heard of: at zero given up, and failed"),
        since: Some(since),
        until: Some(until).filter(|until| until.0 < i64::MAX),
    })
}

/// Groups whose last deployment did not succeed, and was neither rolled back nor followed by another.
fn unsettled(view: &View) -> Vec<Need> {
    let mut seen: Vec<&GroupKey> = Vec::new();
    let mut needs = Vec::new();
    for summary in view.newest.iter().filter_map(|id| view.summaries.get(id)) {
        if seen.len() == view.project.groups.len() {
            break;
        }
        if seen.contains(&&summary.group) || view.project.group(&summary.group).is_none() {
            continue;
        }
        seen.push(&summary.group);
        let went_wrong = matches!(
            summary.status,
            DeploymentStatus::Failed | DeploymentStatus::Stopped
        );
        // What had not begun has left everything as it was.
        if went_wrong && summary.rolled_back_by.is_none() && summary.start_time.is_some() {
            needs.push(unsettled_need(summary));
        }
    }
    needs
}

fn unsettled_need(summary: &Summary) -> Need {
    let what = if summary.rolls_back.is_some() {
        "the rollback"
    } else {
        summary.revision.label.as_str()
    };
    let how = match summary.status {
        DeploymentStatus::Stopped => "was stopped on the way",
        _ => "failed",
    };
    let why = summary.error_information.as_ref();
    let why = why.map_or_else(String::new, |why| format!(": {}", why.message));
    Need {
        kind: Kind::Failed,
        at: Address::Deployment(summary.deployment_id.clone()),
        which: String::new(),
        group: Some(summary.group.clone()),
        text: format!("{what} {how} and nothing came after it{why}"),
        since: summary.complete_time,
        until: None,
    }
}

/// Alarms that are on, or that nobody can read. One that stops a deployment is told with it.
fn alarms(view: &View, told: &[Need]) -> Vec<Need> {
    let watches = |deployment: &&Deployment, name: &str| {
        let alarms = deployment.spec.alarms();
        alarms.is_some_and(|alarms| alarms.alarms.iter().any(|alarm| alarm.name == name))
    };
    let need = |name: &String, status: &AlarmStatus| {
        let text = match (status.unreadable(), status.state()) {
            (Some(why), _) => format!("{name} can't be read: {why}"),
            (None, Some(AlarmState::Alarm)) => {
                let message = status.reading.as_ref().map(|reading| &reading.message);
                message.map_or_else(|| name.clone(), |message| format!("{name}: {message}"))
            }
            _ => return None,
        };
        let mut active = view
            .deployments
            .values()
            .filter(|d| !d.status.is_terminal());
        let deployed = active.find(|deployment| watches(deployment, name));
        let at = deployed.map_or(Address::Applications, |deployment| {
            Address::Deployment(deployment.id().clone())
        });
        let is_told = |other: &Need| other.kind == Kind::Alarm && other.at == at;
        (!told.iter().any(is_told)).then(|| Need {
            kind: Kind::Alarm,
            at,
            which: name.clone(),
            group: deployed.map(Deployment::group_key),
            text,
            since: None,
            until: None,
        })
    };
    let all = view.alarms.iter();
    all.filter_map(|(name, status)| need(name, status))
        .collect()
}

/// Hosts that somebody has to look at, a line for each state.
fn hosts(view: &View) -> Vec<Need> {
    let states = [
        (HostState::Unreachable, "not answering"),
        (HostState::Untrusted, "not trusted"),
        (HostState::Problem, "reporting a problem"),
    ];
    let line = |(state, text): (HostState, &str)| {
        let mut count = 0;
        let mut names = Vec::new();
        for host in view.all_hosts().filter(|host| host.state() == state) {
            count += 1;
            if names.len() < NAMED {
                names.push(&host.host.name);
            }
        }
        let first = *names.first()?;
        let at = if count == 1 {
            Address::Host(first.clone())
        } else {
            Address::Hosts
        };
        Some(Need {
            kind: Kind::Hosts,
            at,
            which: text.to_owned(),
            group: None,
            text: format!("{} {text}", named(names, count)),
            since: None,
            until: None,
        })
    };
    states.into_iter().filter_map(line).collect()
}

fn documents(view: &View) -> Option<Need> {
    let first = view.problems.first()?;
    let more = match view.problems.len() {
        1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    Some(Need {
        kind: Kind::Documents,
        at: Address::Applications,
        which: String::new(),
        group: None,
        text: format!("what was last good holds: {first}{more}"),
        since: None,
        until: None,
    })
}

fn freezes(view: &View) -> impl Iterator<Item = Need> {
    view.freezes.iter().map(|freeze| Need {
        kind: Kind::Frozen,
        at: Address::from(&freeze.scope),
        which: format!("{} {}", freeze.at.0, freeze.by),
        group: None,
        text: format!("{}, by {}: {}", freeze.scope, freeze.by, freeze.why),
        since: Some(freeze.at),
        until: Some(freeze.until),
    })
}

/// `web-1, web-2 and 5 more are`, of so many.
fn named<'a>(names: impl IntoIterator<Item = &'a Name>, count: usize) -> String {
    let names: Vec<&str> = names.into_iter().take(NAMED).map(Name::as_str).collect();
    let more = match count - names.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let verb = if count == 1 { "is" } else { "are" };
    format!("{}{more} {verb}", names.join(", "))
}
