//! `cutover sim`: runs whole deployments in a simulated world in which everything goes wrong.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use color_eyre::eyre::WrapErr as _;

use super::Exit;
use super::context::UsageError;
use super::print::{note, say};
use crate::model::timestamp::Short;
use crate::sim::{self, Bytes, Campaign, Care, Cast, Failure, Outcome, Report, Setting, Tape};
use crate::text::safe;

/// So many lines of a failing run are shown.
const LAST_LINES: usize = 25;

/// From so many seeds on, every coverage mark must have been hit.
const REQUIRED: u64 = 100_000;

/// Runs simulated deployments: real decisions, faulty hosts, networks, disks and operators, all out of a seed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Run so many seeds
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10_000,
        conflicts_with = "seed"
    )]
    seeds: u64,
    /// Begin with this seed
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    from: u64,
    /// Use so many threads; by default one a core
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Run this one seed
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Run the tape in this file, as a failure printed it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "seeds"])]
    tape: Option<PathBuf>,
    /// Tell what happens, and write the journal into a file that the cockpit replays
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "cutover-sim.jsonl")]
    trace: Option<PathBuf>,
    /// Give every world so many hosts
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    hosts: Option<u32>,
    /// Switch on one bug after the other and see whether it is noticed; with a name only that one
    #[cfg(feature = "deliberate-bugs")]
    #[arg(long, value_name = "BUG", num_args = 0..=1, default_missing_value = "all")]
    deliberate_bugs: Option<String>,
}

pub(super) fn run(args: &Args) -> color_eyre::Result<Exit> {
    let threads = args
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    #[cfg(feature = "deliberate-bugs")]
    if let Some(name) = &args.deliberate_bugs {
        return bugs(name, threads, args.from);
    }
    let setting = Setting { hosts: args.hosts };
    if let Some(file) = &args.tape {
        let shown = file.display();
        let text =
            std::fs::read_to_string(file).wrap_err_with(|| format!("reading the tape {shown}"))?;
        let bytes =
            Bytes::from_text(&text).map_err(|error| UsageError(format!("{shown}: {error}")))?;
        return one(
            Tape::kept(bytes),
            true,
            setting,
            args,
            &format!("tape {shown}"),
        );
    }
    if let Some(seed) = args.seed {
        let thorough = Campaign::care(seed).thorough;
        return one(
            Tape::seeded(seed),
            thorough,
            setting,
            args,
            &format!("seed {seed}"),
        );
    }
    let campaign = Campaign {
        from: args.from,
        seeds: args.seeds,
        threads,
        setting,
        shrink: true,
    };
    Ok(many(&campaign))
}

fn one(
    tape: Tape,
    thorough: bool,
    setting: Setting,
    args: &Args,
    name: &str,
) -> color_eyre::Result<Exit> {
    let cast = Rc::new(Cast::default());
    let care = Care {
        trace: args.trace.is_some(),
        right_clocks: false,
        thorough,
    };
    let outcome = sim::run(&cast, tape, setting, care);
    for line in &outcome.lines {
        say(safe(line));
    }
    if let Some(file) = &args.trace {
        write_replay(&cast, &outcome, file)?;
        note(format_args!(
            "the journal is in {0}: cutover replay {0}",
            file.display()
        ));
    }
    let hosts = outcome.shape.hosts;
    say(format!(
        "{name}: {hosts} hosts, {} deployments, {} steps, {} simulated, digest {:016x}",
        outcome.deployments,
        outcome.steps,
        span(outcome.time),
        outcome.hash
    ));
    match outcome.violation {
        None => Ok(Exit::Succeeded),
        Some(violation) => {
            say(safe(&violation.to_string()));
            Ok(Exit::Failed)
        }
    }
}

fn write_replay(cast: &Cast, outcome: &Outcome, file: &std::path::Path) -> color_eyre::Result<()> {
    let project = cast.project(&outcome.shape)?;
    let text = sim::replay(&project, &outcome.disk)?;
    std::fs::write(file, text).wrap_err_with(|| format!("writing {}", file.display()))
}

