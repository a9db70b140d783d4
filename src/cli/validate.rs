//! `cutover validate PATH`: says everything there is to say about a revision's `AppSpec`, as compilers do.

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use color_eyre::eyre::WrapErr as _;
use crossterm::style::Stylize as _;
use serde_json::json;

use super::context::UsageError;
use super::print::say;
use super::{Exit, Output};
use crate::agent::inspect::{self, Inspection};
use crate::appspec::catalogue::{self, Entry, Severity};
use crate::appspec::{Finding, Position};
use crate::model::yaml::nearest;
use crate::store::archive::{ArchiveError, Format};
use crate::text::safe;

/// Checks an AppSpec and what it names.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A folder with an appspec.yml, a bundle, or an AppSpec alone
    #[arg(required_unless_present = "explain")]
    path: Option<PathBuf>,
    /// The AppSpec's name in the folder or bundle, if it is neither appspec.yml nor appspec.yaml
    #[arg(long, value_name = "NAME")]
    appspec_filename: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
    /// Say what the id of an error or a warning means
    #[arg(long, value_name = "ID", conflicts_with = "path")]
    explain: Option<String>,
}

/// Prints every finding, and a line that sums them up.
pub(super) fn run(args: &Args) -> color_eyre::Result<Exit> {
    if let Some(id) = &args.explain {
        return explain(id, args.output);
    }
    let path = args.path.as_deref().unwrap_or(Path::new("."));
    let kind = Kind::of(path)?;
    let inspection = inspect(path, kind, args.appspec_filename.as_deref())?;
    match args.output {
        Output::Json => say(as_json(path, &inspection)?),
        Output::Text => {
            let file = file(path, kind, &inspection);
            let colour = colours();
            for finding in inspection.errors.iter().chain(&inspection.warnings) {
                say(line(&file, finding, colour));
            }
            say(safe(&summary(path, &inspection)));
        }
    }
    Ok(if inspection.errors.is_empty() {
        Exit::Succeeded
    } else {
        Exit::Failed
    })
}

/// What there is at the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Folder,
    Bundle,
    /// An `AppSpec` without its revision.
    Alone,
}

impl Kind {
    fn of(path: &Path) -> color_eyre::Result<Self> {
        let shown = path.display();
        let metadata = path
            .metadata()
            .map_err(|error| UsageError(format!("{shown}: {error}")))?;
        if metadata.is_dir() {
            return Ok(Self::Folder);
        }
        if !metadata.is_file() {
            return Err(UsageError(format!("{shown} is neither a file nor a folder")).into());
        }
        let file = File::open(path).wrap_err_with(|| format!("{shown} can't be read"))?;
        match Format::of(&file) {
            // What is packed otherwise is refused as a bundle, which says more than reading it as an AppSpec.
            Ok(_) | Err(ArchiveError::OtherFormat { .. }) => Ok(Self::Bundle),
            Err(ArchiveError::NotAnArchive { .. }) => Ok(Self::Alone),
            Err(error) => Err(error).wrap_err_with(|| format!("{shown} can't be read")),
        }
    }
}

fn inspect(path: &Path, kind: Kind, requested: Option<&str>) -> color_eyre::Result<Inspection> {
    let shown = path.display();
    let context = || format!("{shown} can't be read");
    match (kind, requested) {
        (Kind::Folder, _) => inspect::folder(path, requested).wrap_err_with(context),
        (Kind::Bundle, _) => inspect::bundle(path, requested).wrap_err_with(context),
        (Kind::Alone, None) => inspect::file(path).wrap_err_with(context),
        (Kind::Alone, Some(_)) => {
            let message = format!(
                "{shown} is an AppSpec itself: --appspec-filename names one in a folder or bundle"
            );
            Err(UsageError(message).into())
        }
    }
}

/// What findings name as their file.
fn file(path: &Path, kind: Kind, inspection: &Inspection) -> PathBuf {
    match &inspection.appspec {
        Some(name) if kind != Kind::Alone => path.join(name),
        _ => path.to_owned(),
    }
}

/// `path:line:column: error: message [E05]`, which editors can jump to.
fn line(file: &Path, finding: &Finding, colour: bool) -> String {
    let place = match finding.position {
        Some(Position { line, column }) => format!("{}:{line}:{column}", file.display()),
        None => file.display().to_string(),
    };
    let severity = Severity::of(finding.id);
    let name = match severity {
        _ if !colour => severity.name().to_owned(),
        Severity::Error => severity.name().red().bold().to_string(),
        Severity::Warning => severity.name().yellow().bold().to_string(),
    };
    let message = safe(&finding.message);
    format!("{}: {name}: {message} [{}]", safe(&place), finding.id)
}

fn colours() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    io::stdout().is_terminal() && !unwanted
}

fn summary(path: &Path, inspection: &Inspection) -> String {
    let found = format!(
        "{}, {}",
        plural(inspection.errors.len(), "error"),
        plural(inspection.warnings.len(), "warning")
    );
    let rest = match (inspection.complete, &inspection.appspec) {
        (true, _) | (_, None) => "",
        (false, Some(_)) if !inspection.errors.is_empty() => {
            "; what it names is checked as soon as it can be read"
        }
        (false, Some(_)) => "; give its folder to have what it names checked too",
    };
    format!("{}: {found}{rest}", path.display())
}

fn plural(number: usize, name: &str) -> String {
    match number {
        0 => format!("no {name}s"),
        1 => format!("1 {name}"),
        _ => format!("{number} {name}s"),
    }
}

fn as_json(path: &Path, inspection: &Inspection) -> serde_json::Result<String> {
    let findings = |findings: &[Finding]| -> Vec<serde_json::Value> {
        let json = |finding: &Finding| {
            json!({
                "id": finding.id,
                "line": finding.position.map(|position| position.line),
                "column": finding.position.map(|position| position.column),
                "message": finding.message,
            })
        };
        findings.iter().map(json).collect()
    };
    serde_json::to_string_pretty(&json!({
        "ok": inspection.errors.is_empty(),
        "path": path.display().to_string(),
        "appspec": inspection.appspec,
        "errors": findings(&inspection.errors),
        "warnings": findings(&inspection.warnings),
    }))
}

fn explain(id: &str, output: Output) -> color_eyre::Result<Exit> {
    let Some(entry) = catalogue::find(id) else {
        let ids = catalogue::ENTRIES.iter().map(|entry| entry.id);
        let help = nearest(id, ids).map_or(String::new(), |help| format!(" ({help})"));
        return Err(UsageError(format!("there is no finding {id}{help}")).into());
    };
    let Entry {
        id,
        title,
        meaning,
        remedy,
    } = entry;
    let severity = entry.severity().name();
    say(match output {
        Output::Text => format!("{id}: {title} ({severity})\n\n{meaning}\n\nWhat to do: {remedy}"),
        Output::Json => serde_json::to_string_pretty(&json!({
            "id": id,
            "severity": severity,
            "title": title,
            "meaning": meaning,
            "remedy": remedy,
        }))?,
    });
    Ok(Exit::Succeeded)
}
