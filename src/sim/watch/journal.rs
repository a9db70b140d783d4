//! What the entries of a deployment's journal may say, one after the other.

use std::collections::{BTreeMap, BTreeSet};

use super::super::cast::Cast;
use super::super::marks::{Mark, Marks};
use super::function::Found;
use super::shift::Shifts;
use super::window::{Bounds, bounds};
use super::{Invariant, Seen, Watch};
use crate::engine::Deployment;
use crate::engine::deployment::Target;
use crate::engine::event::{Event, Record};
use crate::engine::leg::Actor;
use crate::engine::plan::Stage;
use crate::engine::spec::TargetSpec;
use crate::model::deployment::{
    Creator, DeploymentStatus, ExecutionId, InstanceHealth, Overview, TargetStatus,
};
use crate::model::lifecycle::EventStatus;
use crate::model::name::Name;
use crate::model::traffic::Side;

/// How many instances the minimum is about: of a blue/green deployment those of the side that gets the traffic.
fn counts(deployment: &Deployment) -> u32 {
    let spec = &deployment.spec;
    let targets = spec.targets.iter();
    let counted =
        targets.filter(|target| target.side.is_none() || target.side == enters(deployment));
    u32::try_from(counted.count()).unwrap_or(u32::MAX)
}

fn counts_in(deployment: &Deployment, target: &Target) -> bool {
    target.side.is_none() || target.side == enters(deployment)
}

/// The side that gets the traffic.
fn enters(deployment: &Deployment) -> Option<Side> {
    let spec = &deployment.spec;
    if !spec.is_on_hosts() {
        return Some(Side::Green);
    }
    spec.sides.as_ref()?;
    Some(match spec.rolls_back {
        None => Side::Green,
        Some(_) => Side::Blue,
    })
}

/// Whether the last event of a target in its stage is carried out on its host.
fn ends_on_its_host(target: &Target) -> bool {
    let mut events = target.events.iter().rev();
    let last = events.find(|entry| entry.stage == target.stage);
    last.is_some_and(|entry| entry.actor() == Actor::Host)
}

/// Whether it has one side alone.
fn is_alone(deployment: &Deployment) -> bool {
    !deployment.spec.is_blue_green()
}

impl Watch {
    /// An entry of a deployment is durable.
    pub(super) fn record(&mut self, number: usize, record: &Record, marks: &mut Marks) {
        if let Event::Created { .. } = &record.event {
            self.created(number, record);
            return;
        }
        // Taken out, so that what is seen and what is said about it do not get in each other's way.
        let Some(mut seen) = self.seen.get_mut(number).and_then(Option::take) else {
            self.violated(Invariant::Acknowledged, || {
                format!("deployment {number} does not begin with its creation")
            });
            return;
        };
        let follows = record.seq == seen.deployment.seq + 1;
        let after = seen.deployment.seq;
        self.check(follows, Invariant::Acknowledged, || {
            format!(
                "entry {} of deployment {number} comes after {after}",
                record.seq
            )
        });
        let over = seen.deployment.status.is_terminal();
        let allowed = matches!(record.event, Event::RolledBack { .. }) && !seen.rolled_back;
        self.check(!over || allowed, Invariant::Terminal, || {
            format!("deployment {number} was over, and then: {:?}", record.event)
        });
        self.before(number, &seen, record);
        self.is_permitted(number, &seen, &record.event);
        self.shifts(number, &seen, &record.event, record.at);
        self.hook_ended(number, &seen, &record.event, marks);
        let ran = match &record.event {
            Event::TargetEnded { target, .. } => seen.deployment.target(target),
            _ => None,
        };
        // What ends at a load balancer, no host knows of.
        let ran = ran.filter(|target| ends_on_its_host(target));
        let ran = ran.and_then(|target| target.execution.clone());
        seen.deployment.evolve(record);
        self.after(number, &mut seen, record, ran, marks);
        self.traffic_after(number, &mut seen, &record.event, marks);
        self.shares_after(number, &mut seen, &record.event, record.at, marks);
        self.service_after(number, &seen, &record.event, marks);
        seen.learn_permission(&record.event, marks);
        self.recount(number, &seen.deployment);
        if let Some(slot) = self.seen.get_mut(number) {
            *slot = Some(seen);
        }
    }

