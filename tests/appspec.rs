//! The corpus in `tests/appspec/`, through the real program: beside each file or folder there is everything that
//! `cutover validate` says about it, one finding a line; where there is nothing, it says nothing.
//!
//! `UPDATE_EXPECTED=1 cargo nextest run --test appspec` writes those files anew; look at the difference before you commit.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![allow(missing_docs, reason = "a test says what it proves by its name")]

#[path = "appspec/platforms.rs"]
mod platforms;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use cutover::appspec::server::{RESERVED_VARIABLES, review};
use cutover::appspec::{MAX_BYTES, catalogue, decode};
use cutover::model::lifecycle::LifecycleEvent;
use proptest::prelude::*;
use serde_json::{Value, json};

/// What only a host, an order or another system can bring about.
const NOT_IN_THE_CORPUS: [&str; 10] = [
    "E13", "E15", "E16", "E18", "E19", "E20", "E38", "E40", "E60", "E61",
];

fn validate(args: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cutover"))
        .arg("validate")
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/appspec")
}

/// The cases of one folder, by name.
fn cases(folder: &str) -> Vec<PathBuf> {
    let children = fs::read_dir(corpus().join(folder)).unwrap();
    let mut cases: Vec<_> = children.map(|child| child.unwrap().path()).collect();
    cases.retain(|path| path.extension().is_none_or(|ending| ending != "expected"));
    cases.sort();
    assert!(!cases.is_empty(), "{folder} is empty");
    cases
}

/// Every finding, as a line without the file's name.
fn found(case: &Path, options: &[&str]) -> (bool, Vec<String>) {
    let (folder, name) = (case.parent().unwrap(), case.file_name().unwrap());
    let args = [&[name.to_str().unwrap(), "--output", "json"], options].concat();
    let output = validate(&args, folder);
    let errors = String::from_utf8_lossy(&output.stderr);
    let json: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{}: {error} {errors}", case.display()));
    let ok = json["ok"].as_bool().unwrap();
    assert_eq!(
        output.status.code(),
        Some(i32::from(!ok)),
        "{}",
        case.display()
    );
    let lines = |key: &str, severity: &str| {
        let findings = json[key].as_array().unwrap().iter();
        findings
            .map(|finding| {
                let id = finding["id"].as_str().unwrap();
                let message = finding["message"].as_str().unwrap();
                let (line, column) = (&finding["line"], &finding["column"]);
                let place = if line.is_null() {
                    "-".to_owned()
                } else {
                    format!("{line}:{column}")
                };
                let path = match finding["path"].as_str().unwrap() {
                    "" => String::new(),
                    path => format!("{path}: "),
                };
                format!("{place}: {severity}: {path}{message} [{id}]")
            })
            .collect::<Vec<_>>()
    };
    let mut all = lines("errors", "error");
    all.extend(lines("warnings", "warning"));
    (ok, all)
}

/// Compares every case of a folder with what is expected of it.
fn check(folder: &str, options: &[&str], expected_ok: Option<bool>) {
    for case in cases(folder) {
        let (ok, lines) = found(&case, options);
        let expectation = PathBuf::from(format!("{}.expected", case.display()));
        let mut text = lines.join("\n");
        if !lines.is_empty() {
            text.push('\n');
        }
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            let _ = fs::remove_file(&expectation);
            if !text.is_empty() {
                fs::write(&expectation, &text).unwrap();
            }
        }
        // Where nothing is expected there is no file.
        let expected = fs::read_to_string(&expectation).unwrap_or_default();
        assert_eq!(text, expected, "{}", case.display());
        assert!(
            expected_ok.is_none_or(|expected| expected == ok),
            "{}",
            case.display()
        );
    }
}

#[test]
fn what_codedeploy_accepts_is_accepted() {
    check("accepted", &[], Some(true));
}

#[test]
fn what_is_wrong_is_refused_with_its_place() {
    check("rejected", &[], Some(false));
}

