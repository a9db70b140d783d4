//! Where a replay stands: how much of the recording is folded, what time it shows, and how fast that goes on.

use std::time::Duration;

use super::recording::Recording;
use crate::api::afterwards::timeline::{is_failure, is_turn};
use crate::api::feed::FeedItem;
use crate::api::snapshot::Snapshot;
use crate::api::view::View;
use crate::engine::{Event, Record};
use crate::model::deployment::DeploymentId;
use crate::model::timestamp::Timestamp;
use crate::tui::action::Action;
use crate::tui::model::{Link, Model};
use crate::tui::update::feed;

/// A picture is kept after so many entries, so that a jump does not fold everything anew.
const EVERY: usize = 500;
/// Instances that all pictures together have at most: where there are many, fewer pictures are kept.
const KEPT: usize = 64_000;
/// The parts of the recording that a long step goes over.
const PARTS: usize = 20;
/// The slowest and fastest speed, as powers of two.
const SPEEDS: std::ops::RangeInclusive<i32> = -2..=12;
/// The shortest time between two frames of a replay that runs.
const FRAME: Duration = Duration::from_millis(40);
/// A picture that stands still is drawn again after this.
const STILL: Duration = Duration::from_mins(1);

/// A recording that is being replayed.
#[derive(Debug)]
pub(crate) struct Player {
    /// What happened, each with the time that is shown then: a clock that was set back does not set the replay back.
    entries: Vec<(Timestamp, FeedItem)>,
    /// Where it begins: what a group remembers from before the first deployment is in every picture.
    start: usize,
    /// How many of them are in the picture.
    position: usize,
    /// Whether time goes on by itself.
    pub playing: bool,
    /// How fast, as a power of two.
    speed: i32,
    /// The time that the replay shows.
    clock: Timestamp,
    /// The time of the last message.
    real: Option<Timestamp>,
    /// Pictures after so many entries, the first after none.
    checkpoints: Vec<(usize, View)>,
    /// After how many entries something had just failed, or somebody had decided something; and whether it had failed.
    turns: Vec<(usize, bool)>,
}

/// How far a replay has come, for those who draw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Progress<'a> {
    /// How many entries are in the picture.
    pub position: usize,
    /// How many there are.
    pub all: usize,
    /// When it begins and when it ends.
    pub ends: (Timestamp, Timestamp),
    /// After how many entries something had just failed.
    pub failures: Vec<usize>,
    /// The newest entry of the picture.
    pub newest: Option<&'a Event>,
}

impl Player {
    /// A player that stands at the recording's beginning.
    pub(crate) fn new(recording: &Recording) -> Self {
        let mut time = Timestamp(i64::MIN);
        let entries: Vec<(Timestamp, FeedItem)> = recording
            .entries
            .iter()
            .map(|entry| {
                time = time.max(entry.at());
                (time, entry.item())
            })
            .collect();
        let mut view = empty(recording);
        let targets = entries.iter().map(|(_, item)| match item {
            FeedItem::Record { record, .. } => match &record.event {
                Event::Created { spec, .. } => spec.targets.len(),
                _ => 0,
            },
            _ => 0,
        });
        let every = EVERY.max(entries.len() * targets.max().unwrap_or(0) / KEPT);
        let mut checkpoints = Vec::new();
        for (place, (_, item)) in entries.iter().enumerate() {
            if place % every == 0 {
                checkpoints.push((place, view.clone()));
            }
            fold(&mut view, item);
        }
        let deployment = |(_, item): &(_, FeedItem)| matches!(item, FeedItem::Record { .. });
        let first = entries.iter().position(deployment).unwrap_or(0);
        let clock = entries
            .get(first)
            .map_or(Timestamp::default(), |(at, _)| *at);
        let turn = |(place, (_, item)): (usize, &(Timestamp, FeedItem))| match item {
            FeedItem::Record { record, .. } if is_turn(&record.event) => {
                Some((place + 1, is_failure(&record.event)))
            }
            _ => None,
        };
        let turns = entries.iter().enumerate().filter_map(turn);
        Self {
            turns: turns.filter(|(place, _)| *place > first).collect(),
            start: first + 1,
            entries,
            position: 0,
            playing: false,
            speed: 0,
            clock,
            real: None,
            checkpoints,
        }
    }

