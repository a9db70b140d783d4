//! Which key does what: the defaults in assets, and a file of the operator's over them.

use std::path::{Path, PathBuf};

use super::key::{Key, KeyError};
use super::source;
use super::{ACTIONS, Action, Context, Grade};
use crate::tui::preferences::{PreferencesError, Source};

/// The defaults.
const DEFAULTS: &str = include_str!("../../../assets/keymaps/default.yaml");
/// What the defaults are called in errors.
const DEFAULTS_FILE: &str = "assets/keymaps/default.yaml";

/// The key maps that come with the program, each over the defaults.
const BUILT_IN: [(&str, &str); 3] = [
    ("default", ""),
    ("vim", include_str!("../../../assets/keymaps/vim.yaml")),
    ("emacs", include_str!("../../../assets/keymaps/emacs.yaml")),
];

/// The keys of every action.
#[derive(Clone, Debug)]
pub(crate) struct Keymap {
    keys: Vec<Vec<Key>>,
}

/// What is wrong with a key map.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeymapError {
    #[error(transparent)]
    Missing(#[from] PreferencesError),
    #[error("{file}:{line}: {problem}", file = .file.display())]
    Wrong {
        file: PathBuf,
        line: usize,
        problem: String,
    },
}

/// Where a binding was written.
#[derive(Clone)]
struct Place<'a> {
    file: &'a Path,
    line: usize,
}

impl Keymap {
    /// The default keys.
    ///
    /// # Errors
    /// Never, as a test proves.
    pub(crate) fn defaults() -> Result<Self, KeymapError> {
        Self::read(None)
    }

    /// The default keys with a key map over them that comes with the program, or a file.
    ///
    /// # Errors
    /// If there is no such key map, it can't be read, names something unknown, or a key would mean two things or never
    /// arrive.
    pub(crate) fn load(source: Option<&Source>) -> Result<Self, KeymapError> {
        let Some(source) = source else {
            return Self::defaults();
        };
        let built_in = BUILT_IN
            .iter()
            .find(|(name, _)| source.name() == Some(name));
        let (file, text) = match built_in {
            Some((name, text)) => (
                format!("assets/keymaps/{name}.yaml").into(),
                (*text).to_owned(),
            ),
            None => source.read("key map", &BUILT_IN.map(|(name, _)| name))?,
        };
        Self::read(Some((&file, &text)))
    }

    fn read(over: Option<(&Path, &str)>) -> Result<Self, KeymapError> {
        let mut bound: Vec<Vec<(Key, Place<'_>)>> = vec![Vec::new(); ACTIONS.len()];
        let defaults = (Path::new(DEFAULTS_FILE), DEFAULTS);
        for (file, text) in std::iter::once(defaults).chain(over) {
            let wrong = |line, problem| KeymapError::Wrong {
                file: file.to_owned(),
                line,
                problem,
            };
            for entry in source::read(text).map_err(|(line, problem)| wrong(line, problem))? {
                let action = Action::named(&entry.name)
                    .ok_or_else(|| wrong(entry.line, unknown(&entry.name)))?;
                let mut keys = Vec::new();
                for (line, key) in entry.keys {
                    let key: Key = key
                        .parse()
                        .map_err(|error: KeyError| wrong(line, error.to_string()))?;
                    if let Some(problem) = forbidden(action, key) {
                        return Err(wrong(line, problem));
                    }
                    keys.push((key, Place { file, line }));
                }
                bound[action as usize] = keys;
            }
        }
        conflicts(&bound)?;
        let keys = bound
            .into_iter()
            .map(|keys| keys.into_iter().map(|(key, _)| key).collect())
            .collect();
        Ok(Self { keys })
    }

    /// The keys of an action.
    pub(crate) fn keys(&self, action: Action) -> &[Key] {
        &self.keys[action as usize]
    }

    /// The key to show for an action.
    pub(crate) fn shown(&self, action: Action) -> String {
        self.keys(action)
            .first()
            .map(Key::to_string)
            .unwrap_or_default()
    }

    /// What a key does in one of these contexts.
    pub(crate) fn action(&self, contexts: &[Context], key: Key) -> Option<Action> {
        ACTIONS
            .iter()
            .filter(|entry| contexts.contains(&entry.context))
            .map(|entry| entry.action)
            .find(|action| self.keys(*action).contains(&key))
    }
}

fn unknown(name: &str) -> String {
    let nearest = ACTIONS
        .iter()
        .map(|entry| (strsim::jaro_winkler(name, entry.name), entry.name))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, nearest)) => format!("there is no action {name}: did you mean {nearest}?"),
        None => format!("there is no action {name}: `?` in the cockpit lists all"),
    }
}

