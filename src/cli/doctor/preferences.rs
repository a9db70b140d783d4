//! What the user wants of the cockpit: whether it would open with that.

use super::Finding;
use crate::cli::appearance::Appearance;
use crate::tui;

/// The user's own file, and what it names.
pub(super) fn look() -> Finding {
    let preferences = Appearance::default().preferences();
    let wanted = preferences.and_then(|preferences| tui::check(&preferences));
    match wanted {
        Ok(()) => Finding::ok("preferences", "keys and looks are right"),
        Err(error) => Finding::problem(
            "preferences",
            format!("{error:#}"),
            "mend the file: the cockpit does not open before; without it everything is as usual",
        ),
    }
}
