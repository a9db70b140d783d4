//! The deployment configurations: what each means, which groups use it, and what it does with them.
//!
//! ```text
//! ┌ 14 configurations ─────────────────────────────────────────────────────────┐
//! │   Configuration                  Platform   Used by                        │
//! │❯  FewAtATime                     Server     shop/production                │
//! │   CodeDeployDefault.AllAtOnce    Server                                    │
//! ├ FewAtATime ────────────────────────────────────────────────────────────────┤
//! │ platform   Server                                                          │
//! │ healthy    all but 3                                                       │
//! │ shop/production   12 hosts, 3 at a time, at least 9 healthy                │
//! └────────────────────────────────────────────────────────────────────────────┘
//! ```

use ratatui::layout::Rect;

use super::places::Places;
use crate::api::configuration::{effect, is_predefined, meaning, users};
use crate::api::view::View;
use crate::model::address::Address;
use crate::model::configuration::DeploymentConfiguration;
use crate::model::name::Name;
use crate::tui::aims::Aim;
use crate::tui::glyph::Glyph;
use crate::tui::lists::List;
use crate::tui::lists::facts::{Facts, configuration, configuration_key};
use crate::tui::lists::row::Row;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Ends, Run, run};
use crate::tui::panes::{arranged, detail, sortable};
use crate::tui::theme::Role;
use crate::tui::widgets::list::{beyond, scroll, step};
use crate::tui::widgets::wrap::wrap;

/// The width of the platform.
const PLATFORM: usize = 11;
/// The widest name.
const NAME: usize = 56;
/// The least width of what a part of the meaning is called.
const LABEL: usize = 10;

/// The configurations on the screen.
#[derive(Debug, Default)]
pub(crate) struct Configurations {
    rows: Vec<Name>,
    /// How many there would be without a filter.
    all: usize,
    selected: Option<Name>,
    top: usize,
}

impl Configurations {
    /// Looks at the documents again; where somebody has just typed what narrows them, the cursor goes to what fits.
    pub(crate) fn refresh(&mut self, model: &Model, narrowed: bool) {
        let Some(view) = &model.view else { return };
        let names = view.project.configurations.keys();
        let (given, own): (Vec<Name>, Vec<Name>) = names.cloned().partition(is_predefined);
        let names: Vec<Name> = own.into_iter().chain(given).collect();
        self.all = names.len();
        let before = self.position().unwrap_or(0);
        let kept = self.selected.as_ref().filter(|_| !narrowed);
        let column = |by: usize| {
            let columns = List::Configurations.columns();
            columns.get(by).copied().unwrap_or_default()
        };
        let arrangement = model.arranged.of(List::Configurations);
        self.rows = arrangement.arrange(
            names,
            kept,
            |name| configuration(view, name),
            |name, by| configuration_key(view, name, column(by)),
        );
        if self.position().is_none() {
            let row = before.min(self.rows.len().saturating_sub(1));
            self.selected = self.rows.get(row).cloned();
        }
        let rows = Self::page(model);
        self.top = scroll(self.top, self.position(), self.rows.len(), rows);
    }

    fn position(&self) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        self.rows.iter().position(|name| name == selected)
    }

    /// The selected configuration.
    pub(crate) fn selected(&self) -> Option<Name> {
        self.selected.clone()
    }

    /// Puts the cursor on a configuration.
    pub(crate) fn put(&mut self, name: Name) {
        self.selected = Some(name);
    }

    /// The configuration at a place.
    pub(crate) fn at(&self, place: usize) -> Option<Name> {
        self.rows.get(place).cloned()
    }

    /// How many are shown.
    pub(crate) fn shown(&self) -> usize {
        self.rows.len()
    }

    /// How many there are.
    pub(crate) fn all(&self) -> usize {
        self.all
    }

    /// The rows of a page.
    pub(crate) fn page(model: &Model) -> usize {
        usize::from(Places::of(model).rows.height)
    }

    /// Moves the cursor by so many rows.
    pub(crate) fn step(&mut self, by: isize) {
        let row = step(self.position(), by, self.rows.len());
        self.selected = row.and_then(|row| self.rows.get(row)).cloned();
    }

    /// What is known of every row.
    pub(crate) fn facts_of_all(&self, model: &Model) -> Vec<Facts> {
        let rows = model.view.iter().flat_map(|view| {
            let rows = self.rows.iter();
            rows.map(|name| configuration(view, name))
        });
        rows.collect()
    }

    /// The group that uses the selected one, the first of several.
    pub(crate) fn inside(&self, model: &Model) -> Option<Address> {
        let mut users = users(&model.view.as_ref()?.project, self.selected.as_ref()?);
        users.next().map(|group| Address::Group(group.key()))
    }

    /// How many there are, in words.
    pub(crate) fn title(&self) -> String {
        match self.all {
            1 => "1 configuration".to_owned(),
            all => format!("{all} configurations"),
        }
    }
}

/// A name in so many columns. What tells one predefined configuration from another is at its end.
fn cut(name: &Name, wide: usize, sign: &str) -> String {
    let over = name.as_str().len().saturating_sub(wide);
    let end = name.as_str().get(over + 1..).filter(|_| over > 0);
    match end {
        Some(end) => format!("{sign}{end}"),
        None => format!("{:wide$}", name.as_str()),
    }
}

