//! How every role looks: those that come with the program, and those of users' files. One form for both.

use ratatui::style::{Color, Modifier, Style};

use super::Role;
use crate::model::yaml::{self, Node, YamlError};

/// How every role looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Palette([Style; Role::ALL.len()]);

/// The base of all others.
const TERMINAL: &str = include_str!("../../../assets/themes/terminal.yaml");

/// The themes that come with the program.
pub(crate) const BUILT_IN: [(&str, &str); 6] = [
    ("terminal", TERMINAL),
    ("mono", include_str!("../../../assets/themes/mono.yaml")),
    ("dark", include_str!("../../../assets/themes/dark.yaml")),
    ("light", include_str!("../../../assets/themes/light.yaml")),
    (
        "colour-blind-dark",
        include_str!("../../../assets/themes/colour-blind-dark.yaml"),
    ),
    (
        "colour-blind-light",
        include_str!("../../../assets/themes/colour-blind-light.yaml"),
    ),
];

impl Palette {
    /// A theme's file over the terminal's own palette.
    ///
    /// # Errors
    /// What is wrong, with its line: an unknown role, an unknown word, or a selected row that nobody would see.
    pub(crate) fn read(text: &str) -> Result<Self, YamlError> {
        let mut palette = Self([Style::new(); Role::ALL.len()]);
        palette.lay(TERMINAL)?;
        palette.lay(text)?;
        Ok(palette)
    }

    /// How a role looks.
    pub(crate) fn style(&self, role: Role) -> Style {
        // The array is as long as the list of roles, in its order.
        self.0[role as usize]
    }

    fn lay(&mut self, text: &str) -> Result<(), YamlError> {
        let Some(root) = yaml::parse(text)? else {
            return Ok(());
        };
        let entries = root.as_mapping().ok_or_else(|| {
            YamlError::at(
                &root,
                "",
                "a theme is a mapping of roles to how they look, such as good: green",
            )
        })?;
        for (name, look) in entries {
            let role = role(name)?;
            let style = style(look)?;
            self.0[role as usize] = style;
            if role == Role::Selected && style == self.style(Role::Text) {
                return Err(YamlError::at(
                    look,
                    "selected",
                    "a selected row must look unlike others: nobody would see what a key acts on",
                ));
            }
        }
        Ok(())
    }
}

fn role(name: &Node) -> Result<Role, YamlError> {
    let text = name.as_str().unwrap_or_default();
    let found = Role::ALL.into_iter().find(|role| role.name() == text);
    found.ok_or_else(|| {
        YamlError::at(name, text, format!("there is no role {text}"))
            .with_help(yaml::nearest(text, Role::ALL.map(Role::name)))
    })
}

fn style(look: &Node) -> Result<Style, YamlError> {
    let text = look.as_str().ok_or_else(|| {
        let problem = "a look is a text, such as green bold";
        YamlError::at(look, "", problem)
    })?;
    let mut style = Style::new();
    let mut behind = false;
    for word in text.split_whitespace() {
        let modifier = match word {
            "plain" => continue,
            "on" => {
                behind = true;
                continue;
            }
            "bold" => Modifier::BOLD,
            "dim" => Modifier::DIM,
            "italic" => Modifier::ITALIC,
            "underlined" => Modifier::UNDERLINED,
            "reversed" => Modifier::REVERSED,
            _ => {
                let colour: Color = word.parse().map_err(|_| {
                    let problem = format!(
                        "{word} is no colour, and none of bold, dim, italic, underlined, reversed, on and plain"
                    );
                    YamlError::at(look, text, problem)
                })?;
                style = if behind {
                    style.bg(colour)
                } else {
                    style.fg(colour)
                };
                behind = false;
                continue;
            }
        };
        style = style.add_modifier(modifier);
    }
    Ok(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built_in(name: &str) -> Palette {
        let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name).unwrap();
        Palette::read(text).unwrap()
    }

    /// Relative luminance, as WCAG 2.2 has it.
    fn luminance(colour: Color) -> f64 {
        let Color::Indexed(index) = colour else {
            panic!("{colour:?} looks as the terminal likes");
        };
        let (r, g, b) = match index {
            16..=231 => {
                let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
                let n = index - 16;
                (level(n / 36), level(n / 6 % 6), level(n % 6))
            }
            232..=255 => {
                let grey = 8 + 10 * (index - 232);
                (grey, grey, grey)
            }
            _ => panic!("{index} looks as the terminal likes"),
        };
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.040_45 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }

    fn contrast(one: f64, other: f64) -> f64 {
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn themes_for_a_background_are_readable_on_it() {
        // Solarized's backgrounds are the hardest of the usual ones: #002b36 and #fdf6e3.
        for (name, background) in [
            ("dark", 0.021),
            ("colour-blind-dark", 0.021),
            ("light", 0.926),
            ("colour-blind-light", 0.926),
        ] {
            let palette = built_in(name);
            for role in Role::ALL {
                let Some(colour) = palette.style(role).fg else {
                    continue;
                };
                // A frame is no text.
                let least = if role == Role::Border { 3.0 } else { 4.5 };
                let contrast = contrast(luminance(colour), background);
                assert!(contrast >= least, "{name}: {role:?} has {contrast:.1}");
            }
        }
    }

    #[test]
    fn without_hues_good_bad_and_warn_are_still_apart() {
        for name in ["colour-blind-dark", "colour-blind-light"] {
            let palette = built_in(name);
            let light = |role| luminance(palette.style(role).fg.unwrap());
            let [good, bad, warn] = [Role::Good, Role::Bad, Role::Warn].map(light);
            for (one, other) in [(good, bad), (bad, warn), (good, warn)] {
                assert!(contrast(one, other) > 1.09, "{name}: {good} {bad} {warn}");
            }
        }
    }

    #[test]
    fn the_colour_free_theme_sets_no_colour() {
        for role in Role::ALL {
            let style = built_in("mono").style(role);
            assert_eq!(
                (style.fg, style.bg, style.underline_color),
                (None, None, None),
                "{role:?}"
            );
        }
    }

    #[test]
    fn the_terminals_own_theme_uses_its_own_colours_only() {
        for role in Role::ALL {
            let style = built_in("terminal").style(role);
            assert_eq!(style.bg, None, "{role:?}");
            assert!(
                !matches!(style.fg, Some(Color::Rgb(..) | Color::Indexed(_))),
                "{role:?}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let problem = |text: &str| Palette::read(text).unwrap_err().to_string();
        let unknown = problem("good: green\nbda: red\n");
        assert!(unknown.starts_with("2:1"), "{unknown}");
        assert!(unknown.contains("did you mean"), "{unknown}");
        assert!(problem("good: gren\n").contains("gren is no colour"));
        assert!(problem("selected: plain\n").contains("must look unlike"));
        assert!(problem("- good\n").contains("mapping"));
    }

    #[test]
    fn a_file_changes_what_it_names() {
        let palette = Palette::read("good: \"#00ff00 on 17 underlined\"\n").unwrap();
        let good = Style::new()
            .fg(Color::Rgb(0, 255, 0))
            .bg(Color::Indexed(17))
            .add_modifier(Modifier::UNDERLINED);
        assert_eq!(palette.style(Role::Good), good);
        assert_eq!(
            palette.style(Role::Bad),
            built_in("terminal").style(Role::Bad)
        );
    }
}
