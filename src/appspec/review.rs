//! What reading an `AppSpec` comes to.

use super::Finding;
use super::fields::Findings;

/// What there is to say about a text that should be an `AppSpec`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Review<A> {
    /// What could be read, if anything; complete if there are no errors.
    pub appspec: Option<A>,
    /// What is wrong, in the order of the text.
    pub errors: Vec<Finding>,
    /// What looks like a mistake, in the order of the text.
    pub warnings: Vec<Finding>,
}

impl<A> Review<A> {
    /// Of a text that cannot be read at all.
    pub fn refusal(error: Finding) -> Self {
        Self {
            appspec: None,
            errors: vec![error],
            warnings: Vec::new(),
        }
    }

    /// Of a text that was read.
    pub(super) fn of(appspec: Option<A>, findings: Findings) -> Self {
        let Findings {
            mut errors,
            mut warnings,
        } = findings;
        errors.sort_by_key(|finding| finding.position);
        warnings.sort_by_key(|finding| finding.position);
        Self {
            appspec,
            errors,
            warnings,
        }
    }

    /// What was read, if nothing is wrong with it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong.
    pub fn whole(self) -> Result<A, Vec<Finding>> {
        match self.appspec {
            Some(appspec) if self.errors.is_empty() => Ok(appspec),
            _ => Err(self.errors),
        }
    }
}