/// Keys that this action must not have, and why.
fn forbidden(action: Action, key: Key) -> Option<String> {
    let entry = action.entry();
    if entry.grade != Grade::Harmless && key.is_ctrl() {
        return Some(format!(
            "{key} is a chord that terminals and multiplexers use: {} must not lie on one",
            entry.name
        ));
    }
    if entry.grade == Grade::Acts && matches!(key.code(), crossterm::event::KeyCode::Enter) {
        return Some(format!(
            "enter is pressed without looking: {} needs another key",
            entry.name
        ));
    }
    if matches!(entry.context, Context::Typing | Context::Form) && key.typed().is_some() {
        return Some(format!(
            "{key} is typed there, so that it never does {}",
            entry.name
        ));
    }
    None
}

fn conflicts(bound: &[Vec<(Key, Place<'_>)>]) -> Result<(), KeymapError> {
    for (first, entry) in ACTIONS.iter().enumerate() {
        for (second, other) in ACTIONS.iter().enumerate().skip(first + 1) {
            // What opens a confirmation must not accept it: a key that is held down would.
            let opens = matches!(entry.grade, Grade::Asks | Grade::Drafts);
            let opens_and_accepts = (opens && other.context == Context::Confirm
                || entry.action == Action::Quit && other.context == Context::Leaving)
                && other.grade == Grade::Acts;
            if !entry.context.overlaps(other.context) && !opens_and_accepts {
                continue;
            }
            let both = bound[first].iter().find_map(|(key, place)| {
                let (_, again) = bound[second].iter().find(|(k, _)| k == key)?;
                Some((key, place, again))
            });
            if let Some((key, place, again)) = both {
                // The later of the two, in the operator's file if one of them is there, is the one to change.
                let at = if place.file == again.file && place.line > again.line
                    || again.file == Path::new(DEFAULTS_FILE)
                {
                    place
                } else {
                    again
                };
                return Err(KeymapError::Wrong {
                    file: at.file.to_owned(),
                    line: at.line,
                    problem: format!("{key} can't mean both {} and {}", entry.name, other.name),
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        let error = Keymap::read(Some((Path::new("mine.yaml"), text))).unwrap_err();
        error.to_string()
    }

    #[test]
    fn a_file_replaces_the_keys_of_the_actions_it_names() {
        let keymap = Keymap::read(Some((Path::new("mine.yaml"), "stop: [Z, f9]\n"))).unwrap();
        assert_eq!(keymap.action(&[Context::Main], "s".parse().unwrap()), None);
        assert_eq!(
            keymap.action(&[Context::Main], "Z".parse().unwrap()),
            Some(Action::Stop)
        );
        assert_eq!(keymap.shown(Action::Deploy), "d");
    }

    #[test]
    fn what_comes_with_the_program_is_right() {
        for (name, _) in BUILT_IN {
            Keymap::load(Some(&Source::named(name))).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_file_and_line() {
        assert_eq!(
            problem("# mine\nstpo: [S]\n"),
            "mine.yaml:2: there is no action stpo: did you mean stop?"
        );
        assert_eq!(
            problem("follow: [s]\n"),
            "mine.yaml:1: s can't mean both stop and follow"
        );
        assert!(problem("stop: [ctrl-x]\n").starts_with("mine.yaml:1: ctrl-x is a chord"));
        assert!(problem("help: [ctrl-i]\n").starts_with("mine.yaml:1: ctrl-i never arrives"));
        assert!(problem("choose: [x]\n").starts_with("mine.yaml:1: x is typed there"));
        assert!(problem("accept: [enter]\n").contains("pressed without looking"));
        assert!(problem("accept: [s]\n").contains("can't mean both stop and accept"));
        assert!(problem("scroll-left: [f]\n").contains("can't mean both follow and scroll-left"));
        assert!(problem("stop: [entr]\n").contains("is no key"));
    }

    #[test]
    fn no_default_lies_where_terminals_and_multiplexers_have_their_own() {
        let keymap = Keymap::defaults().unwrap();
        for entry in ACTIONS {
            for key in keymap.keys(entry.action) {
                let text = key.to_string();
                let taken = [
                    "ctrl-a", "ctrl-b", "ctrl-d", "ctrl-h", "ctrl-j", "ctrl-k", "ctrl-l", "ctrl-s",
                    "ctrl-q", "ctrl-z",
                ];
                assert!(
                    !taken.contains(&text.as_str()),
                    "{} is on {text}",
                    entry.name
                );
                assert!(
                    entry.grade == Grade::Harmless || !key.is_ctrl(),
                    "{}",
                    entry.name
                );
            }
        }
    }
}
