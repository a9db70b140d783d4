//! What was deployed when: in the whole project, to a group, or to a host; the newest first. With ten thousand deployments as
//! with ten, rows are made anew only when something was told, and only visible ones are laid out.

mod draw;
mod entry;

use ratatui::layout::Rect;
use std::collections::BTreeMap;

use crate::api::afterwards::past::Given;
use crate::api::view::View;
use crate::engine::Summary;
use crate::model::address::Address;
use crate::model::deployment::DeploymentId;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::tui::calm::Calm;
use crate::tui::effect::Effect;
use crate::tui::layout::beside;
use crate::tui::lists::List;
use crate::tui::lists::facts::{Facts, Key};
use crate::tui::model::{Model, Pane};
use crate::tui::screens::{Screen, here, subject};
use crate::tui::widgets::fuzzy::Fuzzy;
use crate::tui::widgets::list::{scroll, step};

pub(super) use draw::draw;
pub(crate) use draw::{row, sentence};
use entry::Entry;

/// Whose history it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Scope {
    /// The whole project's.
    #[default]
    Project,
    /// That of a group.
    Group(GroupKey),
    /// That of a host.
    Host(Name),
}

/// The history on the screen.
#[derive(Debug, Default)]
pub(crate) struct History {
    scope: Scope,
    /// The deployments that are shown, in their order.
    rows: Vec<DeploymentId>,
    /// How many there would be without a filter.
    all: usize,
    selected: Option<DeploymentId>,
    top: usize,
    calm: Calm,
    /// The newest news.
    news: u64,
    /// The deployment with which others are compared.
    marked: Option<DeploymentId>,
    /// What the host was given, once that is known.
    past: Past,
}

/// What is known of what a host was given.
#[derive(Debug, Default)]
struct Past {
    /// How far the memories of groups had come when this was asked for last.
    asked: Option<u64>,
    /// By deployment.
    given: BTreeMap<DeploymentId, Given>,
    /// Whether an answer has come.
    known: bool,
    /// Why none came.
    problem: Option<String>,
}

impl History {
    /// Shows the history at an address.
    pub(super) fn show(&mut self, address: &Address) {
        let scope = match address {
            Address::GroupHistory(group) => Scope::Group(group.clone()),
            Address::HostHistory(host) => Scope::Host(host.clone()),
            _ => Scope::Project,
        };
        if scope != self.scope {
            self.scope = scope;
            self.selected = None;
            self.past = Past::default();
            self.rows.clear();
        }
        self.calm = Calm::default();
    }

    /// Its address.
    pub(super) fn address(&self) -> Address {
        match &self.scope {
            Scope::Project => Address::History,
            Scope::Group(group) => Address::GroupHistory(group.clone()),
            Scope::Host(host) => Address::HostHistory(host.clone()),
        }
    }

    /// What it is, in a line.
    pub(crate) fn title(&self) -> String {
        let of = match &self.scope {
            Scope::Project => String::new(),
            Scope::Group(group) => format!(" of {group}"),
            Scope::Host(host) => format!(" of {host}"),
        };
        let noun = if self.all == 1 {
            "deployment"
        } else {
            "deployments"
        };
        format!("History{of}: {} {noun}", self.all)
    }

    /// Looks at the picture again, if it is time; at once if what is wanted of it is new.
    pub(crate) fn refresh(&mut self, model: &Model, changed: bool, narrowed: bool) {
        let Some(view) = &model.view else { return };
        self.news = model.news;
        if changed || !self.calm.stands(self.news, model.now) {
            self.calm.made(self.news, model.now);
            self.make(model, view, narrowed);
        }
        if self.position().is_none() {
            self.selected = self.rows.first().cloned();
        }
        let rows = usize::from(Places::of(model).rows.height);
        self.top = scroll(self.top, self.position(), self.rows.len(), rows);
    }

    fn make(&mut self, model: &Model, view: &View, narrowed: bool) {
        let rows = self.within(view);
        self.all = rows.len();
        let kept = self.selected.as_ref().filter(|_| !narrowed);
        let column = |by: usize| List::History.columns().get(by).copied().unwrap_or_default();
        let present = model.present();
        let arrangement = model.arranged.of(List::History);
        let rows = arrangement.arrange(
            rows,
            kept,
            |id| {
                self.entry(view, id)
                    .map_or_else(Facts::default, |entry| entry.facts())
            },
            |id, by| {
                let entry = self.entry(view, id);
                entry.map_or(Key::Number(0), |entry| entry.key(present, column(by)))
            },
        );
        self.rows = rows;
    }

