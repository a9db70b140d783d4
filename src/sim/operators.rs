//! People at their cockpits: one who deploys, others who press what comes to their minds, sometimes on an old picture,
//! sometimes twice; and, when nothing goes wrong any more, one who clears up.

use super::cast::{Cast, REVISIONS, VERSIONS};
use super::env::Env;
use super::happening::{Happening, Key};
use super::marks::Mark;
use super::shape::{Millis, Style};
use super::tape::Reel;
use crate::engine::Deployment;
use crate::engine::input::{Command, What};
use crate::engine::plan::Before;
use crate::model::deployment::TargetStatus;
use crate::model::name::Name;
use crate::model::traffic::Split;

/// The one who deploys.
pub const DEPLOYER: usize = 0;

/// The one who clears up.
pub const ATTENDANT: usize = 9;

/// So long after the last deployment nothing that was asked of a load balancer takes effect any more.
pub const QUIET: Millis = 30_000;

/// What an operator has on screen.
#[derive(Clone, Copy, Debug)]
struct Picture {
    deployment: usize,
    decided: u64,
}

/// The one who approves with the one who clears up.
pub const COLLEAGUE: usize = 8;

/// Everybody.
#[derive(Debug, Default)]
pub struct People {
    pictures: [Option<Picture>; 4],
    /// How many deployments the deployer has asked for.
    pub asked: u32,
    revision: usize,
}

impl People {
    /// Has everybody come in.
    pub fn come_in(env: &mut Env) {
        env.after(0, Happening::Operator(DEPLOYER));
        for person in 1..=env.shape.operators.people as usize {
            let wait = env.tape.wait(Reel::Operators, env.shape.operators.pause);
            env.after(wait, Happening::Operator(person));
        }
    }

    /// Somebody presses a key.
    pub fn press(&mut self, env: &mut Env, person: usize) {
        if person == ATTENDANT {
            Self::attend(env);
            env.after(30_000, Happening::Operator(ATTENDANT));
            return;
        }
        if !env.faulty {
            return;
        }
        if person == DEPLOYER {
            if self.asked < env.shape.deployments {
                let groups = u32::try_from(env.shape.groups).unwrap_or(1);
                let group = if self.asked == 0 {
                    0
                } else {
                    env.tape.below(Reel::Operators, groups) as usize
                };
                self.deploy(env, group);
                let wait = 1_000
                    + env
                        .tape
                        .wait(Reel::Operators, 4 * env.shape.operators.pause);
                env.after(wait, Happening::Operator(person));
            }
            return;
        }
        if let Some(key) = self.choose(env, person) {
            if env.tape.chance(Reel::Operators, env.shape.operators.twice) {
                send(env, person, key.clone());
            }
            send(env, person, key);
        }
        let wait = 200 + env.tape.wait(Reel::Operators, env.shape.operators.pause);
        env.after(wait, Happening::Operator(person));
    }

    /// Has a new revision deployed.
    pub fn deploy(&mut self, env: &mut Env, group: usize) {
        self.asked += 1;
        // Mostly a new one, now and then the one before.
        let step = usize::from(env.tape.below(Reel::Operators, 5) != 4);
        self.revision = (self.revision + step) % REVISIONS;
        let revision = self.revision.max(1);
        let said = current_version(env, group, revision);
        let function = env.shape.styles[group].is_function();
        let current = match said {
            _ if !function => None,
            Said::Nothing => None,
            Said::Seen(version) | Said::Reset(version) => Some(version),
        };
        let key = Key::Deploy {
            group,
            revision,
            current,
        };
        let Said::Reset(version) = said else {
            return send(env, DEPLOYER, key);
        };
        let wait = if env.faulty { 0 } else { QUIET };
        let gives_all = Happening::GivesAll {
            group,
            version,
            key: Box::new(key),
        };
        env.after(wait, gives_all);
    }

    /// What was to be done before has been done: a key that deploys is pressed.
    pub fn deploy_now(env: &mut Env, key: Key) {
        send(env, DEPLOYER, key);
    }

    fn choose(&mut self, env: &mut Env, person: usize) -> Option<Key> {
        let stale = env.tape.chance(Reel::Operators, env.shape.operators.stale);
        let choice = env.tape.below(Reel::Operators, 12);
        let pick = env.tape.draw(Reel::Operators);
        if let Some(key) = roll_back(env) {
            return Some(key);
        }
        if !stale || self.pictures[person].is_none() {
            let open = env
                .watch
                .deployments()
                .filter(|(_, d)| !d.status.is_terminal())
                .last();
            self.pictures[person] = open.map(|(deployment, state)| Picture {
                deployment,
                decided: state.decided,
            });
        }
        let picture = self.pictures[person]?;
        // Mostly what is waited for, now and then by the one who created it.
        let waits = env
            .watch
            .deployment(picture.deployment)?
            .next_approval()
            .is_some();
        if waits && env.tape.chance(Reel::Gates, 4_000) {
            let own = env.tape.chance(Reel::Gates, 2_500);
            let key = approval(picture.deployment, Some(picture.decided));
            if !own {
                return Some(key);
            }
            send(env, DEPLOYER, key);
            return None;
        }
        let continues = env.watch.deployment(picture.deployment)?.wait_ends();
        let continues = match continues {
            // Mostly what is waited for, now and then something else.
            Some((before, _)) if env.tape.chance(Reel::Operators, 4_000) => {
                let other = env.tape.chance(Reel::Operators, 500);
                Some(if other { Before::Reroute } else { before })
            }
            _ => None,
        };
        let shifts = env
            .watch
            .deployment(picture.deployment)?
            .shifting()
            .is_some();
        let weighs = shifts && env.tape.chance(Reel::Operators, 4_000);
        let newest = env.watch.deployment(picture.deployment)?;
        let what = match choice {
            _ if continues.is_some() => What::Continue { before: continues? },
            _ if weighs => What::Weight {
                split: Split::new(u8::try_from(pick % 101).unwrap_or(0)).ok()?,
            },
            0 => What::Stop {
                auto_rollback: [None, Some(true), Some(false)][usize::from(pick) % 3],
            },
            1 | 2 => What::Pause,
            3 | 4 => What::Resume,
            5 | 6 => What::Retry {
                target: some(newest, TargetStatus::Failed, pick)?,
            },
            7 => What::Skip {
                target: some(newest, TargetStatus::Pending, pick)?,
            },
            8 | 9 => What::StartNext {
                target: some(newest, TargetStatus::Pending, pick)?,
            },
            10 => What::GiveUp,
            _ => What::Retry {
                target: some(newest, TargetStatus::Succeeded, pick)?,
            },
        };
        let command = Command {
            what,
            by: String::new(),
            uid: None,
            why: None,
            seen: Some(picture.decided),
        };
        Some(Key::Command {
            deployment: picture.deployment,
            command,
        })
    }