#[test]
fn what_an_appspec_names_is_looked_at() {
    check("revisions", &[], None);
}

#[test]
fn every_finding_of_the_catalogue_is_in_the_corpus() {
    let folders = [
        &["accepted", "rejected", "revisions"][..],
        &platforms::FOLDERS,
    ]
    .concat();
    let found: BTreeSet<String> = folders
        .iter()
        .flat_map(|folder| cases(folder))
        .map(|case| fs::read_to_string(format!("{}.expected", case.display())).unwrap_or_default())
        .flat_map(|text| {
            let ids = text.lines().filter_map(|line| line.rsplit_once('['));
            ids.map(|(_, id)| id.trim_end_matches(']').to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    let missing: Vec<_> = catalogue::ENTRIES
        .iter()
        .map(|entry| entry.id)
        .filter(|id| !found.contains(*id))
        .collect();
    // W04 takes a name that was asked for, which has a test of its own below; W12 and W13 take a host.
    assert_eq!(
        missing,
        [&NOT_IN_THE_CORPUS[..], &["W04", "W12", "W13"]].concat()
    );
}

fn text(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn findings_are_printed_for_editors_and_summed_up() {
    let folder = corpus();
    let (code, printed, _) = text(&validate(&["revisions/default-acl-for-files"], &folder));
    assert_eq!(code, Some(1));
    assert_eq!(
        printed,
        "revisions/default-acl-for-files/appspec.yml:7:5: error: /srv/bin/a.sh is a file, and only directories have default ACL entries [E29]\n\
         revisions/default-acl-for-files/appspec.yml:7:5: error: /srv/bin/sub/b.sh is a file, and only directories have default ACL entries [E29]\n\
         revisions/default-acl-for-files: 2 errors, no warnings\n"
    );
    let (code, printed, _) = text(&validate(&["."], &folder.join("revisions/both-names")));
    assert_eq!(code, Some(0));
    assert_eq!(
        printed,
        "./appspec.yml: warning: both appspec.yml and appspec.yaml exist; appspec.yml is used [W01]\n\
         .: no errors, 1 warning\n"
    );
    let (_, printed, _) = text(&validate(&["accepted/minimal.yml"], &folder));
    assert_eq!(
        printed,
        "accepted/minimal.yml: no errors, no warnings; give its folder to have what it names checked too\n"
    );
    let (_, printed, _) = text(&validate(&["revisions/errors-come-first"], &folder));
    assert!(
        printed.ends_with(
            "1 error, no warnings; what it names is checked as soon as it can be read\n"
        )
    );
}

#[test]
fn a_bundle_is_looked_into() {
    let scratch = tempfile::tempdir().unwrap();
    let pack = |name: &str| {
        let bundles =
            cutover::store::bundles::Bundles::open(scratch.path().join("bundles")).unwrap();
        let packed = bundles
            .pack(&corpus().join("revisions").join(name))
            .unwrap();
        let bundle = scratch.path().join(format!("{name}.tar.gz"));
        fs::copy(bundles.path(&packed.digest), bundle).unwrap();
    };
    pack("entry-that-means-nothing");
    pack("errors-come-first");
    let (code, printed, _) = text(&validate(
        &["entry-that-means-nothing.tar.gz"],
        scratch.path(),
    ));
    assert_eq!(code, Some(0), "{printed}");
    let expected =
        fs::read_to_string(corpus().join("revisions/entry-that-means-nothing.expected")).unwrap();
    for line in expected.lines() {
        assert!(
            printed.contains(&format!(
                "entry-that-means-nothing.tar.gz/appspec.yml:{line}\n"
            )),
            "{printed}"
        );
    }
    let (code, printed, _) = text(&validate(&["errors-come-first.tar.gz"], scratch.path()));
    assert_eq!(code, Some(1));
    assert!(
        printed.starts_with("errors-come-first.tar.gz/appspec.yml:5:18: error: "),
        "{printed}"
    );
}

#[test]
fn another_name_can_be_asked_for() {
    let scratch = tempfile::tempdir().unwrap();
    fs::write(scratch.path().join("appspec.yml"), "broken: [").unwrap();
    fs::write(scratch.path().join("prod.yml"), "version: 0.0\nos: linux\n").unwrap();
    let asked = |name: &str| {
        text(&validate(
            &[".", "--appspec-filename", name],
            scratch.path(),
        ))
    };
    assert_eq!(asked("prod.yml").0, Some(0));
    let (code, printed, _) = asked("test.yml");
    assert_eq!(code, Some(1));
    assert!(
        printed.contains("there is no test.yml; appspec.yml is used [W04]"),
        "{printed}"
    );
}

#[test]
fn ids_are_explained() {
    let (code, printed, _) = text(&validate(&["--explain", "e39"], &corpus()));
    assert_eq!(code, Some(0));
    assert!(
        printed.starts_with("E39: two entries for one target (error)\n\n"),
        "{printed}"
    );
    let (code, _, said) = text(&validate(&["--explain", "E3"], &corpus()));
    assert_eq!(code, Some(2));
    assert!(
        said.starts_with("cutover: there is no finding E3 (did you mean"),
        "{said}"
    );
    let output = validate(&["--explain", "W03", "--output", "json"], &corpus());
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["severity"], "warning");
}

#[test]
fn wrong_usage_is_told_from_errors_in_the_appspec() {
    let scratch = tempfile::tempdir().unwrap();
    for args in [
        &[][..],
        &["missing"],
        &["/dev/null"],
        &["a.yml", "--appspec-filename", "b.yml"],
    ] {
        fs::write(scratch.path().join("a.yml"), "version: 0.0\nos: linux\n").unwrap();
        assert_eq!(
            validate(args, scratch.path()).status.code(),
            Some(2),
            "{args:?}"
        );
    }
}

#[test]
fn a_bundle_that_is_refused_is_a_finding() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name);
    fs::create_dir(at("revision")).unwrap();
    fs::write(at("revision/appspec.yml"), "version: 0.0\nos: linux\n").unwrap();
    fs::write(at("revision/data"), vec![7; 5000]).unwrap();
    for (program, args) in [
        ("tar", &["-czf", "../whole.tar.gz", "."][..]),
        // The oldest format has no magic bytes.
        ("tar", &["--format=v7", "-cf", "../whole.tar", "."]),
        ("zip", &["-qr", "../whole.zip", "."]),
        (
            "tar",
            &["-P", "--transform=s,^,../,", "-cf", "../unsafe.tar", "data"],
        ),
    ] {
        let status = Command::new(program)
            .args(args)
            .current_dir(at("revision"))
            .status();
        let status = status.unwrap_or_else(|error| panic!("{error}: apt-get install {program}"));
        assert!(status.success(), "{program} {args:?}");
    }
    for ending in ["tar.gz", "tar", "zip"] {
        let whole = format!("whole.{ending}");
        let (code, printed, _) = text(&validate(&[&whole], scratch.path()));
        assert_eq!(code, Some(0), "{whole}: {printed}");
        assert_eq!(printed, format!("{whole}: no errors, no warnings\n"));
        let bytes = fs::read(at(&whole)).unwrap();
        let half = format!("half.{ending}");
        fs::write(at(&half), &bytes[..bytes.len() / 2]).unwrap();
    }
    fs::write(at("broken.tar.gz"), b"\x1f\x8bbroken").unwrap();
    for bundle in [
        "half.tar.gz",
        "half.tar",
        "half.zip",
        "broken.tar.gz",
        "unsafe.tar",
    ] {
        let (code, printed, said) = text(&validate(&[bundle], scratch.path()));
        assert_eq!((code, said.as_str()), (Some(1), ""), "{bundle}: {printed}");
        let lines: Vec<_> = printed.lines().collect();
        assert_eq!(lines.len(), 2, "{printed}");
        assert!(
            lines[0].starts_with(&format!("{bundle}: error: ")) && lines[0].ends_with(" [E62]"),
            "{printed}"
        );
        assert_eq!(lines[1], format!("{bundle}: 1 error, no warnings"));
        let output = validate(&[bundle, "--output", "json"], scratch.path());
        assert_eq!(output.status.code(), Some(1));
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["ok"], false, "{bundle}");
        assert_eq!(json["appspec"], Value::Null, "{bundle}");
        assert_eq!(json["errors"][0]["id"], "E62", "{bundle}");
    }
    let (_, printed, _) = text(&validate(&["unsafe.tar"], scratch.path()));
    assert!(printed.contains("\"../data\""), "{printed}");
}

