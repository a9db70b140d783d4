//! `cutover man`: manual pages, out of the same description as the help.

use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_mangen::Man;
use color_eyre::eyre::WrapErr as _;

use super::context::UsageError;
use super::print::say;
use super::{Cli, Exit};
use crate::model::yaml::nearest;

/// Prints a manual page.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The command; without one, the program
    command: Vec<String>,
    /// Write every page into this folder, such as ~/.local/share/man/man1
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    to: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> color_eyre::Result<Exit> {
    let Some(folder) = &args.to else {
        say(render(find(&args.command)?)?.1.trim_end());
        return Ok(Exit::Succeeded);
    };
    let unwritten = || format!("{} can't be written", folder.display());
    std::fs::create_dir_all(folder).wrap_err_with(unwritten)?;
    for (name, page) in all(find(&[])?)? {
        std::fs::write(folder.join(name), page).wrap_err_with(unwritten)?;
    }
    say(format_args!(
        "{} has the pages: `man cutover` shows the first, if that is where manual pages are looked for",
        folder.display()
    ));
    Ok(Exit::Succeeded)
}

/// A command of the program, by its words; the whole without any.
fn find(words: &[String]) -> color_eyre::Result<clap::Command> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    for word in words {
        let inner = command.find_subcommand(word).cloned();
        command = inner.ok_or_else(|| {
            let known = command.get_subcommands().map(clap::Command::get_name);
            let help = nearest(word, known);
            let help = help.unwrap_or_else(|| "`cutover help` lists them".to_owned());
            UsageError(format!("there is no command {word}: {help}"))
        })?;
    }
    Ok(command)
}

/// The page of a command, with the name of its file.
fn render(command: clap::Command) -> color_eyre::Result<(String, String)> {
    let man = Man::new(command)
        .source(concat!("cutover ", env!("CARGO_PKG_VERSION")))
        .manual("cutover");
    let mut page = Vec::new();
    man.render(&mut page)?;
    Ok((
        man.get_filename(),
        String::from_utf8_lossy(&page).into_owned(),
    ))
}

/// The pages of a command and of those below it.
fn all(command: clap::Command) -> color_eyre::Result<Vec<(String, String)>> {
    let inner: Vec<clap::Command> = command
        .get_subcommands()
        .filter(|one| !one.is_hide_set())
        .cloned()
        .collect();
    let mut pages = vec![render(command)?];
    for command in inner {
        pages.extend(all(command)?);
    }
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! picture {
        ($name:expr, $page:expr) => {
            insta::with_settings!({snapshot_path => "../../tests/snapshots", prepend_module_to_snapshot => false}, {
                insta::assert_snapshot!($name, $page);
            });
        };
    }

    fn page(words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        render(find(&words).unwrap()).unwrap().1
    }

    #[test]
    fn the_pages_say_what_the_help_says() {
        picture!("man-cutover", page(&[]));
        picture!("man-cutover-deploy", page(&["deploy"]));
        picture!("man-cutover-group-show", page(&["group", "show"]));
    }

    #[test]
    fn every_command_has_a_page_of_its_own() {
        let pages = all(find(&[]).unwrap()).unwrap();
        let names: std::collections::BTreeSet<&str> =
            pages.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.len(), pages.len());
        for wanted in ["cutover.1", "cutover-deploy.1", "cutover-group-show.1"] {
            assert!(names.contains(wanted), "no {wanted}: {names:?}");
        }
    }

    #[test]
    fn an_unknown_command_is_told_with_the_nearest() {
        let error = find(&["deploi".to_owned()]).unwrap_err().to_string();
        assert!(
            error.contains("deploi") && error.contains("\"deploy\""),
            "{error}"
        );
    }
}