    fn created(&mut self, number: usize, record: &Record) {
        let Some(deployment) = Deployment::created(record) else {
            return;
        };
        self.created += 1;
        let group = usize::from(deployment.spec.group.deployment_group_name.as_str() == "g1");
        self.plan(number, group, &deployment);
        let spec = &deployment.spec;
        if let Some(failed) = &spec.rolls_back {
            let of_a_rollback = self
                .deployment(Cast::number(failed))
                .is_some_and(|failed| failed.spec.creator == Creator::CodeDeployRollback);
            // The way back of a blue/green deployment installs nothing: without a former revision it goes by its own. One that
            // had succeeded has made its own the group's.
            let undone = self.deployment(Cast::number(failed));
            let undone = undone.filter(|it| it.status == DeploymentStatus::Succeeded);
            let former = match undone {
                Some(undone) => undone.spec.previous_revision.as_ref(),
                None => self.books[group].revision.as_ref(),
            };
            let good = match former {
                None => spec.is_blue_green(),
                Some(former) => *former == spec.revision,
            };
            self.check(!of_a_rollback, Invariant::RollbackEnds, || {
                format!("{failed} is a rollback, and was rolled back")
            });
            self.check(good, Invariant::RollbackEnds, || {
                format!(
                    "deployment {number} rolls back to {}, which is not the group's revision",
                    spec.revision.label
                )
            });
        }
        self.begins_with(number, group, &deployment);
        if self.seen.len() <= number {
            self.seen.resize_with(number + 1, || None);
        }
        self.seen[number] = Some(Box::new(Seen {
            stage_time: record.at,
            deployment,
            group,
            acknowledged: 0,
            ceased: None,
            rolled_back: false,
            given_up: false,
            event_started: BTreeMap::new(),
            began: self.now,
            moved: BTreeMap::new(),
            shifts: Shifts::default(),
            continued: None,
            approved: BTreeSet::new(),
            found: Found::default(),
        }));
    }

    /// What a group keeps healthy of `n` instances. A function, or a service, is one, and has to succeed.
    fn bounds(&self, group: usize, n: u32) -> Option<Bounds> {
        if !self.shape.styles[group].is_on_hosts() {
            return Some(Bounds {
                minimum: 1,
                at_once: 1,
                floor: 0,
            });
        }
        bounds(self.shape.minimum[group], n)
    }

    /// The plan keeps to the configuration, and takes the sick first.
    fn plan(&mut self, number: usize, group: usize, deployment: &Deployment) {
        let n = counts(deployment);
        let due = self.bounds(group, n);
        let planned = deployment.plan.window;
        if let (Some(due), Some(planned)) = (due, planned) {
            let same = (due.minimum, due.at_once, due.floor)
                == (planned.minimum_healthy, planned.concurrency, planned.floor);
            self.check(same, Invariant::Availability, || {
                format!(
                    "deployment {number} of {n} instances plans {planned:?} and should plan {due:?}"
                )
            });
        }
        let impossible = deployment.plan.impossible.is_some();
        if !self.shape.zonal {
            self.check(
                impossible == due.is_none() || n == 0,
                Invariant::Verdict,
                || {
                    format!(
                        "deployment {number} of {n} instances with {:?}: {:?}",
                        due.map(|due| due.minimum),
                        deployment.plan.impossible
                    )
                },
            );
        }
        self.sides_are_planned(number, deployment);
        for stage in &deployment.plan.stages {
            let class = |name: &Name| {
                let target = deployment
                    .spec
                    .targets
                    .iter()
                    .find(|target| target.name == *name);
                target.map(|target| (target.instance_health, target.revision_health))
            };
            let sorted = stage
                .targets()
                .windows(2)
                .all(|pair| class(&pair[0]) <= class(&pair[1]));
            self.check(sorted, Invariant::Availability, || {
                format!("deployment {number} does not take the sick first")
            });
        }
    }

    /// A blue/green deployment moves both sides, and the one that gets the traffic first.
    fn sides_are_planned(&mut self, number: usize, deployment: &Deployment) {
        if deployment.spec.sides.is_none() || deployment.plan.impossible.is_some() {
            return;
        }
        let stages = &deployment.plan.stages;
        let planned = |target: &TargetSpec| {
            let mut stages = stages.iter();
            stages.any(|stage| stage.targets().contains(&target.name))
        };
        let forgotten = deployment.spec.targets.iter().find(|t| !planned(t));
        let forgotten = forgotten.map(|target| target.name.clone());
        self.check(forgotten.is_none(), Invariant::Sides, || {
            format!("deployment {number} leaves {forgotten:?} where it is")
        });
        let enters = stages
            .iter()
            .rposition(|s| matches!(s, Stage::Enter { .. }));
        let leaves = stages.iter().position(|s| matches!(s, Stage::Leave { .. }));
        let in_order = leaves.is_none_or(|leaves| enters.is_some_and(|enters| enters < leaves));
        self.check(in_order, Invariant::Route, || {
            format!("deployment {number} takes one side out before the other is in")
        });
    }