fn many(campaign: &Campaign) -> Exit {
    let start = Instant::now();
    let told = AtomicU64::new(0);
    let report = campaign.run(|done| {
        let seconds = start.elapsed().as_secs();
        if seconds >= told.load(Ordering::Relaxed) + 5 {
            told.store(seconds, Ordering::Relaxed);
            note(format_args!(
                "{done} of {} seeds after {seconds} s",
                campaign.seeds
            ));
        }
    });
    let seconds = start.elapsed().as_secs_f64().max(0.001);
    summary(&report, seconds);
    if let Some(failure) = &report.failure {
        explain(failure, campaign.setting);
        return Exit::Failed;
    }
    let missed: Vec<&str> = report
        .marks
        .iter()
        .filter(|(_, hits)| *hits == 0)
        .map(|(text, _)| text)
        .collect();
    if campaign.seeds >= REQUIRED && !missed.is_empty() {
        say(format!(
            "never happened in {} seeds: {}",
            report.seeds,
            missed.join("; ")
        ));
        return Exit::Failed;
    }
    Exit::Succeeded
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn summary(report: &Report, seconds: f64) {
    for (text, hits) in report.marks.iter() {
        say(format!("{hits:>12}  {text}"));
    }
    say(format!(
        "{} seeds, {} deployments, {} steps, {} simulated, in {seconds:.1} s: {:.0} seeds, {:.0} deployments a second",
        report.seeds,
        report.deployments,
        report.steps,
        span(report.time),
        report.seeds as f64 / seconds,
        report.deployments as f64 / seconds,
    ));
}

fn span(millis: i64) -> String {
    let days = millis / 86_400_000;
    if days > 0 {
        return format!("{days} days");
    }
    Short(std::time::Duration::from_millis(millis.unsigned_abs())).to_string()
}

fn explain(failure: &Failure, setting: Setting) {
    let Failure {
        seed,
        violation,
        bytes,
        lines,
        hosts,
        steps,
    } = failure;
    let skipped = lines.len().saturating_sub(LAST_LINES);
    say(format!(
        "\nseed {seed} fails; the smallest run found has {hosts} hosts and {steps} steps, and ends so:"
    ));
    for line in &lines[skipped..] {
        say(safe(line));
    }
    say(safe(&violation.to_string()));
    say(format!("\nits tape:\n{}", bytes.to_text()));
    let hosts = setting
        .hosts
        .map_or_else(String::new, |hosts| format!(" --hosts {hosts}"));
    say(format!(
        "again: cutover sim --seed {seed}{hosts} --trace, or with the tape in a file: cutover sim --tape FILE{hosts} --trace"
    ));
}

#[cfg(feature = "deliberate-bugs")]
fn bugs(name: &str, threads: usize, from: u64) -> color_eyre::Result<Exit> {
    let only = Some(name).filter(|name| *name != "all");
    say(format!(
        "{:<24} {:>6} {:>6} {:>6}  noticed by",
        "bug", "seeds", "hosts", "steps"
    ));
    let found = sim::bugs::find_all(threads, from, only, |one| {
        let by = one
            .violation
            .as_ref()
            .map_or_else(|| format!("nothing: {}", one.text), ToString::to_string);
        let (hosts, steps) = one.small;
        say(format!(
            "{:<24} {:>6} {hosts:>6} {steps:>6}  {}",
            one.bug.name(),
            one.seeds,
            safe(&by)
        ));
    });
    if found.is_empty() {
        return Err(UsageError(format!("there is no deliberate bug called {name}")).into());
    }
    if let (Some(_), [one]) = (only, found.as_slice()) {
        say(format!("\nits tape:\n{}", one.bytes.to_text()));
    }
    let survived = found.iter().filter(|one| one.violation.is_none()).count();
    say(format!(
        "{} of {} bugs were noticed",
        found.len() - survived,
        found.len()
    ));
    Ok(if survived == 0 {
        Exit::Succeeded
    } else {
        Exit::Failed
    })
}
