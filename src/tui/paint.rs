//! The brush: everything that reaches the screen passes here, is made safe, cut to its place and styled by role.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use unicode_segmentation::UnicodeSegmentation as _;

use super::aims::{Aim, Aims};
use super::glyph::Glyph;
use super::safe;
use super::theme::{Role, Theme};

/// A run of text in one role.
pub(crate) type Run = (Role, String);

/// A run of text.
pub(crate) fn run(role: Role, text: impl Into<String>) -> Run {
    (role, text.into())
}

/// The width of some runs in cells.
pub(crate) fn width(runs: &[Run]) -> usize {
    runs.iter().map(|(_, text)| safe::width(text)).sum()
}

/// Draws into a buffer.
#[derive(Debug)]
pub(crate) struct Brush<'a> {
    buffer: &'a mut Buffer,
    theme: Theme,
    aims: &'a mut Aims,
}

impl<'a> Brush<'a> {
    /// A brush for this buffer, which writes down what can be pointed at.
    pub(crate) fn new(buffer: &'a mut Buffer, theme: Theme, aims: &'a mut Aims) -> Self {
        Self {
            buffer,
            theme,
            aims,
        }
    }

    /// What is drawn there can be pointed at.
    pub(crate) fn aim(&mut self, area: Rect, target: Aim) {
        self.aims.add(area, target);
    }

    /// What was drawn so far that can be pointed at.
    pub(crate) fn aims(&self) -> impl Iterator<Item = (&Rect, &Aim)> {
        self.aims.all()
    }

    /// The letters that were drawn there, each with its place.
    pub(crate) fn letters(&self, area: Rect) -> Vec<(Position, char)> {
        let area = area.intersection(self.buffer.area);
        let cells = area.positions().map(|at| (at, self.buffer[at].symbol()));
        let letters = cells.filter_map(|(at, symbol)| Some((at, symbol.chars().next()?)));
        letters.collect()
    }

    /// A glyph as the theme draws it.
    pub(crate) fn glyph(&self, glyph: Glyph) -> &'static str {
        glyph.draw(self.theme)
    }

    /// Draws runs on one row, cut with a sign where they do not fit. Answers the column after the last cell.
    pub(crate) fn runs(&mut self, x: u16, y: u16, width: u16, runs: &[Run]) -> u16 {
        let area = self.buffer.area;
        if y < area.top() || y >= area.bottom() || x >= area.right() {
            return x;
        }
        let end = x.saturating_add(width).min(area.right());
        let mut at = x;
        for (role, text) in runs {
            let style = self.theme.style(*role);
            let text = safe::drawable(text);
            for grapheme in text.graphemes(true) {
                let cells = u16::try_from(safe::width(grapheme)).unwrap_or(2);
                if cells == 0 {
                    continue;
                }
                if at + cells > end {
                    if end > x {
                        let cut = Glyph::Cut.draw(self.theme);
                        // Over the last cell that was drawn, so that nobody takes the half for the whole.
                        self.buffer[(end - 1, y)].set_symbol(cut).set_style(style);
                    }
                    return end;
                }
                let symbol = if self.theme.unicode || grapheme.is_ascii() {
                    grapheme
                } else {
                    "?"
                };
                self.buffer
                    .set_stringn(at, y, symbol, usize::from(cells), style);
                at += cells;
            }
        }
        at
    }

    /// Draws one run.
    pub(crate) fn text(&mut self, x: u16, y: u16, width: u16, role: Role, text: &str) -> u16 {
        self.runs(x, y, width, &[run(role, text)])
    }

    /// Draws runs that end at `right`.
    pub(crate) fn right(&mut self, right: u16, y: u16, runs: &[Run]) {
        let cells = u16::try_from(width(runs)).unwrap_or(u16::MAX);
        self.runs(right.saturating_sub(cells), y, cells, runs);
    }

    /// Gives every cell of a row this role, keeping what is written.
    pub(crate) fn tint(&mut self, area: Rect, role: Role) {
        let area = area.intersection(self.buffer.area);
        self.buffer.set_style(area, self.theme.style(role));
    }

    /// Fades an area: what it shows is old.
    pub(crate) fn fade(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        self.buffer.set_style(area, Theme::faded());
    }

    /// Blanks an area, for something on top.
    pub(crate) fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        for position in area.positions() {
            self.buffer[position].reset();
        }
    }

    /// A horizontal line with a title in it, closed by the corners given as indices into the border set.
    pub(crate) fn rule(&mut self, area: Rect, ends: Ends, role: Role) {
        if area.width == 0 || area.height == 0 {
            return;
        }
        let (left, middle, right) = match (self.theme.unicode, ends) {
            (true, Ends::Top) => ("┌", "─", "┐"),
            (true, Ends::Middle) => ("├", "─", "┤"),
            (true, Ends::Bottom) => ("└", "─", "┘"),
            (false, _) => ("+", "-", "+"),
        };
        let line = format!(
            "{left}{}{right}",
            middle.repeat(usize::from(area.width.saturating_sub(2)))
        );
        self.text(area.x, area.y, area.width, role, &line);
    }

    /// The sides of a box between its rules.
    pub(crate) fn sides(&mut self, area: Rect, role: Role) {
        let side = if self.theme.unicode { "│" } else { "|" };
        for y in area.top()..area.bottom() {
            self.text(area.x, y, 1, role, side);
            self.text(area.right().saturating_sub(1), y, 1, role, side);
        }
    }

    /// A whole box; answers what is inside.
    pub(crate) fn frame(&mut self, area: Rect, role: Role, title: &[Run]) -> Rect {
        if area.width < 2 || area.height < 2 {
            return Rect::new(area.x, area.y, 0, 0);
        }
        self.rule(Rect { height: 1, ..area }, Ends::Top, role);
        self.sides(
            Rect {
                y: area.y + 1,
                height: area.height - 2,
                ..area
            },
            role,
        );
        let bottom = Rect {
            y: area.bottom() - 1,
            height: 1,
            ..area
        };
        self.rule(bottom, Ends::Bottom, role);
        self.title(area, title);
        Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2)
    }

    /// A title in a rule.
    pub(crate) fn title(&mut self, rule: Rect, title: &[Run]) {
        if title.is_empty() || rule.width < 5 {
            return;
        }
        let mut runs = vec![run(Role::Text, " ")];
        runs.extend(title.iter().cloned());
        runs.push(run(Role::Text, " "));
        self.runs(rule.x + 1, rule.y, rule.width - 2, &runs);
    }
}

/// How a rule meets the sides of its box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// The box begins.
    Top,
    /// The box goes on.
    Middle,
    /// The box ends.
    Bottom,
}