    /// Every deployment that belongs here, the newest first.
    fn within(&self, view: &View) -> Vec<DeploymentId> {
        let newest = view.newest.iter();
        match &self.scope {
            Scope::Project => newest.cloned().collect(),
            Scope::Group(group) => {
                let of = |id: &&DeploymentId| {
                    let summary = view.summaries.get(*id);
                    summary.is_some_and(|summary| summary.group == *group)
                };
                newest.filter(of).cloned().collect()
            }
            Scope::Host(host) => {
                let runs_there = |id: &&DeploymentId| {
                    let deployment = view
                        .deployments
                        .get(*id)
                        .filter(|d| !d.status.is_terminal());
                    let target = deployment.and_then(|deployment| deployment.target(host));
                    target.is_some_and(|target| target.attempt > 0)
                };
                let running = newest.filter(runs_there).cloned();
                let mut past: Vec<&Given> = self.past.given.values().collect();
                past.sort_by_key(|given| std::cmp::Reverse(given.create_time));
                let past = past.into_iter().map(|given| given.deployment.clone());
                running.chain(past).collect()
            }
        }
    }

    /// A row as it is now.
    fn entry<'a>(&'a self, view: &'a View, id: &'a DeploymentId) -> Option<Entry<'a>> {
        let summary = view.summaries.get(id);
        let Scope::Host(host) = &self.scope else {
            return Some(Entry::of(view, summary?));
        };
        match self.past.given.get(id) {
            Some(given) => Some(Entry::given(given, summary)),
            None => Entry::running(view, summary?, host),
        }
    }

    /// Asks what the host was given, where that may have changed.
    pub(crate) fn ask(&mut self, model: &Model) -> Option<Effect> {
        let Scope::Host(host) = &self.scope else {
            return None;
        };
        let view = model.view.as_ref()?;
        let groups = view.ledgers.iter();
        let groups = groups.filter(|(_, ledger)| ledger.hosts.contains_key(host));
        let reached = groups.clone().map(|(_, ledger)| ledger.seq).sum();
        if self.past.asked == Some(reached) {
            return None;
        }
        self.past.asked = Some(reached);
        let groups = groups.map(|(group, _)| group.clone()).collect();
        Some(Effect::Past(host.clone(), groups))
    }

    /// Takes what a host was given.
    pub(crate) fn take(&mut self, host: &Name, result: Result<Vec<Given>, String>) {
        if self.scope != Scope::Host(host.clone()) {
            return;
        }
        match result {
            Ok(given) => {
                let given = given
                    .into_iter()
                    .map(|given| (given.deployment.clone(), given));
                self.past.given = given.collect();
                self.past.known = true;
                self.past.problem = None;
            }
            Err(problem) => self.past.problem = Some(problem),
        }
        self.calm = Calm::default();
    }

    /// The selected row among those that are shown.
    fn position(&self) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        self.rows.iter().position(|id| id == selected)
    }

    /// The selected deployment.
    pub(crate) fn selected(&self) -> Option<&DeploymentId> {
        self.selected.as_ref()
    }

    /// The deployment with which others are compared.
    pub(crate) fn marked(&self) -> Option<&DeploymentId> {
        self.marked.as_ref()
    }

    /// Whether what is selected fits the filter.
    pub(crate) fn shows_selected(&self, model: &Model) -> bool {
        let filter = &model.arranged.of(List::History).filter;
        let entry = model.view.as_ref().zip(self.selected.as_ref());
        let entry = entry.and_then(|(view, id)| self.entry(view, id));
        entry.is_none_or(|entry| filter.fits(&entry.facts(), &mut Fuzzy::new()))
    }

    /// What is inside the selected row, if that is kept: the deployment, or the host within it.
    pub(crate) fn inside(&self, model: &Model) -> Option<Address> {
        let id = self.selected.as_ref()?;
        model.view.as_ref()?.summaries.get(id)?;
        Some(match &self.scope {
            Scope::Host(host) => Address::Instance(id.clone(), host.clone()),
            _ => Address::Deployment(id.clone()),
        })
    }

    /// The deployment at a place.
    pub(crate) fn at(&self, place: usize) -> Option<DeploymentId> {
        self.rows.get(place).cloned()
    }

    /// Puts the cursor on a deployment that is shown.
    pub(crate) fn put(&mut self, id: DeploymentId) {
        self.selected = Some(id);
    }

    /// How many are shown.
    pub(crate) fn shown(&self) -> usize {
        self.rows.len()
    }

    /// How many there are.
    pub(crate) fn all(&self) -> usize {
        self.all
    }

    /// What is known of every deployment that is shown, and how long it took.
    pub(crate) fn facts_of_all(&self, model: &Model) -> Vec<(Facts, Key)> {
        let Some(view) = &model.view else {
            return Vec::new();
        };
        let now = model.present();
        let entries = self.rows.iter().filter_map(|id| self.entry(view, id));
        let known = entries.map(|entry| (entry.facts(), entry.key(now, "time")));
        known.collect()
    }

    /// The rows of a page.
    pub(crate) fn page(model: &Model) -> usize {
        usize::from(Places::of(model).rows.height)
    }

    /// When it looks at news that it has let wait.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.calm.due(self.news)
    }

    /// Moves the cursor by so many rows.
    pub(crate) fn step(&mut self, by: isize) {
        let row = step(self.position(), by, self.rows.len());
        self.selected = row.and_then(|row| self.rows.get(row)).cloned();
    }
}

