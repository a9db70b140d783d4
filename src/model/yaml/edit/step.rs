//! One step of an edit: what has to be spliced into the text for one difference.

use super::content::Content;
use super::difference::Difference;
use super::render::Style;
use super::sheet::{Sheet, Splice, Spot, splice};
use super::{EditError, Format, block, flow};
use crate::model::yaml::node::{Node, Value};
use crate::model::yaml::path::{Path, Step};

/// The text in which one difference is gone.
pub(super) fn step(sheet: &Sheet<'_>, difference: &Difference<'_>) -> Result<String, EditError> {
    let style = style(sheet);
    let splices = match difference {
        Difference::Replace(path, new) => {
            let spot = sheet.spot(path)?;
            if in_brackets(sheet, path)? {
                flow::replace(sheet, style, spot.node, spot.key, new)?
            } else {
                block::replace(sheet, style, spot, new)?
            }
        }
        Difference::Insert(path, step, new) => insert(sheet, style, path, step, new)?,
        Difference::Remove(path) => remove(sheet, sheet.spot(path)?)?,
    };
    Ok(splice(sheet.text, splices))
}

fn insert(
    sheet: &Sheet<'_>,
    style: Style,
    path: &Path,
    step: &Step,
    new: &Content,
) -> Result<Vec<Splice>, EditError> {
    let Some(_) = sheet.root else {
        // A document of nothing but comments.
        return match step {
            Step::Key(key) => Ok(vec![block::at_the_end(sheet, style, key, new)]),
            Step::Index(_) => Err(EditError::new("the document is no list")),
        };
    };
    let node = sheet.spot(path)?.node;
    match (sheet.is_flow(node), step) {
        (true, _) => flow::insert(sheet, style, node, step, new),
        (false, Step::Key(key)) => Ok(vec![block::insert_entry(sheet, style, node, key, new)?]),
        (false, Step::Index(index)) => {
            Ok(vec![block::insert_item(sheet, style, node, *index, new)?])
        }
    }
}

fn remove(sheet: &Sheet<'_>, spot: Spot<'_>) -> Result<Vec<Splice>, EditError> {
    let Some((parent, index)) = spot.parent else {
        return Err(EditError::new("a whole document can't be taken away"));
    };
    if sheet.is_flow(parent) {
        return flow::remove(sheet, parent, index);
    }
    block::remove(sheet, parent, index, spot.parent_key)
}

/// Whether what stands at a path is inside brackets, which have rules of their own.
fn in_brackets(sheet: &Sheet<'_>, path: &Path) -> Result<bool, EditError> {
    let mut above = Path::root();
    for step in path.steps() {
        if sheet.is_flow(sheet.spot(&above)?.node) {
            return Ok(true);
        }
        above = match step {
            Step::Key(key) => above.key(key.as_str()),
            Step::Index(index) => above.index(*index),
        };
    }
    Ok(false)
}

fn style(sheet: &Sheet<'_>) -> Style {
    let unit = sheet.root.and_then(|root| unit(sheet, root));
    Style {
        json: sheet.format == Format::Json,
        unit: unit.unwrap_or(2),
    }
}

/// By how much the first list or mapping below another one is indented.
fn unit(sheet: &Sheet<'_>, node: &Node) -> Option<usize> {
    let children: Vec<&Node> = match &node.value {
        Value::Mapping(entries) => entries.iter().map(|(_, value)| value).collect(),
        Value::Sequence(items) => items.iter().collect(),
        Value::Null | Value::Scalar { .. } => return None,
    };
    if sheet.is_flow(node) {
        // `{` stands at the end of a line, and what is in it a level deeper.
        let first = match &node.value {
            Value::Mapping(entries) => entries.first().map(|(key, _)| key),
            _ => children.first().copied(),
        }?;
        let line = sheet.slice(sheet.line_start(node.span.start.offset)..node.span.start.offset);
        let outer = line.len() - line.trim_start().len();
        let own_line = sheet.leads(first.span.start.offset);
        return own_line
            .then(|| sheet.column(first.span.start.offset).checked_sub(outer))
            .flatten()
            .filter(|unit| *unit > 0);
    }
    children.into_iter().find_map(|child| {
        if matches!(child.value, Value::Null | Value::Scalar { .. }) {
            return None;
        }
        let deeper = (child.span.start.column).checked_sub(node.span.start.column);
        let block = matches!(node.value, Value::Mapping(_)) && !sheet.is_flow(child);
        match deeper {
            Some(unit) if block && unit > 0 => Some(unit),
            _ => unit(sheet, child),
        }
    })
}