fn documentation(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name);
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_documentation_has_the_catalogue() {
    let text = documentation("appspec.md");
    let is_row = |line: &&str| {
        ["| E", "| L", "| W"]
            .iter()
            .any(|start| line.starts_with(start))
    };
    let rows: Vec<_> = text.lines().filter(is_row).collect();
    let expected: Vec<_> = catalogue::ENTRIES
        .iter()
        .map(|entry| {
            let cells = [entry.id, entry.title, entry.meaning, entry.remedy];
            format!(
                "| {} |",
                cells.map(|cell| cell.replace('|', "\\|")).join(" | ")
            )
        })
        .collect();
    assert_eq!(rows, expected);
}

#[test]
fn the_documentations_examples_are_right_and_its_lists_complete() {
    let text = documentation("appspec.md");
    let examples: Vec<_> = text
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(examples.len(), 3);
    for example in examples {
        let review = review(example);
        assert_eq!(
            (review.errors, review.warnings),
            (vec![], vec![]),
            "{example}"
        );
    }
    for variable in RESERVED_VARIABLES {
        assert!(text.contains(&format!("`{variable}`")), "{variable}");
    }
    for event in LifecycleEvent::SERVER
        .iter()
        .filter(|event| event.carries_hooks())
    {
        assert!(text.contains(&format!("`{event}`")), "{event}");
    }
}

