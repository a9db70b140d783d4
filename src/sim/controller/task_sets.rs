//! Has the replacement of a service made on its hosts, and ends what has lost the traffic (`orchestrator::task_sets`).

use super::super::cast::Cast;
use super::super::env::Env;
use super::super::happening::{Ask, Asked, Happening, InController, Life, Reply, Request};
use super::super::marks::Mark;
use super::super::shape::Millis;
use super::Heard;
use super::driver::Mode;
use crate::agent::protocol::TaskSetOrder;
use crate::engine::input::{Report, Told};
use crate::engine::{Deployment, Input};
use crate::model::deployment::{ErrorCode, ExecutionId};
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::task_set::{Task, TaskSet};
use crate::model::traffic::Side;
use crate::orchestrator::hooks::due::status;
use crate::orchestrator::task_sets::steady::{Progress, orders};

/// How soon hosts are asked again how tasks are.
const LOOK: Millis = 1_000;

/// How soon to look again whether it is written that it begins.
const WRITTEN: Millis = 5;

/// How long a host may take to answer.
const PATIENCE: Millis = 5_000;

/// A replacement that is to be made.
pub(super) struct Creation {
    pub execution: ExecutionId,
    pub target: Name,
    pub mode: Mode,
}

/// What is done for the task sets of a deployment.
pub(super) struct TaskSets {
    deployment: usize,
    life: Life,
    turns: u32,
    requests: u32,
    making: Option<Making>,
    ending: Option<Ending>,
}

struct Making {
    creation: Creation,
    turn: u32,
    step: Step,
}

enum Step {
    Begins,
    /// That it is written that it begins.
    Writes,
    Makes(Vec<Place>),
    Done,
}

/// Tasks that are to be on one host.
struct Place {
    ask: Talk,
    set: usize,
    order: TaskSetOrder,
    /// Until when it is asked for them, while it is.
    patience: Option<Millis>,
    /// When they must be well, once it has the order.
    well_by: Millis,
    progress: Progress,
    tasks: Option<Vec<Task>>,
}

struct Ending {
    side: Side,
    turn: u32,
    /// Once the listeners have let them go.
    places: Option<Vec<Leaving>>,
}

/// Tasks that are to go from one host.
struct Leaving {
    ask: Talk,
    set: usize,
    told: bool,
    /// Whether nothing more is done here.
    over: bool,
    /// Why they are left, if they are.
    trouble: Option<String>,
}

/// A conversation with one host.
struct Talk {
    host: Name,
    turn: u32,
    /// The request whose answer it waits for.
    asked: Option<u32>,
}

/// What is to be said about a set that can't be made.
type Failure = (ErrorCode, String);

impl TaskSets {
    pub(super) fn new(deployment: usize, life: Life) -> Self {
        Self {
            deployment,
            life,
            turns: 0,
            requests: 0,
            making: None,
            ending: None,
        }
    }

    /// Whether it works on an execution: what has begun goes on also when it is to be halted.
    pub(super) fn wants(&self, execution: &ExecutionId) -> bool {
        let making = self.making.as_ref();
        making.is_some_and(|making| making.creation.execution == *execution)
    }

    pub(super) fn make(&mut self, env: &mut Env, creation: Creation) {
        if self.wants(&creation.execution) {
            return;
        }
        let turn = self.next(env, 0);
        self.making = Some(Making {
            creation,
            turn,
            step: Step::Begins,
        });
    }

    pub(super) fn forget(&mut self, execution: &ExecutionId) {
        if self.wants(execution) {
            self.making = None;
        }
    }

    pub(super) fn end(&mut self, env: &mut Env, side: Side) {
        let turn = self.next(env, 0);
        self.ending = Some(Ending {
            side,
            turn,
            places: None,
        });
    }

    pub(super) fn end_no_more(&mut self) {
        self.ending = None;
    }

    /// Goes on after a while; answers the turn that it is.
    fn next(&mut self, env: &mut Env, wait: Millis) -> u32 {
        self.turns += 1;
        let what = InController::Makes(self.deployment, self.turns);
        let life = self.life;
        env.after(wait, Happening::Controller { life, what });
        self.turns
    }

