//! One deployment's journal: whole, in order, and decided by the rules.

use std::collections::{BTreeMap, BTreeSet};

use cutover::engine::event::Event;
use cutover::engine::plan::Stage;
use cutover::engine::window::Window;
use cutover::model::deployment::{DeploymentId, DeploymentStatus, InstanceHealth, TargetStatus};
use cutover::model::lifecycle::{EventStatus, LifecycleEvent};
use cutover::model::name::Name;

use super::Story;

pub fn check(story: &Story, all: &BTreeMap<DeploymentId, Story>, wrong: &mut Vec<String>) {
    let deployment = &story.deployment;
    let id = deployment.id();
    for (expected, record) in (1..).zip(&story.records) {
        if record.seq != expected {
            let found = record.seq;
            wrong.push(format!(
                "{id}: entry {expected} is missing, {found} comes instead"
            ));
            return;
        }
    }
    if !deployment.status.is_terminal() {
        wrong.push(format!("{id}: is {} for ever", deployment.status));
    }
    let Some(mut rules) = Rules::of(story) else {
        wrong.push(format!("{id}: has no plan"));
        return;
    };
    for record in &story.records {
        rules.wrong.clear();
        rules.take(&record.event);
        if let Event::RolledBack {
            deployment: Some(next),
            ..
        } = &record.event
        {
            let next = all
                .get(next)
                .and_then(|next| next.deployment.spec.rolls_back.as_ref());
            rules.expect(next == Some(id), || {
                "its rollback does not exist".to_owned()
            });
        }
        let told = rules.wrong.iter();
        wrong.extend(told.map(|what| format!("{id}, entry {}: {what}", record.seq)));
    }
    let failed = deployment.status == DeploymentStatus::Failed;
    if failed && deployment.spec.rolls_back.is_none() && deployment.rollback.is_none() {
        wrong.push(format!("{id}: failed, and nothing is said of its rollback"));
    }
}

/// The totals of the window's rules, counted here anew.
struct Rules<'a> {
    targets: &'a [Name],
    events: &'a [LifecycleEvent],
    window: Window,
    healthy: BTreeSet<&'a Name>,
    in_flight: BTreeSet<Name>,
    started: BTreeSet<Name>,
    told: BTreeMap<Name, Vec<(LifecycleEvent, EventStatus)>>,
    succeeded: usize,
    failed: usize,
    available: usize,
    stopped: bool,
    halted: bool,
    over: bool,
    wrong: Vec<String>,
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap()
}

impl<'a> Rules<'a> {
    fn of(story: &'a Story) -> Option<Self> {
        let deployment = &story.deployment;
        // One stage: the tests' groups have no zones.
        let Stage::Install {
            targets,
            events,
            window,
            ..
        } = deployment.plan.stages.first()?
        else {
            return None;
        };
        let specs = deployment.spec.targets.iter();
        let healthy: BTreeSet<_> = specs
            .filter(|spec| spec.instance_health == InstanceHealth::Healthy)
            .map(|spec| &spec.name)
            .collect();
        Some(Self {
            targets,
            events,
            window: *window,
            available: healthy.len(),
            healthy,
            in_flight: BTreeSet::new(),
            started: BTreeSet::new(),
            told: BTreeMap::new(),
            succeeded: 0,
            failed: 0,
            stopped: false,
            halted: false,
            over: false,
            wrong: Vec::new(),
        })
    }

    fn expect(&mut self, right: bool, otherwise: impl Fn() -> String) {
        if !right {
            self.wrong.push(otherwise());
        }
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::TargetStarted { target, .. } => self.target_started(target),
            Event::EventStarted { target, event, .. } => {
                let known = self.told.entry(target.clone()).or_default().clone();
                let next = self.events.get(known.len()) == Some(event);
                let right = next && self.in_flight.contains(target);
                self.expect(right, || {
                    format!("{event} starts on {target} after {known:?}")
                });
                let started = (*event, EventStatus::InProgress);
                self.told.entry(target.clone()).or_default().push(started);
            }
            Event::EventEnded {
                target,
                event,
                status,
                ..
            } => {
                let known = self.told.entry(target.clone()).or_default();
                match known.last_mut() {
                    Some(last) if *last == (*event, EventStatus::InProgress) => last.1 = *status,
                    _ => self
                        .wrong
                        .push(format!("{event} ends on {target}, and did not run")),
                }
            }
            Event::TargetEnded { target, status, .. } => self.target_ended(target, *status),
            Event::Halted { .. } => self.halted = true,
            Event::StopRequested { .. } | Event::Alarmed { .. } => self.stopped = true,
            Event::Ended { status, .. } => {
                let nothing = self.in_flight.is_empty();
                self.expect(nothing, || "ends while hosts are in flight".to_owned());
                let rules = self.end();
                self.expect(*status == rules, || {
                    format!("ends as {status}, and the rules say {rules}")
                });
                self.over = true;
            }
            _ => {}
        }
    }

    fn target_started(&mut self, target: &Name) {
        let may = !(self.stopped || self.halted || self.over);
        self.expect(may, || {
            format!("{target} starts although nothing may start any more")
        });
        let new = self.started.insert(target.clone());
        self.expect(new, || format!("{target} starts again"));
        if self.healthy.contains(target) {
            let enough = self.available > size(self.window.floor);
            self.expect(enough, || {
                format!("{target} starts, and too few are left healthy")
            });
            self.available = self.available.saturating_sub(1);
        }
        self.in_flight.insert(target.clone());
        let few = self.in_flight.len() <= size(self.window.concurrency);
        self.expect(few, || {
            format!("{target} starts, and too many are in flight")
        });
    }

    fn target_ended(&mut self, target: &Name, status: TargetStatus) {
        let ran = self.in_flight.remove(target);
        self.expect(ran, || format!("{target} ends, and was not in flight"));
        let known = self.told.get(target).cloned().unwrap_or_default();
        let well = |(_, status): &(_, EventStatus)| *status == EventStatus::Succeeded;
        let all_well = known.len() == self.events.len() && known.iter().all(well);
        let right = (status == TargetStatus::Succeeded) == all_well;
        self.expect(right, || format!("{target} is {status} after {known:?}"));
        match status {
            TargetStatus::Succeeded => {
                self.succeeded += 1;
                self.available += 1;
            }
            TargetStatus::Skipped if self.stopped => {}
            _ => self.failed += 1,
        }
    }

    /// How it must end now.
    fn end(&self) -> DeploymentStatus {
        let total = self.targets.len();
        if self.stopped && self.succeeded + self.failed < total {
            DeploymentStatus::Stopped
        } else if self.halted
            || self.succeeded == 0
            || total - self.failed < size(self.window.minimum_healthy)
            || self.started.len() < total
        {
            DeploymentStatus::Failed
        } else {
            DeploymentStatus::Succeeded
        }
    }
}