    /// How many entries are in the picture, and how many there are.
    pub(crate) fn place(&self) -> (usize, usize) {
        (self.position, self.entries.len())
    }

    /// How far it has come.
    pub(crate) fn progress(&self) -> Progress<'_> {
        let at = |entry: Option<&(Timestamp, FeedItem)>| entry.map_or(self.clock, |(at, _)| *at);
        let newest = self.position.checked_sub(1);
        let newest = newest.and_then(|newest| self.entries.get(newest));
        Progress {
            position: self.position,
            all: self.entries.len(),
            ends: (
                at(self.entries.get(self.start.saturating_sub(1))),
                at(self.entries.last()),
            ),
            failures: self
                .turns
                .iter()
                .filter_map(|(place, failure)| failure.then_some(*place))
                .collect(),
            newest: newest.and_then(|(_, item)| match item {
                FeedItem::Record { record, .. } => Some(&record.event),
                _ => None,
            }),
        }
    }

    /// The journal of a deployment, as far as it is in the picture.
    pub(crate) fn records(&self, id: &DeploymentId) -> Vec<Record> {
        let shown = self.entries.iter().take(self.position);
        let records = shown.filter_map(|(_, item)| match item {
            FeedItem::Record { deployment, record } if deployment == id => Some(record.clone()),
            _ => None,
        });
        records.collect()
    }

    /// Where the next or the last failure or decision is.
    fn turn(&self, forward: bool) -> Option<usize> {
        let places = self.turns.iter().map(|(place, _)| *place);
        if forward {
            places.filter(|place| *place > self.position).min()
        } else {
            places.filter(|place| *place < self.position).max()
        }
    }

    /// A long step forward or back.
    fn stride(&self) -> usize {
        (self.entries.len() / PARTS).max(1)
    }

    /// The speed as people write it: `1x`, `16x`, `1/2x`.
    pub(crate) fn speed(&self) -> String {
        match self.speed {
            speed @ 0.. => format!("{}x", 1_u32 << speed),
            speed => format!("1/{}x", 1_u32 << -speed),
        }
    }

    /// Whether an action of a replay can be done now.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn available(&self, action: Action) -> Result<(), String> {
        let reason = match action {
            Action::ReplayForward
            | Action::ReplayLater
            | Action::ReplayLast
            | Action::ReplayPlay
                if self.is_over() =>
            {
                "this is the end of the recording"
            }
            Action::ReplayBack | Action::ReplayEarlier | Action::ReplayFirst
                if self.position <= self.start =>
            {
                "this is the beginning of the recording"
            }
            Action::ReplayNext if self.turn(true).is_none() => {
                "nothing fails after this, and nobody decides anything"
            }
            Action::ReplayPrevious if self.turn(false).is_none() => {
                "nothing failed before this, and nobody decided anything"
            }
            Action::ReplayFaster if self.speed == *SPEEDS.end() => "this is the fastest",
            Action::ReplaySlower if self.speed == *SPEEDS.start() => "this is the slowest",
            _ => return Ok(()),
        };
        Err(reason.to_owned())
    }

    fn is_over(&self) -> bool {
        self.position == self.entries.len()
    }

    /// So much time of the recording as passes in this real time.
    fn passes(&self, real: Duration) -> Duration {
        let millis = u64::try_from(real.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(match self.speed {
            speed @ 0.. => millis.saturating_mul(1 << speed),
            speed => millis >> -speed,
        })
    }

    /// The picture after so many entries.
    fn picture(&self, position: usize) -> Option<View> {
        let mut kept = self.checkpoints.iter().rev();
        let (from, view) = kept.find(|(from, _)| *from <= position)?;
        let mut view = view.clone();
        for (_, item) in &self.entries[*from..position] {
            fold(&mut view, item);
        }
        Some(view)
    }
}

/// The picture before anything has happened.
fn empty(recording: &Recording) -> View {
    View::from(Snapshot {
        pid: 0,
        version: String::new(),
        project: recording.project.clone(),
        problems: Vec::new(),
        person: None,
        deployments: Vec::new(),
        active: Vec::new(),
        ledgers: Vec::new(),
        revisions: Vec::new(),
        hosts: Vec::new(),
        alarms: Vec::new(),
        freezes: Vec::new(),
        traffic: Vec::new(),
        tasks: Vec::new(),
        looks: Vec::new(),
    })
}

