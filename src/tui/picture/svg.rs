//! The screen as a picture (SVG). Every run of letters is placed where its first cell is, and is as wide as its cells are: in
//! whatever font it is shown, columns stay columns.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use crate::tui::safe;

/// The size of a cell, in pixels.
const CELL: (f32, f32) = (8.4, 18.0);
/// What is free around the screen, in pixels.
const MARGIN: f32 = 12.0;
/// How far the letters stand above the lower end of a cell, in pixels.
const BASE: f32 = 4.5;
/// The terminal's own colours.
const TEXT: &str = "#d0d4dc";
const GROUND: &str = "#16181d";
/// The sixteen colours that a terminal names.
const NAMED: [&str; 16] = [
    "#2a2d34", "#e06c75", "#7fbf6a", "#d9a95b", "#61afef", "#c678dd", "#4fb8c4", "#b6bcc8",
    "#747b88", "#ff7b85", "#98d982", "#f0c674", "#7cc0ff", "#d8a0ee", "#6fd3de", "#ffffff",
];

/// A run of cells that look alike.
struct Run<'a> {
    column: u16,
    cells: &'a [Cell],
}

/// The picture.
pub(super) fn svg(screen: &Buffer) -> String {
    let (width, height) = (screen.area.width, screen.area.height);
    let across = f32::from(width) * CELL.0 + 2.0 * MARGIN;
    let down = f32::from(height) * CELL.1 + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {across} {down}\" width=\"{across}\" height=\"{down}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{GROUND}\"/>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace\" font-size=\"14\" xml:space=\"preserve\">\n"
    );
    for (row, cells) in (0..height).zip(screen.content.chunks(usize::from(width.max(1)))) {
        for run in runs(cells) {
            run.draw(row, &mut svg);
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

/// The cells of a row in runs.
fn runs(cells: &[Cell]) -> impl Iterator<Item = Run<'_>> {
    let alike = |one: &Cell, other: &Cell| {
        // The cell behind a wide letter is that letter's.
        if safe::width(one.symbol()) > 1 {
            return true;
        }
        let blank = |cell: &Cell| cell.symbol() == " ";
        // Wide gaps are no text: what follows them is placed anew.
        (one.fg, one.bg, one.modifier, blank(one))
            == (other.fg, other.bg, other.modifier, blank(other))
    };
    let mut column = 0;
    cells.chunk_by(alike).map(move |cells| {
        let run = Run { column, cells };
        column += u16::try_from(cells.len()).unwrap_or(u16::MAX);
        run
    })
}

impl Run<'_> {
    fn draw(&self, row: u16, svg: &mut String) {
        let Some(first) = self.cells.first() else {
            return;
        };
        let x = f32::from(self.column) * CELL.0 + MARGIN;
        let y = f32::from(row) * CELL.1 + MARGIN;
        let width = f32::from(u16::try_from(self.cells.len()).unwrap_or(u16::MAX)) * CELL.0;
        let has = |modifier| first.modifier.contains(modifier);
        let (mut ink, mut ground) = (colour(first.fg), colour(first.bg));
        if has(Modifier::REVERSED) {
            (ink, ground) = (
                Some(ground.unwrap_or_else(|| GROUND.to_owned())),
                Some(ink.unwrap_or_else(|| TEXT.to_owned())),
            );
        }
        if let Some(ground) = ground {
            // Writing to a text does not fail.
            let _ = writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{}\" fill=\"{ground}\"/>",
                CELL.1
            );
        }
        let mut text = String::new();
        let mut covered = 0_usize;
        for symbol in self.cells.iter().map(Cell::symbol) {
            if covered == 0 {
                text.push_str(symbol);
            }
            covered = covered.max(safe::width(symbol)).saturating_sub(1);
        }
        if text.trim().is_empty() {
            return;
        }
        let ink = ink.unwrap_or_else(|| TEXT.to_owned());
        let mut how = String::new();
        for (modifier, attribute) in [
            (Modifier::BOLD, " font-weight=\"bold\""),
            (Modifier::DIM, " fill-opacity=\"0.6\""),
            (Modifier::UNDERLINED, " text-decoration=\"underline\""),
            (Modifier::ITALIC, " font-style=\"italic\""),
        ] {
            if has(modifier) {
                how.push_str(attribute);
            }
        }
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{ink}\"{how}>{}</text>",
            y + CELL.1 - BASE,
            escaped(&text)
        );
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A colour as a picture names it, as far as it is not the terminal's own.
fn colour(colour: Color) -> Option<String> {
    let index = match colour {
        Color::Reset => return None,
        Color::Rgb(r, g, b) => return Some(format!("#{r:02x}{g:02x}{b:02x}")),
        Color::Indexed(index) => index,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
    };
    Some(indexed(index))
}

/// One of the 256 colours, as xterm has them.
fn indexed(index: u8) -> String {
    if let Some(named) = NAMED.get(usize::from(index)) {
        return (*named).to_owned();
    }
    if index >= 232 {
        let grey = 8 + (index - 232) * 10;
        return format!("#{grey:02x}{grey:02x}{grey:02x}");
    }
    let level = |step: u8| if step == 0 { 0 } else { 55 + step * 40 };
    let cube = index - 16;
    let (r, g, b) = (level(cube / 36), level(cube / 6 % 6), level(cube % 6));
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_stand_in_their_columns_whatever_they_are() {
        let mut buffer = Buffer::with_lines(["ok  <&>"]);
        buffer.content[0].fg = Color::Green;
        buffer.content[1].fg = Color::Green;
        let svg = svg(&buffer);
        assert!(
            svg.contains(">ok</text>") && svg.contains(">&lt;&amp;&gt;</text>"),
            "{svg}"
        );
        // Four cells of 8.4 pixels, and the margin.
        assert!(svg.contains("<text x=\"45.6\""), "{svg}");
        assert!(svg.contains("textLength=\"25.2\""), "{svg}");
    }

    #[test]
    fn colours_are_those_of_xterm() {
        assert_eq!(indexed(16), "#000000");
        assert_eq!(indexed(231), "#ffffff");
        assert_eq!(indexed(208), "#ff8700");
        assert_eq!(indexed(255), "#eeeeee");
    }
}
