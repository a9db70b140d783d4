//! Roles, not colours: what a thing means decides how it looks, and a theme says how.
//!
//! The default theme uses nothing but the terminal's own palette, so that it suits a light terminal as well as a dark
//! one. The colour-free theme sets no colour at all: a colour that the backend drops takes bold and reverse with it.

use ratatui::style::{Color, Modifier, Style};

use crate::text::is_unicode;

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
}

impl Role {
    /// Every role.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 13] = [
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
    ];
}

/// Whether colours may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colours {
    /// The terminal's own palette, unless `NO_COLOR` is set or the terminal is dumb.
    #[default]
    Auto,
    /// The terminal's own palette.
    Palette,
    /// No colour at all: bold, dim, underline and reverse only.
    Never,
}

/// How roles look, and which glyphs are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Theme {
    /// Whether the palette is used.
    pub colour: bool,
    /// Whether glyphs beyond ASCII are drawn.
    pub unicode: bool,
}

impl Theme {
    /// The theme for these colours and the process's environment, which `variable` reads.
    pub(crate) fn choose(colours: Colours, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let colour = match colours {
            Colours::Palette => true,
            Colours::Never => false,
            Colours::Auto => set("NO_COLOR").is_none() && set("TERM").is_none_or(|t| t != "dumb"),
        };
        Self {
            colour,
            unicode: is_unicode(variable),
        }
    }

    /// How a role looks.
    pub(crate) fn style(self, role: Role) -> Style {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let (mono, colour) = match role {
            Role::Text => (plain, None),
            Role::Muted | Role::Border => (plain.add_modifier(Modifier::DIM), None),
            Role::Heading | Role::Chosen => (bold, None),
            Role::Focus | Role::Active => (bold, Some(Color::Cyan)),
            Role::Selected => (plain.add_modifier(Modifier::REVERSED), None),
            Role::Good => (plain, Some(Color::Green)),
            Role::Bad => (bold, Some(Color::Red)),
            Role::Warn => (bold, Some(Color::Yellow)),
            Role::Key => (plain.add_modifier(Modifier::UNDERLINED), Some(Color::Cyan)),
            Role::Stderr => (plain, Some(Color::Yellow)),
        };
        match colour {
            Some(colour) if self.colour => mono.remove_modifier(Modifier::UNDERLINED).fg(colour),
            _ => mono,
        }
    }

    /// How everything looks while the data is old.
    pub(crate) fn faded() -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(colours: Colours, variables: &[(&str, &str)]) -> Theme {
        Theme::choose(colours, |name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn no_color_and_the_locale_choose() {
        let usual = [("LANG", "de_DE.UTF-8"), ("TERM", "xterm-256color")];
        assert_eq!(
            theme(Colours::Auto, &usual),
            Theme {
                colour: true,
                unicode: true
            }
        );
        assert!(!theme(Colours::Auto, &[("NO_COLOR", "1")]).colour);
        assert!(theme(Colours::Auto, &[("NO_COLOR", "")]).colour);
        assert!(theme(Colours::Palette, &[("NO_COLOR", "1")]).colour);
        assert!(!theme(Colours::Never, &usual).colour);
        assert!(!theme(Colours::Auto, &[("LANG", "C"), ("LC_ALL", "POSIX")]).unicode);
        assert!(!theme(Colours::Auto, &[]).unicode);
    }

    #[test]
    fn the_colour_free_theme_sets_no_colour() {
        let mono = Theme {
            colour: false,
            unicode: true,
        };
        for role in Role::ALL {
            let style = mono.style(role);
            assert_eq!(
                (style.fg, style.bg, style.underline_color),
                (None, None, None),
                "{role:?}"
            );
        }
    }

    #[test]
    fn the_palette_theme_uses_the_terminals_own_colours_only() {
        let theme = Theme {
            colour: true,
            unicode: true,
        };
        for role in Role::ALL {
            let style = theme.style(role);
            assert_eq!(style.bg, None, "{role:?}");
            assert!(
                !matches!(style.fg, Some(Color::Rgb(..) | Color::Indexed(_))),
                "{role:?}"
            );
        }
    }
}
