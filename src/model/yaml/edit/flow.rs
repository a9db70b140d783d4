//! Lists and mappings in brackets, which is all there is in JSON.

use super::EditError;
use super::content::Content;
use super::render::Style;
use super::sheet::{Sheet, Splice};
use crate::model::yaml::node::{Node, Value};
use crate::model::yaml::path::Step;

/// Writes another value in the place of one.
pub(super) fn replace(
    sheet: &Sheet<'_>,
    style: Style,
    node: &Node,
    key: Option<&Node>,
    new: &Content,
) -> Result<Vec<Splice>, EditError> {
    if let (Value::Null, Some(key)) = (&node.value, key) {
        // `{ key }` and `{ key: }`
        let (at, colon) = match sheet.colon(key) {
            Ok(at) => (at, ""),
            Err(_) => (key.span.end.offset, ":"),
        };
        return Ok(vec![(at..at, format!("{colon} {}", style.inline(new)))]);
    }
    let start = node.span.start.offset;
    let range = start..sheet.end(node)?;
    let written = sheet.slice(range.clone());
    let indent = sheet.line_start(start);
    let line = sheet.slice(indent..start);
    let indent = line.len() - line.trim_start().len();
    Ok(vec![(range, value(sheet, style, written, new, indent))])
}

/// A value in the quotes of the one before it.
pub(super) fn value(
    sheet: &Sheet<'_>,
    style: Style,
    written: &str,
    new: &Content,
    indent: usize,
) -> String {
    match new {
        Content::Scalar { text, plain: false } if written.starts_with('"') => {
            serde_json::Value::from(text.as_str()).to_string()
        }
        Content::Scalar { text, plain: false }
            if written.starts_with('\'') && !text.contains(char::is_control) =>
        {
            format!("'{}'", text.replace('\'', "''"))
        }
        _ if style.json || written.contains('\n') => {
            style.bracketed(new, indent).join(sheet.line_ending())
        }
        _ => style.inline(new),
    }
}

/// Where each entry or item starts and ends.
fn children(sheet: &Sheet<'_>, node: &Node) -> Result<Vec<(usize, usize)>, EditError> {
    let places = match &node.value {
        Value::Mapping(entries) => entries
            .iter()
            .map(|(key, value)| {
                let start = key.span.start.offset;
                // `{ key }` has no colon.
                let end = match (&value.value, sheet.colon(key)) {
                    (Value::Null, Err(_)) => key.span.end.offset,
                    _ => sheet.entry_end(key, value)?,
                };
                Ok((start, end))
            })
            .collect::<Result<Vec<_>, EditError>>()?,
        Value::Sequence(items) => items
            .iter()
            .map(|item| Ok((item.span.start.offset, sheet.end(item)?)))
            .collect::<Result<Vec<_>, EditError>>()?,
        Value::Null | Value::Scalar { .. } => Vec::new(),
    };
    let inside = node.span.start.offset + 1..sheet.end(node)? - 1;
    let mut end = inside.start;
    for (from, to) in &places {
        if *from < end || *to > inside.end {
            let message =
                "an alias or a merge key brings a part of this list or mapping; change it by hand";
            return Err(EditError::at(node.span.start, message));
        }
        end = *to;
    }
    Ok(places)
}