/// A row: its name, its platform, and who uses it.
pub(crate) fn row(view: &View, name: &Name, shown: &str) -> Vec<Run> {
    let known = view.project.configurations.get(name);
    let platform = known.map_or("", |known| known.compute_platform.name());
    let role = if is_predefined(name) {
        Role::Muted
    } else {
        Role::Text
    };
    let used: Vec<String> = users(&view.project, name)
        .map(|group| group.key().to_string())
        .collect();
    vec![
        run(role, format!("{shown}  ")),
        run(Role::Muted, format!("{platform:PLATFORM$}")),
        run(Role::Text, used.join(", ")),
    ]
}

/// What the selected one means, and what it does with the groups that use it.
pub(crate) fn rows(model: &Model, width: usize) -> Vec<Vec<Run>> {
    let selected = model.configurations.selected.as_ref();
    let known = model.view.as_ref().zip(selected);
    let known = known.and_then(|(view, name)| {
        let configuration = view.project.configurations.get(name)?;
        Some((view, name, configuration))
    });
    let Some((view, name, configuration)) = known else {
        return Vec::new();
    };
    let mut parts: Vec<(String, String)> = meaning(configuration)
        .into_iter()
        .map(|(label, text)| (label.to_owned(), text))
        .collect();
    let origin = if is_predefined(name) {
        "predefined: it can't be changed"
    } else {
        "a document of this project"
    };
    parts.push(("written in".to_owned(), origin.to_owned()));
    parts.extend(uses(view, name, configuration));
    let label = parts.iter().map(|(label, _)| label.chars().count()).max();
    let label = label.unwrap_or(0).max(LABEL).min(width / 2) + 2;
    let each = |(name, text): (String, String)| {
        let lines = wrap(&text, width.saturating_sub(label)).into_iter();
        let lines: Vec<Vec<Run>> = lines
            .enumerate()
            .map(|(part, line)| {
                let name = if part == 0 { name.as_str() } else { "" };
                let name = run(Role::Muted, format!("{name:label$}"));
                vec![name, run(Role::Text, line)]
            })
            .collect();
        lines
    };
    parts.into_iter().flat_map(each).collect()
}

/// What it does with each group that uses it.
fn uses(
    view: &View,
    name: &Name,
    configuration: &DeploymentConfiguration,
) -> Vec<(String, String)> {
    let groups = users(&view.project, name);
    let groups: Vec<(String, String)> = groups
        .map(|group| {
            let what = effect(&view.project, group, configuration);
            (group.key().to_string(), what)
        })
        .collect();
    if groups.is_empty() {
        return vec![("used by".to_owned(), "no group".to_owned())];
    }
    groups
}

/// Draws it.
pub(super) fn draw(model: &Model, brush: &mut Brush<'_>) {
    let (configurations, places) = (&model.configurations, Places::of(model));
    let mut title = vec![run(Role::Focus, configurations.title())];
    if let Some((role, text)) = arranged(model, List::Configurations) {
        title.push(run(role, format!("  {text}")));
    }
    brush.frame(places.frame, Role::Focus, &title);
    list(configurations, model, &places, brush);
    let area = places.details;
    let title = configurations.selected.as_ref();
    let title = title.map(|name| run(Role::Heading, name.as_str()));
    let title: Vec<Run> = title.into_iter().collect();
    let rows = rows(model, detail::columns(area));
    if places.beside {
        detail::draw(model, area, &title, &rows, brush);
    } else if area.height > 1 {
        brush.rule(Rect { height: 1, ..area }, Ends::Middle, Role::Focus);
        brush.title(area, &title);
        for (y, row) in (area.y + 1..area.bottom()).zip(&rows) {
            brush.runs(area.x + 2, y, area.width.saturating_sub(4), row);
        }
    }
}

fn list(shown: &Configurations, model: &Model, places: &Places, brush: &mut Brush<'_>) {
    let (area, headings) = (places.rows, places.headings);
    let height = usize::from(area.height);
    let visible = || shown.rows.iter().skip(shown.top).take(height);
    let longest = visible().map(|name| name.as_str().len()).max();
    let name = longest.unwrap_or(0).max("Configuration".len());
    let name = name.min(NAME).min(usize::from(area.width) * 3 / 5);
    let text = format!(
        "  {:name$}  {:PLATFORM$}Used by",
        "Configuration", "Platform"
    );
    brush.text(headings.x, headings.y, headings.width, Role::Heading, &text);
    let columns = [
        (Some("name"), 2 + name + 2),
        (Some("platform"), PLATFORM),
        (Some("used"), "Used by".len()),
    ];
    sortable(brush, List::Configurations, headings, &columns);
    beyond(brush, headings, shown.top, shown.rows.len(), height);
    let Some(view) = &model.view else {
        brush.text(area.x + 2, area.y, area.width, Role::Muted, "loading");
        return;
    };
    if shown.rows.is_empty() && height > 0 {
        let text = "no configuration fits the filter";
        brush.text(area.x + 2, area.y, area.width, Role::Muted, text);
    }
    for (y, line) in (area.y..area.bottom()).zip(visible()) {
        let whole = Rect::new(area.x, y, area.width, 1);
        brush.aim(whole, Aim::Row(Row::Configuration(line.clone())));
        let text = cut(line, name, brush.glyph(Glyph::Cut));
        let runs = row(view, line, &text);
        brush.runs(area.x + 2, y, area.width.saturating_sub(2), &runs);
        if shown.selected.as_ref() == Some(line) {
            let cursor = brush.glyph(Glyph::Cursor);
            brush.text(area.x, y, 1, Role::Focus, cursor);
            brush.tint(whole, Role::Selected);
        }
    }
}