    fn before(&mut self, number: usize, seen: &Seen, record: &Record) {
        let deployment = &seen.deployment;
        match &record.event {
            Event::TargetStarted { target, execution } => {
                let Some(found) = deployment.target(target) else {
                    return;
                };
                let retry = !found.is_fresh();
                let frozen = (deployment.paused.is_some() || deployment.held.is_some()) && !retry;
                self.check(!deployment.is_ceasing(), Invariant::StopHolds, || {
                    format!("{execution} started after the stop of deployment {number}")
                });
                self.check(!frozen, Invariant::StopHolds, || {
                    format!("{execution} started while deployment {number} was paused or held")
                });
                self.check(deployment.halted.is_none(), Invariant::Availability, || {
                    format!("{execution} started after deployment {number} had been halted")
                });
                self.check(
                    matches!(found.status, TargetStatus::Pending | TargetStatus::Ready),
                    Invariant::OneAtATime,
                    || format!("{execution} started while {target} was {:?}", found.status),
                );
                let (stage, attempt) = (found.stage, found.attempt + 1);
                let new = ExecutionId::new(deployment.id(), target, stage, attempt);
                self.check(new == *execution, Invariant::ScriptOnce, || {
                    format!("attempt {attempt} at {target} runs under {execution}")
                });
                self.availability(number, seen, target);
            }
            Event::EventStarted { target, event, .. } => {
                let Some(found) = deployment.target(target) else {
                    return;
                };
                let before = found
                    .events
                    .iter()
                    .take_while(|entry| entry.event != *event);
                let good = before.clone().all(|entry| entry.status.is_terminal())
                    && found
                        .event(*event)
                        .is_some_and(|entry| entry.status == EventStatus::Pending)
                    && found.status == TargetStatus::InProgress;
                self.check(good, Invariant::EventOrder, || {
                    format!(
                        "deployment {number} says that {event} started out of order on {target}"
                    )
                });
            }
            Event::EventEnded {
                target,
                diagnostics: Some(diagnostics),
                ..
            } if diagnostics.message.starts_with("no result from") => {
                let limit = deployment.spec.limits.event();
                let started = seen.event_started.get(target);
                let early = started.is_some_and(|at| record.at.since(*at) < limit);
                self.check(!early || self.clock_jumped, Invariant::Ends, || {
                    format!("{target} was given up before its time in deployment {number}")
                });
            }
            Event::EventEnded { target, .. } | Event::TargetEnded { target, .. } => {
                let running = deployment
                    .target(target)
                    .is_some_and(|t| t.status == TargetStatus::InProgress);
                self.check(running, Invariant::Terminal, || {
                    format!(
                        "deployment {number} was told of {target}, which did not run: {:?}",
                        record.event
                    )
                });
            }
            Event::Ended {
                status: DeploymentStatus::Succeeded,
                ..
            } => self.goes_on(number, seen, record.at),
            Event::StageStarted { .. } => {
                self.goes_on(number, seen, record.at);
                let quiet = deployment.in_flight.is_empty();
                self.check(quiet, Invariant::Availability, || {
                    format!("deployment {number} went on to the next zone with instances in flight")
                });
                if let Some(Stage::Monitor { seconds, .. }) = deployment.current_stage() {
                    let waited = record.at.since(seen.stage_time).as_secs();
                    self.check(waited >= *seconds, Invariant::Availability, || {
                        format!("deployment {number} watched a zone for {waited} of {seconds} s")
                    });
                }
            }
            _ => {}
        }
    }

