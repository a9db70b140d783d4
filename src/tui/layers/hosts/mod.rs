//! The hosts: whether they answer, what is installed for which group, what is wrong. Those that need somebody come first,
//! and typing narrows the list. With ten thousand hosts as with ten, only visible rows are laid out.

mod details;
mod list;
mod places;

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Layer, Reply};
use crate::api::host::HostView;
use crate::api::snapshot::HostState;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::tui::action::Action;
use crate::tui::action::key::Key;
use crate::tui::glyph;
use crate::tui::model::{Model, Pane};
use crate::tui::paint::{Brush, Ends, Run, run};
use crate::tui::theme::Role;
use crate::tui::update::select_deployment;
use crate::tui::widgets::field::Field;
use crate::tui::widgets::list::{scroll, step};
use places::Places;

/// The order of the rows changes at most this often: a fleet that comes up says thousands of things in a second.
const CALM: Duration = Duration::from_millis(250);

/// The hosts on the screen.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    field: Field,
    /// Every host, as its order and the filter need it.
    all: Vec<Row>,
    /// How many there are in each state.
    counts: BTreeMap<HostState, usize>,
    /// The rows that fit what was typed, as positions in `all`.
    shown: Vec<usize>,
    /// What was typed when `shown` was made.
    filtered: String,
    selected: Option<Name>,
    top: usize,
    /// The news that `all` was made of, and when.
    made: Option<(u64, Timestamp)>,
    /// The newest news.
    news: u64,
}

#[derive(Debug)]
struct Row {
    name: Name,
    /// Its place in the documents.
    index: usize,
    state: HostState,
    /// What is typed against.
    text: String,
}

/// Opens it.
pub(crate) fn open(model: &mut Model) {
    model.layers.push(Layer::Hosts(Hosts::default()));
}

impl Hosts {
    /// Looks at the picture again.
    pub(super) fn refresh(&mut self, model: &Model) {
        let Some(view) = &model.view else { return };
        self.news = view.host_news;
        let calm = |at: Timestamp| model.now.since(at) >= CALM;
        let make = self
            .made
            .is_none_or(|(news, at)| news != self.news && calm(at));
        if make {
            self.made = Some((self.news, model.now));
            self.all = view.all_hosts().enumerate().map(Row::of).collect();
            self.counts.clear();
            for row in &self.all {
                *self.counts.entry(row.state).or_default() += 1;
            }
            // Stable, so that the others stay in the order of the documents; work that comes and goes moves nobody.
            self.all
                .sort_by_key(|row| row.state.min(HostState::Working));
        }
        let typed = self.filtered != self.field.text;
        if make || typed {
            self.filter();
        }
        if typed {
            self.selected = self.meant();
        }
        if self.position().is_none() {
            let first = self.shown.first().map(|row| self.all[*row].name.clone());
            self.selected = first;
        }
        let rows = usize::from(Places::of(model).rows.height);
        self.top = scroll(self.top, self.position(), self.shown.len(), rows);
    }

    fn filter(&mut self) {
        self.filtered.clone_from(&self.field.text);
        let typed = self.filtered.to_lowercase();
        let fits = |row: &Row| typed.split_whitespace().all(|word| row.text.contains(word));
        let fitting = self.all.iter().enumerate().filter(|(_, row)| fits(row));
        self.shown = fitting.map(|(position, _)| position).collect();
    }

    /// The host of exactly the name that was typed, wherever it stands; `None` leaves it to the order.
    fn meant(&self) -> Option<Name> {
        let typed = self.filtered.trim();
        let mut names = self.shown.iter().map(|row| &self.all[*row].name);
        names.find(|name| name.as_str() == typed).cloned()
    }

