//! `cutover alarms`: the states of the project's alarms. What an orchestrator watches is told as it knows it; every other alarm
//! is read once.

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::context::{Context, UsageError};
use super::print::say;
use super::{Exit, Output, table};
use crate::api::client::{Client, ClientError};
use crate::model::alarm::{AlarmState, AlarmStatus};
use crate::model::project::Project;
use crate::model::yaml::nearest;
use crate::providers::alarms::Reader;
use crate::providers::aws::Accounts;
use crate::providers::secrets::Secrets;
use crate::store::{documents, state};
use crate::text::{clock_time, date_time, safe};

/// So many sources are asked at a time.
const TOGETHER: usize = 8;

/// Shows alarms.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Show this alarm alone, with its last polls if a deployment has it watched
    alarm: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
    /// Exit with 1 if an alarm is in ALARM, or can't be read
    #[arg(long)]
    exit_code: bool,
}

/// An alarm, and whether an orchestrator watches it.
struct Row {
    status: AlarmStatus,
    watched: bool,
    threshold: String,
}

pub(super) async fn run(args: &Args, context: &Context) -> color_eyre::Result<Exit> {
    let folder = context.folder()?;
    let loaded = documents::load(&folder).map_err(|problems| {
        let errors = problems.iter().filter(|problem| problem.is_error());
        let lines: Vec<String> = errors.map(ToString::to_string).collect();
        UsageError(safe_lines(&lines))
    })?;
    // Nobody who only looks needs an orchestrator.
    let watched = match Client::new(&state::socket(&folder)?)?.alarms().await {
        Ok(watched) => watched,
        Err(ClientError::Connection { .. }) => Vec::new(),
        Err(other) => return Err(other.into()),
    };
    let names = chosen(args.alarm.as_deref(), &loaded.project, &watched)?;
    let sources = loaded.project.secrets.clone();
    let accounts = loaded.project.connections.aws.clone();
    let reader = Reader::new(
        Secrets::new(&folder, move || sources.clone()),
        Accounts::new(move || accounts.clone()),
    )?;
    let rows: Vec<Row> = stream::iter(names)
        .map(|name| row(name, &loaded.project, &watched, &reader))
        .buffered(TOGETHER)
        .collect()
        .await;
    match args.output {
        Output::Json => {
            let rows: Vec<Value> = rows.iter().map(as_json).collect();
            say(serde_json::to_string_pretty(&json!({ "alarms": rows }))?);
        }
        Output::Text if rows.is_empty() => {
            say("the project has no alarms: define them in cutover.yaml, below connections.alarms");
        }
        Output::Text => {
            as_table(&rows).into_iter().for_each(say);
            if args.alarm.is_some() {
                rows.iter().flat_map(history).for_each(say);
            }
        }
    }
    let bad = |row: &Row| row.unreadable().is_some() || row.state() == Some(AlarmState::Alarm);
    Ok(if args.exit_code && rows.iter().any(bad) {
        Exit::Failed
    } else {
        Exit::Succeeded
    })
}

fn safe_lines(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| safe(line)).collect();
    lines.join("\n")
}

/// The alarms to show: one, or those of the documents and then those that are watched though the documents lack them.
fn chosen(
    wanted: Option<&str>,
    project: &Project,
    watched: &[AlarmStatus],
) -> Result<Vec<String>, UsageError> {
    let defined = project.connections.alarms.iter().map(|alarm| &alarm.name);
    let lacking = watched
        .iter()
        .map(|alarm| &alarm.name)
        .filter(|name| project.connections.alarm(name).is_none());
    let all: Vec<String> = defined.chain(lacking).cloned().collect();
    match wanted {
        None => Ok(all),
        Some(name) if all.iter().any(|known| known == name) => Ok(vec![name.to_owned()]),
        Some(name) => {
            let help = nearest(name, &all);
            let help = help.unwrap_or_else(|| "`cutover alarms` lists all".to_owned());
            Err(UsageError(format!("there is no alarm {name}: {help}")))
        }
    }
}

async fn row(name: String, project: &Project, watched: &[AlarmStatus], reader: &Reader) -> Row {
    let alarm = project.connections.alarm(&name);
    let threshold = alarm.map_or_else(String::new, |alarm| alarm.source.threshold());
    let polled = watched
        .iter()
        .find(|status| status.name == name && status.checked.is_some());
    if let Some(status) = polled {
        return Row {
            status: status.clone(),
            watched: true,
            threshold,
        };
    }
    let mut status = AlarmStatus::new(&*name);
    status.observe(reader.observe(&name, alarm).await);
    Row {
        status,
        watched: false,
        threshold,
    }
}

impl Row {
    /// The state, unless it can't be read.
    fn state(&self) -> Option<AlarmState> {
        match self.unreadable() {
            Some(_) => None,
            None => self.status.state(),
        }
    }

    /// Why it can't be read: a poll that failed is outweighed by those before it, if there are some.
    fn unreadable(&self) -> Option<&str> {
        let unread = self.status.reading.is_none();
        let trouble = self.status.trouble.as_deref();
        self.status.unreadable().or(trouble.filter(|_| unread))
    }

    fn value(&self) -> Option<&str> {
        let reading = self.status.reading.as_ref();
        self.state().and(reading)?.value.as_deref()
    }

    /// What its source said last, and what went wrong since.
    fn message(&self) -> String {
        let reading = self.status.reading.as_ref();
        match (self.unreadable(), reading, &self.status.trouble) {
            (Some(why), ..) => why.to_owned(),
            (None, Some(reading), Some(trouble)) => {
                format!("{} (not since: {trouble})", reading.message)
            }
            (None, Some(reading), None) => reading.message.clone(),
            (None, None, _) => String::new(),
        }
    }
}

fn as_json(row: &Row) -> Value {
    json!({
        "name": row.status.name,
        "state": row.state(),
        "value": row.value(),
        "threshold": row.threshold,
        "message": row.message(),
        "unreadable": row.unreadable(),
        "watched": row.watched,
        "since": row.status.since.filter(|_| row.watched),
        "checked": row.status.checked,
        "failures": row.status.failures,
        "history": row.status.history,
    })
}

fn as_table(rows: &[Row]) -> Vec<String> {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let state = row.state().map_or("unreadable", AlarmState::name);
            let since = row.status.since.filter(|_| row.watched).map(date_time);
            let cells = [
                &row.status.name,
                state,
                row.value().unwrap_or_default(),
                &row.threshold,
                &since.unwrap_or_default(),
                &row.message(),
            ];
            let filled = |cell: &str| match cell {
                "" => "-".to_owned(),
                cell => safe(cell),
            };
            cells.into_iter().map(filled).collect()
        })
        .collect();
    let headings = ["ALARM", "STATE", "VALUE", "THRESHOLD", "SINCE", "MESSAGE"];
    table::lines(&headings, &cells)
}

/// The polls of an alarm that is watched, oldest first.
fn history(row: &Row) -> Vec<String> {
    if !row.watched {
        return vec![String::new(), "no deployment has it watched".to_owned()];
    }
    let polls: Vec<Vec<String>> = row
        .status
        .history
        .iter()
        .map(|sample| {
            let state = sample.state.map_or("unreadable", AlarmState::name);
            let value = sample.value.as_deref().unwrap_or("-");
            vec![clock_time(sample.at), state.to_owned(), safe(value)]
        })
        .collect();
    let mut lines = vec![String::new()];
    lines.extend(table::lines(&["POLLED", "STATE", "VALUE"], &polls));
    lines
}
