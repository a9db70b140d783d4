//! Home: what needs a person, what runs, what ended lately. One glance says calm or not.
//!
//! ```text
//! ┌ Home ─ 2 need a person ───────────────────────────────────────────────────────────────────────┐
//! │ Needs a person                                                                                │
//! │❯ ◷ reroute      12:41  checkout/production  waiting, 12:41 left; at zero it is stopped        │
//! │  ✖ failed              shop/staging         1.8.0 failed and nothing came after it: too few … │
//! │ Running                                                                                       │
//! │  ▸ InProgress    42 s  shop/production      d-7F3KQ21XB  1.8.0  4/12  ana                     │
//! │ Ended lately                                                                                  │
//! │  ✔ Succeeded    3m12s  shop/test            d-6ZP04MN2C  1.7.2  14:02:11  ci                  │
//! ├ d-7F3KQ21XB ──────────────────────────────────────────────────────────────────────────────────┤
//! │ waiting for somebody to reroute, 12m41s left; at zero it ends, Stopped: the original keeps …  │
//! └───────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```

use ratatui::layout::Rect;

use crate::api::attention::{Attention, Kind, Need, attention};
use crate::api::host::HostView;
use crate::engine::Summary;
use crate::model::address::Address;
use crate::model::alarm::{AlarmState, AlarmStatus};
use crate::model::timestamp::{Short, Timestamp, Whole};
use crate::text::safe;
use crate::tui::aims::Aim;
use crate::tui::calm::Calm;
use crate::tui::glyph::{Glyph, Mark};
use crate::tui::layout::{Layout, beside};
use crate::tui::lists::List;
use crate::tui::lists::facts::Facts;
use crate::tui::lists::row::Row;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Ends, Run, run};
use crate::tui::panes::{self, detail};
use crate::tui::theme::Role;
use crate::tui::widgets::fuzzy::Fuzzy;
use crate::tui::widgets::list::{beyond, scroll, step};
use crate::tui::widgets::wrap::wrap;

/// The width of the sign and the word.
const WORD: usize = 14;
/// The width of the time.
const TIME: usize = 8;
/// From this height on what is selected is told whole below the rows, where there is no room beside them, in so many lines with their rule.
const HIGH: (u16, u16) = (16, 5);
/// The widest that the names of groups become.
const GROUP: usize = 28;

/// A part of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Needs,
    Running,
    Ended,
}

impl Part {
    /// Its heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Needs => "Needs a person",
            Self::Running => "Running",
            Self::Ended => "Ended lately",
        }
    }
}

/// What tells a row from every other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Id {
    pub part: Part,
    kind: Option<Kind>,
    at: Address,
    /// What tells a need from others of its kind at the same address.
    which: String,
}

/// The state of the screen.
#[derive(Debug, Default)]
pub(crate) struct Home {
    attention: Attention,
    /// The rows that fit the filter.
    rows: Vec<Id>,
    selected: Option<Id>,
    /// The first line in view.
    top: usize,
    calm: Calm,
    /// The second that its words are of.
    second: Option<i64>,
}

/// A line of the screen.
enum Line {
    Title(Part),
    Row(usize),
    Calm,
    Gap,
}

impl Home {
    /// Looks at the picture again, if it is time.
    pub(crate) fn refresh(&mut self, model: &Model, narrowed: bool) {
        let Some(view) = &model.view else { return };
        // Its words have whole seconds in them.
        let second = Some(model.present().0.div_euclid(1000));
        let due = self.second != second || !self.calm.stands(model.news, model.now);
        if due {
            self.attention = attention(view, model.present());
            self.second = second;
            self.calm.made(model.news, model.now);
        }
        if due || narrowed {
            let before = self.position();
            self.fill(model, narrowed);
            // What has gone to another part is followed; what is gone leaves the cursor where it was.
            if self.position().is_none() {
                let gone = self.selected.as_ref();
                let moved = gone.and_then(|gone| self.rows.iter().find(|row| row.at == gone.at));
                self.selected = moved.or(gone).cloned();
            }
            if self.position().is_none() {
                let row = before.unwrap_or(0).min(self.rows.len().saturating_sub(1));
                self.selected = self.rows.get(row).cloned();
            }
        }
        let lines = self.lines();
        let at = self.position();
        let line = lines
            .iter()
            .position(|line| matches!(line, Line::Row(row) if Some(*row) == at));
        // The title above the first row is seen with it.
        let line = if at == Some(0) { Some(0) } else { line };
        self.top = scroll(self.top, line, lines.len(), self.page(model));
    }

