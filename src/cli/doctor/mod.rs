//! `cutover doctor`: looks at everything that the program stands on, and says what is wrong and what to do. What it prints can be put
//! into a bug report: it has no secrets, and of addresses the host and port alone.

mod connections;
mod orchestrator;
mod preferences;
mod project;
mod terminal;

use serde::Serialize;
use serde_json::json;

use super::context::Context;
use super::print::say;
use super::{Exit, Output, table};
use crate::clock;
use crate::store::documents;
use crate::text::{date_time, safe};

/// Looks for what is wrong around this program.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// How a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
enum State {
    /// As it should be.
    Ok,
    /// It works, and could be better.
    Warning,
    /// Something does not work.
    Problem,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// What was looked at, and how it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    /// What was looked at.
    check: String,
    /// How it is.
    state: State,
    /// What was found.
    found: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Finding {
    fn ok(check: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            check: check.into(),
            state: State::Ok,
            found: found.into(),
            remedy: None,
        }
    }

    fn warning(
        check: impl Into<String>,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            state: State::Warning,
            remedy: Some(remedy.into()),
            ..Self::ok(check, found)
        }
    }

    fn problem(
        check: impl Into<String>,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            state: State::Problem,
            remedy: Some(remedy.into()),
            ..Self::ok(check, found)
        }
    }

    /// Fit to be shown to others: nothing that a terminal obeys, and not where the user's home is.
    fn shown(self, home: Option<&str>) -> Self {
        let fit = |text: &str| {
            let text = match home {
                Some(home) => text.replace(home, "~"),
                None => text.to_owned(),
            };
            safe(&text.replace('\n', "; "))
        };
        Self {
            check: fit(&self.check),
            found: fit(&self.found),
            remedy: self.remedy.as_deref().map(fit),
            ..self
        }
    }
}

pub(super) async fn run(args: &Args, context: &Context) -> color_eyre::Result<Exit> {
    let variable = |name: &str| std::env::var(name).ok();
    let mut findings = terminal::look(variable, terminal::size());
    findings.push(preferences::look());
    match context.folder() {
        Ok(folder) => {
            findings.extend(project::look(&folder, context));
            findings.extend(orchestrator::look(&folder).await);
            if let Ok(loaded) = documents::load(&folder) {
                findings.extend(connections::look(&loaded.project.connections).await);
            }
        }
        Err(error) => {
            let remedy =
                "go to its folder, or name it with -C; what follows a project is not looked at";
            findings.push(Finding::problem("project", error.to_string(), remedy));
        }
    }
    let home = variable("HOME").filter(|home| home.len() > 1);
    let findings = findings.into_iter().map(|one| one.shown(home.as_deref()));
    let findings: Vec<Finding> = findings.collect();
    match args.output {
        Output::Json => say(as_json(&findings)?),
        Output::Text => lines(&findings).into_iter().for_each(say),
    }
    let worst = findings.iter().map(|one| one.state).max();
    Ok(match worst {
        Some(State::Problem) => Exit::Failed,
        _ => Exit::Succeeded,
    })
}

/// This program and what it runs on.
fn head() -> String {
    let system = nix::sys::utsname::uname().ok().map(|name| {
        let part = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
        let [system, release, machine] = [name.sysname(), name.release(), name.machine()].map(part);
        format!(" on {system} {release} {machine}")
    });
    let features = if cfg!(feature = "aws") {
        " with aws"
    } else {
        ""
    };
    format!(
        "cutover {}{features}{}",
        env!("CARGO_PKG_VERSION"),
        system.unwrap_or_default()
    )
}

/// `1 host`, `3 hosts`.
fn counted(n: usize, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

fn count(findings: &[Finding], state: State) -> usize {
    findings.iter().filter(|one| one.state == state).count()
}

fn as_json(findings: &[Finding]) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&json!({
        "program": head(),
        "at": clock::now(),
        "problems": count(findings, State::Problem),
        "warnings": count(findings, State::Warning),
        "checks": findings,
    }))
}

fn lines(findings: &[Finding]) -> Vec<String> {
    let mut lines = vec![
        format!("{}, {}", head(), date_time(clock::now())),
        String::new(),
    ];
    let rows: Vec<Vec<String>> = findings
        .iter()
        .map(|one| {
            let remedy = one.remedy.as_ref().map(|remedy| format!(": {remedy}"));
            let told = format!("{}{}", one.found, remedy.unwrap_or_default());
            vec![one.state.word().to_owned(), one.check.clone(), told]
        })
        .collect();
    lines.extend(table::lines(&["STATE", "CHECK", "FOUND"], &rows));
    lines.push(String::new());
    lines.push(format!(
        "{}, {}",
        counted(count(findings, State::Problem), "problem"),
        counted(count(findings, State::Warning), "warning")
    ));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_names_no_home_and_obeys_nobody() {
        let finding = Finding::warning("state", "/home/ana/x\u{1b}[31m", "look at\n/home/ana/y");
        let shown = finding.shown(Some("/home/ana"));
        assert_eq!(shown.remedy.as_deref(), Some("look at; ~/y"));
        assert!(shown.found.starts_with("~/x"), "{}", shown.found);
        assert!(!shown.found.contains('\u{1b}'));
    }

    #[test]
    fn the_worst_is_counted() {
        let findings = [
            Finding::ok("a", "b"),
            Finding::problem("c", "d", "e"),
            Finding::warning("f", "g", "h"),
        ];
        let lines = lines(&findings);
        assert_eq!(lines.last().unwrap(), "1 problem, 1 warning");
        assert!(
            lines.contains(&"problem  c      d: e".to_owned()),
            "{lines:?}"
        );
    }
}
