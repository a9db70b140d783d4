use super::*;
use crate::model::lifecycle::LifecycleEvent as E;

/// An `AppSpec` that is right but for these properties and this section of hooks.
fn text(properties: &str, hooks: &str) -> String {
    let resource = format!("{{Type: AWS::Lambda::Function, Properties: {{{properties}}}}}");
    format!("version: 0.0\nResources:\n  - Printer: {resource}\n{hooks}\n")
}

const RIGHT: &str = "Name: printer, Alias: live, CurrentVersion: 41, TargetVersion: 42";

/// What is said, the warnings last.
fn said(text: &str) -> Vec<String> {
    let review = review(text);
    let all = review.errors.iter().chain(&review.warnings);
    all.map(|finding| format!("{} {}", finding.id, finding.text()))
        .collect()
}

fn check(text: &str, expected: &[&str]) {
    let said = said(text);
    let begins = |(said, expected): (&String, &&str)| said.starts_with(*expected);
    assert!(
        said.len() == expected.len() && said.iter().zip(expected).all(begins),
        "{text}\n{said:#?}\n{expected:#?}"
    );
}

#[test]
fn a_whole_one_is_read() {
    let hooks = "Hooks:\n  - BeforeAllowTraffic: CodeDeployHook_dry\n  - AfterAllowTraffic: 000011112222:function:wet:live";
    let appspec = parse(&text(RIGHT, hooks)).unwrap();
    assert_eq!(
        appspec,
        AppSpec {
            function: Function {
                name: "printer".to_owned(),
                alias: "live".to_owned(),
                current_version: Some(41),
                target_version: 42,
            },
            hooks: BTreeMap::from([
                (E::BeforeAllowTraffic, "CodeDeployHook_dry".to_owned()),
                (
                    E::AfterAllowTraffic,
                    "000011112222:function:wet:live".to_owned()
                ),
            ]),
        }
    );
    let json = serde_json::to_value(&appspec).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "function": {"name": "printer", "alias": "live", "currentVersion": 41, "targetVersion": 42},
            "hooks": {
                "BeforeAllowTraffic": "CodeDeployHook_dry",
                "AfterAllowTraffic": "000011112222:function:wet:live",
            },
        })
    );
    assert_eq!(serde_json::from_value::<AppSpec>(json).unwrap(), appspec);
}

#[test]
fn capitals_and_order_of_keys_make_no_difference() {
    let usual = parse(&text(RIGHT, "Hooks: [{BeforeAllowTraffic: dry}]")).unwrap();
    for other in [
        "hooks: [{beforeallowtraffic: dry}]\nresources: [{Printer: {properties: {targetversion: '42', currentversion: '41', alias: live, name: printer}, type: AWS::Lambda::Function}}]\nVERSION: 0.0",
        "{\"hooks\": {\"BeforeAllowTraffic\": \"dry\"}, \"Resources\": [{\"x\": {\"Type\": \"AWS::Lambda::Function\", \"Properties\": {\"Name\": \"printer\", \"Alias\": \"live\", \"CurrentVersion\": \"41\", \"TargetVersion\": 42}}}], \"version\": 0.0}",
    ] {
        assert_eq!(said(other), [""; 0], "{other}");
        assert_eq!(parse(other).unwrap(), usual, "{other}");
    }
}

#[test]
fn the_current_version_and_hooks_may_be_left_out() {
    for hooks in [
        "",
        "Hooks:",
        "Hooks: []",
        "Hooks: {}",
        "Hooks: [{BeforeAllowTraffic: }]",
    ] {
        let appspec = parse(&text("Name: a, Alias: b, TargetVersion: 1", hooks)).unwrap();
        assert_eq!(appspec.function.current_version, None);
        assert_eq!(appspec.hooks, BTreeMap::new(), "{hooks}");
    }
}

#[test]
fn texts_that_cannot_be_read() {
    for (text, expected) in [
        ("", "L01 the AppSpec is empty"),
        ("# nothing\n", "L01 the AppSpec is empty"),
        ("- a\n", "L01 an AppSpec is a mapping, but this is a list"),
        ("a: [\n", "L01 not valid YAML"),
        (
            "a: 1\na: 2\n",
            "L01 the key \"a\" is on line 1 and on line 2",
        ),
    ] {
        check(text, &[expected]);
    }
}