/// Adds an entry at the end of a mapping, or an item to a list.
pub(super) fn insert(
    sheet: &Sheet<'_>,
    style: Style,
    node: &Node,
    step: &Step,
    new: &Content,
) -> Result<Vec<Splice>, EditError> {
    let places = children(sheet, node)?;
    let inside = node.span.start.offset + 1..sheet.end(node)? - 1;
    let index = match step {
        Step::Key(_) => places.len(),
        Step::Index(index) => *index,
    };
    let Some(neighbour) = places.get(index.saturating_sub(1)) else {
        return Ok(vec![first(sheet, style, inside, step, new)]);
    };
    let lines = sheet.leads(neighbour.0);
    let eol = sheet.line_ending();
    let indent = sheet.column(neighbour.0);
    let written = if lines {
        let mut written = style.bracketed(new, indent);
        if let Step::Key(key) = step {
            written[0] = format!("{}: {}", style.text(key), written[0]);
        }
        written.join(eol)
    } else {
        one_line(style, step, new)
    };
    let blanks = " ".repeat(indent);
    if index == 0 {
        let between = if lines {
            format!(",{eol}{blanks}")
        } else {
            ", ".to_owned()
        };
        return Ok(vec![(
            neighbour.0..neighbour.0,
            format!("{written}{between}"),
        )]);
    }
    let end = neighbour.1;
    let comma = comma(sheet, end, inside.end);
    if !lines {
        return Ok(vec![(end..end, format!(", {written}"))]);
    }
    let line_end = sheet.line_end(end);
    // Behind a comment at the end of the neighbour's line, if the bracket is not on it.
    if line_end <= inside.end {
        let last = index == places.len();
        let follows = if comma.is_some() || !last { "," } else { "" };
        let mut splices = vec![(
            line_end..line_end,
            format!("{eol}{blanks}{written}{follows}"),
        )];
        if comma.is_none() {
            splices.insert(0, (end..end, ",".to_owned()));
        }
        return Ok(splices);
    }
    Ok(vec![(end..end, format!(",{eol}{blanks}{written}"))])
}

/// Between brackets with nothing in them.
fn first(
    sheet: &Sheet<'_>,
    style: Style,
    inside: std::ops::Range<usize>,
    step: &Step,
    new: &Content,
) -> Splice {
    let written = one_line(style, step, new);
    if !sheet.slice(inside.clone()).trim().is_empty() {
        // Comments stay above.
        return (inside.end..inside.end, format!("{written} "));
    }
    match step {
        Step::Key(_) if !style.json => (inside, format!(" {written} ")),
        _ => (inside, written),
    }
}

fn one_line(style: Style, step: &Step, new: &Content) -> String {
    match step {
        Step::Key(key) => style.entry(key, new),
        Step::Index(_) => style.inline(new),
    }
}

/// Takes an entry or item away, with the comma that it needed.
pub(super) fn remove(
    sheet: &Sheet<'_>,
    node: &Node,
    index: usize,
) -> Result<Vec<Splice>, EditError> {
    let places = children(sheet, node)?;
    let (start, end) = places[index];
    let inside = node.span.start.offset + 1..sheet.end(node)? - 1;
    let has_comment = |range| sheet.slice(range).contains('#');
    if places.len() == 1 {
        let around = [inside.start..start, end..inside.end];
        if around.into_iter().any(has_comment) {
            return Ok(vec![(
                start..comma(sheet, end, inside.end).unwrap_or(end),
                String::new(),
            )]);
        }
        return Ok(vec![(inside, String::new())]);
    }
    if let Some((next, _)) = places.get(index + 1) {
        if !has_comment(end..*next) {
            return Ok(vec![(start..*next, String::new())]);
        }
        let behind = comma(sheet, end, inside.end).unwrap_or(end);
        return Ok(vec![(start..behind + blanks(sheet, behind), String::new())]);
    }
    let (_, before) = places[index - 1];
    if !has_comment(before..start) {
        return Ok(vec![(before..end, String::new())]);
    }
    // The comment behind the one before stays, and so does what is behind this one; its line goes if nothing is.
    let whole = sheet.leads(start) && sheet.slice(end..sheet.line_end(end)).trim().is_empty();
    let range = if whole {
        sheet.line_start(start)..sheet.next_line(end)
    } else {
        start..end
    };
    let mut splices = vec![(range, String::new())];
    if let Some(behind) = comma(sheet, before, start) {
        splices.push((behind - 1..behind, String::new()));
    }
    Ok(splices)
}

/// Behind the comma that is the next thing after a place, comments aside.
fn comma(sheet: &Sheet<'_>, from: usize, to: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += blanks(sheet, at);
        let rest = sheet.slice(at..to);
        if rest.starts_with(',') {
            return Some(at + 1);
        }
        if rest.starts_with('#') {
            at = sheet.line_end(at);
        } else if rest.starts_with(['\n', '\r']) {
            at += 1;
        } else {
            return None;
        }
    }
}

fn blanks(sheet: &Sheet<'_>, at: usize) -> usize {
    let rest = sheet.slice(at..sheet.line_end(at));
    rest.len() - rest.trim_start().len()
}