/// The history that belongs to what is seen: of the selected group or host; from there, that of the whole project.
pub(crate) fn place(model: &Model) -> Address {
    match (model.screen, here(model)) {
        (Screen::Hosts, Address::Host(host)) => Address::HostHistory(host),
        (Screen::Rollouts, _) if model.focus != Pane::Applications => {
            let group = model.selected.group.clone();
            group.map_or(Address::History, Address::GroupHistory)
        }
        _ => Address::History,
    }
}

/// Marks the selected deployment, or does so no longer.
pub(crate) fn mark(model: &mut Model) {
    let Some(id) = subject(model) else { return };
    if model.history.marked.as_ref() == Some(&id) {
        model.history.marked = None;
        model.say(format!("{id} is marked no more"));
        return;
    }
    let key = model.keymap.shown(crate::tui::action::Action::Compare);
    model.say(format!("{id} is marked: {key} compares another with it"));
    model.history.marked = Some(id);
}

/// What a deployment is compared with: the marked one, else the one before it in its group.
pub(crate) fn other(model: &Model, summary: &Summary) -> Option<DeploymentId> {
    let view = model.view.as_ref()?;
    let id = &summary.deployment_id;
    let marked = model.history.marked.as_ref();
    let marked = marked.filter(|marked| *marked != id && view.summaries.contains_key(marked));
    if marked.is_some() {
        return marked.cloned();
    }
    let older = view.newest.iter().skip_while(|other| *other != id).skip(1);
    let of_group = |other: &&DeploymentId| {
        let other = view.summaries.get(*other);
        other.is_some_and(|other| other.group == summary.group)
    };
    older.into_iter().find(of_group).cloned()
}

/// From this height on the selected deployment is told below the rows, in so many lines with their rule, where there is no room
/// beside them.
const HIGH: (u16, u16) = (16, 4);

/// The places of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Places {
    frame: Rect,
    headings: Rect,
    rows: Rect,
    /// What is selected in a few words; has no height where there is no room.
    below: Rect,
    /// What is selected, where it is told beside the rows.
    beside: Option<Rect>,
}

impl Places {
    fn of(model: &Model) -> Self {
        let (width, height) = model.size;
        if model.layout().tiny {
            return Self::default();
        }
        let beside = beside(model);
        let whole = Rect::new(0, 1, width, height - 1);
        let frame = beside.map_or(whole, |(list, _)| list);
        let headings = Rect::new(2, 2, frame.width - 4, 1);
        let low = beside.is_none() && height >= HIGH.0;
        let taken = if low { HIGH.1 } else { 0 };
        let rows = Rect {
            y: 3,
            height: (height - 4).saturating_sub(taken),
            ..headings
        };
        Self {
            frame,
            headings,
            rows,
            below: Rect::new(0, rows.bottom(), width, taken),
            beside: beside.map(|(_, told)| told),
        }
    }
}
