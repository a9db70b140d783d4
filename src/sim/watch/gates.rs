//! What keeps deployments from going on (I-7, I-8): nothing starts and no traffic moves in a freeze, or before as many people
//! as were demanded have approved it, none of them its creator. Counted anew, from the entries alone.

use super::super::marks::{Mark, Marks};
use super::service::is_tests;
use super::{Invariant, Seen, Watch};
use crate::engine::Deployment;
use crate::engine::event::Event;
use crate::engine::plan::Stage;
use crate::model::approval::Step;
use crate::model::freeze::Freeze;
use crate::model::lifecycle::LifecycleEvent;
use crate::model::traffic::Split;

impl Seen {
    /// What an entry says about approvals and freezes, after it is folded.
    pub(super) fn learn_permission(&mut self, event: &Event, marks: &mut Marks) {
        match event {
            Event::Approved { step, by, .. } if *by != self.deployment.spec.by => {
                self.approved.insert((*step, by.clone()));
                marks.hit(Mark::Approved);
            }
            Event::Frozen { .. } => marks.hit(Mark::Frozen),
            Event::Thawed => marks.hit(Mark::Thawed),
            _ => {}
        }
    }
}

impl Watch {
    /// Whether an entry may be written that begins something.
    pub(super) fn is_permitted(&mut self, number: usize, seen: &Seen, event: &Event) {
        let deployment = &seen.deployment;
        let moves = match event {
            Event::TargetStarted { target, .. } => {
                let found = deployment.target(target);
                let stage = found.and_then(|found| deployment.plan.stages.get(found.stage));
                match stage {
                    Some(Stage::Hook { event, .. }) => *event == LifecycleEvent::AfterAllowTraffic,
                    stage => !matches!(
                        stage,
                        Some(
                            Stage::Install { .. }
                                | Stage::CreateTaskSet { .. }
                                | Stage::TestTraffic { .. }
                        )
                    ),
                }
            }
            Event::Shifted { .. } => true,
            _ => return,
        };
        self.check(deployment.frozen.is_none(), Invariant::Frozen, || {
            format!("deployment {number} goes on in a freeze: {event:?}")
        });
        if deployment.spec.rolls_back.is_some() {
            return;
        }
        let demanded = self.shape.gates.approvals[seen.group].clone();
        for (step, count) in demanded {
            if step == Step::Reroute && !(moves && deployment.spec.is_blue_green()) {
                continue;
            }
            let given = seen.approved.iter().filter(|(of, _)| *of == step).count();
            let given = u32::try_from(given).unwrap_or(u32::MAX);
            self.check(given >= count, Invariant::Permission, || {
                format!("deployment {number} goes on with {given} of {count} approvals of its {step}: {event:?}")
            });
        }
    }

    /// I-8: a keeper asks something of its load balancer. Until its deployment has begun it only looks.
    pub fn asks(&mut self, number: usize, gate: usize, wanted: Option<Split>) {
        let begun = self
            .deployment(number)
            .is_some_and(|deployment| deployment.start_time.is_some());
        self.check(begun, Invariant::Permission, || {
            format!("deployment {number} changes its load balancer before it has begun")
        });
        if is_tests(gate) {
            self.asks_of_tests(number, wanted);
        } else {
            self.asks_of_alias(number, wanted);
        }
    }

    /// I-7: whoever was told of a freeze is in it, but what goes back; and whoever was told of its end is not.
    pub fn told_of_freeze(&mut self, deployment: &Deployment, freeze: Option<&Freeze>) {
        let due = freeze.filter(|_| deployment.spec.rolls_back.is_none());
        let good = deployment.status.is_terminal() || deployment.frozen.as_ref() == due;
        self.check(good, Invariant::Frozen, || {
            format!(
                "{} does not heed the freezes it was told of",
                deployment.id()
            )
        });
    }
}
