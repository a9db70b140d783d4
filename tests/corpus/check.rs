//! Compares what came of a deployment with what a case expects.

use std::collections::BTreeSet;

use cutover::agent::protocol::{ExecutionEnd, OutputSource};
use cutover::model::lifecycle::EventStatus;

use crate::case::{Expect, Tree, Words};
use crate::entry::Listing;
use crate::own::Folder;
use crate::support::Run;
use crate::tree;
use crate::wildcard;

/// No tail is longer, in bytes.
const TAIL: usize = 2048;

/// Everything there is to compare with.
#[derive(Debug)]
pub struct Outcome<'a> {
    pub run: &'a Run,
    pub number: u32,
    pub folder: &'a Folder,
    pub before: &'a Listing,
    pub after: &'a Listing,
    pub trace: &'a str,
}

/// What is not as expected.
pub fn check(expect: &Expect, outcome: &Outcome<'_>) -> Vec<String> {
    let mut problems = Vec::new();
    events(expect, outcome.run, &mut problems);
    failure(expect, outcome.run, &mut problems);
    said(expect, outcome, &mut problems);
    host(expect, outcome, &mut problems);
    own(expect, outcome, &mut problems);
    problems
}

fn events(expect: &Expect, run: &Run, problems: &mut Vec<String>) {
    let mut failed = false;
    let mut expected = Vec::new();
    for state in &run.state.events {
        let name = state.event.name();
        let fails = expect.failed.as_deref() == Some(name);
        expected.push(match () {
            () if failed => format!("{name} Skipped"),
            () if fails || expect.ignored.iter().any(|ignored| ignored == name) => {
                format!("{name} Failed")
            }
            () => format!("{name} Succeeded"),
        });
        failed |= fails;
    }
    let states = run.state.events.iter();
    let found: Vec<_> = states
        .map(|state| format!("{} {:?}", state.event, state.status))
        .collect();
    if let Some(event) = &expect.failed
        && !failed
    {
        problems.push(format!("{event}, which is to fail, is not in the order"));
    }
    lists("the events", &expected, &found, problems);
    let end = if failed {
        ExecutionEnd::Failed
    } else {
        ExecutionEnd::Finished
    };
    if run.state.ended != Some(end) {
        problems.push(format!(
            "the execution ended {:?}, not {end:?}",
            run.state.ended
        ));
    }
    for state in &run.state.events {
        if state.status == EventStatus::Succeeded && state.diagnostics.is_some() {
            problems.push(format!("{} succeeded, and has diagnostics", state.event));
        }
        if state.status == EventStatus::Failed
            && expect.failed.is_none()
            && expect.ignored.is_empty()
        {
            let diagnostics = state.diagnostics.as_ref();
            problems.push(format!(
                "{} failed: {}",
                state.event,
                diagnostics.map_or("", |diagnostics| &diagnostics.message)
            ));
        }
    }
}

fn failure(expect: &Expect, run: &Run, problems: &mut Vec<String>) {
    let blamed = expect.failed.as_ref().or(expect.ignored.first());
    let Some(name) = blamed else {
        return;
    };
    let state = run
        .state
        .events
        .iter()
        .find(|state| state.event.name() == name);
    let Some(diagnostics) = state.and_then(|state| state.diagnostics.as_ref()) else {
        problems.push(format!("{name} has no diagnostics"));
        return;
    };
    let message = &diagnostics.message;
    let code = expect.error.as_deref().unwrap_or("UnknownError");
    if diagnostics.error_code.to_string() != code {
        problems.push(format!(
            "the error code is {}, not {code}: {message}",
            diagnostics.error_code
        ));
    }
    if let Some(script) = &expect.script
        && diagnostics.script_name != *script
    {
        problems.push(format!(
            "the script to blame is {:?}, not {script}: {message}",
            diagnostics.script_name
        ));
    }
    if let Some(ids) = &expect.id {
        let expected: BTreeSet<_> = ids.list().iter().map(String::as_str).collect();
        let found = ids_in(message);
        if expected != found {
            problems.push(format!(
                "the errors are {found:?}, not {expected:?}: {message}"
            ));
        }
    }
    for words in expect.message.list() {
        if !wildcard::contains(message, words) {
            problems.push(format!("the message does not say {words:?}: {message}"));
        }
    }
    if diagnostics.log_tail.len() > TAIL {
        problems.push(format!("the tail has {} bytes", diagnostics.log_tail.len()));
    }
    for words in expect.tail.list() {
        if !wildcard::contains(&diagnostics.log_tail, words) {
            problems.push(format!(
                "the tail does not say {words:?}: {:?}",
                diagnostics.log_tail
            ));
        }
    }
}

/// The ids of the catalogue of errors in a message.
fn ids_in(message: &str) -> BTreeSet<&str> {
    message
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| {
            let number = word.strip_prefix('E');
            number.is_some_and(|number| number.len() == 2 && number.parse::<u32>().is_ok())
        })
        .collect()
}