    /// It is time to go on. `state` is what is durable, and `let_go` says whether the listeners have let a side go.
    pub(super) fn goes_on(
        &mut self,
        env: &mut Env,
        turn: u32,
        state: &Deployment,
        let_go: impl Fn(Side) -> bool,
    ) -> Vec<Heard> {
        if let Some(making) = self.making.take_if(|making| making.turn == turn) {
            return self.begin(env, making, state);
        }
        if let Some(ending) = self.ending.take_if(|ending| ending.turn == turn) {
            self.leave(env, ending, state, let_go);
            return self.ended();
        }
        if let Some(mut making) = self.making.take_if(|making| making.makes()) {
            let failed = match &mut making.step {
                Step::Makes(places) => self.ask_all(env, places, turn),
                _ => None,
            };
            return self.made(env, making, failed);
        }
        if let Some(mut ending) = self.ending.take() {
            for place in ending.places.iter_mut().flatten() {
                if place.ask.turn == turn {
                    // A host that does not answer is told again.
                    place.told &= place.ask.asked.take().is_none();
                    self.tell_to_end(env, place);
                }
            }
            self.ending = Some(ending);
            return self.ended();
        }
        Vec::new()
    }

    fn begin(&mut self, env: &mut Env, mut making: Making, state: &Deployment) -> Vec<Heard> {
        let Creation {
            execution,
            target,
            mode,
        } = &making.creation;
        let event = LifecycleEvent::Install;
        let at = status(state, target, event, execution);
        let over = at.is_some_and(EventStatus::is_terminal);
        let begun = at == Some(EventStatus::InProgress);
        let mut heard = Vec::new();
        making.turn = 0;
        match making.step {
            Step::Begins if over || (!begun && *mode == Mode::Halt) => {
                heard = self.heard(&making, [Report::Ended]);
                making.step = Step::Done;
            }
            Step::Begins if !begun => {
                let at = env.controller_time();
                heard = self.heard(&making, [Report::EventStarted { event, at }]);
                making.step = Step::Writes;
                making.turn = self.next(env, WRITTEN);
            }
            Step::Writes if over || at.is_none() => making.step = Step::Done,
            Step::Writes if !begun => making.turn = self.next(env, WRITTEN),
            Step::Begins | Step::Writes => return self.order_all(env, making, state),
            Step::Makes(_) | Step::Done => {}
        }
        self.making = Some(making);
        heard
    }

    /// Has every host asked for its tasks.
    fn order_all(&mut self, env: &mut Env, mut making: Making, state: &Deployment) -> Vec<Heard> {
        let orders = match orders(state) {
            Ok(found) => found,
            Err(failure) => return self.made(env, making, Some(failure)),
        };
        let pick_up = env.shape.limits.pick_up;
        let set = self.deployment;
        let place = |(host, order): (Name, TaskSetOrder)| Place {
            ask: Talk::new(host.clone()),
            set,
            patience: Some(env.now + pick_up),
            well_by: 0,
            progress: Progress::new(host, &order),
            order,
            tasks: None,
        };
        let mut places: Vec<Place> = orders.into_iter().map(place).collect();
        let failed = self.ask_all(env, &mut places, 0);
        making.step = Step::Makes(places);
        self.made(env, making, failed)
    }

    /// Asks the hosts whose turn it is; why no task set comes of it, if none does.
    fn ask_all(&mut self, env: &mut Env, places: &mut [Place], turn: u32) -> Option<Failure> {
        let mut due = places
            .iter_mut()
            .filter(|it| it.ask.turn == turn && it.tasks.is_none());
        due.find_map(|place| self.ask(env, place))
    }

    fn ask(&mut self, env: &mut Env, place: &mut Place) -> Option<Failure> {
        let silent = place.ask.asked.take().is_some();
        if silent && let Some(failure) = unanswered(env, place) {
            return Some(failure);
        }
        if place.patience.is_none() && env.now >= place.well_by {
            return Some(place.progress.too_late());
        }
        let host = Cast::host(&place.ask.host);
        if !env.registered[host] {
            let why = format!("{} is no longer in the project", place.ask.host);
            return Some((ErrorCode::EcsUpdateError, why));
        }
        let set = place.set;
        let what = if place.patience.is_some() {
            env.watch.orders(self.deployment, host, &place.order);
            Ask::OrderTasks {
                set,
                order: Box::new(place.order.clone()),
            }
        } else {
            Ask::LookAtTasks { set }
        };
        self.send(env, &mut place.ask, what);
        None
    }

