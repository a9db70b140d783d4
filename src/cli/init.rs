//! `cutover init`: a starter project, with comments that explain it.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use color_eyre::eyre::WrapErr as _;

use super::Exit;
use super::context::UsageError;
use super::print::say;
use crate::model::name::Name;
use crate::text::safe;

/// The documents of the starter project.
const DOCUMENTS: [(&str, &str); 4] = [
    (
        "cutover.yaml",
        include_str!("../../assets/init/cutover.yaml"),
    ),
    (
        "applications/shop/application.yaml",
        include_str!("../../assets/init/applications/shop/application.yaml"),
    ),
    (
        "applications/shop/production.yaml",
        include_str!("../../assets/init/applications/shop/production.yaml"),
    ),
    (
        "configurations/ThreeQuartersHealthy.yaml",
        include_str!("../../assets/init/configurations/ThreeQuartersHealthy.yaml"),
    ),
];
/// The line of `cutover.yaml` that the folder's name goes into.
const NAME: &str = "name: my-project\n";

/// Writes a starter project.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The project's folder, made if it does not exist
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,
}

/// Writes the documents, none over another file.
pub(super) fn run(args: &Args) -> color_eyre::Result<Exit> {
    let folder = &args.folder;
    // Looked at first, so that nothing is half written into a folder that is in use.
    for (path, _) in DOCUMENTS {
        let path = folder.join(path);
        if path.symlink_metadata().is_ok() {
            return Err(exists(&path).into());
        }
    }
    for (path, text) in DOCUMENTS {
        write(&folder.join(path), &named(folder, text))?;
        say(format_args!(
            "wrote {}",
            safe(&folder.join(path).display().to_string())
        ));
    }
    say(format_args!(
        "Next: edit the hosts in cutover.yaml, then `cutover check`."
    ));
    Ok(Exit::Succeeded)
}

/// The text with the folder's name as the project's, if it can be one.
fn named(folder: &Path, text: &str) -> String {
    let name = std::path::absolute(folder)
        .ok()
        .and_then(|folder| folder.file_name()?.to_str()?.parse::<Name>().ok());
    match name {
        // Quoted, for a folder can be called 2024 or true.
        Some(name) => text.replacen(NAME, &format!("name: \"{name}\"\n"), 1),
        None => text.to_owned(),
    }
}

fn write(path: &Path, text: &str) -> color_eyre::Result<()> {
    let failed = || format!("{} can't be written", path.display());
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).wrap_err_with(failed)?;
    }
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    match file {
        Ok(mut file) => file.write_all(text.as_bytes()).wrap_err_with(failed),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(exists(path).into()),
        Err(error) => Err(error).wrap_err_with(failed),
    }
}

fn exists(path: &Path) -> UsageError {
    UsageError(format!(
        "{} exists already; nothing is overwritten",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::documents;

    fn args(folder: &Path) -> Args {
        Args {
            folder: folder.to_owned(),
        }
    }

    #[test]
    fn the_starter_project_lacks_nothing_but_hosts() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("2024");
        run(&args(&folder)).unwrap();
        let loaded = documents::load(&folder).unwrap();
        let notes: Vec<_> = loaded
            .notes
            .iter()
            .map(|note| note.message.as_str())
            .collect();
        assert_eq!(notes, ["the group selects no host of cutover.yaml"]);
        assert_eq!(loaded.project.name.as_str(), "2024");
        let group = &loaded.project.groups[0];
        assert_eq!(loaded.project.members(group).count(), 0);
    }

    #[test]
    fn the_name_stays_where_it_is_expected() {
        assert!(DOCUMENTS[0].1.contains(NAME));
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder
            .path()
            .join("configurations/ThreeQuartersHealthy.yaml");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "mine").unwrap();
        let error = run(&args(folder.path())).unwrap_err();
        assert!(error.to_string().contains("ThreeQuartersHealthy.yaml"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        assert!(!folder.path().join("cutover.yaml").exists());
    }
}
