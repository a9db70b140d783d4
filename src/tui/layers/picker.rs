//! A list that is narrowed by typing.

use ratatui::layout::Rect;

use super::told::Choice;
use super::window;
use crate::tui::action::Action;
use crate::tui::action::key::Key;
use crate::tui::aims::Aim;
use crate::tui::glyph::Glyph;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Run, run};
use crate::tui::theme::Role;
use crate::tui::widgets::field::Field;
use crate::tui::widgets::fuzzy::{Fuzzy, Word};
use crate::tui::widgets::list;

/// One candidate.
#[derive(Clone, Debug)]
pub(crate) struct Row<T> {
    pub id: T,
    /// What is typed against.
    pub text: String,
    /// What follows it on the screen.
    pub note: String,
    /// Whether it can be taken.
    pub open: bool,
}

/// Candidates, what was typed, and the candidate that is selected: an id, which stays when the list changes.
#[derive(Debug)]
pub(crate) struct Picker<T> {
    pub field: Field,
    rows: Vec<Row<T>>,
    selected: Option<T>,
    top: usize,
}

/// What a key did.
pub(crate) enum Picked<T> {
    Nothing,
    Closed,
    Chosen(T),
}

/// Rows that are shown at most.
const MOST: usize = 200;

/// The rows of a page.
const PAGE: isize = 8;

impl<T: Clone + PartialEq> Picker<T> {
    pub(crate) fn new() -> Self {
        Self {
            field: Field::default(),
            rows: Vec::new(),
            selected: None,
            top: 0,
        }
    }

    /// Takes the candidates as they are now, best first.
    pub(crate) fn refresh(&mut self, candidates: Vec<Row<T>>, height: u16) {
        let typed = self.field.text.trim();
        if typed.is_empty() {
            self.rows = candidates;
        } else {
            let (words, mut fuzzy) = (Word::all(typed), Fuzzy::new());
            let mut fits = |row: Row<T>| {
                let score = fuzzy.score_all(&words, &format!("{} {}", row.text, row.note))?;
                // What is called so comes before what says so.
                let name = fuzzy.score_all(&words, &row.text).unwrap_or(0);
                Some((score + name, row))
            };
            let mut scored: Vec<(u32, Row<T>)> =
                candidates.into_iter().filter_map(&mut fits).collect();
            scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
            self.rows = scored.into_iter().map(|(_, row)| row).collect();
        }
        self.rows.truncate(MOST);
        self.place(height);
    }

    /// The candidates in words, the best first.
    pub(crate) fn told<C>(&self, choice: impl Fn(T) -> C) -> Vec<(C, String)> {
        let rows = self.rows.iter();
        rows.map(|row| {
            let text = format!("{}  {}", row.text, row.note);
            (choice(row.id.clone()), text)
        })
        .collect()
    }

    /// Puts the cursor on a candidate, if it is still there.
    pub(crate) fn put(&mut self, id: &T) -> bool {
        let there = self.rows.iter().any(|row| row.id == *id);
        if there {
            self.selected = Some(id.clone());
        }
        there
    }

    /// Selects a row if none is, and keeps it in view.
    pub(crate) fn place(&mut self, height: u16) {
        if self.position().is_none() {
            self.selected = self.rows.first().map(|row| row.id.clone());
        }
        let rows = usize::from(shown(self.rows.len(), height));
        self.top = list::scroll(self.top, self.position(), self.rows.len(), rows);
    }

    fn position(&self) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        self.rows.iter().position(|row| row.id == *selected)
    }

    pub(crate) fn paste(&mut self, text: &str) {
        self.field.paste(text);
        self.selected = None;
    }

    /// Takes a key.
    pub(crate) fn key(&mut self, key: Key, action: Option<Action>) -> Picked<T> {
        match action {
            Some(Action::Close) => return Picked::Closed,
            Some(Action::Choose) => {
                let row = self.position().and_then(|row| self.rows.get(row));
                return match row.filter(|row| row.open) {
                    Some(row) => Picked::Chosen(row.id.clone()),
                    None => Picked::Nothing,
                };
            }
            Some(Action::ChoiceUp) => self.step(-1),
            Some(Action::ChoiceDown) => self.step(1),
            Some(Action::ChoicePageUp) => self.step(-PAGE),
            Some(Action::ChoicePageDown) => self.step(PAGE),
            Some(Action::ChoiceFirst) => self.step(isize::MIN),
            Some(Action::ChoiceLast) => self.step(isize::MAX),
            _ => {
                if self.field.key(key) {
                    // What fits best is what was meant, until somebody moves.
                    self.selected = None;
                }
            }
        }
        Picked::Nothing
    }

    fn step(&mut self, by: isize) {
        let row = list::step(self.position(), by, self.rows.len());
        self.selected = row
            .and_then(|row| self.rows.get(row))
            .map(|row| row.id.clone());
    }

    /// Draws it, with a line below the field.
    pub(crate) fn draw(
        &self,
        model: &Model,
        brush: &mut Brush<'_>,
        (title, below): (&str, &[Run]),
        choice: impl Fn(T) -> Choice,
    ) {
        let height = shown(self.rows.len(), model.size.1);
        let inside = window::open(model, brush, usize::from(height) + 2, title, Role::Focus);
        let prompt = [
            run(Role::Key, "> "),
            run(Role::Text, format!("{}_", self.field.text)),
        ];
        brush.runs(inside.x, inside.y, inside.width, &prompt);
        if inside.height < 2 {
            return;
        }
        brush.runs(inside.x, inside.y + 1, inside.width, below);
        let wide = self
            .rows
            .iter()
            .skip(self.top)
            .take(usize::from(height))
            .map(|row| row.text.chars().count())
            .max()
            .unwrap_or(0);
        let wide = wide.min(usize::from(inside.width) * 3 / 5);
        for (y, row) in (inside.y + 2..inside.bottom()).zip(self.rows.iter().skip(self.top)) {
            let selected = self.selected.as_ref() == Some(&row.id);
            let whole = Rect::new(inside.x, y, inside.width, 1);
            brush.aim(whole, Aim::Choice(choice(row.id.clone())));
            let cursor = if selected {
                brush.glyph(Glyph::Cursor)
            } else {
                " "
            };
            let runs = [
                run(Role::Focus, format!("{cursor} ")),
                run(
                    if row.open { Role::Text } else { Role::Muted },
                    format!("{:wide$}  ", row.text),
                ),
                run(Role::Muted, row.note.clone()),
            ];
            brush.runs(inside.x, y, inside.width, &runs);
            if selected {
                brush.tint(whole, Role::Selected);
            }
        }
    }
}

/// The rows of candidates that fit a screen of this height.
fn shown(count: usize, height: u16) -> u16 {
    u16::try_from(count)
        .unwrap_or(u16::MAX)
        .clamp(1, 16)
        .min(height.saturating_sub(6).max(1))
}
