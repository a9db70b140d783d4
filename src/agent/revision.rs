//! An unpacked revision's `AppSpec`: one way to find and read it, for every event.

use std::fs;
use std::path::Path;

use crate::appspec::{self, AppSpec, FILE_NAMES, Finding};

/// The name of the `AppSpec` in a revision's folder.
///
/// # Errors
///
/// When it is not there.
pub fn find(folder: &Path, asked: Option<&str>) -> Result<String, String> {
    let names = asked.into_iter().chain(FILE_NAMES);
    let mut there = names.filter(|name| folder.join(name).is_file());
    there
        .next()
        .map(str::to_owned)
        .ok_or_else(|| format!("E17 there is no AppSpec in {}", folder.display()))
}

/// Reads the `AppSpec` of an unpacked revision.
///
/// # Errors
///
/// One sentence with everything that is wrong.
pub fn appspec(archive: &Path) -> Result<AppSpec, String> {
    let present: Vec<_> = FILE_NAMES
        .iter()
        .filter(|name| archive.join(name).is_file())
        .collect();
    let Some(name) = present.first() else {
        return Err(format!(
            "E17 there is no {} (or {}) in {}",
            FILE_NAMES[0],
            FILE_NAMES[1],
            archive.display()
        ));
    };
    let bytes = fs::read(archive.join(name)).map_err(|error| format!("reading {name}: {error}"))?;
    let text =
        String::from_utf8(bytes).map_err(|error| format!("E02 {name} is not UTF-8: {error}"))?;
    let mut spec = appspec::parse(&text)
        .map_err(|findings| format!("{name}: {}", appspec::sentence(&findings)))?;
    if present.len() > 1 {
        let message = format!(
            "both {} and {} exist; the first is used",
            FILE_NAMES[0], FILE_NAMES[1]
        );
        spec.warnings.push(Finding::whole("E17", message));
    }
    Ok(spec)
}