    /// I-1: taking this target away leaves enough, counted anew.
    fn availability(&mut self, number: usize, seen: &Seen, name: &Name) {
        let deployment = &seen.deployment;
        let Some(target) = deployment.target(name) else {
            return;
        };
        if let Some(Stage::Leave { .. }) = deployment.plan.stages.get(target.stage) {
            // Nothing is kept of what leaves as a whole.
            return self.in_its_stage(number, deployment, target);
        }
        let n = counts(deployment);
        let Some(fleet) = self.bounds(seen.group, n) else {
            return;
        };
        let untouched = |t: &Target| {
            t.attempt == 0
                && t.health_before == InstanceHealth::Healthy
                && matches!(t.status, TargetStatus::Pending | TargetStatus::Skipped)
        };
        let healthy = |zone: Option<usize>| {
            let targets = deployment
                .targets
                .iter()
                .filter(|t| counts_in(deployment, t))
                .filter(|t| zone.is_none_or(|zone| t.stage == zone));
            targets
                .filter(|t| {
                    untouched(t)
                        || matches!(t.status, TargetStatus::Succeeded | TargetStatus::Ready)
                })
                .count()
        };
        let in_flight = deployment
            .targets
            .iter()
            .filter(|t| is_alone(deployment) || t.stage == target.stage)
            .filter(|t| t.status == TargetStatus::InProgress)
            .count();
        let in_flight = u32::try_from(in_flight).unwrap_or(u32::MAX);
        self.check(in_flight < fleet.at_once, Invariant::Availability, || {
            format!(
                "{name} is one more than {} at once in deployment {number}",
                fleet.at_once
            )
        });
        if untouched(target) {
            let left = u32::try_from(healthy(None))
                .unwrap_or(u32::MAX)
                .saturating_sub(1);
            self.check(left >= fleet.floor, Invariant::Availability, || {
                format!("{name} was taken away and left {left} healthy instances of {} in deployment {number}", fleet.floor)
            });
            if let Some(Stage::Install {
                zone: Some(zone),
                window,
                ..
            }) = deployment.plan.stages.get(target.stage)
            {
                let left = u32::try_from(healthy(Some(target.stage)))
                    .unwrap_or(u32::MAX)
                    .saturating_sub(1);
                self.check(left >= window.floor, Invariant::Availability, || {
                    format!("{name} was taken away and left {left} healthy instances in {zone} in deployment {number}")
                });
            }
        }
        self.in_its_stage(number, deployment, target);
    }

    fn in_its_stage(&mut self, number: usize, deployment: &Deployment, target: &Target) {
        self.check(
            !target.is_fresh() || target.stage == deployment.stage,
            Invariant::Availability,
            || {
                format!(
                    "{} started in stage {} of deployment {number}, which is in {}",
                    target.name, target.stage, deployment.stage
                )
            },
        );
    }

    fn after(
        &mut self,
        number: usize,
        seen: &mut Seen,
        record: &Record,
        ran: Option<ExecutionId>,
        marks: &mut Marks,
    ) {
        match &record.event {
            Event::StopRequested { .. } | Event::Alarmed { .. } | Event::TimedOut => {
                seen.ceased.get_or_insert(self.now);
            }
            Event::EventStarted { target, .. } => {
                seen.event_started.insert(target.clone(), record.at);
            }
            Event::Started | Event::StageStarted { .. } => seen.stage_time = record.at,
            // By another clock, which may be behind the former one: it watches from now on.
            Event::Recovered => seen.stage_time = seen.stage_time.min(record.at),
            Event::TargetEnded {
                target,
                status: TargetStatus::Succeeded | TargetStatus::Ready,
                ..
            } => {
                let host = Cast::host(target);
                self.claims.extend(ran.map(|execution| (host, execution)));
            }
            Event::GivenUp { .. } => seen.given_up = true,
            Event::Ended { status, .. }
                if *status == DeploymentStatus::Stopped && self.waited_in_vain(seen, record.at) =>
            {
                self.ended.push(number);
                marks.hit(Mark::NotRerouted);
            }
            Event::Halted { .. } => marks.hit(Mark::FailedEarly),
            Event::RolledBack { deployment, .. } => {
                seen.rolled_back = true;
                let rollback = seen.deployment.spec.creator == Creator::CodeDeployRollback;
                self.check(
                    !rollback || deployment.is_none(),
                    Invariant::RollbackEnds,
                    || format!("deployment {number} is a rollback, and was rolled back"),
                );
            }
            Event::Ended { status, .. } => {
                self.ended.push(number);
                self.verdict(number, seen, *status, marks);
            }
            _ => {}
        }
    }

