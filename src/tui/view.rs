//! Draws the model. Nothing changes here, and nothing is decided.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::aims::Aims;
use super::model::Model;
use super::paint::Brush;
use super::{layers, lists, panes, screens};

/// Draws a whole frame, and writes down what can be pointed at.
pub(crate) fn view(model: &Model, frame: &mut Frame<'_>, aims: &mut Aims) {
    draw(model, frame.buffer_mut(), aims);
}

/// Draws everything, and writes down what can be pointed at.
pub(crate) fn draw(model: &Model, buffer: &mut Buffer, aims: &mut Aims) {
    let area = buffer.area;
    let mut brush = Brush::new(buffer, model.theme, aims);
    screens::draw(model, &mut brush);
    lists::found::mark(model, &mut brush);
    if !model.layout().tiny && model.view.is_some() && model.is_stale() {
        let below = Rect {
            y: 1,
            height: area.height.saturating_sub(2),
            ..area
        };
        brush.fade(below);
    }
    layers::draw(model, &mut brush);
    panes::begun::draw(model, &mut brush);
}