    fn fill(&mut self, model: &Model, narrowed: bool) {
        let needs = self.attention.needs.iter().map(|need| Id {
            part: Part::Needs,
            kind: Some(need.kind),
            at: need.at.clone(),
            which: need.which.clone(),
        });
        let of = |part| {
            move |id: &_| Id {
                part,
                kind: None,
                at: Address::Deployment(Clone::clone(id)),
                which: String::new(),
            }
        };
        let running = self.attention.running.iter().map(of(Part::Running));
        let ended = self.attention.ended.iter().map(of(Part::Ended));
        let mut rows: Vec<Id> = needs.chain(running).chain(ended).collect();
        let filter = &model.arranged.of(List::Home).filter;
        if !filter.is_empty() {
            let mut fuzzy = Fuzzy::new();
            let kept = self.selected.as_ref().filter(|_| !narrowed);
            rows.retain(|id| kept == Some(id) || filter.fits(&self.facts(model, id), &mut fuzzy));
        }
        self.rows = rows;
    }

    /// What is known of every row that is shown.
    pub(crate) fn facts_of_all(&self, model: &Model) -> Vec<Facts> {
        let rows = self.rows.iter();
        rows.map(|id| self.facts(model, id)).collect()
    }

    fn facts(&self, model: &Model, id: &Id) -> Facts {
        let facts = Facts::new(id.at.to_string());
        if let Some(need) = self.need(id) {
            let group = need.group.as_ref().map(ToString::to_string);
            return facts
                .with("what", need.kind.word())
                .with("group", group.unwrap_or_default());
        }
        match summary(model, &id.at) {
            Some(summary) => facts
                .with("what", panes::lists::standing(model, summary).word)
                .with("group", summary.group.to_string())
                .with("", summary.revision.label.clone())
                .with("", summary.by.clone()),
            None => facts,
        }
    }

    fn need(&self, id: &Id) -> Option<&Need> {
        let mut needs = self.attention.needs.iter();
        needs.find(|need| id.kind == Some(need.kind) && need.at == id.at && need.which == id.which)
    }

    fn position(&self) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        self.rows.iter().position(|row| row == selected)
    }

    /// Everything on the screen, line by line.
    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        if self.attention.needs.is_empty() {
            lines.push(Line::Calm);
        }
        let mut part = None;
        for (row, id) in self.rows.iter().enumerate() {
            if part != Some(id.part) {
                if !lines.is_empty() {
                    lines.push(Line::Gap);
                }
                part = Some(id.part);
                lines.push(Line::Title(id.part));
            }
            lines.push(Line::Row(row));
        }
        lines
    }

    /// The lines of a page.
    pub(crate) fn page(&self, model: &Model) -> usize {
        usize::from(model.size.1.saturating_sub(3 + self.told(model)))
    }

    /// The lines in which what is selected is told whole below the rows.
    fn told(&self, model: &Model) -> u16 {
        if model.size.1 >= HIGH.0 && !self.rows.is_empty() && beside(model).is_none() {
            HIGH.1
        } else {
            0
        }
    }

    /// What is selected, whole.
    pub(crate) fn whole(&self, model: &Model) -> String {
        let Some(id) = &self.selected else {
            return String::new();
        };
        if let Some(need) = self.need(id) {
            return need.text.clone();
        }
        let Some(summary) = summary(model, &id.at) else {
            return String::new();
        };
        let why = summary.error_information.as_ref();
        let why = why.map_or_else(String::new, |why| format!(": {}", why.message));
        let word = panes::lists::standing(model, summary).word;
        let label = &summary.revision.label;
        format!("{label} to {}: {word}{why}", summary.group)
    }

    /// Moves the cursor by so many rows.
    pub(crate) fn step(&mut self, by: isize) {
        let row = step(self.position(), by, self.rows.len());
        self.selected = row.and_then(|row| self.rows.get(row)).cloned();
    }

    /// The row at a place.
    pub(crate) fn at(&self, place: usize) -> Option<Id> {
        self.rows.get(place).cloned()
    }

    /// The selected row.
    pub(crate) fn cursor(&self) -> Option<Id> {
        self.selected.clone()
    }

    /// Puts the cursor on a row.
    pub(crate) fn put(&mut self, id: Id) {
        self.selected = Some(id);
    }

    /// Where the selected row leads.
    pub(crate) fn selected(&self) -> Option<Address> {
        self.selected.as_ref().map(|id| id.at.clone())
    }

    /// What is wrong with what is selected, if something is.
    pub(crate) fn kind(&self) -> Option<Kind> {
        self.selected.as_ref()?.kind
    }

    /// What needs a person.
    pub(crate) fn needs(&self) -> &[Need] {
        &self.attention.needs
    }

    /// How many rows are shown.
    pub(crate) fn shown(&self) -> usize {
        self.rows.len()
    }

    /// How many rows there are.
    pub(crate) fn all(&self) -> usize {
        let attention = &self.attention;
        attention.needs.len() + attention.running.len() + attention.ended.len()
    }

    /// When it looks at news that it has let wait.
    pub(crate) fn due(&self, model: &Model) -> Option<Timestamp> {
        self.calm.due(model.news)
    }

    /// Whether a deadline on it comes nearer.
    pub(crate) fn moves(&self) -> bool {
        self.attention.needs.iter().any(|need| need.until.is_some())
    }
}

