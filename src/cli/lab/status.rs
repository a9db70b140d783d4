//! `cutover lab status`: what runs, what became of the requests, and what the alarm says.

use serde_json::json;

use crate::cli::print::say;
use crate::cli::{Exit, Output};
use crate::clock;
use crate::lab::Fleet;
use crate::lab::alarm::{self, MOST};
use crate::lab::counts::Counts;
use crate::model::alarm::AlarmState;
use crate::text::safe;

pub(super) fn run(fleet: &Fleet, output: Output) -> color_eyre::Result<Exit> {
    let (router, requests) = fleet.traffic();
    let counts = Counts::read(&fleet.folder);
    let alarm = alarm::read(&fleet.folder, clock::now());
    if output == Output::Json {
        let value = json!({
            "folder": fleet.folder,
            "front": fleet.front(),
            "routerRuns": router,
            "requestsRun": requests,
            "requests": counts,
            "alarm": { "state": alarm.state, "percent": alarm.percent, "message": alarm.message },
        });
        say(serde_json::to_string_pretty(&value)?);
        return Ok(Exit::Succeeded);
    }
    say(format_args!("folder    {}", fleet.folder.display()));
    let Some(front) = fleet.front() else {
        say("checkout  none in this lab: `cutover lab --down` ends it, and the next one has");
        return Ok(Exit::Succeeded);
    };
    let ended = |runs| {
        if runs {
            ""
        } else {
            "  (has ended: `cutover lab` starts it again)"
        }
    };
    say(format_args!("checkout  http://{front}{}", ended(router)));
    if let Some(front) = fleet.function_front() {
        say(format_args!("thumbs    http://{front}"));
    }
    if let Some([front, test]) = fleet.service_fronts() {
        say(format_args!(
            "gallery   http://{front}  (test traffic http://{test})"
        ));
    }
    match counts {
        Some(counts) => {
            say(format_args!(
                "requests  {} a second, {} answered, {} failed{}",
                counts.rate,
                counts.answers(),
                counts.failures(),
                ended(requests)
            ));
            for (version, count) in &counts.answered {
                say(format_args!(
                    "          {count:>8}  answered by {}",
                    safe(version)
                ));
            }
            for (why, count) in &counts.failed {
                say(format_args!("          {count:>8}  failed: {}", safe(why)));
            }
        }
        None => say("requests  none yet"),
    }
    say(format_args!(
        "alarm     {}: {} (above {MOST} % is an alarm)",
        alarm.state.name(),
        alarm.message
    ));
    Ok(Exit::Succeeded)
}

/// What a command exits with that an alarm asks.
pub(super) fn exit(state: AlarmState) -> Exit {
    match state {
        AlarmState::Ok => Exit::Succeeded,
        AlarmState::Alarm => Exit::Failed,
        // By number the code of wrong usage: to an alarm it is no data.
        AlarmState::InsufficientData => Exit::Usage,
    }
}