fn said(expect: &Expect, outcome: &Outcome<'_>, problems: &mut Vec<String>) {
    let run = outcome.run;
    let owned = |lines: Vec<&str>| lines.into_iter().map(str::to_owned).collect::<Vec<_>>();
    for (what, expected, found) in [
        (
            "the trace",
            &expect.trace,
            owned(outcome.trace.lines().collect()),
        ),
        (
            "the output",
            &expect.output,
            owned(run.lines(OutputSource::Stdout)),
        ),
        (
            "the standard error",
            &expect.errors,
            owned(run.lines(OutputSource::Stderr)),
        ),
    ] {
        if let Some(expected) = expected {
            lists(what, expected.list(), &found, problems);
        }
    }
    let remarks = run.lines(OutputSource::Agent);
    for words in expect.remarks.list() {
        if !remarks
            .iter()
            .any(|remark| wildcard::contains(remark, words))
        {
            problems.push(format!(
                "the agent did not remark {words:?}, but {remarks:#?}"
            ));
        }
    }
    for words in expect.silent.list() {
        if let Some(remark) = remarks
            .iter()
            .find(|remark| wildcard::contains(remark, words))
        {
            problems.push(format!("the agent remarked {remark:?}"));
        }
    }
}

fn host(expect: &Expect, outcome: &Outcome<'_>, problems: &mut Vec<String>) {
    let mut compare = |what: &str, expected: &Listing, found: &Listing| {
        let lines = tree::differences(expected, found);
        if !lines.is_empty() {
            problems.push(format!("{what}:\n      {}", lines.join("\n      ")));
        }
    };
    match &expect.tree {
        Some(Tree::Word(word)) if word == "unchanged" => {
            compare("the host was changed", outcome.before, outcome.after);
        }
        Some(Tree::Word(word)) => compare(
            &format!("{word:?} is no tree"),
            &Listing::new(),
            outcome.after,
        ),
        Some(Tree::Listing(expected)) => compare("the host", expected, outcome.after),
        None => {}
    }
    if let Some(expected) = &expect.archive {
        let archive = outcome
            .folder
            .deployment(outcome.number)
            .join("deployment-archive");
        match tree::read(&archive) {
            Ok(found) => compare("the unpacked revision", expected, &found),
            Err(error) => problems.push(format!("there is no unpacked revision: {error}")),
        }
    }
}

fn own(expect: &Expect, outcome: &Outcome<'_>, problems: &mut Vec<String>) {
    let folder = outcome.folder;
    for (name, own) in &expect.agent {
        problems.extend(folder.check(name, own));
    }
    for (what, expected, found) in [
        ("installed", expect.installed, "last_successful_install"),
        ("unpacked", expect.unpacked, "most_recent_install"),
    ] {
        let found = folder.pointer(found);
        if let Some(expected) = expected
            && expected != found
        {
            problems.push(format!("{what} is deployment {found}, not {expected}"));
        }
    }
    if let Some(expected) = &expect.kept {
        let found = folder.kept();
        if *expected != found {
            problems.push(format!(
                "the deployments {found:?} are kept, not {expected:?}"
            ));
        }
    }
    if let Some(expected) = &expect.cleanup {
        lists("the clean-up file", expected, &folder.cleanup(), problems);
    }
    if let Some(expected) = &expect.instructions {
        let found = folder.instructions(outcome.number);
        lists("the instruction file", expected, &found, problems);
    }
    if let Some(expected) = &expect.log {
        lists(
            "scripts.log",
            expected.list(),
            &folder.log(outcome.number),
            problems,
        );
    }
    let shared = folder.shared_log();
    for words in Words::list(&expect.shared_log) {
        if !shared.iter().any(|line| wildcard::contains(line, words)) {
            problems.push(format!(
                "the log of all deployments has no {words:?}: {shared:#?}"
            ));
        }
    }
}

/// Compares two lists line by line, and shows both if they differ.
fn lists(what: &str, expected: &[String], found: &[String], problems: &mut Vec<String>) {
    let same = expected.len() == found.len()
        && expected
            .iter()
            .zip(found)
            .all(|(pattern, text)| wildcard::matches(pattern, text));
    if same {
        return;
    }
    let mut lines = vec![format!("{what}:")];
    for index in 0..expected.len().max(found.len()) {
        let (want, is) = (expected.get(index), found.get(index));
        match (want, is) {
            (Some(want), Some(is)) if wildcard::matches(want, is) => lines.push(format!("  {is}")),
            _ => {
                lines.extend(want.map(|want| format!("- {want}")));
                lines.extend(is.map(|is| format!("+ {is}")));
            }
        }
    }
    problems.push(lines.join("\n      "));
}
