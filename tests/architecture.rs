//! The house: folders are rooms, and arrows of `use` point down the list, never up. The pure rooms do no I/O, read no
//! clock, spawn nothing and know no async runtime.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![allow(missing_docs, reason = "a test says what it proves by its name")]

use std::path::{Path, PathBuf};

/// From the door down. A room may use itself and those after it.
const ROOMS: [&str; 17] = [
    "cli",
    "tui",
    "api",
    "lab",
    "sim",
    "router",
    "orchestrator",
    "providers",
    "agent",
    "identity",
    "store",
    "text",
    "clock",
    "crash_point",
    "engine",
    "appspec",
    "model",
];

const PURE: [&str; 3] = ["engine", "appspec", "model"];

/// Pure folders of rooms that are not, with what they may use of their own room.
const PURE_FOLDERS: [(&str, [&str; 2]); 1] = [(
    "agent/core",
    ["crate::agent::core", "crate::agent::protocol"],
)];

/// What a pure room must not name.
const IMPURE: [&str; 18] = [
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::thread",
    "std::io",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio",
    "reqwest",
    "axum",
    "rusqlite",
    "crossterm",
    "ratatui",
    "tracing",
    "nix",
    "uuid::Uuid::new_v4",
    "tempfile",
];

fn sources() -> Vec<(String, PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    let sources_root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&sources_root, &mut files);
    files
        .into_iter()
        .filter_map(|file| {
            let below = file.strip_prefix(&sources_root).unwrap();
            let first = below.components().next()?.as_os_str().to_str()?;
            let room = first.trim_end_matches(".rs").to_owned();
            let text = std::fs::read_to_string(&file).unwrap();
            Some((room, below.to_owned(), text))
        })
        .filter(|(room, ..)| room != "lib" && room != "main")
        .collect()
}

/// The code without comments and without its tests, which may do as they like.
fn code(text: &str) -> String {
    let production = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    production
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Whether `text` names `path` as a whole word.
fn names(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + path.len()..].chars().next();
        let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !word(before) && !word(after) && before != Some('"')
    })
}

/// The rooms that a file uses: `crate::room` wherever it stands, and each member of `use crate::{…}`.
fn used(code: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut member = String::new();
            for c in list.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => rooms.push(std::mem::take(&mut member)),
                    c if depth == 0 => member.push(c),
                    _ => {}
                }
            }
            rooms.push(member);
        } else {
            rooms.push(rest.to_owned());
        }
    }
    rooms
        .into_iter()
        .map(|path| {
            path.trim()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect::<String>()
        })
        .filter(|room| !room.is_empty())
        .collect()
}

#[test]
fn arrows_point_down() {
    let level = |room: &str| ROOMS.iter().position(|known| *known == room);
    let mut wrong = Vec::new();
    for (room, file, text) in sources() {
        let Some(own) = level(&room) else {
            wrong.push(format!(
                "{}: a room that is not in the list",
                file.display()
            ));
            continue;
        };
        for other in used(&code(&text)) {
            match level(&other) {
                Some(theirs) if theirs < own => {
                    wrong.push(format!(
                        "{}: {room} uses {other}, which is above it",
                        file.display()
                    ));
                }
                Some(_) => {}
                None => wrong.push(format!(
                    "{}: uses crate::{other}, not a room",
                    file.display()
                )),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_pure_core_is_pure() {
    let mut wrong = Vec::new();
    for (room, file, text) in sources() {
        let folder = PURE_FOLDERS
            .iter()
            .any(|(folder, _)| file.starts_with(folder));
        if folder || PURE.contains(&room.as_str()) {
            let code = code(&text);
            for path in IMPURE {
                if names(&code, path) {
                    wrong.push(format!("{}: names {path}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a pure folder uses is pure: rooms that are, and parts of its own room that only say what things are.
#[test]
fn pure_folders_use_what_is_pure() {
    let mut wrong = Vec::new();
    for (folder, own) in PURE_FOLDERS {
        let mut files = 0;
        for (room, file, text) in sources()
            .into_iter()
            .filter(|(_, file, _)| file.starts_with(folder))
        {
            files += 1;
            let code = code(&text);
            let foreign = used(&code).into_iter().filter(|other| *other != room);
            for other in foreign.filter(|other| !PURE.contains(&other.as_str())) {
                wrong.push(format!(
                    "{}: uses {other}, which is not pure",
                    file.display()
                ));
            }
            let of_own_room = format!("crate::{room}::");
            let uses = code.matches(&of_own_room).count();
            let allowed: usize = own.iter().map(|path| code.matches(path).count()).sum();
            if uses != allowed || code.contains("super::super") {
                wrong.push(format!(
                    "{}: uses a part of its room besides {own:?}",
                    file.display()
                ));
            }
        }
        assert!(files > 0, "{folder} is not there");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_yaml_reader_names_serde_yaml() {
    for (_, file, text) in sources() {
        let inside = file.starts_with("model/yaml") || file == Path::new("model/yaml.rs");
        assert!(
            inside || !names(&code(&text), "serde_yaml"),
            "{}",
            file.display()
        );
    }
}

#[test]
fn only_the_gate_sends_commands() {
    for (_, file, text) in sources() {
        let gate = file == Path::new("api/gate.rs") || file == Path::new("api/client.rs");
        assert!(
            gate || !names(&code(&text), "client.command"),
            "{}",
            file.display()
        );
    }
}

#[test]
fn only_the_gate_writes_documents() {
    for (room, file, text) in sources() {
        // In the store it is a transaction's word, too.
        let may = room == "store" || file == Path::new("api/gate.rs");
        assert!(
            may || !code(&text).contains(".commit()"),
            "{}",
            file.display()
        );
    }
}

#[test]
fn the_router_is_for_the_lab_and_the_command_line() {
    for (room, file, text) in sources() {
        let may = ["router", "lab", "cli"].contains(&room.as_str());
        let uses = used(&code(&text)).iter().any(|other| other == "router");
        assert!(may || !uses, "{}", file.display());
    }
}

/// The checks above find what they look for.
#[test]
fn the_checks_can_fail() {
    assert_eq!(
        used("use crate::{model::x, tui::{a, b}};"),
        ["model", "tui"]
    );
    assert_eq!(used("fn f() { crate::cli::main() }"), ["cli"]);
    assert!(names("use std::fs::File;", "std::fs"));
    assert!(!names("use std::fsx;", "std::fs"));
    assert!(!code("// std::fs\nlet a;\n#[cfg(test)]\nmod tests { std::fs }").contains("std::fs"));
}
