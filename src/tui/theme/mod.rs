//! Roles, not colours: what a thing means decides how it looks, and a theme says how.
//!
//! Themes are files (`assets/themes`, and users' own); which one it is, is chosen once, at the start.

pub(crate) mod choose;
pub(crate) mod palette;

use ratatui::style::{Modifier, Style};

use self::palette::Palette;

/// What a piece of the picture means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// Plain text.
    Text,
    /// Less important than what is around it.
    Muted,
    /// A pane's title, a column's heading.
    Heading,
    /// The frame of a pane.
    Border,
    /// The title and frame of the pane that has the keys.
    Focus,
    /// The selected row of the pane that has the keys.
    Selected,
    /// The selected row of another pane.
    Chosen,
    /// It went well.
    Good,
    /// It failed.
    Bad,
    /// It is under way.
    Active,
    /// It waits, or wants attention.
    Warn,
    /// A key to press.
    Key,
    /// Standard error.
    Stderr,
    /// What somebody looked for.
    Found,
    /// What is selected stands in production.
    Production,
}

impl Role {
    /// Every role.
    pub(crate) const ALL: [Self; 15] = [
        Self::Text,
        Self::Muted,
        Self::Heading,
        Self::Border,
        Self::Focus,
        Self::Selected,
        Self::Chosen,
        Self::Good,
        Self::Bad,
        Self::Active,
        Self::Warn,
        Self::Key,
        Self::Stderr,
        Self::Found,
        Self::Production,
    ];

    /// What a theme's file calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Muted => "muted",
            Self::Heading => "heading",
            Self::Border => "border",
            Self::Focus => "focus",
            Self::Selected => "selected",
            Self::Chosen => "chosen",
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Active => "active",
            Self::Warn => "warn",
            Self::Key => "key",
            Self::Stderr => "stderr",
            Self::Found => "found",
            Self::Production => "production",
        }
    }
}

/// How roles look, and which glyphs are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Theme {
    /// How roles look.
    pub palette: Palette,
    /// Whether glyphs beyond ASCII are drawn.
    pub unicode: bool,
    /// Whether signs are words, for those who listen.
    pub words: bool,
}

impl Theme {
    /// How a role looks.
    pub(crate) fn style(&self, role: Role) -> Style {
        self.palette.style(role)
    }

    /// How everything looks while the data is old.
    pub(crate) fn faded() -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// A theme that comes with the program.
    #[cfg(test)]
    pub(crate) fn built_in(name: &str, unicode: bool) -> Self {
        let (_, text) = palette::BUILT_IN
            .iter()
            .find(|(known, _)| *known == name)
            .expect("it comes with the program");
        let palette = Palette::read(text).expect("it is right");
        Self {
            palette,
            unicode,
            words: false,
        }
    }
}