#[test]
fn the_version_is_zero() {
    let resource = text(RIGHT, "").replace("version: 0.0\n", "");
    for (version, expected) in [
        ("version: 0.0", &[][..]),
        ("version: \"0.0\"", &[]),
        ("version: 0", &[]),
        ("Version: 0.0", &[]),
        (
            "version: 1.0",
            &["L01 version: write version: 0.0; there is no other"],
        ),
        ("version: 0e0", &["L01 version: write version: 0.0"]),
        ("version:", &["L01 version is missing; write version: 0.0"]),
        ("", &["L01 version is missing; write version: 0.0"]),
        (
            "version: 0.0\nVERSION: 0.0",
            &["L01 VERSION: the key is \"version\" on line 1 too"],
        ),
    ] {
        check(&format!("{version}\n{resource}"), expected);
    }
}

#[test]
fn there_is_one_resource_of_the_type() {
    let body = format!("{{Type: AWS::Lambda::Function, Properties: {{{RIGHT}}}}}");
    for (resources, expected) in [
        (
            String::new(),
            &["L02 Resources is missing; write a list"][..],
        ),
        ("Resources:".to_owned(), &["L02 Resources is missing"]),
        (
            "Resources: []".to_owned(),
            &["L02 Resources: there is no resource"],
        ),
        (
            "Resources: [{}]".to_owned(),
            &["L02 Resources: there is no resource"],
        ),
        (
            "Resources: [{a: }]".to_owned(),
            &["L02 Resources: there is no resource"],
        ),
        (
            "Resources: text".to_owned(),
            &["L02 Resources: this is text, not a list"],
        ),
        (
            "Resources: [text]".to_owned(),
            &["L02 Resources[0]: this is text, not a mapping"],
        ),
        (
            "Resources: [{a: text}]".to_owned(),
            &["L02 Resources[0].a: this is text, not a mapping"],
        ),
        (
            format!("Resources: {{a: {body}}}"),
            &["L02 Resources: this is a mapping, not a list"],
        ),
        (
            format!("Resources: [{{a: {body}}}, {{b: {body}}}]"),
            &["L02 Resources[1].b: a deployment is about one resource"],
        ),
        (
            format!("Resources: [{{a: {body}, b: {body}}}]"),
            &["L02 Resources[0].b: a deployment is about one resource"],
        ),
        (format!("Resources: [{{a: {body}}}]"), &[]),
        (format!("Resources: [{{any thing: {body}}}]"), &[]),
        (
            format!("Resources: [{{a: {{Properties: {{{RIGHT}}}}}}}]"),
            &["L02 Resources[0].a: Type is missing; write Type: AWS::Lambda::Function"],
        ),
        (
            format!("Resources: [{{a: {{Type: [x], Properties: {{{RIGHT}}}}}}}]"),
            &["L02 Resources[0].a.Type: this is a list, not text"],
        ),
        (
            format!("Resources: [{{a: {{Type: AWS::Lambda::Alias, Properties: {{{RIGHT}}}}}}}]"),
            &[
                "L02 Resources[0].a.Type: there is no type \"AWS::Lambda::Alias\" here (did you mean \"AWS::Lambda::Function\"?)",
            ],
        ),
        (
            format!("Resources: [{{a: {{Type: aws::lambda::function, Properties: {{{RIGHT}}}}}}}]"),
            &[
                "L02 Resources[0].a.Type: there is no type \"aws::lambda::function\" here (did you mean",
            ],
        ),
        (
            format!("Resources: [{{a: {{Type: Function, Properties: {{{RIGHT}}}}}}}]"),
            &[
                "L02 Resources[0].a.Type: there is no type \"Function\" here (write Type: AWS::Lambda::Function)",
            ],
        ),
        (
            "Resources: [{a: {Type: AWS::Lambda::Function}}]".to_owned(),
            &[
                "L03 Resources[0].a: Properties is missing; it has Name, Alias, CurrentVersion, TargetVersion",
            ],
        ),
        (
            "Resources: [{a: {Type: AWS::Lambda::Function, Properties: []}}]".to_owned(),
            &["L03 Resources[0].a.Properties: this is a list, not a mapping"],
        ),
    ] {
        check(&format!("version: 0.0\n{resources}\n"), expected);
    }
}

/// Checks rows of properties; what is expected begins behind the id and the path of the properties.
fn check_properties(rows: &[(&str, &[&str])]) {
    for (properties, expected) in rows {
        let whole = |end: &&str| format!("L03 Resources[0].Printer.Properties{end}");
        let expected: Vec<_> = expected.iter().map(whole).collect();
        let expected: Vec<_> = expected.iter().map(String::as_str).collect();
        check(&text(properties, ""), &expected);
    }
}

