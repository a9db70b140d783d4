//! The top level of an `AppSpec`.

use super::{AppSpec, Finding, files, hooks, permissions};
use crate::appspec::document::{self, Document};
use crate::appspec::fields::{Findings, present};
use crate::appspec::{Review, platform, version};
use crate::model::application::ComputePlatform;
use crate::model::deployment::FileExistsBehavior;
use crate::model::yaml::Node;

const KEYS: [&str; 6] = [
    "version",
    "os",
    "files",
    "file_exists_behavior",
    "permissions",
    "hooks",
];

/// Reads an `AppSpec` of the Server platform.
///
/// # Errors
///
/// Everything that is wrong with it.
pub fn parse(text: &str) -> Result<AppSpec, Vec<Finding>> {
    let mut review = review(text);
    let warnings = std::mem::take(&mut review.warnings);
    let appspec = review.whole()?;
    Ok(AppSpec {
        warnings,
        ..appspec
    })
}

/// Reads an `AppSpec` of the Server platform, and answers everything that there is to say about it.
pub fn review(text: &str) -> Review<AppSpec> {
    let Document {
        root: document,
        second,
    } = match document::read(text) {
        Ok(read) => read,
        Err(error) => return Review::refusal(error),
    };
    if let Some(error) = platform::mismatch(&document, ComputePlatform::Server) {
        return Review::refusal(error);
    }
    let mut findings = Findings::default();
    findings.warnings.extend(second);
    findings.unknown_keys(&document, &KEYS);
    version(&document, &mut findings);
    os(&document, &mut findings);
    let (hooks, event_positions) = hooks::read(&document, &mut findings);
    let appspec = AppSpec {
        files: files::read(&document, &mut findings),
        file_exists_behavior: behavior(&document, &mut findings),
        permissions: permissions::read(&document, &mut findings),
        hooks,
        event_positions,
        warnings: Vec::new(),
    };
    Review::of(Some(appspec), findings)
}

fn version(document: &Node, findings: &mut Findings) {
    let version = present(document, "version");
    if let Some(problem) = version::problem(version) {
        findings.error("E03", version.unwrap_or(document), problem);
    }
}

fn os(document: &Node, findings: &mut Findings) {
    match present(document, "os") {
        None => findings.error("E04", document, "os is missing; write os: linux"),
        Some(node) if node.as_str() == Some("linux") => {}
        Some(node) => {
            let written = match node.as_str() {
                Some(text) => format!("{text:?}"),
                None => node.kind().to_owned(),
            };
            let message =
                format!("os is {written}, but these hosts run linux, the only system supported");
            findings.error("E04", node, message);
        }
    }
}

