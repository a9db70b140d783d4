//! The lists, and how a person has arranged each: what it is narrowed to, and the column that it is sorted by.

pub(crate) mod facts;
pub(crate) mod filter;
pub(crate) mod found;
pub(crate) mod row;
pub(crate) mod rows;

use facts::{Facts, Key};
use filter::{Filter, Mode};

use super::glyph::Glyph;
use super::model::{Model, Pane};
use super::screens::Screen;
use super::widgets::fuzzy::Fuzzy;

/// A list that can be arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    Home,
    Applications,
    Groups,
    Deployments,
    Instances,
    Hosts,
    History,
    Configurations,
}

impl List {
    /// Every list.
    pub(crate) const ALL: [Self; 8] = [
        Self::Home,
        Self::Applications,
        Self::Groups,
        Self::Deployments,
        Self::Instances,
        Self::Hosts,
        Self::History,
        Self::Configurations,
    ];

    /// The list that has the keys; none where output has them.
    pub(crate) fn with_keys(model: &Model) -> Option<Self> {
        Some(match (model.screen, model.focus) {
            (Screen::Home, _) => Self::Home,
            (Screen::Hosts, _) => Self::Hosts,
            (Screen::History, _) => Self::History,
            (Screen::Configurations, _) => Self::Configurations,
            (Screen::Rollouts, Pane::Applications) => Self::Applications,
            (Screen::Rollouts, Pane::Groups) => Self::Groups,
            (Screen::Rollouts, Pane::Deployments) => Self::Deployments,
            (Screen::Rollouts, Pane::Instances) => Self::Instances,
            (Screen::Rollouts, Pane::Output) => return None,
        })
    }

    /// The pane that it is in, on the screen of rollouts.
    pub(crate) fn pane(self) -> Option<Pane> {
        match self {
            Self::Applications => Some(Pane::Applications),
            Self::Groups => Some(Pane::Groups),
            Self::Deployments => Some(Pane::Deployments),
            Self::Instances => Some(Pane::Instances),
            Self::Home | Self::Hosts | Self::History | Self::Configurations => None,
        }
    }

    /// What it is called in the file that remembers it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Applications => "applications",
            Self::Groups => "groups",
            Self::Deployments => "deployments",
            Self::Instances => "instances",
            Self::Hosts => "hosts",
            Self::History => "history",
            Self::Configurations => "configurations",
        }
    }

    /// What it can be sorted by; the first is the order that it has by itself.
    pub(crate) fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Home => &["urgency"],
            Self::Applications => &["name", "platform"],
            Self::Groups => &["document", "name", "style", "status"],
            Self::Deployments => &["age", "status", "revision", "time", "person"],
            Self::Instances => &["plan", "name", "status", "time"],
            Self::Hosts => &["state", "name", "up", "free", "system"],
            Self::History => &[
                "age", "status", "group", "revision", "time", "waiting", "person",
            ],
            Self::Configurations => &["origin", "name", "platform", "used"],
        }
    }

    /// The fields of its rows, by which a filter can name them.
    pub(crate) fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Home => &["what", "group"],
            Self::Applications => &["platform"],
            Self::Groups => &["style", "status"],
            Self::Deployments => &["status", "revision", "by"],
            Self::Instances => &["status", "side", "zone"],
            Self::Hosts => &["state", "system", "tag", "installed", "zone"],
            Self::History => &["status", "group", "revision", "by"],
            Self::Configurations => &["origin", "platform", "group"],
        }
    }
}

/// How a person has arranged a list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrangement {
    pub filter: Filter,
    /// The column that it is sorted by, as a position in its columns.
    pub column: usize,
    /// Whether the last comes first.
    pub inverted: bool,
}

impl Arrangement {
    /// The sign of the way in which it is sorted.
    pub(crate) fn direction(&self) -> Glyph {
        if self.inverted {
            Glyph::Up
        } else {
            Glyph::Down
        }
    }

    /// Whether it is as the list is by itself.
    pub(crate) fn is_plain(&self) -> bool {
        self.filter.is_empty() && self.is_unsorted()
    }

    /// Whether its order is the list's own.
    pub(crate) fn is_unsorted(&self) -> bool {
        self.column == 0 && !self.inverted
    }

