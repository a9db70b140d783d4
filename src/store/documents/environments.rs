//! Environments in `cutover.yaml`: how long they stay unlocked.

use super::document::Document;
use super::problem::{Problems, Severity};
use crate::model::environment::LONGEST;
use crate::model::project::ProjectDocument;
use crate::model::yaml::Path;

/// Checks each of them.
pub(super) fn check(project: &ProjectDocument, document: &Document, problems: &mut Problems) {
    for (name, environment) in &project.environments {
        if !(1..=LONGEST).contains(&environment.unlock_minutes) {
            let path = Path::root().key("environments").key(name.as_str());
            let message = format!("an environment stays unlocked from 1 to {LONGEST} minutes");
            let path = path.key("unlockMinutes");
            problems.add(document.problem(Severity::Error, &path, message));
        }
    }
}
