//! The environment of what is selected, as a band: a word, a colour and a frame, so that nobody takes production for another
//! one, with few colours or none; and how its lock stands.

use crate::model::environment::Environment;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::tui::model::Model;
use crate::tui::paint::{Run, run};
use crate::tui::theme::Role;

/// With fewer columns than this a band leaves no room for names.
pub(crate) const NARROW: u16 = 100;

/// The band, with the lock; nothing where what is selected stands in no environment.
pub(crate) fn band(model: &Model) -> Vec<Run> {
    let Some((name, environment)) = model.environment() else {
        return Vec::new();
    };
    let mut runs = vec![sign(*environment, &word(model, name, *environment))];
    if environment.is_locked() {
        runs.push(match model.unlocked.until(name, model.now) {
            None => run(Role::Muted, "locked"),
            Some(until) => run(Role::Warn, format!("unlocked {}", left(until, model.now))),
        });
    }
    runs.push(run(Role::Text, "  "));
    runs
}

/// The band where there is no room for more than a few letters.
pub(crate) fn tiny(model: &Model) -> Vec<Run> {
    let Some((name, environment)) = model.environment() else {
        return Vec::new();
    };
    let text = if environment.production {
        "PROD".to_owned()
    } else {
        name.as_str().chars().take(4).collect()
    };
    vec![sign(*environment, &text)]
}

/// What it is called: production is said whatever its name is, and where there is little room it says nothing else.
fn word(model: &Model, name: &Name, environment: Environment) -> String {
    match (environment.production, name.as_str()) {
        (true, "production") => "PRODUCTION".to_owned(),
        (true, _) if model.size.0 < NARROW => "PRODUCTION".to_owned(),
        (true, other) => format!("PRODUCTION {other}"),
        (false, name) => name.to_owned(),
    }
}

fn sign(environment: Environment, text: &str) -> Run {
    if environment.production {
        run(Role::Production, format!(" {text} "))
    } else {
        run(Role::Good, format!("[{text}] "))
    }
}

/// How long until then, in minutes and seconds.
fn left(until: Timestamp, now: Timestamp) -> String {
    let seconds = until.since(now).as_millis().div_ceil(1000);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
