//! Which key does what: the defaults in assets, and a file of the operator's over them.

use std::path::{Path, PathBuf};

use super::key::Key;
use super::keys::{Keys, KeysError, listed};
use super::source;
use super::{ACTIONS, Action, Context, Entry, Grade};
use crate::tui::preferences::{PreferencesError, Source};

/// The defaults.
const DEFAULTS: &str = include_str!("../../../assets/keymaps/default.yaml");
/// What the defaults are called in errors.
const DEFAULTS_FILE: &str = "assets/keymaps/default.yaml";

/// The key maps that come with the program, each over the defaults.
pub(crate) const BUILT_IN: [(&str, &str); 3] = [
    ("default", ""),
    ("vim", include_str!("../../../assets/keymaps/vim.yaml")),
    ("emacs", include_str!("../../../assets/keymaps/emacs.yaml")),
];

/// The keys of every action.
#[derive(Clone, Debug)]
pub(crate) struct Keymap {
    keys: Vec<Vec<Keys>>,
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
        let mut bound: Vec<Vec<(Keys, Place<'_>)>> = vec![Vec::new(); ACTIONS.len()];
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
                for (line, text) in entry.keys {
                    let bound: Keys = text
                        .parse()
                        .map_err(|error: KeysError| wrong(line, error.to_string()))?;
                    if let Some(problem) = forbidden(action, bound) {
                        return Err(wrong(line, problem));
                    }
                    keys.push((bound, Place { file, line }));
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
    pub(crate) fn keys(&self, action: Action) -> &[Keys] {
        &self.keys[action as usize]
    }

    /// All keys of an action, in a row.
    pub(crate) fn listed(&self, action: Action) -> String {
        let keys = self.keys(action).iter().map(ToString::to_string);
        listed(&keys.collect::<Vec<_>>())
    }

    /// The key to show for an action.
    pub(crate) fn shown(&self, action: Action) -> String {
        self.keys(action)
            .first()
            .map(ToString::to_string)
            .unwrap_or_default()
    }

    /// What a key does in one of these contexts, or a sequence.
    pub(crate) fn action(&self, contexts: &[Context], keys: impl Into<Keys>) -> Option<Action> {
        let keys = keys.into();
        let mut actions = within(contexts);
        actions.find(|action| self.keys(*action).contains(&keys))
    }

    /// What may follow a key in these contexts, of which an earlier one comes before a later one.
    pub(crate) fn after(&self, contexts: &[Context], first: Key) -> Vec<(Key, Action)> {
        let mut found: Vec<(Key, Action)> = Vec::new();
        for context in contexts {
            for action in within(&[*context]) {
                let begun = self
                    .keys(action)
                    .iter()
                    .filter(|keys| keys.first() == first);
                for then in begun.filter_map(|keys| keys.then()) {
                    if found.iter().all(|(known, _)| *known != then) {
                        found.push((then, action));
                    }
                }
            }
        }
        found
    }
}

/// The actions of these contexts.
fn within(contexts: &[Context]) -> impl Iterator<Item = Action> {
    let all = ACTIONS.iter();
    all.filter(|entry| contexts.contains(&entry.context))
        .map(|entry| entry.action)
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
fn forbidden(action: Action, keys: Keys) -> Option<String> {
    let entry = action.entry();
    if keys.then().is_some() && !entry.context.takes_sequences() {
        return Some(format!(
            "{keys} are two keys, and every key stands alone there: {} needs one",
            entry.name
        ));
    }
    let key = keys.last();
    if entry.grade != Grade::Harmless
        && let Some(key) = keys.each().find(|key| key.is_ctrl())
    {
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

fn conflicts(bound: &[Vec<(Keys, Place<'_>)>]) -> Result<(), KeymapError> {
    for (first, entry) in ACTIONS.iter().enumerate() {
        for (second, other) in ACTIONS.iter().enumerate().skip(first) {
            // What opens a confirmation must not accept it: a key that is held down would.
            let opens = matches!(entry.grade, Grade::Asks | Grade::Drafts);
            let opens_and_accepts = (opens && other.context == Context::Confirm
                || entry.action == Action::Quit && other.context == Context::Leaving)
                && other.grade == Grade::Acts;
            let overlap = entry.context.overlaps(other.context);
            let beside = entry.context.goes_beside(other.context);
            if !overlap && !beside && !opens_and_accepts {
                continue;
            }
            let clash = |one: Keys, other: Keys| {
                let itself = first == second && one == other;
                // The last key of a sequence may be held down, too.
                let held = opens_and_accepts && one.last() == other.last();
                let begun = one.then().is_none() != other.then().is_none();
                held || ((overlap || (beside && begun)) && !itself && one.clashes(other))
            };
            let both = bound[first].iter().find_map(|(keys, place)| {
                let found = bound[second].iter().find(|(k, _)| clash(*keys, *k));
                let (other, again) = found?;
                Some(((*keys, place), (*other, again)))
            });
            if let Some(((one, place), (two, again))) = both {
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
                    problem: match (one.then(), two.then()) {
                        (None, Some(_)) => begins(entry, one, other, two),
                        (Some(_), None) if !opens_and_accepts => begins(other, two, entry, one),
                        _ => format!("{two} can't mean both {} and {}", entry.name, other.name),
                    },
                });
            }
        }
    }
    Ok(())
}

/// That a key can't both do something and begin a sequence: nobody should have to wait to know which.
fn begins(alone: &Entry, key: Keys, sequence: &Entry, keys: Keys) -> String {
    format!(
        "{key} alone means {}, so that {keys} can't mean {}",
        alone.name, sequence.name
    )
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
        let keys = |text: &str| text.parse::<Keys>().unwrap();
        assert_eq!(keymap.action(&[Context::Main], keys("s")), None);
        assert_eq!(
            keymap.action(&[Context::Main], keys("Z")),
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
    fn a_sequence_has_its_first_key_to_itself() {
        let mine = "first: [g g, home]\nlast: [g e]\nquit: Z Z\n";
        let keymap = Keymap::read(Some((Path::new("mine.yaml"), mine))).unwrap();
        let g = "g".parse::<Key>().unwrap();
        assert_eq!(keymap.action(&[Context::Main], g), None);
        let e = "e".parse().unwrap();
        let keys = Keys::two(g, e);
        assert_eq!(keymap.action(&[Context::Main], keys), Some(Action::Last));
        let after = keymap.after(&[Context::Main], g);
        assert_eq!(after, [(g, Action::First), (e, Action::Last)]);
        assert_eq!(keymap.listed(Action::First), "g g, home");
        assert_eq!(
            problem("first: [home]\nlast: [g e]\nhelp: [g]\n"),
            "mine.yaml:3: g alone means help, so that g e can't mean last"
        );
        assert_eq!(
            problem("help: [g h]\n"),
            "mine.yaml:1: g alone means first, so that g h can't mean help"
        );
        assert_eq!(
            problem("help: [Z h]\nquit: [Z h]\n"),
            "mine.yaml:2: Z h can't mean both help and quit"
        );
        // In a replay, g would be taken before a second one came.
        assert_eq!(
            problem("replay-play: [g g]\n"),
            "mine.yaml:1: g alone means first, so that g g can't mean replay-play"
        );
        assert!(problem("help: [Z, Z h]\n").starts_with("mine.yaml:1: Z alone means help"));
        assert!(problem("help: [Z h h]\n").ends_with("has more than two keys: a sequence has two"));
        assert!(problem("help: [Z esc]\n").contains("esc ends a sequence"));
        assert!(problem("stop: [Z ctrl-x]\n").starts_with("mine.yaml:1: ctrl-x is a chord"));
        assert!(problem("accept: [Z y]\n").contains("every key stands alone there"));
        assert!(problem("choose: [alt-x y]\n").contains("every key stands alone there"));
        // Held down, the last key of what asks would answer.
        assert!(problem("stop: [Z y]\n").contains("can't mean both stop and accept"));
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
                let taken = [
                    "ctrl-a", "ctrl-b", "ctrl-d", "ctrl-h", "ctrl-j", "ctrl-k", "ctrl-l", "ctrl-s",
                    "ctrl-q", "ctrl-z",
                ];
                for key in key.each() {
                    let text = key.to_string();
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
                // Two keys are typed by accident too easily for what changes hosts.
                assert!(entry.grade == Grade::Harmless || key.then().is_none());
            }
        }
    }
}
