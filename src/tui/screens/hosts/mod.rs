//! The hosts: whether they answer, what is installed for which group, what is wrong. Those that need somebody come first.
//! With ten thousand hosts as with ten, only visible rows are laid out.

pub(crate) mod details;
pub(crate) mod list;

use crate::api::host::HostView;
use crate::api::snapshot::HostState;
use crate::model::address::Address;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::tui::calm::Calm;
use crate::tui::glyph;
use crate::tui::lists::List;
use crate::tui::lists::facts::{Facts, host, host_key};
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Run, run};
use crate::tui::screens::places::Places;
use crate::tui::theme::Role;
use crate::tui::widgets::list::{scroll, step};
use std::collections::BTreeMap;

/// The hosts on the screen.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    /// The hosts that are shown, in their order.
    rows: Vec<Row>,
    /// How many there are in each state.
    counts: BTreeMap<HostState, usize>,
    selected: Option<Name>,
    top: usize,
    calm: Calm,
    /// The newest news.
    news: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    /// Work that comes and goes moves nobody.
    state: HostState,
    /// Its place in the documents.
    index: usize,
    name: Name,
}

impl Hosts {
    /// Looks at the picture again, if it is time; at once if what is wanted of it is new. Where something was typed to narrow it, the
    /// cursor goes to what fits.
    pub(crate) fn refresh(&mut self, model: &Model, changed: bool, narrowed: bool) {
        let Some(view) = &model.view else { return };
        self.news = view.host_news;
        if changed || !self.calm.stands(self.news, model.now) {
            self.calm.made(self.news, model.now);
            self.make(model, narrowed);
        }
        if self.position().is_none() {
            self.selected = self.rows.first().map(|row| row.name.clone());
        }
        let rows = usize::from(Places::of(model).rows.height);
        self.top = scroll(self.top, self.position(), self.rows.len(), rows);
    }

    fn make(&mut self, model: &Model, narrowed: bool) {
        let Some(view) = &model.view else { return };
        self.counts.clear();
        let mut rows: Vec<Row> = view.all_hosts().enumerate().map(Row::of).collect();
        rows.sort();
        for host in view.all_hosts() {
            *self.counts.entry(host.state()).or_default() += 1;
        }
        let kept = self.position().and_then(|row| self.rows.get(row));
        let kept = kept.filter(|_| !narrowed).map(|row| row.name.clone());
        let kept = rows
            .iter()
            .find(|row| Some(&row.name) == kept.as_ref())
            .cloned();
        let of = |row: &Row| {
            view.project.hosts.get(row.index).map(|host| HostView {
                host,
                status: view.hosts.get(&host.name),
            })
        };
        let arrangement = model.arranged.of(List::Hosts);
        self.rows = arrangement.arrange(
            rows,
            kept.as_ref(),
            |row| of(row).map(host).unwrap_or_default(),
            |row, column| {
                let column = List::Hosts.columns().get(column).copied();
                let host =
                    of(row).map(|host| host_key(host, model.now, column.unwrap_or_default()));
                host.unwrap_or(crate::tui::lists::facts::Key::Number(0))
            },
        );
        if narrowed {
            // The host of exactly the name that was typed was meant, wherever it stands.
            let typed = arrangement.filter.text().trim();
            let meant = self.rows.iter().find(|row| row.name.as_str() == typed);
            let first = meant.or(self.rows.first());
            self.selected = first.map(|row| row.name.clone());
        }
    }

