//! Draws the model. Nothing changes here, and nothing is decided.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::layers;
use super::model::Model;
use super::paint::Brush;
use super::panes::{alarms, footer, header, instances, lists, output, rollout, tiny};

/// Draws a whole frame.
pub(crate) fn view(model: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    let mut brush = Brush::new(frame.buffer_mut(), model.theme);
    let layout = model.layout();
    if layout.tiny {
        tiny::draw(model, &layout, &mut brush);
    } else {
        header::draw(model, &layout, &mut brush);
        lists::draw(model, &layout, &mut brush);
        rollout::draw(model, &layout, &mut brush);
        alarms::draw(model, &layout, &mut brush);
        instances::draw(model, &layout, &mut brush);
        output::draw(model, &layout, &mut brush);
        footer::draw(model, &layout, &mut brush);
        if model.view.is_some() && model.is_stale() {
            let below = Rect {
                y: 1,
                height: area.height.saturating_sub(2),
                ..area
            };
            brush.fade(below);
        }
    }
    layers::draw(model, &mut brush);
}
