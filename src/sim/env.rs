//! What everything in the simulated world has around it: time, choices, the network, the disk of the orchestrator, and
//! those who watch.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use super::cast::Cast;
use super::disk::Disk;
use super::happening::{Happening, Reply, Request};
use super::marks::{Mark, Marks};
use super::shape::{Millis, Network, Shape};
use super::tape::{Reel, Tape};
use super::trace::Trace;
use super::watch::Watch;
use crate::model::freeze::Freeze;
use crate::model::timestamp::Timestamp;

/// When the simulated world begins, by a clock that is right.
pub const EPOCH: Millis = 1_700_000_000_000;

/// Somebody was killed here: whatever came next does not happen.
#[derive(Debug)]
pub struct Killed;

/// One direction each between the orchestrator and a host.
#[derive(Clone, Copy, Debug, Default)]
pub struct Link {
    /// Nothing reaches the host.
    pub to_host_cut: bool,
    /// Nothing comes back.
    pub from_host_cut: bool,
}

/// What everything has around it.
pub struct Env {
    /// The true time since the world began.
    pub now: Millis,
    /// Where choices come from.
    pub tape: Tape,
    /// What the world is like.
    pub shape: Shape,
    /// Names and documents.
    pub cast: Rc<Cast>,
    /// One link a host.
    pub links: Vec<Link>,
    /// How far the orchestrator's clock is off.
    pub skew: Millis,
    /// Whether things still go wrong.
    pub faulty: bool,
    /// The orchestrator's disk.
    pub disk: Disk,
    /// Those who check.
    pub watch: Watch,
    /// Whether the hosts' clocks are right, whatever the tape says.
    pub right_clocks: bool,
    /// Whether each host is in the project.
    pub registered: Vec<bool>,
    /// Whether the alarm of each group is active.
    pub alarms: Vec<bool>,
    /// The freeze that each group is in.
    pub freezes: Vec<Option<Freeze>>,
    /// Numbers of deployments that were given out.
    pub numbers: usize,
    /// Which rare branches were taken.
    pub marks: Marks,
    /// What happened, for people, if they want to know.
    pub trace: Option<Trace>,
    /// A digest of everything that happened.
    pub hash: u64,
    /// How many things have happened.
    pub steps: u64,
    queue: BinaryHeap<Reverse<Scheduled>>,
    scheduled: u64,
}

struct Scheduled {
    at: Millis,
    order: u64,
    what: Happening,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl Env {
    /// An empty world of this shape.
    pub fn new(tape: Tape, shape: Shape, cast: Rc<Cast>, trace: bool) -> Self {
        Self {
            now: 0,
            links: vec![Link::default(); shape.hosts],
            skew: 0,
            faulty: true,
            disk: Disk::new(shape.groups),
            watch: Watch::new(&shape),
            right_clocks: false,
            registered: vec![true; shape.hosts],
            alarms: vec![false; shape.groups],
            freezes: vec![None; shape.groups],
            numbers: 0,
            marks: Marks::default(),
            trace: trace.then(Trace::default),
            hash: 0xcbf2_9ce4_8422_2325,
            steps: 0,
            queue: BinaryHeap::with_capacity(64),
            scheduled: 0,
            tape,
            shape,
            cast,
        }
    }

    /// Has something happen after a while.
    pub fn after(&mut self, wait: Millis, what: Happening) {
        self.scheduled += 1;
        self.queue.push(Reverse(Scheduled {
            at: self.now + wait.max(0),
            order: self.scheduled,
            what,
        }));
    }

    /// What happens next; the time is then.
    pub fn next(&mut self) -> Option<Happening> {
        let Reverse(next) = self.queue.pop()?;
        self.now = self.now.max(next.at);
        self.steps += 1;
        self.digest(next.at.cast_unsigned());
        Some(next.what)
    }

    /// Adds to the digest of everything that happened.
    pub fn digest(&mut self, value: u64) {
        self.hash = (self.hash ^ value)
            .wrapping_mul(0x0100_0000_01b3)
            .rotate_left(23);
    }

    /// A number for a deployment that nobody has used.
    pub fn new_deployment(&mut self) -> usize {
        self.numbers += 1;
        self.numbers
    }

    /// The time by the orchestrator's clock.
    pub fn controller_time(&self) -> Timestamp {
        Timestamp(EPOCH + self.now + self.skew)
    }

    /// The time by a clock that is so far off.
    pub fn time(&self, skew: Millis) -> Timestamp {
        Timestamp(EPOCH + self.now + skew)
    }

    /// Notes that a rare branch was taken.
    pub fn mark(&mut self, mark: Mark) {
        self.marks.hit(mark);
    }

    /// Tells what happened, if anybody wants to know.
    pub fn tell(&mut self, line: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(trace) = &mut self.trace {
            trace.tell(now, &line());
        }
    }

    /// Whether something goes wrong now, once in so many times.
    pub fn goes_wrong(&mut self, reel: Reel, per_ten_thousand: u32) -> bool {
        let hit = self.tape.chance(reel, per_ten_thousand);
        hit && self.faulty
    }

    /// Sends a request to a host.
    pub fn request(&mut self, host: usize, request: Request) {
        if self.links[host].to_host_cut {
            return;
        }
        let network = self.network();
        if self.tape.chance(Reel::Network, network.loss) {
            self.mark(Mark::MessageLost);
            return;
        }
        if self.tape.chance(Reel::Network, network.doubled) {
            self.mark(Mark::MessageDoubled);
            let delay = self.delay(network);
            let request = request.clone();
            self.after(delay, Happening::Request { host, request });
        }
        let delay = self.delay(network);
        self.after(delay, Happening::Request { host, request });
    }

    /// Sends a host's answer.
    pub fn reply(&mut self, host: usize, to: super::happening::Asked, reply: Reply) {
        if self.links[host].from_host_cut {
            return;
        }
        let network = self.network();
        if self.tape.chance(Reel::Network, network.loss) {
            self.mark(Mark::AnswerLost);
            return;
        }
        let delay = self.delay(network);
        self.after(delay, Happening::Reply { host, to, reply });
    }

    /// What the network is like now.
    pub fn network(&self) -> Network {
        if self.faulty {
            self.shape.network
        } else {
            Network {
                delay: 1,
                jitter: 1,
                ..Network::default()
            }
        }
    }

    /// How long a message takes.
    pub fn delay(&mut self, network: Network) -> Millis {
        network.delay + self.tape.wait(Reel::Network, network.jitter)
    }
}
