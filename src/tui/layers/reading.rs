//! What is only read: as many rows as there are, moved up and down, searched, copied and saved.

use super::window;
use super::written::Written;
use crate::tui::action::key::Key;
use crate::tui::action::{Action, Context};
use crate::tui::copy;
use crate::tui::effect::Effect;
use crate::tui::lists::filter::Mode;
use crate::tui::model::Model;
use crate::tui::output::needle::Needle;
use crate::tui::paint::{Brush, Run};
use crate::tui::panes::output::marked;
use crate::tui::theme::Role;
use crate::tui::widgets::field::Field;

/// How far down somebody has read, and what they look for.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(super) top: usize,
    needle: Option<Needle>,
    /// The rows in which it was found.
    found: Vec<usize>,
    /// Which of them somebody is at.
    at: Option<usize>,
    /// What is being typed.
    field: Option<Field>,
}

/// The rows of what is read.
#[derive(Clone, Copy)]
pub(super) enum Rows<'a> {
    /// All of them.
    Made(&'a [Vec<Run>]),
    /// Those of a text, made as they are seen.
    Written(&'a Written),
}

impl Rows<'_> {
    fn len(self) -> usize {
        match self {
            Self::Made(rows) => rows.len(),
            Self::Written(text) => text.len(),
        }
    }

    /// Those in which something is found.
    fn found(self, needle: &Needle) -> Vec<usize> {
        match self {
            Self::Made(rows) => {
                let has = |row: &Vec<Run>| needle.is_in(&text(row));
                let rows = rows.iter().enumerate();
                rows.filter(|(_, row)| has(row)).map(|(at, _)| at).collect()
            }
            Self::Written(text) => text.found(needle),
        }
    }

    /// One, with what is found in it marked.
    fn row(self, at: usize, sought: Option<(&Needle, Role)>) -> Vec<Run> {
        match (self, sought) {
            (Self::Made(rows), None) => rows.get(at).cloned().unwrap_or_default(),
            (Self::Made(rows), Some((needle, sign))) => {
                let row = rows.get(at).map_or(&[][..], Vec::as_slice);
                found(row, needle, sign)
            }
            (Self::Written(text), sought) => text.row(at, sought),
        }
    }
}

/// What is read.
pub(super) struct Page<'a> {
    /// What a file of it is called, and what its name ends in.
    pub file: (&'a str, &'static str),
    pub rows: Rows<'a>,
    /// What is copied and saved; the rows as they are where nothing is said.
    pub text: Option<&'a str>,
}

impl<'a> Page<'a> {
    /// These rows, which are copied and saved as they are shown.
    pub(super) fn of_rows(name: &'a str, rows: &'a [Vec<Run>]) -> Self {
        Self {
            file: (name, "txt"),
            rows: Rows::Made(rows),
            text: None,
        }
    }

    fn text(&self) -> String {
        if let Some(text) = self.text {
            return text.to_owned();
        }
        let rows = (0..self.rows.len()).map(|at| self.rows.row(at, None));
        rows.fold(String::new(), |all, row| all + text(&row).trim_end() + "\n")
    }
}

impl Reading {
    /// Where its keys are looked up.
    pub(super) fn context(&self) -> Context {
        match self.field {
            Some(_) => Context::Typing,
            None => Context::Help,
        }
    }

    /// What is typed into, if something is looked for.
    pub(super) fn field(&mut self) -> Option<&mut Field> {
        self.field.as_mut()
    }

