//! Nodes to types.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::model::name::Name;
use crate::model::yaml::{from_node_all, from_str, parse, to_string};

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Example {
    name: Option<Name>,
    #[serde(default)]
    hosts: Vec<Machine>,
    #[serde(default)]
    strategy: Strategy,
    #[serde(default)]
    enabled: bool,
    #[serde(default)]
    share: f64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Machine {
    address: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    weight: u8,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Strategy {
    #[default]
    InPlace,
    BlueGreen,
    Percent(u32),
}

#[test]
fn types_are_read() {
    let text = "
name: shop
hosts:
  - address: 0644
    tags: { Version: 1.0, Live: true, Quoted: \"5\" }
    weight: 0x10
  - { address: x, weight: +7 }
strategy: BLUE_GREEN
enabled: True
share: 1
";
    let example: Example = from_str(text).unwrap();
    assert_eq!(example.hosts[0].address, "0644");
    assert_eq!(example.hosts[0].tags["Version"], "1.0");
    assert_eq!(example.hosts[0].tags["Live"], "true");
    assert_eq!(example.hosts[0].weight, 16);
    assert_eq!(example.hosts[1].weight, 7);
    assert_eq!(example.strategy, Strategy::BlueGreen);
    assert!(example.enabled);
    assert!((example.share - 1.0).abs() < f64::EPSILON);

    let example: Example = from_str("name: ~\nstrategy: { PERCENT: 5 }\n").unwrap();
    assert_eq!(example.name, None);
    assert_eq!(example.strategy, Strategy::Percent(5));
    assert_eq!(from_str::<Option<Example>>("# nothing").unwrap(), None);
}

#[test]
fn untyped_reading_follows_the_core_schema() {
    let value: serde_json::Value =
        from_str("{a: [1, -2, 1.5, true, ~, yes, \"1\", 0o17], b: {}}").unwrap();
    assert_eq!(
        value,
        serde_json::json!({ "a": [1, -2, 1.5, true, null, "yes", "1", 15], "b": {} })
    );
}

#[test]
fn errors_say_where_what_and_what_instead() {
    for (text, expected) in [
        (
            "hosts:\n  - adress: x\n",
            r#"2:5: hosts[0]: unknown field "adress" (did you mean "address"?)"#,
        ),
        (
            "zzz: 1\n",
            r#"1:1: unknown field "zzz" (known here: name, hosts, strategy, enabled, share)"#,
        ),
        (
            "hosts:\n  - weight: 5\n",
            r#"2:5: hosts[0]: the field "address" is missing"#,
        ),
        (
            "hosts: {a: 1}\n",
            "1:8: hosts: expected a list, found a mapping",
        ),
        ("hosts:\n", "1:6: hosts: expected a list, found nothing"),
        (
            "hosts: [[]]\n",
            "1:9: hosts[0]: expected a mapping, found a list",
        ),
        (
            "hosts:\n  - address: [1]\n",
            "2:14: hosts[0].address: expected text, found a list",
        ),
        (
            "hosts:\n  - address: ~\n",
            "2:14: hosts[0].address: expected text, found nothing",
        ),
        (
            "hosts: [{address: x, tags: {Env: [1]}}]\n",
            "1:34: hosts[0].tags.Env: expected text, found a list",
        ),
        (
            "hosts: [{address: x, weight: 256}]\n",
            "1:30: hosts[0].weight: expected a whole number from 0 to 255, found the number 256",
        ),
        (
            "hosts: [{address: x, weight: -1}]\n",
            "1:30: hosts[0].weight: expected a whole number from 0 to 255, found the number -1",
        ),
        (
            "hosts: [{address: x, weight: \"5\"}]\n",
            "1:30: hosts[0].weight: expected a whole number, found the text \"5\" (a number takes no quotes)",
        ),
        (
            "enabled: yes\n",
            "1:10: enabled: expected true or false, found the text \"yes\"",
        ),
        (
            "strategy: blue_green\n",
            "1:11: strategy: expected one of IN_PLACE, BLUE_GREEN, PERCENT, found \"blue_green\" (did you mean \"BLUE_GREEN\"?)",
        ),
        (
            "strategy: [1]\n",
            "1:11: strategy: expected a name, found a list",
        ),
        (
            "name: a b\n",
            "1:7: name: a name consists of letters, digits and + = , . @ _ -, not ' '",
        ),
        ("- 1\n", "1:1: expected a mapping, found a list"),
        ("", "1:1: expected a mapping, found nothing"),
    ] {
        let error = from_str::<Example>(text).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    }
}

#[test]
fn all_errors_of_a_document_are_found() {
    let text = "
nmae: shop
hosts:
  - adress: x
    weight: 300
  - address: y
    weight: many
strategy: NONE
";
    let node = parse(text).unwrap().unwrap();
    let errors: Vec<String> = from_node_all::<Example>(&node)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        errors,
        [
            r#"2:1: unknown field "nmae" (did you mean "name"?)"#,
            r#"4:5: hosts[0]: unknown field "adress" (did you mean "address"?)"#,
            "5:13: hosts[0].weight: expected a whole number from 0 to 255, found the number 300",
            r#"4:5: hosts[0]: the field "address" is missing"#,
            r#"7:13: hosts[1].weight: expected a whole number, found the text "many""#,
            r#"8:11: strategy: expected one of IN_PLACE, BLUE_GREEN, PERCENT, found "NONE""#,
        ]
    );
}

#[test]
fn leaving_out_what_is_wrong_brings_no_further_complaint() {
    let node = parse("hosts:\n  - address: [1]\nenabled: 1\n")
        .unwrap()
        .unwrap();
    let errors = from_node_all::<Example>(&node).unwrap_err();
    assert_eq!(errors.len(), 2, "{errors:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(texts in prop::collection::btree_map("[^<]{0,12}", ".{0,12}", 0..6)) {
        let written = to_string(&texts).unwrap();
        prop_assert_eq!(from_str::<BTreeMap<String, String>>(&written).unwrap(), texts, "{}", written);
    }

    #[test]
    fn json_is_read(texts in prop::collection::btree_map("[ -~é]{0,12}", "[ -~é\n\t]{0,12}", 0..6)) {
        let written = serde_json::to_string_pretty(&texts).unwrap();
        prop_assert_eq!(from_str::<BTreeMap<String, String>>(&written).unwrap(), texts, "{}", written);
    }
}
