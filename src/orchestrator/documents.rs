//! The project's documents, read again when they change; the last good version is kept when they have errors.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::feed::FeedItem;
use super::{Orchestrator, lock};
use crate::model::project::Project;
use crate::store::documents;

/// How often the documents are looked at.
const INTERVAL: Duration = Duration::from_secs(2);

/// The documents as last read.
#[derive(Debug)]
pub struct Documents {
    folder: PathBuf,
    current: Mutex<(Arc<Project>, Vec<String>)>,
}

impl Documents {
    /// Reads the documents for the first time.
    ///
    /// # Errors
    /// What is wrong with them, one line each.
    pub fn load(folder: &Path) -> Result<Self, Vec<String>> {
        let loaded = documents::load(folder).map_err(|problems| lines(&problems))?;
        Ok(Self {
            folder: folder.to_owned(),
            current: Mutex::new((Arc::new(loaded.project), Vec::new())),
        })
    }

    /// The documents as last read without an error, and what is wrong with them now.
    pub fn current(&self) -> (Arc<Project>, Vec<String>) {
        lock(&self.current).clone()
    }
}

fn lines(problems: &[documents::Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

impl Orchestrator {
    /// Reads the documents again whenever they have changed, and tells everybody.
    pub(super) fn follow_documents(self) {
        tokio::spawn(async move {
            let mut seen = documents::fingerprint(&self.0.documents.folder);
            loop {
                tokio::time::sleep(INTERVAL).await;
                let now = documents::fingerprint(&self.0.documents.folder);
                if now != seen {
                    seen = now;
                    self.reload();
                }
            }
        });
    }

    fn reload(&self) {
        let folder = &self.0.documents.folder;
        let item = {
            let mut current = lock(&self.0.documents.current);
            match documents::load(folder) {
                Ok(loaded) => *current = (Arc::new(loaded.project), Vec::new()),
                Err(problems) => current.1 = lines(&problems),
            }
            FeedItem::Project {
                project: Box::new((*current.0).clone()),
                problems: current.1.clone(),
            }
        };
        self.publish(item);
    }
}
