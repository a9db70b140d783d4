//! Draws the model. Nothing changes here, and nothing is decided.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::aims::Aims;
use super::model::Model;
use super::paint::Brush;
use super::{layers, screens};

/// Draws a whole frame, and writes down what can be pointed at.
pub(crate) fn view(model: &Model, frame: &mut Frame<'_>, aims: &mut Aims) {
    let area = frame.area();
    let mut brush = Brush::new(frame.buffer_mut(), model.theme, aims);
    screens::draw(model, &mut brush);
    if !model.layout().tiny && model.view.is_some() && model.is_stale() {
        let below = Rect {
            y: 1,
            height: area.height.saturating_sub(2),
            ..area
        };
        brush.fade(below);
    }
    layers::draw(model, &mut brush);
}