fn behavior(document: &Node, findings: &mut Findings) -> Option<FileExistsBehavior> {
    let node = present(document, "file_exists_behavior")?;
    let behavior = match node.as_str() {
        Some("DISALLOW") => Some(FileExistsBehavior::Disallow),
        Some("OVERWRITE") => Some(FileExistsBehavior::Overwrite),
        Some("RETAIN") => Some(FileExistsBehavior::Retain),
        _ => None,
    };
    if behavior.is_none() {
        let message = "file_exists_behavior is one of DISALLOW, OVERWRITE and RETAIN, in capitals";
        findings.error("E14", node, message);
    }
    behavior
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::lifecycle::LifecycleEvent as E;

    /// Reads an `AppSpec` that is right but for these lines.
    fn read(lines: &str) -> Result<AppSpec, Vec<Finding>> {
        parse(&format!("version: 0.0\nos: linux\n{lines}\n"))
    }

    fn ids(result: Result<AppSpec, Vec<Finding>>) -> Vec<&'static str> {
        result
            .err()
            .into_iter()
            .flatten()
            .map(|finding| finding.id)
            .collect()
    }

    #[test]
    fn the_specified_vectors() {
        let whole: [(&str, &[&str]); 12] = [
            ("", &["E01"]),
            ("# nothing\n", &["E01"]),
            ("- a\n", &["E02"]),
            ("a: [\n", &["E02"]),
            ("version: \"0.0\"\nos: linux\n", &[]),
            ("version: 0\nos: linux\n", &[]),
            ("version: -0.0\nos: linux\n", &[]),
            ("version: 0e0\nos: linux\n", &["E03"]),
            ("version: 1.0\nos: linux\n", &["E03"]),
            ("os: linux\n", &["E03"]),
            ("version: 0.0\nos: Linux\n", &["E04"]),
            ("version: 0.0\n", &["E04"]),
        ];
        for (text, expected) in whole {
            assert_eq!(ids(parse(text)), expected, "{text:?}");
        }
        let lines: [(&str, &[&str]); 28] = [
            ("files:", &[]),
            ("files: [{destination: /x}]", &["E05"]),
            ("files: [{source: a}]", &["E06"]),
            ("files: [{source: a, destination: x}]", &["E07"]),
            ("files: [{source: ../a, destination: /x}]", &["E09"]),
            ("file_exists_behavior: overwrite", &["E14"]),
            ("file_exists_behavior: RETAIN", &[]),
            ("hooks: {AfterInstall: }", &[]),
            ("hooks: {AfterInstall: [{timeout: 3}]}", &["E50"]),
            ("hooks: {AfterInstall: [{location: ' '}]}", &["E50"]),
            (
                "hooks: {AfterInstall: [{location: a, timeout: 0}]}",
                &["E51"],
            ),
            (
                "hooks: {AfterInstall: [{location: a, timeout: -1}]}",
                &["E51"],
            ),
            (
                "hooks: {AfterInstall: [{location: a, timeout: foo}]}",
                &["E51"],
            ),
            ("hooks: {AfterInstall: a.sh}", &["E52"]),
            ("hooks: {AfterInstall: [a.sh]}", &["E52"]),
            ("hooks: {AfterInstall: [{location: ../a.sh}]}", &["E09"]),
            ("permissions: [{owner: root}]", &["E41"]),
            ("permissions: [{object: ' '}]", &["E41"]),
            ("permissions: [{object: /x, type: [socket]}]", &["E42"]),
            ("permissions: [{object: /x, mode: \"9\"}]", &["E24"]),
            ("permissions: [{object: /x, mode: \"12345\"}]", &["E23"]),
            ("permissions: [{object: /x, mode: u+x}]", &["E24"]),
            ("permissions: [{object: /x, acls: ['u:bob:rwz']}]", &["E28"]),
            (
                "permissions: [{object: /x, context: {user: unconfined_u}}]",
                &["E30"],
            ),
            (
                "permissions: [{object: /x, context: {type: t, role: r}}]",
                &["E31"],
            ),
            (
                "permissions: [{object: /x, context: {type: t, range: s3-s2}}]",
                &["E32"],
            ),
            (
                "permissions: [{object: /x, type: file, except: one, mode: 644}]",
                &[],
            ),
            ("unknown: 1", &[]),
        ];
        for (text, expected) in lines {
            assert_eq!(ids(read(text)), expected, "{text:?}");
        }
    }

    #[test]
    fn every_error_is_found_and_says_where() {
        let findings = read("files:\n  - source: a\n  - destination: /x").unwrap_err();
        let shown: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "E06 line 4, column 5: the entry has no destination",
                "E05 line 5, column 5: the entry has no source",
            ]
        );
    }

    #[test]
    fn modes_are_octal_as_they_are_written() {
        for (written, expected, warnings) in [
            ("5", 0o5, 0),
            ("644", 0o644, 0),
            ("\"0644\"", 0o644, 0),
            ("4755", 0o4755, 0),
            ("0644", 0o644, 1),
            ("0755", 0o755, 1),
        ] {
            let spec = read(&format!(
                "permissions: [{{object: /x, type: file, mode: {written}}}]"
            ))
            .unwrap();
            assert_eq!(spec.permissions[0].mode, Some(expected), "{written}");
            assert_eq!(
                spec.warnings.len(),
                warnings,
                "{written} {:?}",
                spec.warnings
            );
        }
    }

    #[test]
    fn timeouts_are_seconds() {
        for (written, expected, warnings) in [("7", 7, 0), ("\"45s\"", 45, 1), ("\"30\"", 30, 0)] {
            let spec = read(&format!(
                "hooks: {{AfterInstall: [{{location: a, timeout: {written}}}]}}"
            ))
            .unwrap();
            let hook = &spec.scripts(E::AfterInstall)[0];
            assert_eq!(hook.timeout, Duration::from_secs(expected), "{written}");
            assert_eq!(spec.warnings.len(), warnings, "{written}");
        }
    }

    #[test]
    fn the_example_of_the_documentation_is_read() {
        let spec = read(
            r#"
files:
  - source: /dist/server
    destination: /opt/app/bin/
  - source: /
    destination: /srv
permissions:
  - object: /opt/app/bin/server
    owner: root
    mode: "0755"
    type:
      - file
hooks:
  BeforeInstall:
    - location: ops/hooks/ensure_user.sh
    - location: ./ops/hooks/backup.sh
      timeout: 900
      runas: tidepool
  Install:
    - location: never.sh
  Unheard:
    - location: of.sh
"#,
        )
        .unwrap();
        assert_eq!(spec.files[0].source.to_str(), Some("dist/server"));
        assert_eq!(spec.files[0].destination.to_str(), Some("/opt/app/bin"));
        assert_eq!(spec.files[1].source.to_str(), Some(""));
        let permission = &spec.permissions[0];
        assert!(permission.files && !permission.directories);
        assert_eq!(
            (permission.pattern.as_str(), permission.mode),
            ("**", Some(0o755))
        );
        let hooks = spec.scripts(E::BeforeInstall);
        assert_eq!(hooks[0].timeout, super::super::DEFAULT_TIMEOUT);
        assert_eq!(hooks[1].runas.as_deref(), Some("tidepool"));
        assert_eq!(hooks[1].location, "./ops/hooks/backup.sh");
        assert_eq!(hooks[1].path.to_str(), Some("ops/hooks/backup.sh"));
        assert_eq!(spec.warnings, []);
    }
}