    fn send(&mut self, env: &mut Env, talk: &mut Talk, what: Ask) {
        self.requests += 1;
        let number = self.number(self.requests);
        talk.asked = Some(number);
        talk.turn = self.next(env, PATIENCE);
        let asked = Asked {
            life: self.life,
            session: 0,
            number,
        };
        env.request(Cast::host(&talk.host), Request { asked, what });
    }

    /// The number of a request, by which its deployment is known again.
    fn number(&self, request: u32) -> u32 {
        u32::try_from(self.deployment).unwrap_or(0) << 16 | (request & 0xffff)
    }

    /// The deployment that has asked something.
    pub(super) fn deployment_of(asked: Asked) -> Option<usize> {
        (asked.session == 0).then_some((asked.number >> 16) as usize)
    }

    /// A host answers.
    pub(super) fn told(&mut self, env: &mut Env, asked: Asked, reply: &Reply) -> Vec<Heard> {
        let ours = |talk: &Talk| talk.asked == Some(asked.number);
        if let Some(mut making) = self.making.take_if(|making| making.makes()) {
            let mut failed = None;
            if let Step::Makes(places) = &mut making.step
                && let Some(place) = places.iter_mut().find(|place| ours(&place.ask))
            {
                place.ask.asked = None;
                failed = self.hear(env, place, reply);
            }
            return self.made(env, making, failed);
        }
        if let Some(mut ending) = self.ending.take() {
            let mut places = ending.places.iter_mut().flatten();
            if let Some(place) = places.find(|place| ours(&place.ask)) {
                place.ask.asked = None;
                self.hear_of_end(env, place, reply);
            }
            self.ending = Some(ending);
            return self.ended();
        }
        Vec::new()
    }

    fn hear(&mut self, env: &mut Env, place: &mut Place, reply: &Reply) -> Option<Failure> {
        let host = &place.ask.host;
        match reply {
            Reply::Refused(why) => {
                let why = format!("{host} can't have tasks: {why}");
                return Some((ErrorCode::EcsUpdateError, why));
            }
            Reply::Tasks(_) if place.patience.take().is_some() => {
                let long = i64::try_from(place.progress.long().as_millis()).unwrap_or(i64::MAX);
                // Whoever has the order again after its disk was new has no new time.
                if place.well_by == 0 {
                    place.well_by = env.now + long;
                }
                place.ask.turn = self.next(env, 0);
            }
            Reply::Tasks(state) => match place.progress.look(state, &env.cast.endpoint.host) {
                Some(Ok(tasks)) => place.tasks = Some(tasks),
                Some(Err(failure)) => return Some(failure),
                None => place.ask.turn = self.next(env, LOOK),
            },
            Reply::Unknown => {
                env.mark(Mark::TaskSetLost);
                place.patience = Some(env.now);
                place.ask.turn = self.next(env, 0);
            }
            Reply::Done | Reply::State(_) => {}
        }
        None
    }

    /// What has come of a replacement so far.
    fn made(&mut self, env: &mut Env, mut making: Making, failed: Option<Failure>) -> Vec<Heard> {
        let Step::Makes(places) = &making.step else {
            self.making = Some(making);
            return Vec::new();
        };
        let tasks = places.iter().map(|place| place.tasks.clone());
        let tasks = tasks.collect::<Option<Vec<_>>>();
        let well = tasks.filter(|_| failed.is_none());
        if failed.is_none() && well.is_none() {
            self.making = Some(making);
            return Vec::new();
        }
        let mut heard = Vec::new();
        if let Some(tasks) = well {
            let input = Input::TaskSet(tasks.into_iter().flatten().collect());
            let deployment = self.deployment;
            heard.push(Heard { deployment, input });
        }
        let ended = Report::EventEnded {
            event: LifecycleEvent::Install,
            status: match failed {
                None => EventStatus::Succeeded,
                Some(_) => EventStatus::Failed,
            },
            at: env.controller_time(),
            diagnostics: failed.map(|(code, why)| Diagnostics::ending(code, why)),
        };
        heard.extend(self.heard(&making, [ended, Report::Ended]));
        making.step = Step::Done;
        self.making = Some(making);
        heard
    }

