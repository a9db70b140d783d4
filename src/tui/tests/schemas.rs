//! JSON schemas of the user's own files, for editors that complete and check by them: made from the registries, and current.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::pages::is_current;
use crate::model::yaml;
use crate::tui::Preferences;
use crate::tui::action::ACTIONS;
use crate::tui::action::keymap;
use crate::tui::theme::Role;
use crate::tui::theme::palette;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

fn keymap() -> Value {
    let one = |entry: &crate::tui::action::Entry| {
        let keys =
            json!({ "type": "array", "items": { "type": "string" }, "description": entry.doc });
        (entry.name.to_owned(), keys)
    };
    json!({
        "$schema": DIALECT,
        "title": "A key map of cutover's cockpit",
        "description": "Keys of actions. Those that are not named keep theirs; an empty list is no key at all. Two keys with a blank between them are pressed one after the other.",
        "type": "object",
        "additionalProperties": false,
        "properties": ACTIONS.iter().map(one).collect::<Map<_, _>>(),
    })
}

fn theme() -> Value {
    let look = json!({
        "type": ["string", "integer"],
        "description": "A colour, `on` and a colour behind it, and bold, dim, underlined, reversed or plain",
    });
    let roles = Role::ALL.map(|role| (role.name().to_owned(), look.clone()));
    json!({
        "$schema": DIALECT,
        "title": "A theme of cutover's cockpit",
        "description": "How roles look. Those that are not named look as in the theme `terminal`.",
        "type": "object",
        "additionalProperties": false,
        "properties": Map::from_iter(roles),
    })
}

/// What comes with the program, or a file.
fn named(what: &str, names: &[&str]) -> Value {
    json!({
        "description": format!("{what}: one that comes with the program, or the path of a file, from this one's folder on"),
        "type": "string",
        "anyOf": [{ "enum": names }, { "pattern": "[/.]" }],
    })
}

fn cockpit() -> Value {
    let mut themes = vec!["auto", "colour-blind"];
    themes.extend(palette::BUILT_IN.iter().map(|(name, _)| *name));
    let keymaps = keymap::BUILT_IN.map(|(name, _)| name);
    let ways = ["bell", "notification", "title", "progress"];
    json!({
        "$schema": DIALECT,
        "title": "cockpit.yaml: what you want of cutover's cockpit",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "theme": named("The looks", &themes),
            "keymap": named("The keys", &keymaps),
            "calls": {
                "description": "How you are called while you look elsewhere",
                "type": "array",
                "items": { "enum": ways },
            },
            "mouse": { "description": "Whether clicks and the wheel do something", "enum": ["on", "off"] },
            "plain": { "description": "Sentences instead of a screen", "type": "boolean" },
        },
    })
}

fn properties(schema: &Value) -> BTreeSet<&str> {
    let properties = schema["properties"].as_object().unwrap();
    properties.keys().map(String::as_str).collect()
}

#[test]
fn the_schemas_are_what_the_program_reads() {
    for (name, schema) in [
        ("cockpit", cockpit()),
        ("keymap", keymap()),
        ("theme", theme()),
    ] {
        let text = serde_json::to_string_pretty(&schema).unwrap();
        is_current(&format!("schemas/{name}.json"), &format!("{text}\n"));
    }
    let keymap = keymap();
    for (name, text) in keymap::BUILT_IN {
        for (action, keys) in entries(text) {
            let known = properties(&keymap).contains(action.as_str());
            assert!(known && keys.as_sequence().is_some(), "{name}: {action}");
        }
    }
    let theme = theme();
    for (name, text) in palette::BUILT_IN {
        for (role, look) in entries(text) {
            let known = properties(&theme).contains(role.as_str());
            assert!(known && look.as_str().is_some(), "{name}: {role}");
        }
    }
}

/// What is written in a file.
fn entries(text: &str) -> Vec<(String, yaml::Node)> {
    let node = yaml::parse(text).unwrap();
    let entries = node.iter().flat_map(|node| node.as_mapping().unwrap());
    let entries = entries.map(|(key, value)| (key.as_str().unwrap().to_owned(), value.clone()));
    entries.collect()
}

#[test]
fn what_the_schema_of_preferences_allows_is_read_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let load = |text: &str| {
        std::fs::write(folder.path().join("cockpit.yaml"), text).unwrap();
        Preferences::load(folder.path()).map_err(|error| error.to_string())
    };
    let schema = cockpit();
    let refused = load("nothing-such: 1").unwrap_err();
    for (name, property) in schema["properties"].as_object().unwrap() {
        assert!(refused.contains(name.as_str()), "{refused}");
        let values = property["enum"].as_array();
        for value in values.into_iter().flatten() {
            load(&format!("{name}: {value}")).unwrap();
        }
        for way in property["items"]["enum"].as_array().into_iter().flatten() {
            load(&format!("{name}: [{way}]")).unwrap();
        }
        if property["type"] == "boolean" {
            load(&format!("{name}: true")).unwrap();
        }
        assert!(load(&format!("{name}: {{}}")).is_err(), "{name}");
    }
}
