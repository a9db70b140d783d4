//! The log of what runs on a host, the agent or a local deployment: on standard error, or in a folder as `CodeDeploy`'s
//! agent keeps it. There it is one file a day, always written under the same name and renamed when the day is over; the
//! writers that libraries offer put the day into the name of the file that is being written.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use color_eyre::eyre::WrapErr;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

use crate::clock;

/// So many files of past days are kept.
const KEPT: usize = 7;

/// Starts logging everything from this level on to standard error.
pub(super) fn to_stderr(level: &str) {
    let builder = tracing_subscriber::fmt().with_env_filter(filter(level));
    // A second initialisation means that somebody else set it up already.
    let _ = builder.with_writer(io::stderr).try_init();
}

/// Starts logging everything from this level on to `<folder>/<program>.log`.
pub(super) fn to_folder(folder: &Path, program: &str, level: &str) -> color_eyre::Result<()> {
    let log = Daily::open(folder.to_owned(), program.to_owned())
        .wrap_err_with(|| format!("opening the log in {}", folder.display()))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter(level));
    let lines = Lines(program.to_owned());
    let _ = builder
        .event_format(lines)
        .with_writer(Mutex::new(log))
        .try_init();
    Ok(())
}

fn filter(level: &str) -> EnvFilter {
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level))
}

/// `CodeDeploy`'s lines: time, level, program and process, message.
struct Lines(String);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let time = now().strftime("%Y-%m-%dT%H:%M:%S");
        let level = event.metadata().level();
        write!(
            writer,
            "{time} {level:<5} [{}({})]: ",
            self.0,
            std::process::id()
        )?;
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// A log file that begins anew every day.
#[derive(Debug)]
struct Daily {
    folder: PathBuf,
    program: String,
    day: Date,
    file: File,
}

impl Daily {
    fn open(folder: PathBuf, program: String) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{program}.log"));
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let modified = file.metadata()?.modified()?;
        let modified = jiff::Timestamp::try_from(modified).map_err(io::Error::other)?;
        Ok(Self {
            folder,
            program,
            day: modified.to_zoned(TimeZone::system()).date(),
            file,
        })
    }

    fn begin(&mut self, today: Date) -> io::Result<()> {
        let path = self.folder.join(format!("{}.log", self.program));
        let day = self.day.strftime("%Y%m%d");
        // Another process that writes it may have begun the day already, or somebody removed the file.
        let ours = self.file.metadata()?.ino();
        if fs::metadata(&path).is_ok_and(|metadata| metadata.ino() == ours) {
            let past = format!("{}.{day}.log", self.program);
            fs::rename(&path, self.folder.join(past))?;
        }
        *self = Self::open(self.folder.clone(), self.program.clone())?;
        self.day = today;
        self.forget()
    }

    fn forget(&self) -> io::Result<()> {
        let mut past = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let day = name
                .and_then(|name| name.strip_prefix(self.program.as_str())?.strip_prefix('.'))
                .and_then(|rest| rest.strip_suffix(".log"));
            let is_day =
                |day: &str| day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit());
            past.extend(day.is_some_and(is_day).then_some(path.clone()));
        }
        past.sort();
        let surplus = past.len().saturating_sub(KEPT);
        past[..surplus].iter().try_for_each(fs::remove_file)
    }
}

impl Write for Daily {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let today = now().date();
        if today != self.day {
            self.begin(today)?;
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn now() -> jiff::Zoned {
    let now = jiff::Timestamp::from_millisecond(clock::now().0);
    now.unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .to_zoned(TimeZone::system())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_day_begins_a_new_file_and_a_week_is_kept() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("agent.log");
        for day in 1..=9 {
            fs::write(scratch.path().join(format!("agent.2020010{day}.log")), "").unwrap();
        }
        fs::write(&path, "yesterday\n").unwrap();
        let day = std::time::Duration::from_hours(24);
        let file = File::options().append(true).open(&path).unwrap();
        let before = file.metadata().unwrap().modified().unwrap() - day;
        file.set_modified(before).unwrap();
        let mut log = Daily::open(scratch.path().to_owned(), "agent".to_owned()).unwrap();
        let yesterday = log.day.strftime("%Y%m%d").to_string();
        log.write_all(b"today\n").unwrap();
        log.write_all(b"still\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "today\nstill\n");
        let renamed = scratch.path().join(format!("agent.{yesterday}.log"));
        assert_eq!(fs::read_to_string(renamed).unwrap(), "yesterday\n");
        let all = fs::read_dir(scratch.path()).unwrap().count();
        assert_eq!(all, KEPT + 1);
    }

    #[test]
    fn a_log_that_another_moved_or_removed_is_made_anew() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("agent.log");
        let open = || Daily::open(scratch.path().to_owned(), "agent".to_owned()).unwrap();
        let (mut log, mut other) = (open(), open());
        log.write_all(b"before\n").unwrap();
        let yesterday = log.day.yesterday().unwrap();
        (log.day, other.day) = (yesterday, yesterday);
        log.write_all(b"one\n").unwrap();
        other.write_all(b"two\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        let day = yesterday.strftime("%Y%m%d");
        let renamed = scratch.path().join(format!("agent.{day}.log"));
        assert_eq!(fs::read_to_string(renamed).unwrap(), "before\n");

        fs::remove_file(&path).unwrap();
        log.day = yesterday;
        log.write_all(b"anew\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "anew\n");
    }
}