    fn heard(&self, making: &Making, reports: impl IntoIterator<Item = Report>) -> Vec<Heard> {
        let Creation {
            execution, target, ..
        } = &making.creation;
        let heard = |report| Heard::new(self.deployment, execution, target, report);
        reports.into_iter().map(heard).collect()
    }

    /// Ends the task sets of a side, once the listeners have let them go.
    fn leave(
        &mut self,
        env: &mut Env,
        mut ending: Ending,
        state: &Deployment,
        let_go: impl Fn(Side) -> bool,
    ) {
        if !let_go(ending.side) {
            ending.turn = self.next(env, LOOK);
            self.ending = Some(ending);
            return;
        }
        let sets: Vec<TaskSet> = state.task_sets(ending.side);
        let place = |set: &TaskSet, host: &Name| Leaving {
            ask: Talk::new(host.clone()),
            set: Cast::set(&set.id),
            told: false,
            over: false,
            trouble: None,
        };
        let places = sets
            .iter()
            .flat_map(|set| set.hosts.iter().map(move |(host, _)| place(set, host)));
        let mut places: Vec<Leaving> = places.collect();
        for place in &mut places {
            self.tell_to_end(env, place);
        }
        ending.turn = 0;
        ending.places = Some(places);
        self.ending = Some(ending);
    }

    fn tell_to_end(&mut self, env: &mut Env, place: &mut Leaving) {
        let (host, set) = (Cast::host(&place.ask.host), place.set);
        if !env.registered[host] {
            return place.leaves("it is no longer in the project");
        }
        let what = if place.told {
            Ask::LookAtTasks { set }
        } else {
            env.watch.ends(self.deployment, host, set);
            Ask::EndTasks { set }
        };
        self.send(env, &mut place.ask, what);
    }

    fn hear_of_end(&mut self, env: &mut Env, place: &mut Leaving, reply: &Reply) {
        match reply {
            Reply::Tasks(state) if state.tasks.is_empty() => place.over = true,
            Reply::Unknown if place.told => place.over = true,
            Reply::Refused(why) => place.leaves(why),
            _ => {
                place.told = true;
                place.ask.turn = self.next(env, LOOK);
            }
        }
    }

    /// What has come of an end so far.
    fn ended(&mut self) -> Vec<Heard> {
        let Some(places) = self.ending.as_ref().and_then(|it| it.places.as_ref()) else {
            return Vec::new();
        };
        if !places.iter().all(|place| place.over) {
            return Vec::new();
        }
        let trouble = places.iter().filter_map(|place| place.trouble.clone());
        let trouble: Vec<String> = trouble.collect();
        self.ending = None;
        let told = Told::Terminated {
            targets: Vec::new(),
            trouble: (!trouble.is_empty()).then(|| trouble.join("; ")),
        };
        let (deployment, input) = (self.deployment, Input::Fleet(told));
        vec![Heard { deployment, input }]
    }
}

/// A host has not answered: why no task set comes of it, if that was once too often.
fn unanswered(env: &Env, place: &mut Place) -> Option<Failure> {
    if place.patience.is_some_and(|until| env.now >= until) {
        let why = format!("{} can't have tasks: it does not answer", place.ask.host);
        return Some((ErrorCode::EcsUpdateError, why));
    }
    place.progress.last = Some("it does not answer".to_owned());
    None
}

impl Leaving {
    /// It can't be ended, for this reason.
    fn leaves(&mut self, why: &str) {
        self.over = true;
        self.trouble = Some(why.to_owned());
    }
}

impl Making {
    fn makes(&self) -> bool {
        matches!(self.step, Step::Makes(_))
    }
}

impl Talk {
    fn new(host: Name) -> Self {
        Self {
            host,
            turn: 0,
            asked: None,
        }
    }
}
