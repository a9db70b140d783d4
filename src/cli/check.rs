//! `cutover check`: says everything that is wrong with the project's documents.

use std::path::{Path, PathBuf};

use color_eyre::eyre::WrapErr as _;
use serde_json::json;

use super::context::{Context, UsageError};
use super::print::say;
use super::{Exit, Output};
use crate::model::project::Project;
use crate::store::documents::{self, Problem, Severity};
use crate::text::safe;

/// Checks the project's documents.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The project's folder, or one inside it
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// Prints every problem, and a line that sums them up.
pub(super) fn run(args: &Args, context: &Context) -> color_eyre::Result<Exit> {
    let folder = match &args.folder {
        Some(folder) => documents::find(folder).ok_or_else(|| {
            let folder = folder.display();
            UsageError(format!("no cutover.yaml in {folder} or above"))
        })?,
        None => context.folder()?,
    };
    let (project, problems) = match documents::load(&folder) {
        Ok(loaded) => (Some(loaded.project), loaded.notes),
        Err(problems) => (None, problems),
    };
    match args.output {
        Output::Json => say(as_json(&folder, &problems)?),
        Output::Text => {
            let here = std::env::current_dir().wrap_err("the current folder can't be read")?;
            let shown = folder.strip_prefix(here).unwrap_or(&folder);
            for problem in &problems {
                let file = shown.join(&problem.file);
                let problem = Problem {
                    file,
                    ..problem.clone()
                };
                say(safe(&problem.to_string()));
            }
            say(safe(&summary(project.as_ref(), &problems)));
        }
    }
    Ok(match project {
        Some(_) => Exit::Succeeded,
        None => Exit::Usage,
    })
}

fn count(problems: &[Problem], severity: Severity) -> usize {
    let of_it = |problem: &&Problem| problem.severity == severity;
    problems.iter().filter(of_it).count()
}

fn as_json(folder: &Path, problems: &[Problem]) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&json!({
        "project": folder,
        "errors": count(problems, Severity::Error),
        "warnings": count(problems, Severity::Warning),
        "notes": count(problems, Severity::Note),
        "problems": problems,
    }))
}

fn summary(project: Option<&Project>, problems: &[Problem]) -> String {
    let found = [
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Note, "note"),
    ]
    .map(|(severity, name)| plural(count(problems, severity), name))
    .join(", ");
    match project {
        Some(project) => format!(
            "{}: {}, {}, {}; {found}",
            project.name,
            plural(project.hosts.len(), "host"),
            plural(project.applications.len(), "application"),
            plural(project.groups.len(), "deployment group"),
        ),
        None => found,
    }
}

fn plural(number: usize, name: &str) -> String {
    match number {
        0 => format!("no {name}s"),
        1 => format!("1 {name}"),
        _ => format!("{number} {name}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(document: &str) -> (Exit, Vec<Problem>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cutover.yaml"), document).unwrap();
        let args = Args {
            folder: Some(folder.path().to_owned()),
            output: Output::Text,
        };
        let problems = documents::load(folder.path()).map_or_else(|e| e, |loaded| loaded.notes);
        (run(&args, &Context::default()).unwrap(), problems)
    }

    #[test]
    fn the_exit_code_says_whether_there_are_errors() {
        assert_eq!(check("name: p\n").0, Exit::Succeeded);
        let (exit, problems) = check("nam: p\n");
        assert_eq!(exit, Exit::Usage);
        assert_eq!(summary(None, &problems), "2 errors, no warnings, no notes");
    }

    #[test]
    fn json_holds_every_problem() {
        let (_, problems) = check("name: p\nx: 1\n");
        let json: serde_json::Value =
            serde_json::from_str(&as_json(Path::new("p"), &problems).unwrap()).unwrap();
        assert_eq!(json["errors"], 1);
        assert_eq!(json["problems"][0]["severity"], "error");
        assert_eq!(json["problems"][0]["line"], 2);
        assert_eq!(json["problems"][0]["file"], "cutover.yaml");
    }

    #[test]
    fn outside_a_project_is_wrong_usage() {
        let folder = tempfile::tempdir().unwrap();
        let args = Args {
            folder: Some(folder.path().to_owned()),
            output: Output::Text,
        };
        assert!(
            run(&args, &Context::default())
                .unwrap_err()
                .is::<UsageError>()
        );
    }
}