#[test]
fn the_function_and_its_alias_have_names() {
    check_properties(&[
        (
            "",
            &[
                ": Name is missing",
                ": Alias is missing",
                ": TargetVersion is missing",
            ],
        ),
        (
            "Name: , Alias: b, TargetVersion: 2",
            &[": Name is missing; write the name of the function"],
        ),
        (
            "Name: '', Alias: b, TargetVersion: 2",
            &[".Name: this is empty"],
        ),
        (
            "Name: [a], Alias: b, TargetVersion: 2",
            &[".Name: this is a list, not text"],
        ),
        (
            "Name: a b, Alias: b, TargetVersion: 2",
            &[".Name: \"a b\" is no function's name"],
        ),
        (
            "Name: 'a:live', Alias: b, TargetVersion: 2",
            &[".Name: \"live\" behind the name has no meaning here"],
        ),
        (
            "Name: 'arn:aws:lambda:eu-north-1:000011112222:function:a', Alias: b, TargetVersion: 2",
            &[],
        ),
        (
            "Name: 'arn:aws:s3:::a', Alias: b, TargetVersion: 2",
            &[".Name: \"arn:aws:s3:::a\" is no function's ARN"],
        ),
        ("Name: a, TargetVersion: 2", &[": Alias is missing"]),
        (
            "Name: a, Alias: {}, TargetVersion: 2",
            &[".Alias: this is a mapping, not text"],
        ),
        (
            "Name: a, Alias: 7, TargetVersion: 2",
            &[".Alias: \"7\" is a version, not an alias"],
        ),
        (
            "Name: a, Alias: $LATEST, TargetVersion: 2",
            &[".Alias: \"$LATEST\" is a version"],
        ),
        (
            "Name: a, Alias: b c, TargetVersion: 2",
            &[".Alias: \"b c\" is no alias"],
        ),
    ]);
}

#[test]
fn versions_are_whole_numbers_above_zero() {
    for (target, expected) in [
        ("1", None),
        ("'42'", None),
        ("' 42 '", None),
        ("", Some(": TargetVersion is missing; write the number")),
        (
            "0",
            Some(".TargetVersion: \"0\" is no version, which is a whole number above zero"),
        ),
        ("-1", Some(".TargetVersion: \"-1\" is no version")),
        ("+1", Some(".TargetVersion: \"+1\" is no version")),
        ("1.0", Some(".TargetVersion: \"1.0\" is no version")),
        ("042", Some(".TargetVersion: \"042\" is no version")),
        ("0x2", Some(".TargetVersion: \"0x2\" is no version")),
        ("live", Some(".TargetVersion: \"live\" is no version")),
        ("''", Some(".TargetVersion: \"\" is no version")),
        (
            "'$LATEST'",
            Some(".TargetVersion: $LATEST is what is not published"),
        ),
        (
            "[2]",
            Some(".TargetVersion: this is a list, and a version is"),
        ),
        (
            "99999999999999999999",
            Some(".TargetVersion: \"99999999999999999999\" is no version"),
        ),
    ] {
        let properties = format!("Name: a, Alias: b, TargetVersion: {target}");
        check_properties(&[(&properties, expected.as_slice())]);
    }
    check_properties(&[
        ("Name: a, Alias: b", &[": TargetVersion is missing"]),
        (
            "Name: a, Alias: b, CurrentVersion: x, TargetVersion: 2",
            &[".CurrentVersion: \"x\" is no version"],
        ),
        (
            "Name: a, Alias: b, CurrentVersion: $LATEST, TargetVersion: 2",
            &[".CurrentVersion: $LATEST is what"],
        ),
        ("Name: a, Alias: b, CurrentVersion: , TargetVersion: 2", &[]),
        (
            "Name: a, Alias: b, CurrentVersion: 3, TargetVersion: 2",
            &[],
        ),
    ]);
}

#[test]
fn what_is_there_twice_or_unknown_is_said() {
    for (properties, expected) in [
        (
            "CurrentVersion: '2'",
            "L08 Resources[0].Printer.Properties.TargetVersion: the traffic is to go from version 2 to the same",
        ),
        (
            "name: a",
            "L01 Resources[0].Printer.Properties.name: the key is \"Name\" on line 3 too",
        ),
        (
            "TargetVersoin: 2",
            "W03 Resources[0].Printer.Properties.TargetVersoin: this key is ignored (did you mean \"TargetVersion\"?)",
        ),
        (
            "Nothing: 1, x-mine: 1",
            "W03 Resources[0].Printer.Properties.Nothing: this key is ignored",
        ),
    ] {
        let properties = format!("Name: a, Alias: b, TargetVersion: 2, {properties}");
        check(&text(&properties, ""), &[expected]);
    }
}

