//! What the driver does about documents: it fetches them, has them written by hand, checks them with the whole project, and
//! writes them through the gate.

use std::path::Path;

use crate::api::gate::{self, Circumstances};
use crate::store::documents::edit::{ChangeError, Changes, Draft, New};
use crate::store::documents::place::Document;
use crate::store::documents::{Problem, Severity};

/// What is to be written by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Manuscript {
    /// A document as it is.
    Document(Document),
    /// A draft, at a line.
    Draft(Draft, Option<usize>),
}

/// A draft that was checked with its project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reviewed {
    pub draft: Draft,
    /// What is worth knowing about it, or what is wrong.
    pub verdict: Result<Vec<String>, Wrong>,
}

/// What is wrong with a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub text: String,
    /// The line of the document, if it is about one.
    pub line: Option<usize>,
}

/// Takes a manuscript to hand.
///
/// # Errors
/// If there is no such document, or it can't be read.
pub(crate) fn begin(
    manuscript: Manuscript,
    project: &Path,
) -> Result<(Draft, Option<usize>), String> {
    match manuscript {
        Manuscript::Draft(draft, line) => Ok((draft, line)),
        Manuscript::Document(document) => {
            let path = document
                .find(project)
                .ok_or_else(|| format!("{document} has no document any more"))?;
            let mut changes = Changes::of(project);
            let text = changes.text(&path).map_err(|error| error.to_string())?;
            let line = document.line(text.unwrap_or_default());
            Ok((Draft::new(changes, path), line))
        }
    }
}

/// Takes back what was written by hand, and checks it. A copy that says nothing new is put away.
pub(crate) fn review(mut draft: Draft) -> Reviewed {
    let verdict = match draft.take_back() {
        Ok(notes) => Ok(concerning(&draft, &notes)),
        Err(error) => Err(Wrong {
            line: error.line_in(draft.path()),
            text: error.to_string(),
        }),
    };
    if verdict.is_ok() && draft.changes().files().next().is_none() {
        draft.let_go();
    }
    Reviewed { draft, verdict }
}

/// What looks wrong in the files that change.
fn concerning(draft: &Draft, notes: &[Problem]) -> Vec<String> {
    let changed = |problem: &&Problem| {
        let mut files = draft.changes().files();
        problem.severity <= Severity::Warning && files.any(|file| file.path == problem.file)
    };
    notes
        .iter()
        .filter(changed)
        .map(ToString::to_string)
        .collect()
}

/// Makes something new, and checks it.
///
/// # Errors
/// If it does not go together with what is there.
pub(crate) fn prepare(new: &New, project: &Path) -> Result<Reviewed, String> {
    let draft = new.draft(project);
    draft
        .map(review)
        .map_err(|error: ChangeError| error.to_string())
}

/// Writes a draft, and says what was written.
///
/// # Errors
/// Why not, and where what was written by hand is then.
pub(crate) fn write(draft: &Draft, circumstances: &Circumstances) -> Result<String, String> {
    let written = gate::write(draft.changes(), circumstances);
    let left = draft.let_go();
    match (written, left) {
        (Ok(_), _) => {
            let files = draft.changes().files();
            let files: Vec<String> = files.map(|file| file.path.display().to_string()).collect();
            Ok(format!("wrote {}", files.join(", ")))
        }
        (Err(error), None) => Err(error.to_string()),
        (Err(error), Some(left)) => Err(format!("{error}; {}", kept(&left))),
    }
}

/// Where what somebody wrote is to be found.
pub(crate) fn kept(copy: &Path) -> String {
    format!("what you wrote is in {}", copy.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "name: shop\nhosts:\n  - name: web-1\n    address: http://127.0.0.1:1\n";

    fn project() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cutover.yaml"), ROOT).unwrap();
        folder
    }

    fn host() -> Manuscript {
        Manuscript::Document(Document::Host("web-1".parse().unwrap()))
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_is_kept_and_so_is_what_was_written_by_hand() {
        let project = project();
        let (mut draft, line) = begin(host(), project.path()).unwrap();
        assert_eq!(line, Some(3));
        let copy = draft.open().unwrap();
        std::fs::write(&copy, format!("# mine\n{ROOT}")).unwrap();
        let reviewed = review(draft);
        assert_eq!(reviewed.verdict, Ok(Vec::new()));
        let file = project.path().join("cutover.yaml");
        std::fs::write(&file, format!("# theirs\n{ROOT}")).unwrap();
        let open = Circumstances {
            read_only: false,
            data_age: None,
            confirmed: true,
            locked: None,
        };
        let refused = write(&reviewed.draft, &open).unwrap_err();
        assert!(refused.contains("changed by somebody else"), "{refused}");
        assert!(refused.contains(&kept(&copy)), "{refused}");
        let theirs = std::fs::read_to_string(&file).unwrap();
        assert!(theirs.starts_with("# theirs"));
        std::fs::write(&file, ROOT).unwrap();
        assert_eq!(write(&reviewed.draft, &open).unwrap(), "wrote cutover.yaml");
        assert!(!copy.exists());
    }

    #[test]
    fn what_says_nothing_new_leaves_nothing_behind() {
        let project = project();
        let (mut draft, _) = begin(host(), project.path()).unwrap();
        let copy = draft.open().unwrap();
        let reviewed = review(draft);
        assert_eq!(reviewed.verdict, Ok(Vec::new()));
        assert!(!copy.exists());
        let gone = Manuscript::Document(Document::Application("gone".parse().unwrap()));
        let refused = begin(gone, project.path()).unwrap_err();
        assert_eq!(refused, "application gone has no document any more");
    }
}
