//! Which theme it is: what the user asked for, else what suits the terminal.

use super::Theme;
use super::palette::{BUILT_IN, Palette};
use crate::text::is_unicode;
use crate::tui::preferences::{PreferencesError, Source};

/// What suits the terminal's background, or leaves it alone.
const AUTO: &str = "auto";
/// One of a pair, by the background.
const COLOUR_BLIND: &str = "colour-blind";

/// Whether the terminal's background is light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Background {
    Light,
    Dark,
}

/// The theme that was asked for: the name of one that comes with the program, or of a file. If nobody asked, and where the
/// environment wants no colour, it has none. `background` is asked only where the answer matters.
///
/// # Errors
/// If there is no such theme, or its file is wrong.
pub(crate) fn choose(
    asked: Option<&Source>,
    variable: impl Fn(&str) -> Option<String>,
    background: impl FnOnce() -> Option<Background>,
) -> Result<Theme, PreferencesError> {
    let unicode = is_unicode(&variable);
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let colourless = set("NO_COLOR").is_some() || set("TERM").is_some_and(|term| term == "dumb");
    let auto = Source::named(AUTO);
    let source = asked.unwrap_or(&auto);
    let name = match source.name() {
        Some(AUTO) if colourless => "mono",
        Some(AUTO) => match background() {
            Some(Background::Light) => "light",
            Some(Background::Dark) | None => "terminal",
        },
        Some(COLOUR_BLIND) => match background() {
            Some(Background::Light) => "colour-blind-light",
            Some(Background::Dark) | None => "colour-blind-dark",
        },
        Some(other) => other,
        None => "",
    };
    let choices = BUILT_IN.iter().map(|(name, _)| *name);
    let choices: Vec<&str> = [AUTO, COLOUR_BLIND].into_iter().chain(choices).collect();
    let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
    let (file, text) = match built_in {
        Some((name, text)) => (
            format!("assets/themes/{name}.yaml").into(),
            (*text).to_owned(),
        ),
        None => source.read("theme", &choices)?,
    };
    let palette = Palette::read(&text).map_err(|error| PreferencesError::Wrong { file, error })?;
    Ok(Theme {
        palette,
        unicode,
        words: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(asked: Option<&str>, variables: &[(&str, &str)], light: Option<bool>) -> Theme {
        let source = asked.map(Source::named);
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let background = || {
            light.map(|light| {
                if light {
                    Background::Light
                } else {
                    Background::Dark
                }
            })
        };
        choose(source.as_ref(), variable, background).unwrap()
    }

    #[test]
    fn the_environment_and_the_background_choose_where_nobody_does() {
        let usual = [("LANG", "de_DE.UTF-8"), ("TERM", "xterm-256color")];
        let built_in = |name| Theme::built_in(name, true);
        assert_eq!(theme(None, &usual, None), built_in("terminal"));
        assert_eq!(theme(None, &usual, Some(false)), built_in("terminal"));
        assert_eq!(theme(None, &usual, Some(true)), built_in("light"));
        let without = [usual[0], ("NO_COLOR", "1")];
        assert_eq!(theme(None, &without, Some(true)), built_in("mono"));
        let empty = [usual[0], ("NO_COLOR", "")];
        assert_eq!(theme(None, &empty, None), built_in("terminal"));
        let dumb = [usual[0], ("TERM", "dumb")];
        assert_eq!(theme(None, &dumb, None), built_in("mono"));
        assert!(!theme(None, &[("LANG", "C"), ("LC_ALL", "POSIX")], None).unicode);
    }

    #[test]
    fn who_asks_for_a_theme_gets_it() {
        let plain = [("LANG", "C.UTF-8"), ("NO_COLOR", "1")];
        let built_in = |name| Theme::built_in(name, true);
        assert_eq!(theme(Some("dark"), &plain, Some(true)), built_in("dark"));
        let blind = |light| theme(Some("colour-blind"), &plain, light);
        assert_eq!(blind(Some(true)), built_in("colour-blind-light"));
        assert_eq!(blind(None), built_in("colour-blind-dark"));
        assert_eq!(theme(Some("auto"), &plain, None), built_in("mono"));
    }

    #[test]
    fn an_unknown_theme_is_refused_with_what_there_is() {
        let asked = Source::named("drak");
        let error = choose(Some(&asked), |_| None, || None).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("there is no theme drak"), "{text}");
        assert!(text.contains("did you mean \"dark\"?"), "{text}");
        assert!(text.contains("colour-blind"), "{text}");
    }

    #[test]
    fn nobody_asks_the_terminal_where_it_does_not_matter() {
        let asked = Source::named("dark");
        choose(Some(&asked), |_| None, || panic!("it was asked")).unwrap();
        let variable = |name: &str| (name == "NO_COLOR").then(|| "1".to_owned());
        choose(None, variable, || panic!("it was asked")).unwrap();
    }
}
