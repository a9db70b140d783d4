//! Texts before and after an edit.

use super::{Change, Content, EditError, Format, edit};
use crate::model::yaml::parse;
use crate::model::yaml::path::Path;

/// `set PATH = VALUE`, `add PATH = VALUE` or `remove PATH`.
fn change(text: &str) -> Change {
    let (verb, rest) = text.split_once(' ').unwrap();
    let path = |text: &str| text.parse::<Path>().unwrap();
    if verb == "remove" {
        return Change::Remove(path(rest));
    }
    let (place, value) = rest.split_once(" = ").unwrap();
    let content = Content::from(&parse(value).unwrap().unwrap());
    match verb {
        "set" => Change::Set(path(place), content),
        "add" => Change::Append(path(place), content),
        other => panic!("{other}"),
    }
}

fn edited(text: &str, format: Format, changes: &str) -> Result<String, EditError> {
    let changes: Vec<Change> = changes.lines().map(change).collect();
    edit(text, format, &changes)
}

/// Changes, the text before and the text after.
type Case = (&'static str, &'static str, &'static str);

fn check(format: Format, cases: &[Case]) {
    for (changes, before, after) in cases {
        let found = edited(before, format, changes);
        assert_eq!(found.as_deref(), Ok(*after), "{changes}\n---\n{before}");
    }
}

#[test]
fn scalars() {
    check(
        Format::Yaml,
        &[
            ("set a = 2", "a: 1\nb: 3\n", "a: 2\nb: 3\n"),
            (
                "set a = 2",
                "# top\na:   1   # one\n\n# end\n",
                "# top\na:   2   # one\n\n# end\n",
            ),
            ("set a = y z", "a: 'x'\n", "a: 'y z'\n"),
            ("set a = it's", "a: 'x' # q\n", "a: 'it''s' # q\n"),
            ("set a = y", "a: \"x\"\n", "a: \"y\"\n"),
            ("set a = 5", "a: \"x\"\n", "a: 5\n"),
            ("set a = '5'", "a: x\n", "a: \"5\"\n"),
            ("set a = 'yes'", "a: x\n", "a: \"yes\"\n"),
            ("set a = 'x: y'", "a: x\n", "a: \"x: y\"\n"),
            ("set a = '*x'", "a: x\n", "a: \"*x\"\n"),
            ("set a = ''", "a: x\n", "a: \"\"\n"),
            (
                "set a = http://127.0.0.1:1",
                "a: x",
                "a: http://127.0.0.1:1",
            ),
            ("set a = null", "a: x\n", "a: null\n"),
            ("set a = 1", "a:\nb: 2\n", "a: 1\nb: 2\n"),
            ("set a = 1", "a: # why\n\nb: 2\n", "a: 1 # why\n\nb: 2\n"),
            ("set a = 1", "a: ~\n", "a: 1\n"),
            ("set a = 1", "\"a\" : x\n", "\"a\" : 1\n"),
            (
                "set a = 1",
                "a: some text\n  on two lines # c\nb: 1\n",
                "a: 1 # c\nb: 1\n",
            ),
            ("set a = 1", "a: |\n  x\n  y\n\nb: 1\n", "a: 1\n\nb: 1\n"),
            (
                "set a.b = ü",
                "\u{feff}a: { b: x }\r\n",
                "\u{feff}a: { b: ü }\r\n",
            ),
            ("set b = 2", "ä: \"ß\"\nb: 1\n", "ä: \"ß\"\nb: 2\n"),
            (
                "set a[1] = c",
                "a:\n- x\n-   y # y\n",
                "a:\n- x\n-   c # y\n",
            ),
            ("set a = 2", "---\na: 1\n...\n", "---\na: 2\n...\n"),
        ],
    );
}

#[test]
fn entries_are_added() {
    check(
        Format::Yaml,
        &[
            ("set b = 2", "a: 1\n", "a: 1\nb: 2\n"),
            ("set b = 2", "a: 1", "a: 1\nb: 2"),
            ("set b = 2", "a: 1\r\n", "a: 1\r\nb: 2\r\n"),
            ("set b = 2", "", "b: 2\n"),
            ("set b = 2", "# only a comment", "# only a comment\nb: 2\n"),
            (
                "set b = 2",
                "a: 1 # one\n\n# below\n",
                "a: 1 # one\nb: 2\n\n# below\n",
            ),
            (
                "set s.b = 2",
                "s:\n  a: 1\n  # more: x\nt: 1\n",
                "s:\n  a: 1\n  b: 2\n  # more: x\nt: 1\n",
            ),
            (
                "set s.b.c = 2",
                "s:\n    a: 1\n",
                "s:\n    a: 1\n    b: { c: 2 }\n",
            ),
            ("set s.b = 2", "s: { a: 1 } # c\n", "s: { a: 1, b: 2 } # c\n"),
            ("set s.b = 2", "s: {a: 1,}\n", "s: {a: 1, b: 2,}\n"),
            ("set s.b = 2", "s: {}\n", "s: { b: 2 }\n"),
            ("set s.b = 2", "s:\n", "s: { b: 2 }\n"),
            ("set s.b = 2", "a: 1\n", "a: 1\ns: { b: 2 }\n"),
            (
                "set s.b = 2",
                "s: {\n  a: 1 # one\n}\n",
                "s: {\n  a: 1, # one\n  b: 2\n}\n",
            ),
            (
                "set s.b = 2",
                "s: {\n  a: 1, # one\n}\n",
                "s: {\n  a: 1, # one\n  b: 2,\n}\n",
            ),
            (
                "set s.b = 2",
                "s: {\n  a: 1 }\n",
                "s: {\n  a: 1,\n  b: 2 }\n",
            ),
            (
                "set h[0].t = 2",
                "h:\n- n: a\n  # c\n- n: b\n",
                "h:\n- n: a\n  t: 2\n  # c\n- n: b\n",
            ),
            (
                "set a.c = 2",
                "a:\n  b: |\n    text\n\nd: 1\n",
                "a:\n  b: |\n    text\n  c: 2\n\nd: 1\n",
            ),
            (
                "set 'x' = 1".trim(),
                "a: 1\n",
                "a: 1\nx: 1\n",
            ),
            (
                "set [\"a b\"][\"#c\"] = 1",
                "a: 1\n",
                "a: 1\na b: { \"#c\": 1 }\n",
            ),
            ("set b = 2", "a: &x 1\nc: *x # c\n", "a: &x 1\nc: *x # c\nb: 2\n"),
            (
                "set s = {l: [[{K: a}, {K: b}], [{K: c}]], t: {}, e: [A, B]}",
                "a: 1\n",
                "a: 1\ns:\n  l:\n    - - { K: a }\n      - { K: b }\n    - - { K: c }\n  t: {}\n  e: [A, B]\n",
            ),
        ]
        .map(|(changes, before, after)| {
            // Paths have no quotes around plain words.
            let changes = if changes == "set 'x' = 1" { "set x = 1" } else { changes };
            (changes, before, after)
        }),
    );
}

#[test]
fn items_are_added() {
    check(
        Format::Yaml,
        &[
            (
                "add a = c",
                "a:\n  - b # b\nd: 1\n",
                "a:\n  - b # b\n  - c\nd: 1\n",
            ),
            ("add a = c", "a:\n- b\n", "a:\n- b\n- c\n"),
            ("add a = c", "a: [b]\n", "a: [b, c]\n"),
            ("add a = c", "a: []\n", "a: [c]\n"),
            ("add a = c", "a: [ ]\n", "a: [c]\n"),
            ("add a = c", "b: 1\n", "b: 1\na: [c]\n"),
            ("add a = c", "a: [\n  b\n]\n", "a: [\n  b,\n  c\n]\n"),
            (
                "add h = {n: c, t: {e: 1}}",
                "h:\n  - n: a\n    t: { e: 2 }\n  # last\n  - n: b\n\ns: 1\n",
                "h:\n  - n: a\n    t: { e: 2 }\n  # last\n  - n: b\n  - n: c\n    t: { e: 1 }\n\ns: 1\n",
            ),
            (
                "add h = {n: c}",
                "h:\n  - n: a\n",
                "h:\n  - n: a\n  - n: c\n",
            ),
            (
                "add h = {n: c}",
                "h:\n  - { n: a }\n",
                "h:\n  - { n: a }\n  - { n: c }\n",
            ),
            (
                "add l = [{K: c}]",
                "l:\n  - - { K: a }\n    - { K: b }\n",
                "l:\n  - - { K: a }\n    - { K: b }\n  - - { K: c }\n",
            ),
            (
                "add l[0] = {K: c}",
                "l:\n  - - { K: a }\n    - { K: b } # b\n  - - { K: x }\n",
                "l:\n  - - { K: a }\n    - { K: b } # b\n    - { K: c }\n  - - { K: x }\n",
            ),
            (
                "set a[0] = [x, b]",
                "a:\n  - - b # b\n  - c\n",
                "a:\n  - - x\n    - b # b\n  - c\n",
            ),
            (
                "set a = [x, b, c]",
                "a:\n  # first\n  - b\n  - c\n",
                "a:\n  # first\n  - x\n  - b\n  - c\n",
            ),
            ("set a = [x, b]", "a: [b]\n", "a: [x, b]\n"),
            (
                "set a = [b, x, c]",
                "a:\n- b # b\n- c\n",
                "a:\n- b # b\n- x\n- c\n",
            ),
        ],
    );
}

#[test]
fn things_are_removed() {
    check(
        Format::Yaml,
        &[
            (
                "remove a",
                "a: 1 # gone\n# stays\nb: 2\n",
                "# stays\nb: 2\n",
            ),
            ("remove b", "a: 1\nb: 2", "a: 1"),
            ("remove b", "a: 1\r\nb: 2\r\nc: 3\r\n", "a: 1\r\nc: 3\r\n"),
            ("remove a", "# c\na: 1\n# d\n", "# c\n# d\n"),
            (
                "remove s",
                "a: 1\ns:\n  # inside\n  b: 2\n  c: 3\n\n# below\nd: 4\n",
                "a: 1\n\n# below\nd: 4\n",
            ),
            (
                "remove s.b",
                "s:\n  # c\n  b: 2\nd: 4\n",
                "s: {}\n  # c\nd: 4\n",
            ),
            (
                "remove s[0]",
                "s: # why\n- x\nd: 4\n",
                "s: [] # why\nd: 4\n",
            ),
            ("remove s[0]", "s:\n- x", "s: []"),
            ("remove s.b", "s: { a: 1, b: 2 }\n", "s: { a: 1 }\n"),
            ("remove s.a", "s: { a: 1, b: 2 }\n", "s: { b: 2 }\n"),
            ("remove s.a", "s: { a: 1 } # c\n", "s: {} # c\n"),
            ("remove s[1]", "s: [a, b, c]\n", "s: [a, c]\n"),
            (
                "remove s[1]",
                "s: [\n  a, # a\n  b, # b\n  c # c\n]\n",
                "s: [\n  a, # a\n  # b\n  c # c\n]\n",
            ),
            (
                "remove s[2]",
                "s: [\n  a, # a\n  b, # b\n  c\n]\n",
                "s: [\n  a, # a\n  b # b\n]\n",
            ),
            (
                "remove h[0]",
                "h:\n  - n: a\n    t: 1\n  - n: b\n",
                "h:\n  - n: b\n",
            ),
            (
                "remove h[1]",
                "h:\n  - n: a\n  # of b\n  - n: b\n    t: 1\nc: 1\n",
                "h:\n  - n: a\n  # of b\nc: 1\n",
            ),
            (
                "remove h[0].n",
                "h:\n  - n: a\n    t: 1\n",
                "h:\n  - t: 1\n",
            ),
            (
                "remove h[0].n",
                "h:\n  - n: a # a\n    # of t\n    t: 1\n",
                "h:\n  -\n    # of t\n    t: 1\n",
            ),
            ("remove h[0].n", "h:\n  - n: a\n", "h:\n  - {}\n"),
            ("remove l[0][0]", "l:\n  - - a\n    - b\n", "l:\n  - - b\n"),
            (
                "remove l[0]",
                "l:\n  - - a\n    - b\n  - - c\n",
                "l:\n  - - c\n",
            ),
        ],
    );
}

#[test]
fn one_kind_becomes_another() {
    check(
        Format::Yaml,
        &[
            (
                "set a = 1",
                "a: # c\n  b: 1 # gone\n  c: 2\nd: 1\n",
                "a: 1 # c\nd: 1\n",
            ),
            ("set a = [x]", "a:\n  b: 1\nd: 1\n", "a: [x]\nd: 1\n"),
            (
                "set a = [[x, y], [{z: []}]]",
                "a: 1 # c\n",
                "a: # c\n  - [x, y]\n  - - { z: [] }\n",
            ),
            (
                "set a = {b: [{c: 1}]}",
                "a: [x]\n",
                "a: { b: [{ c: 1 }] }\n",
            ),
            (
                "set a[0] = x",
                "a:\n  - b: 1\n    c: 2\n  - d\n",
                "a:\n  - x\n  - d\n",
            ),
        ],
    );
}

#[test]
fn json() {
    check(
        Format::Json,
        &[
            ("set a = 2", "{\"a\": 1}", "{\"a\": 2}"),
            ("set a = x", "{\"a\":1}", "{\"a\":\"x\"}"),
            (
                "set b = x",
                "{\n    \"a\": 1\n}\n",
                "{\n    \"a\": 1,\n    \"b\": \"x\"\n}\n",
            ),
            (
                "set b.c = [{K: a}, {K: b}]",
                "{\n    \"a\": 1\n}\n",
                "{\n    \"a\": 1,\n    \"b\": {\n        \"c\": [\n            {\"K\": \"a\"},\n            {\"K\": \"b\"}\n        ]\n    }\n}\n",
            ),
            (
                "remove b",
                "{\n  \"a\": 1,\n  \"b\": 2\n}\n",
                "{\n  \"a\": 1\n}\n",
            ),
            (
                "remove a",
                "{\r\n\t\"a\": 1,\r\n\t\"b\": 2\r\n}",
                "{\r\n\t\"b\": 2\r\n}",
            ),
            (
                "add w.l = {K: b}",
                "{\n  \"w\": {\n    \"l\": [\n      {\n        \"K\": \"a\"\n      }\n    ]\n  }\n}\n",
                "{\n  \"w\": {\n    \"l\": [\n      {\n        \"K\": \"a\"\n      },\n      {\"K\": \"b\"}\n    ]\n  }\n}\n",
            ),
            (
                "set a = \"\u{1f600}\"",
                "{\"a\": \"\\ud83d\\ude00\", \"b\": 1}",
                "{\"a\": \"\\ud83d\\ude00\", \"b\": 1}",
            ),
        ],
    );
}

#[test]
fn what_is_shared_is_refused() {
    for (changes, text, place) in [
        ("set b.x = 2", "a: &a { x: 1 }\nb: *a\n", Some((1, 7))),
        ("set a.x = 2", "a: &a { x: 1 }\nb: *a\n", Some((1, 12))),
        (
            "set b.x = 2",
            "a: &a\n  x: 1\nb:\n  <<: *a\n  y: 1\n",
            Some((2, 6)),
        ),
        (
            "remove b.x",
            "a: &a\n  x: 1\nb:\n  <<: *a\n  y: 1\n",
            Some((2, 6)),
        ),
        ("set l[1] = 2", "l:\n  - &x 1\n  - *x\n", Some((2, 8))),
    ] {
        let error = edited(text, Format::Yaml, changes).unwrap_err();
        let found = error.position.map(|at| (at.line, at.column));
        assert_eq!(found, place, "{changes}: {error}");
        assert!(error.message.contains("by hand"), "{error}");
    }
}

#[test]
fn what_is_not_there_is_refused() {
    for (changes, text, message) in [
        ("remove b", "a: 1\n", "b is not there"),
        ("remove a[1]", "a: [x]\n", "a[1] is not there"),
        ("set a.b = 1", "a: 1\n", "a is no mapping"),
        ("set a[5] = 1", "a: [x]\n", "a[5]: there is no such item"),
        ("add a = 1", "a: x\n", "a is no list"),
        ("set a = 1", "a: [\n", "2:1: not valid YAML"),
        ("set a = 1", "a:\n\tb: 1\n", "a tab in the indentation"),
    ] {
        let error = edited(text, Format::Yaml, changes).unwrap_err();
        assert!(error.to_string().contains(message), "{changes}: {error}");
    }
}
