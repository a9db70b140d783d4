//! A new deployment configuration, for the Server platform.

use super::words::{name, project, taken};
use super::{Blank, PLAIN};
use crate::model::yaml::Path;
use crate::store::documents::RESERVED;
use crate::store::documents::edit::New;
use crate::store::documents::edit::typed::{Pace, healthy};
use crate::tui::layers::form::Values;

/// What is asked.
pub(super) const BLANKS: [Blank; 5] = [
    Blank {
        name: "configuration",
        about: "what it is called; its file is called so too. It is for Server",
        check: |typed, model, _| {
            let name = name(typed)?;
            if typed.starts_with(RESERVED) {
                return Err(format!("only predefined ones start with {RESERVED}"));
            }
            let known = project(model).is_some_and(|it| it.configurations.contains_key(&name));
            taken(known, "a configuration", &name)
        },
        ..PLAIN
    },
    Blank {
        name: "minimum healthy",
        about: "how many instances must stay healthy: 75% of them, or 3",
        check: |typed, _, _| healthy(typed).map(|_| ()),
        ..PLAIN
    },
    Blank {
        name: "zone watched",
        about: "the seconds that each zone is watched, to go zone by zone",
        check: |typed, _, _| seconds(typed).map(|_| ()),
        ..PLAIN
    },
    Blank {
        name: "first zone",
        about: "the seconds that the first zone is watched, if others",
        check: |typed, _, _| seconds(typed).map(|_| ()),
        ..PLAIN
    },
    Blank {
        name: "healthy in each",
        about: "how many instances of each zone must stay healthy: 50% of them, or 1",
        check: |typed, _, _| match typed {
            "" => Ok(()),
            typed => healthy(typed).map(|_| ()),
        },
        ..PLAIN
    },
];

/// The configuration that was described.
///
/// # Errors
/// If a field is wrong.
pub(super) fn make(values: Values<'_>) -> Result<New, String> {
    let some = |typed: &str| match typed {
        "" => Ok(None),
        typed => healthy(typed).map(Some),
    };
    let pace = Pace {
        minimum_healthy: some(values.get("minimum healthy"))?,
        per_zone: some(values.get("healthy in each"))?,
        monitor: seconds(values.get("zone watched"))?,
        first_zone_monitor: seconds(values.get("first zone"))?,
    };
    let name = name(values.get("configuration"))?;
    Ok(New::Configuration(name, pace.changes(&Path::root())))
}

fn seconds(typed: &str) -> Result<Option<u64>, String> {
    if typed.is_empty() {
        return Ok(None);
    }
    let wrong = |_| "expected a number of seconds, such as 300".to_owned();
    typed.parse().map(Some).map_err(wrong)
}