#[test]
fn large_appspecs_are_read_in_time() {
    let head = "version: 0.0\nos: linux\n";
    let fill = |open: &str, item: &str, close: &str| {
        let room = MAX_BYTES / 4 - head.len() - open.len() - close.len();
        format!("{head}{open}{}{close}", item.repeat(room / item.len()))
    };
    let numbered = |open: &str, item: fn(usize) -> String| {
        let items: String = (0..40_000).map(item).collect();
        format!("{head}{open}{items}")
    };
    let started = Instant::now();
    for large in [
        fill("hooks:\n  AfterInstall:\n", "    - location: a\n", ""),
        fill("hooks: {AfterInstall: [", "{location: a}, ", "]}\n"),
        fill("files: [", "{source: a, destination: /x}, ", "]\n"),
        fill("? ", "k", "\n: v\n"),
        fill(
            "permissions: [{object: /x, pattern: \"",
            "a*",
            "\", except: [b]}]\n",
        ),
        fill(
            "permissions: [{object: /x, pattern: a*ab, except: [",
            "a",
            "]}]\n",
        ),
        fill("permissions: [{object: /x, mode: ", "7", "}]\n"),
        fill("x-long: [", "é,", "]\n"),
        fill("x-long: [", "\"a\",", "]\n"),
        fill("x-long: ", "x ", "\n"),
        fill("", "# c\n", ""),
        fill("", "k: v\n", ""),
        fill("", "x-tab:\t1\n", ""),
        fill("x-list:\n  - [\n", "a,\n", "]\n"),
        numbered("", |number| format!("key{number}: v\n")),
        numbered("permissions:\n  - object: /x\n    acls:\n", |number| {
            format!("      - u{number}:7\n")
        }),
        numbered("permissions:\n", |number| {
            format!("  - {{object: /x{number}, except: [a, b]}}\n")
        }),
    ] {
        let _ = review(&large);
    }
    // Many times of what an unoptimised build takes, and far from what one that grows with the square would.
    assert!(
        started.elapsed() < Duration::from_mins(2),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(decode(&vec![b' '; MAX_BYTES + 1]).unwrap_err().id, "E02");
}

/// Any value that JSON can write, made of the words of `AppSpec`s.
fn any_value() -> impl Strategy<Value = Value> {
    let words = || {
        prop::sample::select(vec![
            "files",
            "permissions",
            "hooks",
            "AfterInstall",
            "Install",
            "location",
            "timeout",
            "runas",
            "sudo",
            "environment",
            "PATH",
            "DEPLOYMENT_ID",
            "source",
            "destination",
            "object",
            "pattern",
            "except",
            "type",
            "file",
            "owner",
            "mode",
            "0644",
            "acls",
            "u:bob:rw",
            "d:g::7",
            "context",
            "user",
            "range",
            "s0-s3:c1.c5",
            "self",
            "/srv/app",
            "../x",
            "**",
            "*.sh",
            "",
            " ",
            "30s",
            "x-y",
            "😀",
            "a\0b",
            "a\nb",
        ])
        .prop_map(str::to_owned)
    };
    let leaf = prop_oneof![
        4 => words().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(words(), inner, 0..6)
                .prop_map(|entries| entries.into_iter().collect::<Value>()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(text) = decode(&bytes) {
            let review = review(&text);
            prop_assert!(review.appspec.is_some() || !review.errors.is_empty());
        }
    }

    #[test]
    fn any_heap_of_an_appspecs_words_is_read_or_refused(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "version: 0.0\n", "os: linux\n", "files:", "permissions:", "hooks:", "  AfterInstall:", "\n", "\n  ",
                "\n    ", "- ", "location: ", "timeout: ", "source: ", "destination: ", "object: ", "mode: ", "except: ",
                "pattern: ", "acls: ", "context: ", "range: ", "environment: ", "sudo: ", "self: ", "type: ", "a.sh",
                "/srv/app", "../x", "0644", "1:30", "**", "[", "]", "{", "}", ", ", "~", "d:u:bob:rw", "s0:c1", "&x ",
                "*x", "<<: ", "\"", "'", "é😀", "---\n", "\t", "\0", "\u{feff}",
            ]),
            0..60,
        )
    ) {
        let text = format!("version: 0.0\nos: linux\n{}", pieces.concat());
        for text in [pieces.concat(), text] {
            let review = review(&text);
            prop_assert!(review.appspec.is_some() || !review.errors.is_empty());
            let lines = text.lines().count() + 1;
            for finding in review.errors.iter().chain(&review.warnings) {
                prop_assert!(catalogue::find(finding.id).is_some());
                // Every place is one that an editor can go to.
                if let Some(place) = finding.position {
                    prop_assert!((1..=lines).contains(&place.line), "{finding} in {text:?}");
                    prop_assert!(place.column >= 1);
                }
            }
        }
    }

    #[test]
    fn any_value_anywhere_is_read_or_refused(
        files in any_value(), permissions in any_value(), permission in any_value(), hooks in any_value(),
        scripts in any_value(), script in any_value(),
    ) {
        let mut entry = json!({"object": "/srv/app"});
        if let (Value::Object(entry), Value::Object(more)) = (&mut entry, permission) {
            entry.extend(more);
        }
        for (permissions, hooks) in [
            (permissions, hooks),
            (json!([entry]), json!({"AfterInstall": scripts, "BeforeInstall": [script]})),
        ] {
            let document = json!({
                "version": 0.0, "os": "linux", "files": files, "permissions": permissions, "hooks": hooks,
            });
            let review = review(&document.to_string());
            // What is wrong is never YAML's fault here.
            for finding in &review.errors {
                prop_assert!(finding.id != "E02" && catalogue::find(finding.id).is_some(), "{finding}");
            }
            prop_assert!(review.appspec.is_some());
        }
    }
}
