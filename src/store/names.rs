//! Names out of a journal, for whoever types them: read beside an orchestrator or without one, and never waited for.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::engine::Summary;
use crate::model::name::Name;
use crate::model::revision::RegisteredRevision;

/// A name that comes later is of no use.
const PATIENCE: Duration = Duration::from_millis(100);

/// So many of the newest are worth being offered.
const MOST: usize = 200;

/// A journal that nothing is written to.
#[derive(Debug)]
pub struct Names(Connection);

impl Names {
    /// Opens a journal; `None` if there is none that can be read.
    pub fn open(journal: &Path) -> Option<Self> {
        let connection =
            Connection::open_with_flags(journal, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
        connection.busy_timeout(PATIENCE).ok()?;
        Some(Self(connection))
    }

    /// The newest deployments, newest first. What can't be read is left out.
    pub fn deployments(&self) -> Vec<Summary> {
        let query =
            format!("SELECT summary FROM deployments ORDER BY create_time DESC, id LIMIT {MOST}");
        let texts = self.texts(&query, []).into_iter();
        texts
            .filter_map(|text| serde_json::from_str(&text).ok())
            .collect()
    }

    /// The revisions of an application, newest registration first.
    pub fn revisions(&self, application: &Name) -> Vec<RegisteredRevision> {
        let query = "SELECT body FROM revisions WHERE application = ?1";
        let texts = self.texts(query, [application.as_str()]).into_iter();
        let mut all: Vec<RegisteredRevision> = texts
            .filter_map(|text| serde_json::from_str(&text).ok())
            .collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.register_time));
        all.truncate(MOST);
        all
    }

    fn texts(&self, query: &str, values: impl rusqlite::Params) -> Vec<String> {
        let texts = || -> rusqlite::Result<Vec<String>> {
            let mut query = self.0.prepare(query)?;
            let rows = query.query_map(values, |row| row.get(0))?;
            rows.collect()
        };
        texts().unwrap_or_default()
    }
}
