//! An unpacked revision's `AppSpec`: one way to find and read it, for every event and for `cutover validate`.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::layout::DeploymentDir;
use super::protocol::Order;
use super::retention;
use crate::appspec::server::{self, AppSpec, FILE_NAMES, events, paths};
use crate::appspec::{self, Finding, MAX_BYTES, Review};

/// What was found in a revision.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The `AppSpec`'s name, relative to the revision's root, if there is one.
    pub name: Option<String>,
    /// What it says, and everything that is wrong with it.
    pub review: Review<AppSpec>,
}

/// Looks for the `AppSpec` of an unpacked revision, under the name that was asked for first, and reads it.
pub fn review(archive: &Path, requested: Option<&str>) -> Found {
    let Located { name, warning } = match locate(archive, requested) {
        Ok(located) => located,
        Err(error) => {
            return Found {
                name: None,
                review: Review::refusal(error),
            };
        }
    };
    let mut review = read(&archive.join(&name)).unwrap_or_else(|error| {
        let message = format!("{name} in {} cannot be read: {error}", archive.display());
        Review::refusal(Finding::whole("E17", message))
    });
    review.warnings.extend(warning);
    Found {
        name: Some(name),
        review,
    }
}

/// What an `AppSpec`'s file holds, or one byte more than any may hold.
///
/// # Errors
///
/// When the file cannot be read.
pub fn content(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than is allowed shows that there are more.
    let limit = MAX_BYTES as u64 + 1;
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a file as an `AppSpec`.
///
/// # Errors
///
/// When the file cannot be read. What is wrong with the text is part of the review.
pub fn read(path: &Path) -> io::Result<Review<AppSpec>> {
    Ok(match appspec::decode(&content(path)?) {
        Ok(text) => server::review(&text),
        Err(error) => Review::refusal(error),
    })
}

/// The `AppSpec` of the revision that a deployment brought, under the name that it had then.
///
/// # Errors
///
/// One sentence with everything that is wrong.
pub fn appspec(dir: &DeploymentDir) -> Result<AppSpec, String> {
    let name = retention::record(dir).and_then(|record| record.appspec_filename);
    whole(review(&dir.archive(), name.as_deref())).map(|(_, appspec)| appspec)
}

/// The `AppSpec` of a revision that was just unpacked, and its name. Its events are those that the order allows.
///
/// # Errors
///
/// One sentence with everything that is wrong.
pub fn appspec_for(order: &Order, archive: &Path) -> Result<(String, AppSpec), String> {
    let found = review(archive, order.appspec_filename.as_deref());
    let (name, mut appspec) = whole(found)?;
    let warnings = events::check(&appspec, order.possible_events.as_deref(), &order.events)
        .map_err(|errors| sentence(&name, &errors))?;
    appspec.warnings.extend(warnings);
    Ok((name, appspec))
}

fn whole(found: Found) -> Result<(String, AppSpec), String> {
    match (found.name, found.review) {
        (
            Some(name),
            Review {
                appspec: Some(appspec),
                errors,
                warnings,
            },
        ) if errors.is_empty() => Ok((
            name,
            AppSpec {
                warnings,
                ..appspec
            },
        )),
        (Some(name), review) => Err(sentence(&name, &review.errors)),
        (None, review) => Err(appspec::sentence(&review.errors)),
    }
}

fn sentence(name: &str, errors: &[Finding]) -> String {
    format!("{name}: {}", appspec::sentence(errors))
}

/// Where the `AppSpec` is, relative to the revision's root.
struct Located {
    name: String,
    warning: Option<Finding>,
}

fn locate(archive: &Path, requested: Option<&str>) -> Result<Located, Finding> {
    if let Some(name) = requested
        && is_file(archive, name)?
    {
        return Ok(Located {
            name: name.to_owned(),
            warning: None,
        });
    }
    let mut present = Vec::new();
    for name in FILE_NAMES {
        if is_file(archive, name)? {
            present.push(name);
        }
    }
    let Some(name) = present.first().map(|name| (*name).to_owned()) else {
        let [first, second] = FILE_NAMES;
        let asked = requested.filter(|name| !FILE_NAMES.contains(name));
        let asked = asked.map_or(String::new(), |name| format!("{name}, "));
        let message = format!(
            "there is no {asked}{first} or {second} in {}",
            archive.display()
        );
        return Err(Finding::whole("E17", message));
    };
    let warning = if let Some(requested) = requested {
        let message = format!("there is no {requested}; {name} is used");
        Some(Finding::whole("W04", message))
    } else if present.len() > 1 {
        let message = format!("both {} exist; {name} is used", present.join(" and "));
        Some(Finding::whole("W01", message))
    } else {
        None
    };
    Ok(Located { name, warning })
}

/// Whether there is a file of this name in the archive. One that lies outside of it is no part of the revision.
fn is_file(archive: &Path, name: &str) -> Result<bool, Finding> {
    let outside = || {
        let message = format!("the AppSpec {name:?} leads out of the revision");
        Finding::whole("E09", message)
    };
    let inside = paths::inside(name)
        .filter(|path| !path.as_os_str().is_empty())
        .ok_or_else(outside)?;
    let path = archive.join(inside);
    if !path.is_file() {
        return Ok(false);
    }
    let real = |path: &Path| path.canonicalize().ok();
    match (real(&path), real(archive)) {
        (Some(path), Some(archive)) if path.starts_with(&archive) => Ok(true),
        _ => Err(outside()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    const SPEC: &str = "version: 0.0\nos: linux\n";

    /// The resolved name and all ids, in a revision with these files.
    fn found(files: &[&str], requested: Option<&str>) -> (Option<String>, Vec<&'static str>) {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, SPEC).unwrap();
        }
        ids(review(folder.path(), requested))
    }

    fn ids(found: Found) -> (Option<String>, Vec<&'static str>) {
        let Review {
            errors, warnings, ..
        } = found.review;
        let all = errors.iter().chain(&warnings);
        (found.name, all.map(|finding| finding.id).collect())
    }

    #[test]
    fn one_name_after_the_other_is_tried() {
        let own = "deploy/prod.yml";
        let check = |files: &[&str], requested, name: Option<&str>, expected: &[&str]| {
            let (found, ids) = found(files, requested);
            assert_eq!(found.as_deref(), name, "{files:?} {requested:?}");
            assert_eq!(ids, expected, "{files:?} {requested:?}");
        };
        let [usual, other] = FILE_NAMES;
        check(&[usual], None, Some(usual), &[]);
        check(&[other], None, Some(other), &[]);
        check(&[other, usual], None, Some(usual), &["W01"]);
        check(&[other, usual], Some(other), Some(other), &[]);
        check(&[usual, own], Some(own), Some(own), &[]);
        check(&[usual], Some(own), Some(usual), &["W04"]);
        check(&[other], Some(own), Some(other), &["W04"]);
        check(&["Appspec.yml"], None, None, &["E17"]);
        check(&[], Some(own), None, &["E17"]);
        check(&["appspec.yml/file"], None, None, &["E17"]);
        check(&[usual], Some("../appspec.yml"), None, &["E09"]);
        check(&[usual], Some("/"), None, &["E09"]);
    }

    #[test]
    fn what_is_missing_is_named_with_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let message = |requested| review(folder.path(), requested).review.errors[0].to_string();
        let place = folder.path().display();
        assert_eq!(
            message(None),
            format!("E17 there is no appspec.yml or appspec.yaml in {place}")
        );
        assert_eq!(
            message(Some("a.yml")),
            format!("E17 there is no a.yml, appspec.yml or appspec.yaml in {place}")
        );
    }

    #[test]
    fn links_are_followed_as_far_as_the_revision_goes() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("archive");
        fs::create_dir_all(archive.join("conf")).unwrap();
        fs::write(archive.join("conf/spec"), SPEC).unwrap();
        fs::write(folder.path().join("outside"), SPEC).unwrap();
        let link = archive.join("appspec.yml");
        symlink("conf/spec", &link).unwrap();
        assert_eq!(
            ids(review(&archive, None)),
            (Some("appspec.yml".to_owned()), vec![])
        );
        fs::remove_file(&link).unwrap();
        symlink("../outside", &link).unwrap();
        assert_eq!(ids(review(&archive, None)), (None, vec!["E09"]));
    }
}