    /// I-18: the end is what the targets say.
    fn verdict(&mut self, number: usize, seen: &Seen, status: DeploymentStatus, marks: &mut Marks) {
        let deployment = &seen.deployment;
        let n = counts(deployment);
        let count = |status| {
            let targets = deployment
                .targets
                .iter()
                .filter(|t| counts_in(deployment, t));
            let targets = targets.filter(|t| t.status == status);
            u32::try_from(targets.count()).unwrap_or(u32::MAX)
        };
        let (succeeded, failed) = (
            count(TargetStatus::Succeeded),
            count(TargetStatus::Failed) + count(TargetStatus::Unknown),
        );
        let open = deployment.targets.iter().find(|t| !t.status.is_terminal());
        let open = open.map(|t| t.name.clone());
        self.check(open.is_none(), Invariant::Terminal, || {
            format!("deployment {number} is over, and {open:?} is not")
        });
        let rollback = deployment.spec.creator == Creator::CodeDeployRollback;
        let alarmed = deployment.alarmed.is_some();
        let fits = !alarmed || status == DeploymentStatus::Stopped;
        self.check(fits, Invariant::Verdict, || {
            format!("deployment {number} is {status} although its alarm went off")
        });
        match status {
            DeploymentStatus::Succeeded => {
                let minimum = self.bounds(seen.group, n).map_or(n, |b| b.minimum);
                self.check(n - failed >= minimum && succeeded >= 1, Invariant::Verdict, || {
                    format!("deployment {number} succeeded with {succeeded} of {n} and {failed} failed, and needs {minimum}")
                });
                if failed > 0 {
                    marks.hit(Mark::SucceededWithFailures);
                }
                let left_out = |t: &Target| t.attempt == 0 && t.message.is_some();
                let rest = deployment.targets.iter().find(|t| {
                    let there = t.status == TargetStatus::Succeeded || left_out(t);
                    !counts_in(deployment, t) && !there
                });
                let rest = rest.map(|t| (t.name.clone(), t.status));
                self.check(rest.is_none(), Invariant::Verdict, || {
                    format!("deployment {number} succeeded, and {rest:?} has not left")
                });
            }
            DeploymentStatus::Failed => {
                self.check(
                    succeeded < n || n == 0 || seen.given_up || !is_alone(deployment),
                    Invariant::Verdict,
                    || format!("deployment {number} failed, and every instance succeeded"),
                );
                if deployment.plan.impossible.is_some() {
                    marks.hit(Mark::Impossible);
                }
                if rollback {
                    marks.hit(Mark::RollbackFailed);
                }
            }
            _ => {
                marks.hit(Mark::StoppedByOperator);
                let asked = deployment.stop.is_some() || deployment.alarmed.is_some();
                self.check(asked, Invariant::Verdict, || {
                    format!("deployment {number} is stopped, and nobody asked for it")
                });
            }
        }
    }

    /// I-5: whoever was told that its alarm is active stops.
    pub fn alarmed(&mut self, deployment: &Deployment) {
        let stops = deployment.is_ceasing() || deployment.status.is_terminal();
        self.check(stops, Invariant::StopHolds, || {
            format!("{} goes on although its alarm is active", deployment.id())
        });
    }

    /// I-21: whether an ended deployment was rolled back is what its group says.
    pub(super) fn rollback_was_due(&mut self, number: usize) {
        let Some(seen) = self.seen(number) else {
            return;
        };
        let deployment = &seen.deployment;
        let (on_failure, on_stop) = self.shape.roll_back;
        let asked = deployment.stop.as_ref().and_then(|stop| stop.auto_rollback);
        let back = deployment.spec.rolls_back.is_some();
        let due = !back
            && match deployment.status {
                DeploymentStatus::Failed => asked.unwrap_or(on_failure),
                DeploymentStatus::Stopped if deployment.alarmed.is_some() => {
                    let failing = deployment.halted.is_some() && on_failure;
                    asked.unwrap_or(self.shape.alarms.roll_back || failing)
                }
                DeploymentStatus::Stopped => asked.unwrap_or(on_stop),
                _ => false,
            };
        let done = seen.rolled_back;
        self.check(due == done, Invariant::RollbackEnds, || {
            format!("deployment {number} was rolled back: {done}, and it should be: {due}")
        });
    }

    /// I-19: totals are what the targets add up to.
    fn recount(&mut self, number: usize, deployment: &Deployment) {
        if deployment.targets.len() > 24 && !self.thorough {
            return;
        }
        let mut found = Overview::default();
        for target in &deployment.targets {
            match target.status {
                TargetStatus::Pending => found.pending += 1,
                TargetStatus::InProgress => found.in_progress += 1,
                TargetStatus::Succeeded => found.succeeded += 1,
                TargetStatus::Skipped => found.skipped += 1,
                TargetStatus::Ready => found.ready += 1,
                _ => found.failed += 1,
            }
        }
        let said = deployment.overview;
        self.check(found == said, Invariant::Shown, || {
            format!("deployment {number} says {said:?}, and its targets say {found:?}")
        });
        let in_flight = deployment.in_flight.len();
        self.check(
            in_flight == found.in_progress as usize,
            Invariant::Shown,
            || {
                format!(
                    "deployment {number} has {in_flight} in flight, and {} run",
                    found.in_progress
                )
            },
        );
    }
}