#[test]
fn an_event_has_one_function() {
    for (hooks, expected) in [
        ("[{BeforeAllowTraffic: a}, {AfterAllowTraffic: a}]", &[][..]),
        ("{BeforeAllowTraffic: a, AfterAllowTraffic: a}", &[]),
        ("{AfterAllowTraffic: a, BeforeAllowTraffic: a}", &[]),
        ("[{BeforeAllowTraffic: a, AfterAllowTraffic: b}]", &[]),
        (
            "[{AfterAllowTraffic: a}, {BeforeAllowTraffic: a}]",
            &["W40 Hooks[1].BeforeAllowTraffic: BeforeAllowTraffic comes before AfterAllowTraffic"],
        ),
        (
            "text",
            &["L06 Hooks: this is text, not a list; write a list"],
        ),
        ("[text]", &["L06 Hooks[0]: this is text, not a mapping"]),
        ("[ , ]", &["L01 not valid YAML"]),
        ("[null]", &["L06 Hooks[0]: this is nothing, not a mapping"]),
        (
            "[{BeforeAllowTraffic: [a, b]}]",
            &[
                "L06 Hooks[0].BeforeAllowTraffic: this is a list, not text; an event has the name or the ARN of one function",
            ],
        ),
        (
            "[{BeforeAllowTraffic: [{location: a.sh}]}]",
            &["L06 Hooks[0].BeforeAllowTraffic: this is a list, not text"],
        ),
        (
            "[{BeforeAllowTraffic: ''}]",
            &["L06 Hooks[0].BeforeAllowTraffic: this is empty"],
        ),
        (
            "[{BeforeAllowTraffic: 'http://localhost/check'}]",
            &[
                "L06 Hooks[0].BeforeAllowTraffic: \"http://localhost/check\" is an address or a path; write a name",
            ],
        ),
        (
            "[{BeforeAllowTraffic: a}, {BeforeAllowTraffic: b}]",
            &["L05 Hooks[1].BeforeAllowTraffic: BeforeAllowTraffic is on line 4 already"],
        ),
        (
            "{BeforeAllowTraffic: a, beforeAllowTraffic: b}",
            &["L05 Hooks.beforeAllowTraffic: BeforeAllowTraffic is on line 4 already"],
        ),
        (
            "[{AllowTraffic: a}]",
            &[
                "L05 Hooks[0].AllowTraffic: in AllowTraffic the orchestrator itself acts; the events that have functions on Lambda are BeforeAllowTraffic, AfterAllowTraffic",
            ],
        ),
        (
            "[{BeforeAlowTraffic: a}]",
            &[
                "L05 Hooks[0].BeforeAlowTraffic: there is no such event on Lambda (did you mean \"BeforeAllowTraffic\"?)",
            ],
        ),
        (
            "[{ApplicationStart: a}]",
            &[
                "L05 Hooks[0].ApplicationStart: there is no such event on Lambda; its events are BeforeAllowTraffic, AfterAllowTraffic",
            ],
        ),
        (
            "[{BeforeInstall: a}]",
            &["L05 Hooks[0].BeforeInstall: there is no such event on Lambda"],
        ),
        ("[{BeforeInstall: }]", &[]),
    ] {
        check(&text(RIGHT, &format!("Hooks: {hooks}")), expected);
    }
}

#[test]
fn every_error_is_found_at_its_place_in_the_order_of_the_text() {
    let text = "version: 1\nResources:\n  - Printer:\n      Type: AWS::Lambda::Functions\n      Properties:\n        Name: a b\n        Alias: live\nHooks:\n  - Before: x\n";
    let shown: Vec<_> = review(text)
        .errors
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        shown,
        [
            "L01 line 1, column 10: version: write version: 0.0; there is no other",
            "L02 line 4, column 13: Resources[0].Printer.Type: there is no type \"AWS::Lambda::Functions\" here (did you mean \"AWS::Lambda::Function\"?)",
            "L03 line 6, column 9: Resources[0].Printer.Properties: TargetVersion is missing; write the number of the version that is to get the traffic",
            "L03 line 6, column 15: Resources[0].Printer.Properties.Name: \"a b\" is no function's name, which is up to 64 letters, digits, - and _",
            "L05 line 9, column 5: Hooks[0].Before: there is no such event on Lambda; its events are BeforeAllowTraffic, AfterAllowTraffic",
        ]
    );
}

#[test]
fn a_second_document_and_unknown_keys_are_warned_of() {
    let once = text(RIGHT, "Hook: []");
    check(
        &format!("{once}---\nversion: 0.0\n"),
        &[
            "W03 Hook: this key is ignored (did you mean \"Hooks\"?)",
            "W02 a second document starts here",
        ],
    );
}
