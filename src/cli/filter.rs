//! Which deployments `cutover list` shows.

use std::str::FromStr;

use crate::api::snapshot::Summary;
use crate::clock;
use crate::model::deployment::DeploymentStatus;
use crate::model::group::GroupKey;
use crate::model::timestamp::Timestamp;

/// What is not said fits.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub(super) struct Filter {
    /// Deployments of this group only
    #[arg(long, value_name = "APP/GROUP", value_parser = group)]
    group: Option<GroupKey>,
    /// In any of these statuses only, such as Failed,Stopped
    #[arg(long, value_delimiter = ',', value_name = "STATUS", value_parser = status)]
    status: Vec<DeploymentStatus>,
    /// Created at this time or later: 2031-02-03, 2031-02-03T14:00, or 90m, 12h, 7d for so long ago
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Created before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
}

impl Filter {
    /// The group that is meant, if it is one alone.
    pub fn group(&self) -> Option<&GroupKey> {
        self.group.as_ref()
    }

    /// Whether a deployment is meant.
    pub fn fits(&self, summary: &Summary) -> bool {
        self.group
            .as_ref()
            .is_none_or(|group| *group == summary.group)
            && (self.status.is_empty() || self.status.contains(&summary.status))
            && self.since.is_none_or(|since| summary.create_time >= since)
            && self.until.is_none_or(|until| summary.create_time < until)
    }
}

pub(super) fn group(text: &str) -> Result<GroupKey, String> {
    let (application, group) = text
        .split_once('/')
        .ok_or("write APPLICATION/GROUP, such as shop/production")?;
    Ok(GroupKey {
        application: application.parse().map_err(|e| format!("{e}"))?,
        group: group.parse().map_err(|e| format!("{e}"))?,
    })
}

/// Statuses as `CodeDeploy` writes them, in any case.
fn status(text: &str) -> Result<DeploymentStatus, String> {
    use DeploymentStatus as S;
    let all = [
        S::Created,
        S::Queued,
        S::InProgress,
        S::Baking,
        S::Ready,
        S::Succeeded,
        S::Failed,
        S::Stopped,
    ];
    all.into_iter()
        .find(|status| status.to_string().eq_ignore_ascii_case(text))
        .ok_or_else(|| {
            format!(
                "a status is one of {}",
                all.map(|s| s.to_string()).join(", ")
            )
        })
}

fn time(text: &str) -> Result<Timestamp, String> {
    read_time(text, clock::now()).ok_or_else(|| {
        "write a day or time such as 2031-02-03 or 2031-02-03T14:00, or so long ago as in 90m, 12h or 7d".to_owned()
    })
}

/// A point in time: a span before now, a time with its zone, or a day or time of the local zone.
fn read_time(text: &str, now: Timestamp) -> Option<Timestamp> {
    let unit = match text.chars().last()? {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3600),
        'd' => Some(86400),
        _ => None,
    };
    if let Some(seconds) = unit
        && let Ok(count) = i64::from_str(&text[..text.len() - 1])
    {
        let span = count.checked_mul(seconds)?.checked_mul(1000)?;
        return Some(Timestamp(now.0.checked_sub(span)?));
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp(at.as_millisecond()));
    }
    let local = text.parse::<jiff::civil::DateTime>().ok()?;
    let at = local.to_zoned(jiff::tz::TimeZone::system()).ok()?;
    Some(Timestamp(at.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let now = Timestamp(1_000_000_000);
        assert_eq!(
            read_time("90m", now),
            Some(Timestamp(1_000_000_000 - 90 * 60_000))
        );
        assert_eq!(
            read_time("2d", now),
            Some(Timestamp(1_000_000_000 - 2 * 86_400_000))
        );
        assert_eq!(
            read_time("1970-01-02T00:00Z", now),
            Some(Timestamp(86_400_000))
        );
        let day = read_time("2031-02-03", now).unwrap();
        assert_eq!(
            read_time("2031-02-03T01:00", now),
            Some(Timestamp(day.0 + 3_600_000))
        );
        for wrong in ["", "yesterday", "h", "9999999999999999999d", "2031-13-01"] {
            assert_eq!(read_time(wrong, now), None, "{wrong}");
        }
    }
}