fn fold(view: &mut View, item: &FeedItem) {
    // No entry is missing: that was checked when the recording was read.
    let _ = view.apply(item.clone());
}

/// Puts the model at the beginning of a recording.
pub(crate) fn begin(model: &mut Model, player: Player) {
    let clock = player.clock;
    model.link = Link::Live;
    model.view = player.picture(0);
    with(model, player, |model, player| play_to(model, player, clock));
}

/// Real time has passed: lets the recording's time go on if it plays, and makes it the model's.
pub(crate) fn advance(model: &mut Model, real: Timestamp) {
    let Some(player) = model.replay.take() else {
        return;
    };
    with(model, *player, |model, player| {
        let passed = player.real.map_or(Duration::ZERO, |last| real.since(last));
        player.real = Some(real);
        if player.playing {
            let clock = player.clock + player.passes(passed);
            play_to(model, player, clock);
        }
    });
}

/// Does an action of a replay.
pub(crate) fn control(model: &mut Model, action: Action) {
    let Some(player) = model.replay.take() else {
        return;
    };
    with(model, *player, |model, player| match action {
        Action::ReplayPlay => player.playing = !player.playing,
        Action::ReplayFaster => player.speed += 1,
        Action::ReplaySlower => player.speed -= 1,
        Action::ReplayForward => go_to(model, player, player.position + 1),
        Action::ReplayBack => go_to(model, player, player.position - 1),
        Action::ReplayNext | Action::ReplayPrevious => {
            if let Some(place) = player.turn(action == Action::ReplayNext) {
                go_to(model, player, place);
            }
        }
        Action::ReplayLater => {
            let place = (player.position + player.stride()).min(player.entries.len());
            go_to(model, player, place);
        }
        Action::ReplayEarlier => {
            let place = player.position.saturating_sub(player.stride());
            go_to(model, player, place.max(player.start));
        }
        Action::ReplayFirst => go_to(model, player, player.start),
        Action::ReplayLast => go_to(model, player, player.entries.len()),
        _ => {}
    });
}

/// Works on the model and its player, and gives the model the player's time.
fn with(model: &mut Model, mut player: Player, work: impl FnOnce(&mut Model, &mut Player)) {
    work(model, &mut player);
    model.now = player.clock;
    model.heard = Some(player.clock);
    model.replay = Some(Box::new(player));
}

/// Lets everything happen up to this time.
fn play_to(model: &mut Model, player: &mut Player, clock: Timestamp) {
    while let Some((at, item)) = player.entries.get(player.position)
        && *at <= clock
    {
        model.now = *at;
        feed(model, item.clone());
        player.position += 1;
    }
    player.clock = clock;
    if player.is_over() {
        player.playing = false;
        player.clock = player.entries.last().map_or(clock, |(at, _)| *at);
    }
}

/// Stands still right after so many entries.
fn go_to(model: &mut Model, player: &mut Player, position: usize) {
    player.playing = false;
    if position == player.position + 1 {
        // So that it says what a live one says.
        if let Some((at, item)) = player.entries.get(player.position) {
            model.now = *at;
            feed(model, item.clone());
        }
    } else {
        model.view = player.picture(position);
    }
    player.position = position;
    let last = position
        .checked_sub(1)
        .and_then(|last| player.entries.get(last));
    player.clock = last.map_or(player.clock, |(at, _)| *at);
}

/// When the picture changes although nobody does anything, in real time; `None` if this is no replay.
pub(crate) fn wake(model: &Model) -> Option<Timestamp> {
    let player = model.replay.as_ref()?;
    let real = player.real.unwrap_or_default();
    if !player.playing {
        return Some(real + STILL);
    }
    // A second of the recording, or what happens before it is over.
    let second = player.clock + Duration::from_secs(1);
    let next = player.entries.get(player.position);
    let due = next.map_or(second, |(at, _)| second.min(*at));
    let left = u64::try_from(due.since(player.clock).as_millis()).unwrap_or(u64::MAX);
    let pause = Duration::from_millis(match player.speed {
        speed @ 0.. => left >> speed,
        speed => left << -speed,
    });
    Some(real + pause.max(FRAME))
}
