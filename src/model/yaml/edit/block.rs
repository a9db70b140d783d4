//! Lists and mappings that are written as lines, without brackets.

use std::ops::Range;

use super::EditError;
use super::content::Content;
use super::flow;
use super::render::Style;
use super::sheet::{Sheet, Splice, Spot};
use crate::model::yaml::node::{Node, Value};

/// Writes another value in the place of one.
pub(super) fn replace(
    sheet: &Sheet<'_>,
    style: Style,
    spot: Spot<'_>,
    new: &Content,
) -> Result<Vec<Splice>, EditError> {
    let node = spot.node;
    let Some(key) = spot.key else {
        return Ok(vec![replace_item(sheet, style, spot, new)?]);
    };
    let colon = sheet.colon(key)?;
    let start = node.span.start.offset;
    let below = match &node.value {
        Value::Null => return Ok(vec![fill(sheet, style, key, colon, new)]),
        // `|` and `>` stand in front of a text of lines.
        Value::Scalar { .. } => sheet
            .slice(colon..start)
            .trim_start()
            .starts_with(['|', '>']),
        Value::Sequence(_) | Value::Mapping(_) => !sheet.is_flow(node),
    };
    if !below {
        let range = start..sheet.end(node)?;
        let bracketed = matches!(node.value, Value::Sequence(_) | Value::Mapping(_));
        if style.is_short(new) || bracketed {
            let written = sheet.slice(range.clone());
            let text = flow::value(sheet, style, written, new, indent(sheet, key));
            return Ok(vec![(range, text)]);
        }
        return Ok(vec![
            (colon..range.end, String::new()),
            fill(sheet, style, key, sheet.line_end(range.end), new),
        ]);
    }
    // What is below the key goes as a whole; the line of the key keeps its comment.
    let end = sheet.line_end(sheet.end(node)?);
    if matches!(node.value, Value::Scalar { .. }) {
        return Ok(vec![(colon..end, format!(" {}", style.inline(new)))]);
    }
    let cut = cut_below(sheet, start, end);
    if style.is_short(new) {
        let text = format!(" {}", style.inline(new));
        return Ok(vec![(colon..colon, text), (cut, String::new())]);
    }
    let lines = style.block(new, indent(sheet, key) + style.unit);
    let eol = sheet.line_ending();
    Ok(vec![(cut, format!("{eol}{}", lines.join(eol)))])
}

/// The lines of a block below a key, with the line end before them.
fn cut_below(sheet: &Sheet<'_>, start: usize, end: usize) -> Range<usize> {
    let first = sheet.line_start(start);
    let before = sheet.slice(0..first);
    let ending = ["\r\n", "\n", "\r"]
        .into_iter()
        .find(|e| before.ends_with(e));
    first - ending.map_or(0, str::len)..end
}

/// Writes the value of a key that has none.
fn fill(sheet: &Sheet<'_>, style: Style, key: &Node, at: usize, new: &Content) -> Splice {
    if style.is_short(new) {
        return (at..at, format!(" {}", style.inline(new)));
    }
    let at = sheet.line_end(at);
    let eol = sheet.line_ending();
    let lines = style.block(new, indent(sheet, key) + style.unit);
    (at..at, format!("{eol}{}", lines.join(eol)))
}

fn replace_item(
    sheet: &Sheet<'_>,
    style: Style,
    spot: Spot<'_>,
    new: &Content,
) -> Result<Splice, EditError> {
    let node = spot.node;
    let start = node.span.start.offset;
    if node.value == Value::Null {
        let message = "an item without a value; change it by hand";
        return Err(EditError::at(node.span.start, message));
    }
    let range = start..sheet.end(node)?;
    let written = sheet.slice(range.clone());
    if let Some((list, index)) = spot.parent
        && !style.is_short(new)
        && !sheet.is_flow(node)
    {
        // Written anew from its dash on, for as many blanks may follow that as somebody likes.
        let dash = sheet.dash(list, index)?;
        let lines = style.compact_item(new, sheet.column(dash));
        return Ok((dash..range.end, lines.join(sheet.line_ending())));
    }
    let text = flow::value(sheet, style, written, new, sheet.column(start));
    Ok((range, text))
}

/// An entry behind everything, in a document that has none.
pub(super) fn at_the_end(sheet: &Sheet<'_>, style: Style, key: &str, new: &Content) -> Splice {
    let eol = sheet.line_ending();
    let end = sheet.text.len();
    let open = !sheet.text.is_empty() && !sheet.text.ends_with(['\n', '\r']);
    let lines = style.block_entry(key, new, 0).join(eol);
    let before = if open { eol } else { "" };
    (end..end, format!("{before}{lines}{eol}"))
}

/// Adds an entry behind the last one of a mapping.
pub(super) fn insert_entry(
    sheet: &Sheet<'_>,
    style: Style,
    mapping: &Node,
    key: &str,
    new: &Content,
) -> Result<Splice, EditError> {
    let start = mapping.span.start.offset;
    let column = sheet.column(start);
    let own = mapping.as_mapping().unwrap_or_default().iter();
    let last = own
        .filter(|(key, _)| key.span.start.offset >= start && sheet.column_of(key) == column)
        .max_by_key(|(key, _)| key.span.start.offset);
    let (last_key, last_value) = last.ok_or_else(|| {
        let message = "a mapping without entries of its own; change it by hand";
        EditError::at(mapping.span.start, message)
    })?;
    let at = sheet.line_end(sheet.entry_end(last_key, last_value)?);
    let lines = style.block_entry(key, new, column);
    Ok((at..at, below(sheet, column, &lines)))
}