    /// The selected row among those that are shown.
    fn position(&self) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        let is_selected = |row: &usize| self.all[*row].name == *selected;
        self.shown.iter().position(is_selected)
    }

    /// The selected host.
    fn host<'a>(&self, model: &'a Model) -> Option<HostView<'a>> {
        model.view.as_ref()?.host(self.selected.as_ref()?)
    }

    /// When it looks at news that it has let wait.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let (news, at) = self.made?;
        (news != self.news).then(|| at + CALM)
    }

    /// Whether it shows an age that grows every second.
    pub(super) fn moves(&self, model: &Model) -> bool {
        let age = |host: HostView<'_>| host.age(model.present());
        self.host(model).and_then(age).is_some()
    }

    /// Takes pasted text.
    pub(super) fn paste(&mut self, text: &str) {
        self.field.paste(text);
    }

    fn step(&mut self, by: isize) {
        let row = step(self.position(), by, self.shown.len());
        let row = row.and_then(|row| self.shown.get(row));
        self.selected = row.map(|row| self.all[*row].name.clone());
    }

    /// Draws it.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let places = Places::of(model);
        brush.clear(places.whole);
        if places.tiny {
            let mut lines: Vec<Vec<Run>> = self
                .counts(model)
                .into_iter()
                .map(|run| vec![run])
                .collect();
            lines.push(vec![run(Role::Muted, "40x10 shows more")]);
            for (y, line) in (places.whole.y..places.whole.bottom()).zip(&lines) {
                brush.runs(places.whole.x, y, places.whole.width, line);
            }
            return;
        }
        let mut title = Vec::new();
        for (role, text) in self.counts(model) {
            title.push(run(role, format!("{text}  ")));
        }
        if let Some((_, last)) = title.last_mut() {
            last.truncate(last.trim_end().len());
        }
        brush.frame(places.frame, Role::Focus, &title);
        let prompt = [
            run(Role::Key, "> "),
            run(Role::Text, format!("{}_", self.field.text)),
            run(
                Role::Muted,
                "   a part of a name, system, tag, revision or state",
            ),
        ];
        brush.runs(
            places.prompt.x,
            places.prompt.y,
            places.prompt.width,
            &prompt,
        );
        list::draw(self, model, &places, brush);
        details::draw(self.host(model), model, &places, brush);
        let bottom = ratatui::layout::Rect {
            y: places.frame.bottom() - 1,
            height: 1,
            ..places.frame
        };
        brush.rule(bottom, Ends::Bottom, Role::Focus);
        brush.title(bottom, &self.keys(model));
        if model.is_stale() {
            brush.fade(places.whole);
        }
    }

    /// How many there are, and how many of them need somebody.
    fn counts(&self, model: &Model) -> Vec<Run> {
        let hosts = if self.all.len() == 1 { "host" } else { "hosts" };
        let mut runs = vec![run(Role::Focus, format!("{} {hosts}", self.all.len()))];
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
        if self.shown.len() < self.all.len() {
            runs.push(run(Role::Muted, format!("{} shown", self.shown.len())));
        }
        runs
    }

    fn keys(&self, model: &Model) -> Vec<Run> {
        let key = |action| run(Role::Key, model.keymap.shown(action));
        let mut runs = Vec::new();
        if known_deployment(model, self.host(model)).is_some() {
            runs.extend([
                key(Action::Choose),
                run(Role::Text, " go to its deployment  "),
            ]);
        }
        let word = if self.field.text.is_empty() {
            " close"
        } else {
            " show all"
        };
        runs.extend([key(Action::Close), run(Role::Text, word)]);
        runs
    }
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
        let state = host.state();
        let mut text = format!("{} {} {}", host.host.name, state.word(), host.os());
        let tags = host.host.all_tags().into_iter();
        let tags = tags.map(|(key, value)| format!("{key}={value}"));
        for part in tags.chain(host.installed()).chain(host.host.zone.clone()) {
            text.push(' ');
            text.push_str(&part);
        }
        Self {
            name: host.host.name.clone(),
            index,
            state,
            text: text.to_lowercase(),
        }
    }
}

/// The deployment to look at for a host, if it is still known.
fn known_deployment(
    model: &Model,
    host: Option<HostView<'_>>,
) -> Option<crate::model::deployment::DeploymentId> {
    let id = host?.deployment()?;
    let known = model.view.as_ref()?.summaries.contains_key(id);
    known.then(|| id.clone())
}

/// Takes a key.
pub(super) fn key(mut hosts: Hosts, model: &mut Model, key: Key, action: Option<Action>) -> Reply {
    let page = isize::from(i16::try_from(Places::of(model).rows.height).unwrap_or(i16::MAX)).max(1);
    match action {
        Some(Action::Close) if hosts.field.text.is_empty() => return Reply::Close,
        Some(Action::Close) => hosts.field.text.clear(),
        Some(Action::Choose) => {
            if let Some(id) = known_deployment(model, hosts.host(model)) {
                select_deployment(model, &id);
                model.selected.instance = hosts.selected;
                model.focus = Pane::Instances;
                return Reply::Close;
            }
        }
        Some(Action::ChoiceUp) => hosts.step(-1),
        Some(Action::ChoiceDown) => hosts.step(1),
        Some(Action::ChoicePageUp) => hosts.step(-page),
        Some(Action::ChoicePageDown) => hosts.step(page),
        Some(Action::ChoiceFirst) => hosts.step(isize::MIN),
        Some(Action::ChoiceLast) => hosts.step(isize::MAX),
        _ => {
            hosts.field.key(key);
        }
    }
    Reply::Stay(Layer::Hosts(hosts))
}
