//! A row of the history: a deployment, or what it did to one host.

use std::time::Duration;

use crate::api::afterwards::past::Given;
use crate::api::view::View;
use crate::engine::Summary;
use crate::model::deployment::DeploymentId;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::tui::glyph::{self, Mark};
use crate::tui::lists::facts::{Facts, Key};

/// What is known of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub id: &'a DeploymentId,
    pub group: &'a GroupKey,
    /// Nothing where a host went back to what was there before the group's first deployment.
    pub revision: &'a str,
    /// How it ended, or stands.
    pub mark: Mark,
    pub create_time: Timestamp,
    pub start_time: Option<Timestamp>,
    pub end_time: Option<Timestamp>,
    /// The deployment, as long as it is kept.
    pub summary: Option<&'a Summary>,
}

impl<'a> Entry<'a> {
    /// A deployment.
    pub(super) fn of(view: &View, summary: &'a Summary) -> Self {
        let whole = view.deployments.get(&summary.deployment_id);
        Self {
            id: &summary.deployment_id,
            group: &summary.group,
            revision: &summary.revision.label,
            mark: whole.map_or_else(|| glyph::deployment(summary.status), glyph::standing),
            create_time: summary.create_time,
            start_time: summary.start_time,
            end_time: summary.complete_time,
            summary: Some(summary),
        }
    }

    /// What an ended deployment did to a host.
    pub(super) fn given(given: &'a Given, summary: Option<&'a Summary>) -> Self {
        let revision = given.revision.as_ref();
        Self {
            id: &given.deployment,
            group: &given.group,
            revision: revision.map_or("-", |revision| &revision.label),
            mark: glyph::target(given.status),
            create_time: given.create_time,
            start_time: summary.and_then(|summary| summary.start_time),
            end_time: Some(given.end_time),
            summary,
        }
    }

    /// What a deployment that runs does to a host.
    pub(super) fn running(view: &View, summary: &'a Summary, host: &Name) -> Option<Self> {
        let target = view.deployments.get(&summary.deployment_id)?.target(host)?;
        Some(Self {
            mark: glyph::target(target.status),
            ..Self::of(view, summary)
        })
    }

    /// How long it took, and how much of that it waited.
    pub(super) fn spans(&self, now: Timestamp) -> Option<(Duration, Duration)> {
        let end = self.end_time.unwrap_or(now);
        let waited = self
            .summary
            .map_or(Duration::ZERO, |summary| summary.waited.by(end));
        Some((end.since(self.start_time?), waited))
    }

    /// Who or what created it.
    pub(super) fn by(&self) -> &'a str {
        self.summary.map_or("", |summary| &summary.by)
    }

    /// What a filter looks at.
    pub(super) fn facts(&self) -> Facts {
        Facts::new(self.id.as_str())
            .with("group", self.group.to_string())
            .with("status", self.mark.word)
            .with("revision", self.revision)
            .with("by", self.by())
    }

    /// What it is sorted by.
    pub(super) fn key(&self, now: Timestamp, column: &str) -> Key {
        let span = |span: Option<Duration>| {
            Key::Number(span.map_or(-1, |span| {
                i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
            }))
        };
        let spans = self.spans(now);
        match column {
            "status" => Key::Text(self.mark.word.to_owned()),
            "group" => Key::Text(self.group.to_string()),
            "revision" => Key::Text(self.revision.to_owned()),
            "person" => Key::Text(self.by().to_owned()),
            "waiting" => span(spans.map(|(_, waited)| waited)),
            _ => span(spans.map(|(took, waited)| took.saturating_sub(waited))),
        }
    }
}