    /// These ids as they were arranged. What is selected stays although it fits no more, until something else is typed: the
    /// row below a cursor must not become another by itself.
    pub(crate) fn arrange<Id: Clone + Ord>(
        &self,
        ids: Vec<Id>,
        kept: Option<&Id>,
        facts: impl Fn(&Id) -> Facts,
        key: impl Fn(&Id, usize) -> Key,
    ) -> Vec<Id> {
        let mut ids = ids;
        if !self.filter.is_empty() {
            let mut fuzzy = Fuzzy::new();
            ids.retain(|id| kept == Some(id) || self.filter.fits(&facts(id), &mut fuzzy));
        }
        if self.column > 0 {
            ids.sort_by_cached_key(|id| (key(id, self.column), id.clone()));
        }
        if self.inverted {
            ids.reverse();
        }
        ids
    }
}

/// The arrangement of every list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrangements {
    each: [Arrangement; List::ALL.len()],
    /// The list that has just been narrowed, if one has.
    narrowed: Option<List>,
    /// The list that has just been sorted, if one has.
    sorted: Option<List>,
}

impl Arrangements {
    /// That of a list.
    pub(crate) fn of(&self, list: List) -> &Arrangement {
        &self.each[list as usize]
    }

    /// That of a list, to be changed.
    pub(crate) fn of_mut(&mut self, list: List) -> &mut Arrangement {
        &mut self.each[list as usize]
    }

    /// Narrows a list to what fits what was typed.
    pub(crate) fn narrow(&mut self, list: List, text: &str, mode: Mode) {
        self.of_mut(list).filter = Filter::new(text, mode, list.fields());
        self.narrowed = Some(list);
    }

    /// The list that has been narrowed since this was asked last.
    pub(crate) fn take_narrowed(&mut self) -> Option<List> {
        self.narrowed.take()
    }

    /// Sorts a list by one of its columns; by the one that it is sorted by, the other way round.
    pub(crate) fn sort(&mut self, list: List, column: &str) {
        let Some(column) = list.columns().iter().position(|name| *name == column) else {
            return;
        };
        let arrangement = self.of_mut(list);
        arrangement.inverted = arrangement.column == column && !arrangement.inverted;
        arrangement.column = column;
        self.sorted = Some(list);
    }

    /// Turns the order of a list round.
    pub(crate) fn invert(&mut self, list: List) {
        let arrangement = self.of_mut(list);
        arrangement.inverted = !arrangement.inverted;
        self.sorted = Some(list);
    }

    /// The list that has been sorted since this was asked last.
    pub(crate) fn take_sorted(&mut self) -> Option<List> {
        self.sorted.take()
    }
}

/// Whether a list shows what is selected in it, as far as its filter goes.
pub(crate) fn shows_selected(model: &Model, list: List) -> bool {
    let filter = &model.arranged.of(list).filter;
    let (Some(view), false) = (&model.view, filter.is_empty()) else {
        return true;
    };
    let selected = &model.selected;
    let facts = match list {
        List::Home => None,
        List::History => return model.history.shows_selected(model),
        List::Configurations => {
            let name = model.configurations.selected();
            name.map(|name| facts::configuration(view, &name))
        }
        List::Applications => selected
            .application
            .as_ref()
            .map(|name| facts::application(view, name)),
        List::Groups => selected.group.as_ref().map(|key| facts::group(view, key)),
        List::Deployments => model
            .summary()
            .map(|summary| facts::deployment(view, summary)),
        List::Instances => model.deployment().and_then(|deployment| {
            let position = deployment.position(selected.instance.as_ref()?)?;
            Some(facts::instance(deployment, position))
        }),
        List::Hosts => {
            let host = model
                .hosts
                .selected()
                .and_then(|name| view.host(&name).map(facts::host));
            return host.is_none_or(|host| filter.fits(&host, &mut Fuzzy::new()));
        }
    };
    facts.is_none_or(|facts| filter.fits(&facts, &mut Fuzzy::new()))
}

/// How many rows of a list are shown, and how many there are.
pub(crate) fn counts(model: &Model, list: List) -> (usize, usize) {
    let lists = &model.lists;
    match list {
        List::Home => (model.home.shown(), model.home.all()),
        List::Applications => (lists.applications.len(), lists.all[0]),
        List::Groups => (lists.groups.len(), lists.all[1]),
        List::Deployments => (lists.deployments.len(), lists.all[2]),
        List::Instances => (
            model.instances().len(),
            model.deployment().map_or(0, |d| d.targets.len()),
        ),
        List::Hosts => (model.hosts.shown(), model.hosts.all()),
        List::History => (model.history.shown(), model.history.all()),
        List::Configurations => (model.configurations.shown(), model.configurations.all()),
    }
}
