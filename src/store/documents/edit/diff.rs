//! What changes in a file, for people.

use similar::TextDiff;

use super::FileChange;
use crate::text::safe;

impl FileChange {
    /// The difference, as `diff -u` shows it.
    pub fn diff(&self) -> Vec<String> {
        let path = self.path.display().to_string();
        let name = |side: &str, text: Option<&str>| match text {
            Some(_) => format!("{side}/{path}"),
            None => "/dev/null".to_owned(),
        };
        let (before, after) = (self.before(), self.after());
        let texts = TextDiff::from_lines(before.unwrap_or_default(), after.unwrap_or_default());
        texts
            .unified_diff()
            .context_radius(2)
            .header(&name("a", before), &name("b", after))
            .to_string()
            .lines()
            .map(safe)
            .collect()
    }
}