    /// Goes on with what waits for a person.
    fn attend(env: &mut Env) {
        let waiting: Vec<(usize, What)> = env
            .watch
            .deployments()
            .filter(|(_, deployment)| !deployment.status.is_terminal())
            .filter_map(|(number, deployment)| {
                let reroutes = matches!(deployment.wait_ends(), Some((Before::Reroute, _)));
                let what = if deployment.paused.is_some() {
                    What::Resume
                } else if deployment.next_approval().is_some() {
                    What::Approve { step: None }
                } else if reroutes && deployment.continued.is_none() {
                    What::Continue {
                        before: Before::Reroute,
                    }
                } else if deployment.held.is_some() {
                    What::GiveUp
                } else {
                    return None;
                };
                Some((number, what))
            })
            .collect();
        for (deployment, what) in waiting {
            if matches!(what, What::Approve { .. }) {
                send(env, COLLEAGUE, approval(deployment, None));
            }
            let command = Command::new(what, "");
            send(
                env,
                ATTENDANT,
                Key::Command {
                    deployment,
                    command,
                },
            );
        }
    }
}

/// What whoever deploys says of the version of a function that gets the traffic by now.
enum Said {
    Nothing,
    /// What they have seen, or what comes to their mind.
    Seen(usize),
    /// What they see to themselves before.
    Reset(usize),
}

/// The version of a function that gets the traffic by now. When nothing goes wrong any more, they see to it.
fn current_version(env: &mut Env, group: usize, revision: usize) -> Said {
    if env.shape.styles[group].is_on_hosts() {
        return Said::Nothing;
    }
    let next = Cast::version(revision);
    let (mistaken, reset) = (env.shape.functions.mistaken, env.shape.functions.reset);
    let reel = Reel::Functions;
    let any = 1 + env.tape.below(reel, u32::try_from(VERSIONS).unwrap_or(1)) as usize;
    let resets = env.tape.chance(reel, reset) || !env.faulty;
    let errs = env.goes_wrong(reel, mistaken);
    let looks = env.tape.below(reel, 2) == 1;
    if resets {
        let version = if any == next {
            1 + next % VERSIONS
        } else {
            any
        };
        return Said::Reset(version);
    }
    if env.shape.styles[group].is_service() {
        return Said::Nothing;
    }
    if errs {
        return Said::Seen(any);
    }
    let seen = env.watch.leads_to(group);
    seen.filter(|version| *version > 0 && looks)
        .map_or(Said::Nothing, Said::Seen)
}

/// Somebody rolls the newest deployment of a service back, if it is over.
fn roll_back(env: &mut Env) -> Option<Key> {
    if !env.shape.styles.into_iter().any(Style::is_service) {
        return None;
    }
    let wants = env.tape.chance(Reel::Services, env.shape.services.back);
    let all = env.watch.deployments().filter(|_| wants);
    let mut newest = all.filter(|(_, deployment)| deployment.spec.service.is_some());
    let (deployment, newest) = newest.by_ref().last()?;
    let over = newest.status.is_terminal();
    over.then_some(Key::RollBack { deployment })
}

/// Somebody approves.
fn approval(deployment: usize, seen: Option<u64>) -> Key {
    let command = Command {
        seen,
        ..Command::new(What::Approve { step: None }, "")
    };
    Key::Command {
        deployment,
        command,
    }
}

fn some(deployment: &Deployment, status: TargetStatus, pick: u16) -> Option<Name> {
    let of_it = deployment
        .targets
        .iter()
        .filter(|target| target.status == status);
    let all = of_it.clone().count();
    of_it
        .map(|target| target.name.clone())
        .nth(usize::from(pick).checked_rem(all)?)
}

fn send(env: &mut Env, person: usize, key: Key) {
    env.tell(|| format!("operator {person} presses {key:?}"));
    let delay = env.tape.wait(Reel::Operators, 50);
    let key = Box::new(key);
    env.after(delay, Happening::Key { person, key });
}

/// Nobody answers.
pub fn nobody_answers(env: &mut Env) {
    env.mark(Mark::KeyWhileDown);
}