fn summary<'a>(model: &'a Model, at: &Address) -> Option<&'a Summary> {
    match at {
        Address::Deployment(id) => model.view.as_ref()?.summaries.get(id),
        _ => None,
    }
}

/// The sign and the role of a need.
fn mark(kind: Kind) -> Mark {
    let (glyph, role) = match kind {
        Kind::Held => (Glyph::Attention, Role::Bad),
        Kind::Failed | Kind::Alarm => (Glyph::Failed, Role::Bad),
        Kind::Silent => (Glyph::Unknown, Role::Bad),
        Kind::Reroute | Kind::Approval | Kind::Termination => (Glyph::Waiting, Role::Warn),
        Kind::Paused | Kind::Frozen => (Glyph::Paused, Role::Warn),
        Kind::Hosts | Kind::Documents => (Glyph::Attention, Role::Warn),
    };
    Mark {
        glyph,
        word: kind.word(),
        role,
    }
}

/// How many need a person, in words.
pub(crate) fn verdict(model: &Model) -> Run {
    match model.home.needs() {
        _ if model.view.is_none() => run(Role::Muted, "loading"),
        [] => run(Role::Good, Glyph::Succeeded.beside(model.theme, "calm")),
        needs => {
            let bad = needs.iter().any(|need| mark(need.kind).role == Role::Bad);
            let role = if bad { Role::Bad } else { Role::Warn };
            let needs = match needs.len() {
                1 => "1 needs a person".to_owned(),
                n => format!("{n} need a person"),
            };
            run(role, Glyph::Attention.beside(model.theme, &needs))
        }
    }
}

/// Draws it.
pub(super) fn draw(model: &Model, layout: &Layout, brush: &mut Brush<'_>) {
    let (home, places) = (&model.home, beside(model));
    let area = places.map_or_else(|| layout.body(), |(list, _)| list);
    let mut title = vec![run(Role::Focus, "Home  "), verdict(model)];
    title
        .extend(panes::arranged(model, List::Home).map(|(role, text)| (role, format!("  {text}"))));
    let inside = brush.frame(area, Role::Focus, &title);
    let Some(view) = &model.view else {
        let text = match &model.link {
            crate::tui::model::Link::Lost { reason, .. } => run(Role::Bad, reason.clone()),
            _ => run(Role::Muted, "waiting for the orchestrator"),
        };
        brush.runs(
            inside.x + 1,
            inside.y,
            inside.width.saturating_sub(2),
            &[text],
        );
        return;
    };
    let told = home.told(model);
    below(model, area, told, brush);
    if let Some((_, place)) = places {
        told_beside(model, place, brush);
    }
    let inside = Rect {
        height: inside.height.saturating_sub(told),
        ..inside
    };
    let lines = home.lines();
    let groups = view.project.groups.iter();
    let groups = groups.map(|group| group.key().to_string().len()).max();
    let group = groups
        .unwrap_or(0)
        .min(GROUP)
        .min(usize::from(inside.width) / 4);
    let (x, width) = (inside.x + 1, inside.width.saturating_sub(2));
    for (y, line) in (inside.y..inside.bottom()).zip(lines.iter().skip(home.top)) {
        match line {
            Line::Gap => {}
            Line::Title(part) => {
                brush.text(x, y, width, Role::Heading, part.title());
            }
            Line::Calm => {
                brush.runs(x, y, width, &calm(model));
            }
            Line::Row(row) => {
                let Some(id) = home.rows.get(*row) else {
                    continue;
                };
                let selected = home.selected.as_ref() == Some(id);
                let whole = Rect::new(inside.x, y, inside.width, 1);
                brush.aim(whole, Aim::Row(Row::Home(id.clone())));
                if selected {
                    let cursor = brush.glyph(Glyph::Cursor);
                    brush.text(inside.x, y, 1, Role::Focus, cursor);
                }
                brush.runs(
                    x + 1,
                    y,
                    width.saturating_sub(1),
                    &self::row(model, id, group),
                );
                if selected {
                    brush.tint(whole, Role::Selected);
                }
            }
        }
    }
    let rule = Rect {
        width: area.width - 1,
        ..area
    };
    beyond(
        brush,
        rule,
        home.top,
        lines.len(),
        usize::from(inside.height),
    );
}