/// Adds an item to a list, written as its neighbour is.
pub(super) fn insert_item(
    sheet: &Sheet<'_>,
    style: Style,
    list: &Node,
    index: usize,
    new: &Content,
) -> Result<Splice, EditError> {
    let items = list.as_sequence().unwrap_or_default();
    let neighbour = index.saturating_sub(1);
    let dash = sheet.dash(list, neighbour)?;
    let column = sheet.column(dash);
    let lines_there = items.get(neighbour).is_some_and(|item| {
        matches!(item.value, Value::Sequence(_) | Value::Mapping(_)) && !sheet.is_flow(item)
    });
    let empty = *new == Content::empty() || *new == Content::Sequence(Vec::new());
    let lines = match new {
        Content::Sequence(_) | Content::Mapping(_) if lines_there && !empty => {
            style.compact_item(new, column)
        }
        _ => style.block_item(new, column),
    };
    if index == 0 {
        // Behind the dashes of lists around it, it goes below as well as behind blanks.
        let before = sheet.slice(sheet.line_start(dash)..dash);
        if before.contains(|c| !matches!(c, ' ' | '-')) {
            let message = "the first item stands behind something else; change it by hand";
            return Err(EditError::at(list.span.start, message));
        }
        let eol = sheet.line_ending();
        let text = lines.join(eol);
        return Ok((dash..dash, format!("{text}{eol}{}", " ".repeat(column))));
    }
    let at = sheet.line_end(sheet.end(&items[neighbour])?);
    Ok((at..at, below(sheet, column, &lines)))
}

fn below(sheet: &Sheet<'_>, column: usize, lines: &[String]) -> String {
    let eol = sheet.line_ending();
    format!("{eol}{}{}", " ".repeat(column), lines.join(eol))
}

/// Takes an entry or item away: its lines, with the comments at their ends. Comments between entries stay.
pub(super) fn remove(
    sheet: &Sheet<'_>,
    parent: &Node,
    index: usize,
    parent_key: Option<&Node>,
) -> Result<Vec<Splice>, EditError> {
    let (starts, end) = match &parent.value {
        Value::Mapping(entries) => {
            let starts: Vec<usize> = entries
                .iter()
                .map(|(key, _)| key.span.start.offset)
                .collect();
            let (key, value) = &entries[index];
            (starts, sheet.entry_end(key, value)?)
        }
        Value::Sequence(items) => {
            let dashes = (0..items.len()).map(|index| sheet.dash(parent, index));
            let dashes = dashes.collect::<Result<Vec<usize>, EditError>>()?;
            let item = &items[index];
            (dashes, sheet.end(item)?)
        }
        Value::Null | Value::Scalar { .. } => {
            return Err(EditError::new("nothing is there to take away"));
        }
    };
    let start = starts[index];
    if starts.len() == 1 {
        return emptied(sheet, parent, parent_key, start..end);
    }
    if sheet.leads(start) {
        let mut range = sheet.line_start(start)..sheet.next_line(end);
        if sheet.next_line(end) == sheet.line_end(end) && range.start > 0 {
            // The last line has no end, and the one before it is not given one.
            range.start = cut_below(sheet, start, end).start;
        }
        return Ok(vec![(range, String::new())]);
    }
    // Behind a dash: the next one comes up, unless comments are in between.
    let next = starts.get(index + 1).copied().unwrap_or(end);
    let between = sheet.slice(end..next);
    if between.trim().is_empty() {
        return Ok(vec![(start..next, String::new())]);
    }
    let line = sheet.slice(sheet.line_start(start)..start);
    let from = start - (line.len() - line.trim_end().len());
    Ok(vec![(from..sheet.line_end(end), String::new())])
}

/// The last one goes: brackets say that nothing is there.
fn emptied(
    sheet: &Sheet<'_>,
    parent: &Node,
    parent_key: Option<&Node>,
    last: Range<usize>,
) -> Result<Vec<Splice>, EditError> {
    let brackets = match parent.value {
        Value::Mapping(_) => "{}",
        _ => "[]",
    };
    if !sheet.leads(last.start) {
        return Ok(vec![(last, brackets.to_owned())]);
    }
    let lines = if sheet.next_line(last.end) == sheet.line_end(last.end) {
        cut_below(sheet, last.start, sheet.line_end(last.end))
    } else {
        sheet.line_start(last.start)..sheet.next_line(last.end)
    };
    let mut splices = vec![(lines, String::new())];
    if let Some(key) = parent_key {
        let colon = sheet.colon(key)?;
        splices.push((colon..colon, format!(" {brackets}")));
    }
    Ok(splices)
}

/// How far the line of a key is indented; behind a dash, how far the key is.
fn indent(sheet: &Sheet<'_>, key: &Node) -> usize {
    sheet.column_of(key)
}
