//! Alarms in `cutover.yaml`: whether what is asked can be asked.

use super::document::Document;
use super::problem::{Problems, Severity};
use crate::model::connections::AlarmSource;
use crate::model::project::ProjectDocument;
use crate::model::yaml::Path;

/// As many characters as a group may write (domain.md §9).
const LONGEST_NAME: usize = 255;

/// Checks every alarm, and the interval of those that have none of their own.
pub(super) fn check(project: &ProjectDocument, document: &Document, problems: &mut Problems) {
    let mut error = |path: &Path, message: &str| {
        problems.add(document.problem(Severity::Error, path, message));
    };
    let seldom = "an interval is at least 1 second";
    if project.settings.alarms.interval_seconds == 0 {
        let settings = Path::root().key("settings").key("alarms");
        error(&settings.key("intervalSeconds"), seldom);
    }
    let alarms = Path::root().key("connections").key("alarms");
    for (index, alarm) in project.connections.alarms.iter().enumerate() {
        let path = alarms.index(index);
        if alarm.interval_seconds == Some(0) {
            error(&path.key("intervalSeconds"), seldom);
        }
        let length = alarm.name.chars().count();
        if length > LONGEST_NAME {
            let message = format!("an alarm's name has 1 to 255 characters, not {length}");
            error(&path.key("name"), &message);
        }
        let source = path.key("source");
        match &alarm.source {
            AlarmSource::Prometheus(prometheus) => {
                let path = source.key("prometheus");
                if let Err(message) = check_url(&prometheus.address, "http://127.0.0.1:9090") {
                    error(&path.key("address"), &message);
                }
                if let Err(wrong) = prometheus.question() {
                    let field = wrong.field().map(|field| path.key(field));
                    error(field.as_ref().unwrap_or(&path), &wrong.to_string());
                }
            }
            AlarmSource::Http(http) => {
                if let Err(message) = check_url(&http.url, "http://127.0.0.1:8080/health") {
                    error(&source.key("http").key("url"), &message);
                }
            }
            AlarmSource::Command(command) => {
                if command.run.first().is_none_or(String::is_empty) {
                    let message = "name a program, as in [./check-errors, --since, 5m]";
                    error(&source.key("command").key("run"), message);
                }
            }
            AlarmSource::CloudWatch(_) => {}
        }
    }
}

fn check_url(text: &str, example: &str) -> Result<(), String> {
    match reqwest::Url::parse(text) {
        Ok(url) if url.scheme() == "http" && url.has_host() => Ok(()),
        Ok(url) if url.scheme() == "https" => {
            Err("https:// is not supported yet, only http://".to_owned())
        }
        _ => Err(format!("{text:?} is no URL: write one such as {example}")),
    }
}