    /// Takes a key; answers whether it goes on.
    pub(super) fn key(
        &mut self,
        model: &mut Model,
        (key, action): (Key, Option<Action>),
        page: &Page<'_>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        if self.field.is_some() {
            self.type_key(model, key, action, page);
            return true;
        }
        let room = room(model);
        self.top = match action {
            Some(Action::CloseHelp) => return false,
            Some(Action::HelpUp) => self.top.saturating_sub(1),
            Some(Action::HelpDown) => self.top + 1,
            Some(Action::HelpPageUp) => self.top.saturating_sub(room),
            Some(Action::HelpPageDown) => self.top + room,
            _ => self.top,
        };
        self.top = self.top.min(page.rows.len().saturating_sub(room));
        match action {
            Some(Action::Find) => {
                let mut field = Field::default();
                field.set(self.needle.as_ref().map_or("", Needle::text));
                self.field = Some(field);
            }
            Some(Action::FindNext) => self.go(model, page, true),
            Some(Action::FindPrevious) => self.go(model, page, false),
            Some(Action::CopyText) => effects.push(copied(model, &page.text())),
            Some(Action::SaveText) => effects.push(Effect::Save {
                name: page.file.0.to_owned(),
                ending: page.file.1,
                text: page.text(),
            }),
            _ => {}
        }
        true
    }

    /// Takes a key while somebody types what is looked for.
    fn type_key(&mut self, model: &mut Model, key: Key, action: Option<Action>, page: &Page<'_>) {
        match (action, &mut self.field) {
            (Some(Action::Choose), _) => {
                self.look(page);
                self.field = None;
                if self.at.is_none() && self.needle.is_some() {
                    self.go(model, page, true);
                }
            }
            (Some(Action::Close), _) => {
                self.field = None;
                self.look(page);
            }
            (None, Some(field)) => {
                field.key(key);
                self.look(page);
                self.nearest(model, page);
            }
            _ => {}
        }
    }

    /// Looks for what is typed.
    fn look(&mut self, page: &Page<'_>) {
        let text = self.field.as_ref().map_or("", |field| field.text.as_str());
        self.needle = Needle::new(text, Mode::Exact);
        self.at = None;
        self.search(page.rows);
    }

    fn search(&mut self, rows: Rows<'_>) {
        let Some(needle) = &self.needle else {
            self.found.clear();
            return;
        };
        self.found = rows.found(needle);
    }

    /// Looks again, for the rows are others now.
    pub(super) fn again(&mut self, rows: Rows<'_>) {
        self.at = None;
        self.search(rows);
    }

    /// The row in view that somebody is at: where something was found, else the first.
    pub(super) fn here(&self) -> usize {
        self.at.unwrap_or(self.top)
    }

    /// Goes to the first row from here on in which it was found, while more is typed.
    fn nearest(&mut self, model: &Model, page: &Page<'_>) {
        let from = self.found.iter().find(|at| **at >= self.top);
        self.reveal(model, page, from.or(self.found.first()).copied());
    }

    /// Goes to the next row in which it was found, or the one before, round and round.
    fn go(&mut self, model: &mut Model, page: &Page<'_>, forward: bool) {
        let Some(needle) = &self.needle else {
            let key = model.keymap.shown(Action::Find);
            return model.complain(format!("nothing is looked for: {key} does"));
        };
        let text = needle.text().to_owned();
        // What is read may have grown since.
        self.search(page.rows);
        let next = match (self.at, forward) {
            (Some(here), true) => self.found.iter().find(|at| **at > here),
            (Some(here), false) => self.found.iter().rev().find(|at| **at < here),
            (None, true) => self.found.iter().find(|at| **at >= self.top),
            (None, false) => self.found.iter().rev().find(|at| **at <= self.top),
        };
        let round = if forward {
            self.found.first()
        } else {
            self.found.last()
        };
        let next = next.or(round).copied();
        if next.is_none() {
            model.complain(format!("{text} is not in it"));
        }
        self.reveal(model, page, next);
    }

    fn reveal(&mut self, model: &Model, page: &Page<'_>, row: Option<usize>) {
        self.at = row;
        let room = room(model);
        if let Some(row) = row
            && !(self.top..self.top + room).contains(&row)
        {
            let furthest = page.rows.len().saturating_sub(room);
            self.top = row.saturating_sub(room / 3).min(furthest);
        }
    }

    /// What stands behind the title while something is looked for.
    fn sought(&self) -> String {
        if let Some(field) = &self.field {
            return format!("  /{}_  {} rows", field.text, self.found.len());
        }
        let Some(needle) = &self.needle else {
            return String::new();
        };
        let place = self.at.and_then(|at| self.found.binary_search(&at).ok());
        let all = self.found.len();
        let count = place.map_or_else(
            || all.to_string(),
            |place| format!("{} of {all}", place + 1),
        );
        format!("  /{} {count}", needle.text())
    }

    /// Draws the rows that are in view.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>, title: &str, rows: Rows<'_>) {
        let height = rows.len().min(usize::from(model.size.1.saturating_sub(4)));
        let title = format!("{title}{}", self.sought());
        let inside = window::open(model, brush, height, &title, Role::Focus);
        // On a larger screen more of the end is seen.
        let top = self.top.min(rows.len().saturating_sub(height));
        for (y, at) in (inside.y..inside.bottom()).zip(top..rows.len()) {
            let here = self.at == Some(at);
            let sign = if here { Role::Selected } else { Role::Found };
            let sought = self.needle.as_ref().map(|needle| (needle, sign));
            brush.runs(inside.x, y, inside.width, &rows.row(at, sought));
        }
    }
}

/// The rows that there is room for.
pub(super) fn room(model: &Model) -> usize {
    usize::from(model.size.1.saturating_sub(4).max(1))
}

/// A row without its roles.
fn text(row: &[Run]) -> String {
    row.iter().map(|(_, text)| text.as_str()).collect()
}

/// A row with what was found in it marked.
fn found(row: &[Run], needle: &Needle, sign: Role) -> Vec<Run> {
    let marked = |(role, text): &Run| marked(text, 0..text.len(), &needle.hits(text), *role, sign);
    row.iter().flat_map(marked).collect()
}

/// Asks the terminal to copy a text, or the last lines of it that it takes.
fn copied(model: &mut Model, text: &str) -> Effect {
    let text = text.trim_end_matches('\n');
    let last = copy::last_lines(text).to_owned();
    let said = match (last.lines().count(), text.lines().count()) {
        (_, 1) => "a line".to_owned(),
        (some, all) if some < all => {
            format!("the last {some} of {all} lines, as many as terminals take")
        }
        (_, all) => format!("{all} lines"),
    };
    model.say(copy::said(model, &said));
    Effect::Copy(last)
}
