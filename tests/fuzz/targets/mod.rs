//! What is examined besides archives, one file a target.

mod appspec;
mod documents;
mod output;
mod protocol;
mod sanitiser;

use std::path::Path;

use crate::engine::Target;

/// All of them.
pub static ALL: [&Target; 5] = [
    &appspec::TARGET,
    &documents::TARGET,
    &output::TARGET,
    &protocol::TARGET,
    &sanitiser::TARGET,
];

/// The target of this name.
pub fn target(name: &str) -> &'static Target {
    ALL.into_iter().find(|target| target.name == name).unwrap()
}

/// The files below a folder of the repository whose names end like this.
fn files(folder: &str, end: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    walk(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
        end,
        &mut found,
    );
    found
}

fn walk(folder: &Path, end: &str, found: &mut Vec<Vec<u8>>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, end, found);
        } else if path.to_string_lossy().ends_with(end) && path.is_file() {
            found.push(std::fs::read(path).unwrap());
        }
    }
}

/// A message without what it quotes and counts: what kind of message it is.
fn kind(message: &str) -> String {
    let mut kind = String::new();
    let mut quoted = false;
    for c in message.chars() {
        match c {
            '"' | '`' => quoted = !quoted,
            c if quoted || c.is_ascii_digit() => {}
            c => kind.push(c),
        }
    }
    kind.chars().take(60).collect()
}

/// Whether a place is one of a text.
fn is_in(text: &str, line: usize, column: usize) -> Result<(), String> {
    // YAML knows more ends of lines than this.
    let lines = 1 + text
        .matches(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
        .count();
    let good = (1..=lines).contains(&line) && (1..=text.chars().count() + 1).contains(&column);
    if good {
        Ok(())
    } else {
        Err(format!(
            "{line}:{column} is no place in a text of {lines} lines"
        ))
    }
}
