//! Text to nodes.

use std::fmt::Write as _;

use proptest::prelude::*;

use crate::model::yaml::{Node, Value, parse, parse_first};

fn node(text: &str) -> Node {
    parse(text).unwrap().unwrap()
}

fn error(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn an_empty_document_is_none() {
    for text in ["", "\n", "# only a comment\n", "---\n", "\u{feff}"] {
        assert_eq!(parse(text).unwrap(), None, "{text:?}");
    }
}

#[test]
fn scalars_keep_their_text() {
    let mapping = node("mode: 0644\nquoted: \"0644\"\nempty:\ntilde: ~\nversion: 0.0\n");
    let scalar = |key: &str| mapping.get(key).unwrap().value.clone();
    let plain = |text: &str| Value::Scalar {
        text: text.to_owned(),
        plain: true,
    };
    assert_eq!(scalar("mode"), plain("0644"));
    assert_eq!(
        scalar("quoted"),
        Value::Scalar {
            text: "0644".to_owned(),
            plain: false
        }
    );
    assert_eq!(scalar("empty"), Value::Null);
    assert_eq!(scalar("tilde"), plain("~"));
    assert!(mapping.get("tilde").unwrap().is_null());
    assert_eq!(scalar("version"), plain("0.0"));
}

#[test]
fn spans_are_exact() {
    let text = "\u{feff}hosts:\r\n  - name: wéb-1\r\n    tags: {Env: prod, Ö: x}\r\n  # end\r\nlast: [1, 2]\r\n";
    let root = node(text);
    let slice = |node: &Node| &text[node.span.start.offset..node.span.end.offset];
    let host = &root.get("hosts").unwrap().as_sequence().unwrap()[0];
    assert_eq!(slice(host.get("name").unwrap()), "wéb-1");
    assert_eq!(slice(host.get("tags").unwrap()), "{Env: prod, Ö: x}");
    assert_eq!(slice(host.get("tags").unwrap().get("Ö").unwrap()), "x");
    assert_eq!(slice(host), "name: wéb-1\r\n    tags: {Env: prod, Ö: x}");
    let (key, last) = root.entry("last").unwrap();
    assert_eq!(slice(last), "[1, 2]");
    assert_eq!((key.span.start.line, key.span.start.column), (5, 1));
    assert_eq!((last.span.start.line, last.span.start.column), (5, 7));
}

#[test]
fn json_is_yaml() {
    let root = node("{\n\t\"a\": [1, true, null, \"x\\n\\u00e9\"],\n\t\"b\": {}\n}\n");
    let items = root.get("a").unwrap().as_sequence().unwrap();
    assert_eq!(items[3].as_str(), Some("x\né"));
    assert_eq!(root.get("b").unwrap().as_mapping(), Some(&[][..]));
}

#[test]
fn json_may_write_a_character_as_two_halves() {
    let root = node(
        "{\"a\": \"x \\uD83D\\uDe00\\n\", \"\\ud83d\\ude00\": [\"\\\\ud83d\\\\ude00\"], \"é\": 1}",
    );
    assert_eq!(root.get("a").unwrap().as_str(), Some("x 😀\n"));
    let list = root.get("😀").unwrap().as_sequence().unwrap();
    assert_eq!(list[0].as_str(), Some("\\ud83d\\ude00"));
    assert_eq!(root.get("é").unwrap().span.start.column, 68);
    // In YAML that is not JSON it is what YAML says: an error in double quotes, plain text elsewhere.
    assert!(error("a: \"\\ud83d\\ude00\"\n").contains("invalid Unicode"));
    assert_eq!(
        node("a: '\\ud83d\\ude00'\n").get("a").unwrap().as_str(),
        Some("\\ud83d\\ude00")
    );
    assert!(error("[\"\\ud83d x\"]").contains("invalid Unicode"));
}

#[test]
fn a_tab_may_stand_between_key_and_value() {
    let root = node(
        "\u{feff}a:\t0.0\né:\t\tx:no\tkey\nlist:\n  - b:\t-y\ntext: |\n  c:\td\nquoted: \"e:\tf\"\n",
    );
    assert_eq!(root.get("a").unwrap().as_str(), Some("0.0"));
    assert_eq!(root.get("é").unwrap().as_str(), Some("x:no\tkey"));
    assert_eq!(root.get("é").unwrap().span.start.column, 5);
    let item = &root.get("list").unwrap().as_sequence().unwrap()[0];
    assert_eq!(item.get("b").unwrap().as_str(), Some("-y"));
    assert_eq!(root.get("text").unwrap().as_str(), Some("c:\td\n"));
    assert_eq!(root.get("quoted").unwrap().as_str(), Some("e:\tf"));
    // Many of them are read as long as that does not take too long.
    assert!(parse(&"- a:\tb\n".repeat(100)).is_ok());
    assert!(parse(&"- a:\tb\n".repeat(20_000)).is_err());
}

#[test]
fn brackets_need_no_indentation() {
    let text = "a:\n  - b: [\n  é, {\n c: x\n y}\n]\n    d:\t2\ne: 3\n";
    let root = node(text);
    let item = &root.get("a").unwrap().as_sequence().unwrap()[0];
    let list = item.get("b").unwrap().as_sequence().unwrap();
    let place = |node: &Node| (node.span.start.line, node.span.start.column);
    assert_eq!(list[0].as_str(), Some("é"));
    assert_eq!(place(&list[0]), (3, 3));
    assert_eq!(list[1].get("c").unwrap().as_str(), Some("x y"));
    assert_eq!(item.get("d").unwrap().as_str(), Some("2"));
    let slice = |node: &Node| &text[node.span.start.offset..node.span.end.offset];
    assert_eq!(slice(item.get("b").unwrap()), "[\n  é, {\n c: x\n y}\n]");
    assert_eq!(place(root.get("e").unwrap()), (8, 4));
    assert!(error("a: {\nb: [\n}\n").starts_with("3:1: not valid YAML"));
}

#[test]
fn of_several_documents_the_first_can_be_read() {
    let first = |text: &str| {
        let (node, second) = parse_first(text).unwrap();
        let shown = node.and_then(|node| Some(node.get("a")?.as_str()?.to_owned()));
        (shown, second.map(|place| (place.line, place.column)))
    };
    let one = Some("1".to_owned());
    assert_eq!(first("a: 1\n"), (one.clone(), None));
    assert_eq!(first("---\na: 1\n---\na: 2\n"), (one.clone(), Some((3, 1))));
    assert_eq!(
        first("a: 1\n---\n\tbroken: [\n"),
        (one.clone(), Some((2, 1)))
    );
    assert_eq!(first("a: 1\n...\nb: 2\n"), (one, Some((3, 1))));
    assert_eq!(first("---\n---\na: 2\n"), (None, Some((2, 1))));
    assert!(parse_first("{a: 1} }\n").is_err());
}

#[test]
fn aliases_and_merge_keys() {
    let root = node(
        "base: &base {a: 1, b: 2}\nmore: &more {c: 3, b: 9}\none: {<<: *base, b: 4}\nboth: {<<: [*base, *more]}\nlist: *base\n",
    );
    let text = |mapping: &str, key: &str| {
        root.get(mapping)
            .and_then(|node| node.get(key))
            .and_then(Node::as_str)
            .map(str::to_owned)
    };
    assert_eq!(text("one", "a").as_deref(), Some("1"));
    assert_eq!(text("one", "b").as_deref(), Some("4"));
    assert_eq!(text("both", "b").as_deref(), Some("2"));
    assert_eq!(text("both", "c").as_deref(), Some("3"));
    assert_eq!(text("list", "a").as_deref(), Some("1"));
}

#[test]
fn faults_are_named_with_their_place() {
    for (text, expected) in [
        (
            "a: 1\nb: 2\na: 3\n",
            "3:1: the key \"a\" is on line 1 and on line 3",
        ),
        (
            "a:\n\tb: 1\n",
            "2:1: a tab in the indentation: YAML takes spaces only",
        ),
        (
            "\u{feff}é: 1\na\0: 2\n",
            "2:2: the control character U+0000 cannot stand here",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "2:1: a second document starts here; a file holds one",
        ),
        ("? [a]\n: 1\n", "1:3: a key must be text, found a list"),
        ("{a: 1}: 2\n", "1:1: a key must be text, found a mapping"),
        ("a: !Ref b\n", "1:9: the tag !Ref means nothing here"),
        (
            "a: &a [1, *a]\n",
            "1:11: an alias must not stand inside its own anchor",
        ),
        (
            "a: {<<: 5}\n",
            "1:9: << takes a mapping or a list of them, found a number",
        ),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
    for (text, place) in [
        (
            "a: *.sh\n",
            "1:4: not valid YAML: while parsing node, found unknown anchor (put text that begins with * in quotes)",
        ),
        (
            "a: @x\n",
            "1:4: not valid YAML: unexpected character: `@' (put",
        ),
        ("a: [1, 2\nb: 3\n", "2:"),
        ("a: \"open\n", ""),
        ("a: b: c\n", "1:5: not valid YAML"),
        (" a: 1\nb: 2\n", "2:1: not valid YAML"),
    ] {
        let message = error(text);
        assert!(message.starts_with(place), "{text}: {message}");
    }
}

#[test]
fn hostile_documents_are_refused_early() {
    let deep = "[".repeat(200);
    assert!(error(&deep).contains("nested deeper than 128 levels"));

    assert!(error(&"[".repeat(100_000)).starts_with("1:"));

    let mut laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        writeln!(laughs, "a{level}: &a{level} [{items}]").unwrap();
    }
    assert!(error(&laughs).contains("aliases make this document too large"));

    let (open, close) = ("[&a ".repeat(100), "]".repeat(100));
    let kept = format!("{open}[{}]{close}", "x,".repeat(500_000));
    assert!(error(&kept).contains("anchors hold too much of this document"));

    let mut chain = "a0: &a0 [x]\n".to_owned();
    for level in 1..300 {
        writeln!(chain, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    assert!(error(&chain).contains("nested deeper than 128 levels"));
}

/// Every scalar's span holds its text, if it is plain and on one line.
fn check_spans(text: &str, node: &Node) {
    let slice = &text[node.span.start.offset..node.span.end.offset];
    match &node.value {
        Value::Scalar { text, plain: true } if !slice.contains(['\n', '\r', '!']) => {
            assert_eq!(slice.trim(), text.trim());
        }
        Value::Null | Value::Scalar { .. } => {}
        Value::Sequence(items) => items.iter().for_each(|item| check_spans(text, item)),
        Value::Mapping(entries) => {
            for (key, value) in entries {
                check_spans(text, key);
                check_spans(text, value);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,80}") {
        if let Ok(Some(node)) = parse(&text) {
            check_spans(&text, &node);
        }
    }

    #[test]
    fn any_heap_of_yaml_is_read_or_refused(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "a", "é", ": ", "- ", "\n", "\r\n", "  ", "\t", "[", "]", "{", "}", ", ", "&x ", "*x", "<<", "\"", "'", "\\ud83d", "\\ude00", "\0",
                "#", "|", ">", "!!str ", "? ", "---\n", "...", "%", "\\", "\u{feff}", "0644", "~", "\u{85}", "\u{2028}",
            ]),
            0..40,
        )
    ) {
        let text = pieces.concat();
        if let Ok(Some(node)) = parse(&text) {
            check_spans(&text, &node);
        }
    }
}
