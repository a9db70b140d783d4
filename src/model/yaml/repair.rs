//! What every other YAML parser takes, and this one does not. It is put right without a change of meaning, each time at the
//! place where the parser stopped.

use saphyr_parser::ScanError;

use super::positions::Positions;

/// More than anybody indents.
const INDENTATION: &str = "                                                                ";

/// Puts right what the parser stopped at, if that can be done; `positions` goes on telling where things are written.
pub(super) fn repair(error: &ScanError, source: &mut String, positions: &mut Positions) -> bool {
    let here = Positions::new(source, 0);
    let line = error.marker().line();
    if let Some(tab) = tab_after_colon(error, source, &here) {
        source.replace_range(tab..=tab, " ");
        true
    } else if error.info() == "invalid indentation" && positions.shift(line, INDENTATION.len()) {
        // In brackets the blanks before a line mean nothing, but the parser wants some.
        let start = here.line_start(line);
        source.insert_str(start, INDENTATION);
        true
    } else {
        false
    }
}

/// Where the tab is, if the parser took offence at one between a key's colon and the value.
fn tab_after_colon(error: &ScanError, source: &str, here: &Positions) -> Option<usize> {
    if !error.info().starts_with("':' must be followed") {
        return None;
    }
    let value = here.marker(error.marker()).offset;
    let before = source.get(..value)?.trim_end_matches('\t');
    (before.ends_with(':') && before.len() < value).then_some(before.len())
}