    /// The selected row among those that are shown.
    fn position(&self) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        self.rows.iter().position(|row| row.name == *selected)
    }

    /// The selected host's name.
    pub(crate) fn selected(&self) -> Option<Name> {
        self.selected.clone()
    }

    /// Puts the cursor on a host.
    pub(crate) fn select(&mut self, name: Name) {
        self.selected = Some(name);
        self.calm = Calm::default();
    }

    /// The host at a place.
    pub(crate) fn at(&self, place: usize) -> Option<Name> {
        self.rows.get(place).map(|row| row.name.clone())
    }

    /// Puts the cursor on a host that is shown.
    pub(crate) fn put(&mut self, name: Name) {
        self.selected = Some(name);
    }

    /// How many are shown.
    pub(crate) fn shown(&self) -> usize {
        self.rows.len()
    }

    /// How many there are.
    pub(crate) fn all(&self) -> usize {
        self.counts.values().sum()
    }

    /// The rows of a page.
    pub(crate) fn page(model: &Model) -> usize {
        usize::from(Places::of(model).rows.height)
    }

    /// The selected host.
    pub(crate) fn host<'a>(&self, model: &'a Model) -> Option<HostView<'a>> {
        model.view.as_ref()?.host(self.selected.as_ref()?)
    }

    /// The instance to look at for the selected host, if its deployment is still known.
    pub(crate) fn instance(&self, model: &Model) -> Option<Address> {
        let host = self.host(model)?;
        let id = host.deployment()?;
        let known = model.view.as_ref()?.summaries.contains_key(id);
        known.then(|| Address::Instance(id.clone(), host.host.name.clone()))
    }

    /// When it looks at news that it has let wait.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.calm.due(self.news)
    }

    /// What is known of every host that is shown.
    pub(crate) fn facts_of_all(&self, model: &Model) -> Vec<Facts> {
        let Some(view) = &model.view else {
            return Vec::new();
        };
        let hosts = self.rows.iter();
        let hosts = hosts.filter_map(|row| view.project.hosts.get(row.index));
        let known = hosts.map(|host| HostView {
            host,
            status: view.hosts.get(&host.name),
        });
        known.map(host).collect()
    }

    /// Whether it shows an age that grows every second.
    pub(crate) fn moves(&self, model: &Model) -> bool {
        let age = |host: HostView<'_>| host.age(model.present());
        self.host(model).and_then(age).is_some()
    }

    /// Moves the cursor by so many rows.
    pub(crate) fn step(&mut self, by: isize) {
        let row = step(self.position(), by, self.rows.len());
        let row = row.and_then(|row| self.rows.get(row));
        self.selected = row.map(|row| row.name.clone());
    }

    /// How many there are, and how many of them need somebody.
    pub(crate) fn counts(&self, model: &Model) -> Vec<Run> {
        let hosts = if self.all() == 1 { "host" } else { "hosts" };
        let mut runs = vec![run(Role::Focus, format!("{} {hosts}", self.all()))];
        for state in [
            HostState::Unreachable,
            HostState::Untrusted,
            HostState::Problem,
            HostState::NotAsked,
        ] {
            if let Some(count) = self.counts.get(&state) {
                let mark = glyph::host(state);
                let sign = mark.glyph.draw(model.theme);
                runs.push(run(mark.role, format!("{sign} {count} {}", mark.word)));
            }
        }
        runs
    }
}

/// Draws it.
pub(super) fn draw(model: &Model, brush: &mut Brush<'_>) {
    let (hosts, places) = (&model.hosts, Places::of(model));
    let title = super::super::panes::arranged(model, List::Hosts);
    let mut runs = hosts.counts(model);
    runs.extend(title);
    for (_, text) in &mut runs {
        text.push_str("  ");
    }
    if let Some((_, last)) = runs.last_mut() {
        last.truncate(last.trim_end().len());
    }
    brush.frame(places.frame, Role::Focus, &runs);
    list::draw(hosts, model, &places, brush);
    details::draw(hosts.host(model), model, &places, brush);
}

impl Row {
    /// The host as it is now. One that has just moved in the documents, or left them, is found with the next look.
    fn host<'a>(&self, model: &'a Model) -> Option<HostView<'a>> {
        let view = model.view.as_ref()?;
        let host = view.project.hosts.get(self.index)?;
        let status = view.hosts.get(&host.name);
        (host.name == self.name).then_some(HostView { host, status })
    }

    fn of((index, host): (usize, HostView<'_>)) -> Self {
        Self {
            state: host.state().min(HostState::Working),
            index,
            name: host.host.name.clone(),
        }
    }
}
