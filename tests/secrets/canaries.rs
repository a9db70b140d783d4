//! Values that are nowhere else, and what they are disguised as.

use std::path::Path;

/// One a place that can have a secret: its name, and what it is.
pub const ALL: [(&str, &str); 13] = [
    ("alarm-token", "canary-alarm-token-4f1d"),
    ("alarm-header", "canary-alarm-header-b2a7"),
    ("alarm-command", "canary-alarm-command-91ce"),
    ("hook-token", "canary-hook-token-77e0"),
    ("hook-key", "canary-hook-key-3c5b"),
    ("hook-path", "canary-hook-path-d8f4"),
    ("chat-path", "canary-chat-path-60aa"),
    ("told", "canary-told-e91b"),
    ("balancer-token", "canary-balancer-token-2d06"),
    ("balancer-header", "canary-balancer-header-aa43"),
    ("fleet-token", "canary-fleet-token-5e7c"),
    ("DB_PASSWORD", "canary db+password/18f9"),
    (
        "SIGNING_KEY",
        "canary-signing-key-line-1\ncanary-signing-key-line-2",
    ),
];

/// What a secret is.
pub fn value(name: &str) -> &'static str {
    let found = ALL.iter().find(|(known, _)| *known == name);
    found.unwrap().1
}

/// Where one of them is in some bytes, as it is, line by line, or disguised.
pub fn found_in(bytes: &[u8]) -> Option<String> {
    for (name, value) in ALL {
        for line in value.lines() {
            let percent = line
                .replace('+', "%2B")
                .replace('/', "%2F")
                .replace(' ', "%20");
            for text in [line.to_owned(), percent, encoded(line)] {
                let here = bytes
                    .windows(text.len())
                    .position(|part| part == text.as_bytes());
                if let Some(at) = here {
                    let around = &bytes[at.saturating_sub(80)..bytes.len().min(at + 80)];
                    let around = String::from_utf8_lossy(around);
                    return Some(format!("{name} as {text:?}: {around}"));
                }
            }
        }
    }
    None
}

/// As `base64` has it, without what depends on its surroundings.
fn encoded(text: &str) -> String {
    let whole = &text.as_bytes()[..text.len() / 3 * 3];
    let mut base64 = std::process::Command::new("base64")
        .arg("-w0")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut base64.stdin.take().unwrap(), whole).unwrap();
    String::from_utf8(base64.wait_with_output().unwrap().stdout).unwrap()
}

/// Everything below a folder in which one of them is, but for those files that are where it is kept.
pub fn found_below(folder: &Path, keepers: &[&Path]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if keepers.iter().any(|keeper| path == **keeper) {
            continue;
        }
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(found_below(&path, keepers));
        } else if kind.is_file()
            && let Some(what) = found_in(&std::fs::read(&path).unwrap_or_default())
        {
            found.push(format!("{}: {what}", path.display()));
        }
    }
    found
}

#[test]
fn a_canary_is_found_as_whatever_it_is_disguised() {
    for text in [
        "x canary-told-e91b y",
        "canary%20db%2Bpassword%2F18f9",
        "Y2FuYXJ5LXRvbGQtZTkxYg==",
        "canary-signing-key-line-2",
    ] {
        assert!(found_in(text.as_bytes()).is_some(), "{text}");
    }
    assert_eq!(found_in(b"canary-tolp"), None);
}
