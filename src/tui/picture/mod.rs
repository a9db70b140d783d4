//! What is on the screen, as a file: text, text with its colours, or a picture.

mod svg;

use std::fmt::Write as _;

use anstyle::{Ansi256Color, AnsiColor, Color as Colour, Effects, RgbColor, Style};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::aims::Aims;
use super::model::Model;
use super::safe::width;
use super::view;

/// The screen as it would be drawn now.
pub(crate) fn of(model: &Model) -> Buffer {
    let (width, height) = model.size;
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    view::draw(model, &mut buffer, &mut Aims::default());
    buffer
}

/// Its letters, a line a row.
pub(crate) fn text(screen: &Buffer) -> String {
    lines(screen, |_, symbol, line| line.push_str(symbol))
}

/// Its letters with their colours, as a terminal takes them.
pub(crate) fn ansi(screen: &Buffer) -> String {
    let mut before = Style::new();
    let mut ansi = lines(screen, |style, symbol, line| {
        if style != before {
            // Writing to a text does not fail.
            let _ = write!(line, "{}{}", before.render_reset(), style.render());
            before = style;
        }
        line.push_str(symbol);
    });
    ansi.push_str(&before.render_reset().to_string());
    ansi
}

/// It as a picture (SVG).
pub(crate) fn svg(screen: &Buffer) -> String {
    svg::svg(screen)
}

/// Puts every cell down, line by line; what is blank at the end of a line is nothing.
fn lines(screen: &Buffer, mut put: impl FnMut(Style, &str, &mut String)) -> String {
    let columns = usize::from(screen.area.width.max(1));
    let mut text = String::new();
    for row in screen.content.chunks(columns) {
        let blank = |cell: &Cell| cell.symbol() == " " && style(cell) == Style::new();
        let end = row.iter().rposition(|cell| !blank(cell));
        let mut covered = 0;
        for cell in row.iter().take(end.map_or(0, |end| end + 1)) {
            // The cell behind a wide letter is that letter's.
            if covered > 0 {
                covered -= 1;
                continue;
            }
            put(style(cell), cell.symbol(), &mut text);
            covered = width(cell.symbol()).saturating_sub(1);
        }
        text.push('\n');
    }
    text
}

fn style(cell: &Cell) -> Style {
    let effects = [
        (Modifier::BOLD, Effects::BOLD),
        (Modifier::DIM, Effects::DIMMED),
        (Modifier::ITALIC, Effects::ITALIC),
        (Modifier::UNDERLINED, Effects::UNDERLINE),
        (Modifier::REVERSED, Effects::INVERT),
        (Modifier::CROSSED_OUT, Effects::STRIKETHROUGH),
    ];
    let on = effects
        .into_iter()
        .filter(|(modifier, _)| cell.modifier.contains(*modifier));
    let on = on.fold(Effects::new(), |all, (_, effect)| all | effect);
    Style::new()
        .fg_color(colour(cell.fg))
        .bg_color(colour(cell.bg))
        .effects(on)
}

/// The colour, as far as it is not the terminal's own.
fn colour(colour: Color) -> Option<Colour> {
    let ansi = match colour {
        Color::Reset => return None,
        Color::Rgb(r, g, b) => return Some(Colour::Rgb(RgbColor(r, g, b))),
        Color::Indexed(index) => return Some(Colour::Ansi256(Ansi256Color(index))),
        Color::Black => AnsiColor::Black,
        Color::Red => AnsiColor::Red,
        Color::Green => AnsiColor::Green,
        Color::Yellow => AnsiColor::Yellow,
        Color::Blue => AnsiColor::Blue,
        Color::Magenta => AnsiColor::Magenta,
        Color::Cyan => AnsiColor::Cyan,
        Color::Gray => AnsiColor::White,
        Color::DarkGray => AnsiColor::BrightBlack,
        Color::LightRed => AnsiColor::BrightRed,
        Color::LightGreen => AnsiColor::BrightGreen,
        Color::LightYellow => AnsiColor::BrightYellow,
        Color::LightBlue => AnsiColor::BrightBlue,
        Color::LightMagenta => AnsiColor::BrightMagenta,
        Color::LightCyan => AnsiColor::BrightCyan,
        Color::White => AnsiColor::BrightWhite,
    };
    Some(Colour::Ansi(ansi))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Buffer {
        let mut buffer = Buffer::with_lines(["ok <1>", ""]);
        for cell in &mut buffer.content[..2] {
            cell.fg = Color::Green;
            cell.modifier = Modifier::BOLD;
        }
        buffer
    }

    #[test]
    fn text_is_what_one_reads_and_ansi_says_a_style_once() {
        assert_eq!(text(&sample()), "ok <1>\n\n");
        assert_eq!(ansi(&sample()), "\u{1b}[1m\u{1b}[32mok\u{1b}[0m <1>\n\n");
    }
}
