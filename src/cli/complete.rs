//! What shells offer while somebody types: commands and options out of the command line's own description, and names out of the
//! project's documents and its journal. No orchestrator is asked, so there is always an answer, and soon.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, Command, CommandFactory as _};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use super::Cli;
use super::context::Context;
use crate::model::group::DeploymentGroup;
use crate::model::name::Name;
use crate::model::project::Project;
use crate::store::names::Names;
use crate::store::{documents, state};
use crate::text::safe;

/// How a shell learns of it.
pub(super) const HELP: &str = "\
Exit codes: 0 succeeded, 1 failed, 2 wrong usage or a document with an error, 3 stopped or rolled back, 70 cutover itself failed.

Shells complete commands, options and the project's own names, with a line in:
  bash        ~/.bashrc: source <(COMPLETE=bash cutover)
  zsh         ~/.zshrc: source <(COMPLETE=zsh cutover)
  fish        ~/.config/fish/completions/cutover.fish: COMPLETE=fish cutover | source
  elvish      ~/.config/elvish/rc.elv: eval (E:COMPLETE=elvish cutover | slurp)
  powershell  $PROFILE: $env:COMPLETE='powershell'; cutover | Out-String | iex
              Remove-Item Env:COMPLETE

Manual pages: `cutover man --to ~/.local/share/man/man1`";

/// Commands whose arguments are not the project's.
const OTHERS: [&str; 6] = ["agent", "lab", "local", "man", "router", "sim"];

/// Names that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Applications,
    /// Of the application that has been typed.
    Groups,
    /// With their applications: `shop/production`.
    Places,
    Configurations,
    Deployments,
    Hosts,
    /// Of the application that has been typed.
    Revisions,
}

/// The command line, with what may stand for each argument.
pub(super) fn command() -> Command {
    named(Cli::command())
}

fn named(command: Command) -> Command {
    let command = command.mut_args(|argument| {
        let kinds = kinds(&argument);
        if kinds.is_empty() {
            return argument;
        }
        argument.add(ArgValueCandidates::new(move || {
            let words: Vec<OsString> = std::env::args_os().collect();
            let known = Known::of(&words);
            kinds.iter().flat_map(|kind| known.all(*kind)).collect()
        }))
    });
    command.mut_subcommands(|inner| {
        if OTHERS.contains(&inner.get_name()) {
            inner
        } else {
            named(inner)
        }
    })
}

/// What an argument names, by what it is called.
fn kinds(argument: &Arg) -> &'static [Kind] {
    let shown = argument.get_value_names().and_then(<[_]>::first);
    let shown = shown.map(clap::builder::Str::as_str);
    match (argument.get_id().as_str(), shown) {
        (_, Some("APP/GROUP")) => &[Kind::Places],
        (_, Some("APPLICATION[/GROUP]")) => &[Kind::Applications, Kind::Places],
        (_, Some("ID | APP")) => &[Kind::Deployments, Kind::Applications],
        (_, Some("HOST" | "HOST,HOST")) | ("host" | "hosts", _) => &[Kind::Hosts],
        ("application", _) => &[Kind::Applications],
        ("group", _) => &[Kind::Groups],
        ("config" | "configuration", _) => &[Kind::Configurations],
        ("deployment" | "before" | "after", _) | (_, Some("ID|FILE")) => &[Kind::Deployments],
        ("revision", _) => &[Kind::Revisions],
        _ => &[],
    }
}

/// What is known of the project that somebody types about.
#[derive(Default)]
struct Known {
    project: Option<Project>,
    journal: Option<PathBuf>,
    /// The applications that have been typed.
    typed: BTreeSet<Name>,
}

impl Known {
    /// By the words of the command line so far.
    fn of(words: &[OsString]) -> Self {
        let context = Context {
            project: folder(words),
            read_only: true,
            unlock: None,
        };
        let Ok(folder) = context.folder() else {
            return Self::default();
        };
        let project = documents::load(&folder).ok().map(|loaded| loaded.project);
        let own = documents::settings(&folder).ok();
        let own = own.and_then(|settings| settings.state_directory);
        let typed = words.iter().filter_map(|word| word.to_str()?.parse().ok());
        let of_project = |name: &Name| {
            let project = project.as_ref();
            project.is_some_and(|project| project.applications.contains_key(name))
        };
        Self {
            typed: typed.filter(of_project).collect(),
            journal: state::journal(&folder, own.as_deref()).ok(),
            project,
        }
    }

