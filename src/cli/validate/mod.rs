//! `cutover validate PATH`: says everything there is to say about a revision's `AppSpec`, as compilers do.

mod look;

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use crossterm::style::Stylize as _;
use serde_json::json;

use self::look::{Kind, Subject};
use super::context::UsageError;
use super::platform::Platform;
use super::print::say;
use super::{Exit, Output};
use crate::agent::inspect::Inspection;
use crate::appspec::catalogue::{self, Entry, Severity};
use crate::appspec::{Finding, Position};
use crate::model::application::ComputePlatform;
use crate::model::yaml::nearest;
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
    /// The compute platform it is for; by default the one that its content is for, else server
    #[arg(long, value_enum, value_name = "PLATFORM")]
    platform: Option<Platform>,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
    /// Say what the id of an error or a warning means
    #[arg(long, value_name = "ID", conflicts_with_all = ["path", "platform"])]
    explain: Option<String>,
}

/// Prints every finding, and a line that sums them up.
pub(super) fn run(args: &Args) -> color_eyre::Result<Exit> {
    if let Some(id) = &args.explain {
        return explain(id, args.output);
    }
    let path = args.path.as_deref().unwrap_or(Path::new("."));
    let kind = Kind::of(path)?;
    let subject = Subject {
        path,
        kind,
        requested: args.appspec_filename.as_deref(),
        platform: args.platform.map(ComputePlatform::from),
    };
    let (platform, inspection) = subject.inspect()?;
    match args.output {
        Output::Json => say(as_json(path, platform, &inspection)?),
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
    let text = finding.text();
    let message = safe(&text);
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

fn as_json(
    path: &Path,
    platform: Option<ComputePlatform>,
    inspection: &Inspection,
) -> serde_json::Result<String> {
    let findings = |findings: &[Finding]| -> Vec<serde_json::Value> {
        let json = |finding: &Finding| {
            json!({
                "id": finding.id,
                "line": finding.position.map(|position| position.line),
                "column": finding.position.map(|position| position.column),
                "path": finding.path.to_string(),
                "message": finding.message,
                "errorCode": catalogue::find(finding.id).and_then(Entry::error_code),
            })
        };
        findings.iter().map(json).collect()
    };
    serde_json::to_string_pretty(&json!({
        "ok": inspection.errors.is_empty(),
        "path": path.display().to_string(),
        "computePlatform": platform,
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
    let code = entry.error_code();
    let ends = code.map_or(String::new(), |code| {
        format!(" A deployment that meets it ends with {}.", code.name())
    });
    say(match output {
        Output::Text => {
            format!("{id}: {title} ({severity})\n\n{meaning}{ends}\n\nWhat to do: {remedy}")
        }
        Output::Json => serde_json::to_string_pretty(&json!({
            "id": id,
            "severity": severity,
            "title": title,
            "meaning": meaning,
            "remedy": remedy,
            "errorCode": code,
        }))?,
    });
    Ok(Exit::Succeeded)
}