/// What is selected, beside the rows: what needs a person, and the deployment that it is about.
fn told_beside(model: &Model, area: Rect, brush: &mut Brush<'_>) {
    let selected = model.home.selected.as_ref();
    let title = selected.map(|id| run(Role::Heading, id.at.to_string()));
    let title: Vec<Run> = title.into_iter().collect();
    let width = detail::columns(area);
    let whole = model.home.whole(model);
    let mut rows: Vec<Vec<Run>> = wrap(&safe(&whole), width)
        .into_iter()
        .map(|line| vec![run(Role::Text, line)])
        .collect();
    let deployment = detail::deployment(model, width);
    if !deployment.is_empty() {
        // What it waits for is told with the deployment.
        let next = model.ahead.outlook.as_ref().map(ToString::to_string);
        if next.as_ref() == Some(&whole) {
            rows.clear();
        } else {
            rows.push(Vec::new());
        }
        rows.extend(deployment);
    }
    detail::draw(model, area, &title, &rows, brush);
}

/// What is selected, whole, in the lowest of these many lines of an area.
fn below(model: &Model, area: Rect, lines: u16, brush: &mut Brush<'_>) {
    let Some(id) = model.home.selected.as_ref().filter(|_| lines > 0) else {
        return;
    };
    let rule = Rect::new(area.x, area.bottom() - 1 - lines, area.width, 1);
    brush.rule(rule, Ends::Middle, Role::Focus);
    brush.title(rule, &[run(Role::Heading, id.at.to_string())]);
    let width = area.width.saturating_sub(4);
    let text = wrap(&safe(&model.home.whole(model)), usize::from(width));
    for (y, line) in (rule.y + 1..area.bottom() - 1).zip(&text) {
        brush.text(area.x + 2, y, width, Role::Text, line);
    }
}

/// That nothing needs a person, and why that is believed: by what answers and what is well, not by what there is.
pub(crate) fn calm(model: &Model) -> Vec<Run> {
    if model.is_stale() {
        let text = "Nothing needed a person when something was last heard.";
        return vec![run(Role::Warn, text)];
    }
    let Some(view) = &model.view else {
        return Vec::new();
    };
    let part = |well: usize, all: usize, one: &str, many: &str| match (well, all) {
        (_, 0) => String::new(),
        (1, 1) => format!(", {one}"),
        (well, all) if well == all => format!(", all {all} {many}"),
        (well, all) => format!(", {well} of {all} {many}"),
    };
    let answers = |host: &HostView<'_>| host.status.is_some_and(|status| status.reachable);
    let hosts = part(
        view.all_hosts().filter(answers).count(),
        view.project.hosts.len(),
        "its host answers",
        "hosts answer",
    );
    let is_ok = |alarm: &&AlarmStatus| alarm.state() == Some(AlarmState::Ok);
    let alarms = part(
        view.alarms.values().filter(is_ok).count(),
        view.alarms.len(),
        "its alarm is well",
        "alarms are well",
    );
    vec![
        run(Role::Good, Glyph::Succeeded.beside(model.theme, "Calm: ")),
        run(
            Role::Text,
            format!("nothing needs a person{hosts}{alarms}."),
        ),
    ]
}

/// A row, its group in so many columns.
pub(crate) fn row(model: &Model, id: &Id, group: usize) -> Vec<Run> {
    let sign = |mark: Mark| {
        let word = format!("{:1$}", mark.word, WORD - 2);
        run(mark.role, mark.glyph.beside(model.theme, &word))
    };
    if let Some(need) = model.home.need(id) {
        let left = need.until.map(|until| until.since(model.present()));
        let left = left.map_or_else(String::new, |left| Whole(left).to_string());
        let about = need.group.as_ref().map(ToString::to_string);
        let mark = mark(need.kind);
        return vec![
            sign(mark),
            run(mark.role, format!("{left:>TIME$}  ")),
            run(
                Role::Text,
                format!("{:group$}  ", about.unwrap_or_default()),
            ),
            run(Role::Text, safe(&need.text)),
        ];
    }
    let Some(summary) = summary(model, &id.at) else {
        return Vec::new();
    };
    let started = summary.start_time.unwrap_or(summary.create_time);
    let span = summary
        .complete_time
        .unwrap_or(model.present())
        .since(started);
    let overview = summary.deployment_overview;
    let done = overview.succeeded + overview.failed + overview.skipped;
    let tail = match id.part {
        Part::Ended => (model.clock)(summary.complete_time.unwrap_or(summary.create_time)),
        _ => format!("{done}/{}", overview.total()),
    };
    vec![
        sign(panes::lists::standing(model, summary)),
        run(Role::Text, format!("{:>TIME$}  ", Short(span).to_string())),
        run(
            Role::Text,
            format!("{:group$}  ", summary.group.to_string()),
        ),
        run(Role::Text, format!("{}  ", summary.deployment_id)),
        run(Role::Heading, format!("{}  ", summary.revision.label)),
        run(
            Role::Muted,
            format!("{tail}  {}", panes::lists::who(summary).trim_end()),
        ),
    ]
}