    fn all(&self, kind: Kind) -> Vec<CompletionCandidate> {
        let names = || {
            self.journal
                .as_deref()
                .and_then(|path: &Path| Names::open(path))
        };
        let project = self.project.as_ref();
        match kind {
            Kind::Deployments => {
                let found = names().map_or_else(Vec::new, |names| names.deployments());
                let found = found.into_iter().enumerate();
                found
                    .map(|(place, one)| {
                        let about = format!("{} {} {}", one.group, one.revision.label, one.status);
                        let id = one.deployment_id.to_string();
                        // The newest first, as a rule it is the one that is meant.
                        candidate(&id, &about).display_order(Some(place))
                    })
                    .collect()
            }
            Kind::Revisions => {
                let Some(names) = names() else {
                    return Vec::new();
                };
                let found = self.typed.iter().flat_map(|name| names.revisions(name));
                let found = found.filter(|one| is_harmless(&one.revision.label));
                let found = found.enumerate();
                found
                    .map(|(place, one)| {
                        let candidate = candidate(&one.revision.label, &one.description);
                        candidate.display_order(Some(place))
                    })
                    .collect()
            }
            Kind::Applications => {
                let all = project.into_iter().flat_map(|it| it.applications.values());
                all.map(|one| {
                    let platform = one.compute_platform.name();
                    candidate(one.application_name.as_str(), platform)
                })
                .collect()
            }
            Kind::Groups => {
                let all = project.into_iter().flat_map(|it| &it.groups);
                let all = all.map(DeploymentGroup::key);
                let mine = all
                    .filter(|key| self.typed.is_empty() || self.typed.contains(&key.application));
                mine.map(|key| candidate(key.group.as_str(), key.application.as_str()))
                    .collect()
            }
            Kind::Places => {
                let all = project.into_iter().flat_map(|it| &it.groups);
                all.map(|group| candidate(&group.key().to_string(), ""))
                    .collect()
            }
            Kind::Configurations => {
                let all = project.into_iter().flat_map(|it| it.configurations.keys());
                all.map(|name| candidate(name.as_str(), "")).collect()
            }
            Kind::Hosts => {
                let all = project.into_iter().flat_map(|it| &it.hosts);
                all.map(|host| candidate(host.name.as_str(), &host.address))
                    .collect()
            }
        }
    }
}

/// Whether a shell takes a word as it is: some put what they complete on the line without quoting it.
fn is_harmless(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+:@/-,=".contains(c);
    word.chars().all(plain)
}

fn candidate(name: &str, about: &str) -> CompletionCandidate {
    let about = Some(safe(about)).filter(|about| !about.is_empty());
    CompletionCandidate::new(name).help(about.map(Into::into))
}

/// The folder that the words name with `-C` or `--project`.
fn folder(words: &[OsString]) -> Option<PathBuf> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        if text == "-C" || text == "--project" {
            return words.next().map(PathBuf::from);
        }
        let joined = text.strip_prefix("--project=");
        if let Some(folder) = joined.or_else(|| text.strip_prefix("-C")) {
            return Some(PathBuf::from(folder));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_where_it_is_written() {
        let folder = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            folder(&words)
        };
        let there = Some(PathBuf::from("/srv/shop"));
        assert_eq!(folder("cutover -C /srv/shop show"), there);
        assert_eq!(folder("cutover show --project=/srv/shop"), there);
        assert_eq!(folder("cutover show -C/srv/shop"), there);
        assert_eq!(folder("cutover show"), None);
    }

    #[test]
    fn every_name_of_the_project_can_be_completed() {
        // Whoever adds an argument for one of these calls it so.
        let mut found = BTreeSet::new();
        let mut commands = vec![command()];
        while let Some(command) = commands.pop() {
            for argument in command.get_arguments() {
                if argument.get::<ArgValueCandidates>().is_some() {
                    found.insert(format!("{} {}", command.get_name(), argument.get_id()));
                }
            }
            commands.extend(command.get_subcommands().cloned());
        }
        for wanted in [
            "show deployment",
            "stop deployment",
            "rollback deployment",
            "logs deployment",
            "compare before",
            "compare after",
            "report deployment",
            "replay what",
            "traffic deployment",
            "deploy application",
            "deploy group",
            "deploy revision",
            "push application",
            "deploy config",
            "retry host",
            "hosts host",
        ] {
            assert!(found.contains(wanted), "{wanted}: {found:?}");
        }
    }
}
