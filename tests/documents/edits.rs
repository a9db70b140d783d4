//! Changes of documents: checked as a whole before anything is written, and written at once or not at all.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use cutover::model::yaml::edit::{Change, Content};
use cutover::store::documents::edit::Changes;
use tempfile::TempDir;

use super::{GROUP, project};

const FILE: &str = "applications/shop/production.yaml";

fn set(path: &str, text: &str) -> Change {
    Change::Set(path.parse().unwrap(), Content::text(text))
}

fn read(folder: &TempDir, path: &str) -> String {
    fs::read_to_string(folder.path().join(path)).unwrap()
}

/// Names of everything in a folder.
fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_would_be_invalid_is_refused_with_the_place() {
    let folder = project(&[]);
    let mut changes = Changes::of(folder.path());
    let wrong = set("deploymentConfigName", "CodeDeployDefault.OneAtTime");
    changes.edit(Path::new(FILE), &[wrong]).unwrap();
    let error = changes.commit().unwrap_err().to_string();
    let problem = "applications/shop/production.yaml:4:23: error: deploymentConfigName: there is no configuration";
    assert!(error.contains(problem), "{error}");
    assert!(error.contains("CodeDeployDefault.OneAtATime"), "{error}");
    assert_eq!(read(&folder, FILE), GROUP);
}

#[test]
fn a_project_with_errors_is_put_right_one_after_the_other() {
    let one = format!("{GROUP}deploymentConfigName: Nobody\n");
    let folder = project(&[
        (FILE, &one),
        ("applications/shop/other.yaml", "ec2TagFilter: []\n"),
    ]);
    let mut changes = Changes::of(folder.path());
    changes
        .edit(
            Path::new(FILE),
            &[Change::Remove("deploymentConfigName".parse().unwrap())],
        )
        .unwrap();
    let left = changes.commit().unwrap();
    assert_eq!(left.iter().filter(|problem| problem.is_error()).count(), 1);
    assert_eq!(read(&folder, FILE), GROUP);
}

#[test]
fn mode_and_links_stay_and_nothing_is_left_over() {
    let folder = project(&[]);
    let target = folder.path().join("elsewhere.yaml");
    let link = folder.path().join(FILE);
    fs::rename(&link, &target).unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("../../elsewhere.yaml", &link).unwrap();
    let mut changes = Changes::of(folder.path());
    let change = set("outdatedInstancesStrategy", "IGNORE");
    changes.edit(Path::new(FILE), &[change]).unwrap();
    changes.commit().unwrap();
    assert!(link.symlink_metadata().unwrap().is_symlink());
    let mode = target.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    let expected = format!("{GROUP}outdatedInstancesStrategy: IGNORE\n");
    assert_eq!(fs::read_to_string(&target).unwrap(), expected);
    assert_eq!(
        entries(&folder.path().join("applications/shop")),
        ["application.yaml", "production.yaml"]
    );
    assert_eq!(
        entries(folder.path()),
        ["applications", "cutover.yaml", "elsewhere.yaml"]
    );
}

#[test]
fn what_somebody_else_changed_is_not_overwritten() {
    let folder = project(&[]);
    let mut changes = Changes::of(folder.path());
    let change = set("outdatedInstancesStrategy", "IGNORE");
    changes.edit(Path::new(FILE), &[change]).unwrap();
    let theirs = format!("# theirs\n{GROUP}");
    fs::write(folder.path().join(FILE), &theirs).unwrap();
    let error = changes.commit().unwrap_err().to_string();
    assert!(error.contains("was changed by somebody else"), "{error}");
    assert_eq!(read(&folder, FILE), theirs);
}

#[test]
fn a_new_document_never_overwrites_one() {
    let folder = project(&[]);
    let path = Path::new("configurations/Mine.yaml");
    let mut changes = Changes::of(folder.path());
    let minimum = Content::mapping([
        ("type", Content::text("HOST_COUNT")),
        ("value", Content::number(1)),
    ]);
    let entries = vec![("minimumHealthyHosts".to_owned(), minimum)];
    changes.create(path, entries.clone()).unwrap();
    let mut late = Changes::of(folder.path());
    late.create(path, entries.clone()).unwrap();
    changes.commit().unwrap();
    let written = "minimumHealthyHosts: { type: HOST_COUNT, value: 1 }\n";
    assert_eq!(read(&folder, "configurations/Mine.yaml"), written);
    let error = late.commit().unwrap_err().to_string();
    assert!(error.contains("was changed by somebody else"), "{error}");
    let error = Changes::of(folder.path())
        .create(path, entries)
        .unwrap_err()
        .to_string();
    assert_eq!(error, "configurations/Mine.yaml: exists already");
}
