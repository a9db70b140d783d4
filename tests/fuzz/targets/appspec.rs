//! AppSpecs: read or refused with findings that have their place, always in the same way.

use cutover::appspec::{self, Finding};

use super::{files, is_in, kind};
use crate::engine::Target;

pub static TARGET: Target = Target {
    name: "appspec",
    seeds: || {
        let kinds = ["accepted", "rejected"];
        let all = kinds.map(|kind| files(&format!("tests/appspec/{kind}"), ".yml"));
        all.concat()
    },
    examine,
};

fn examine(bytes: &[u8]) -> Result<String, String> {
    let text = match appspec::decode(bytes) {
        Ok(text) => text,
        Err(finding) => return Ok(format!("{} {}", finding.id, kind(&finding.message))),
    };
    let read = appspec::parse(&text);
    if appspec::parse(&text) != read {
        return Err("the same text was read in two ways".to_owned());
    }
    let findings = match &read {
        Ok(appspec) => &appspec.warnings,
        Err(errors) => errors,
    };
    for finding in findings {
        let place = finding.position;
        place.map_or(Ok(()), |place| is_in(&text, place.line, place.column))?;
    }
    let ids = |findings: &[Finding]| {
        let ids: Vec<_> = findings.iter().map(|one| one.id).collect();
        ids.join(" ")
    };
    match &read {
        Err(errors) if errors.is_empty() => Err("refused for no reason".to_owned()),
        Err(errors) => Ok(format!(
            "refused {} {}",
            ids(errors),
            kind(&errors[0].message)
        )),
        Ok(appspec) => {
            let files = appspec.files.iter().map(|file| &file.destination);
            let objects = appspec.permissions.iter().map(|one| &one.object);
            for path in files.chain(objects) {
                let odd = path
                    .components()
                    .any(|part| part == std::path::Component::ParentDir);
                if !path.is_absolute() || odd {
                    return Err(format!("{} is not an absolute path", path.display()));
                }
            }
            let hooks = appspec.hooks.values().flatten();
            for hook in hooks {
                let leaves = hook.path.is_absolute()
                    || hook
                        .path
                        .components()
                        .any(|part| part == std::path::Component::ParentDir);
                if leaves {
                    return Err(format!("{} leaves the revision", hook.path.display()));
                }
            }
            Ok(format!(
                "read {} {} {} {}",
                appspec.files.len().min(3),
                appspec.permissions.len().min(3),
                appspec.hooks.len().min(3),
                ids(findings)
            ))
        }
    }
}
