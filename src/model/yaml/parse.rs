//! Text to nodes: builds a tree out of the parser's events, without recursion, and with limits that keep a hostile
//! document from costing more than its size.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

use super::error::YamlError;
use super::mapping;
use super::node::{Node, Position, Span, Value};
use super::positions::{BOM, Positions};

/// How deep lists and mappings may be nested.
const DEPTH: usize = 128;
/// How much aliases may add to a document altogether: the bytes of its texts, and [`NODE_WEIGHT`] for every node.
const EXPANSION: usize = 1 << 20;
const NODE_WEIGHT: usize = 16;

/// Reads a document. `None` if there is nothing in it but comments.
///
/// A byte order mark and Windows line ends are accepted, anchors, aliases and merge keys (`<<`) are resolved.
///
/// # Errors
/// Names the first place that is not YAML, where a key occurs twice or is not a plain text, where nesting or aliases go
/// too far, or where a second document starts.
pub fn parse(text: &str) -> Result<Option<Node>, YamlError> {
    let rest = text.strip_prefix(BOM).unwrap_or(text);
    let positions = Positions::new(rest, text.len() - rest.len());
    let mut builder = Builder::default();
    let mut documents = 0;
    let mut parser = Parser::new_from_str(rest);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| syntax(&error, &positions))?;
        let span = positions.span(span);
        match event {
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    return Err(YamlError::new(
                        span.start,
                        "a second document starts here; a file holds one",
                    ));
                }
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::Scalar(text, style, anchor, tag) => {
                let written = positions.slice(span);
                let node = scalar(&text, style, tag.as_deref(), span, written)?;
                builder.add(node, anchor)?;
            }
            Event::SequenceStart(anchor, tag) => {
                known_tag(tag.as_deref(), span.start)?;
                builder.open(Frame::new(span, anchor, Open::Sequence(Vec::new())))?;
            }
            Event::MappingStart(anchor, tag) => {
                known_tag(tag.as_deref(), span.start)?;
                builder.open(Frame::new(span, anchor, Open::Mapping(Vec::new(), None)))?;
            }
            Event::SequenceEnd | Event::MappingEnd => builder.close(span)?,
            Event::Alias(anchor) => builder.alias(anchor, span)?,
        }
    }
    Ok(builder.root.filter(|root| root.value != Value::Null))
}

/// A list or mapping whose end is still to come.
struct Frame {
    start: Position,
    end: Position,
    anchor: usize,
    open: Open,
    /// Levels of nesting inside, which aliases can raise.
    height: usize,
}

enum Open {
    Sequence(Vec<Node>),
    /// Finished entries, and the key that waits for its value.
    Mapping(Vec<(Node, Node)>, Option<Node>),
}

impl Frame {
    fn new(span: Span, anchor: usize, open: Open) -> Self {
        Self {
            start: span.start,
            end: span.end,
            anchor,
            open,
            height: 0,
        }
    }
}

/// What an alias can stand for.
struct Anchored {
    node: Node,
    weight: usize,
    height: usize,
}

#[derive(Default)]
struct Builder {
    stack: Vec<Frame>,
    root: Option<Node>,
    anchors: HashMap<usize, Anchored>,
    expanded: usize,
}

impl Builder {
    fn open(&mut self, frame: Frame) -> Result<(), YamlError> {
        if self.stack.len() >= DEPTH {
            return Err(too_deep(frame.start));
        }
        self.stack.push(frame);
        Ok(())
    }

    fn close(&mut self, span: Span) -> Result<(), YamlError> {
        let Some(frame) = self.stack.pop() else {
            return Ok(());
        };
        // A block's end is found at the next token, which may be many comments further; its last child ends it.
        let flow = span.end.offset > span.start.offset;
        let end = if flow { span.end } else { frame.end };
        let value = match frame.open {
            Open::Sequence(items) => Value::Sequence(items),
            Open::Mapping(entries, _) => Value::Mapping(mapping::finish(entries)?),
        };
        let span = Span {
            start: frame.start,
            end,
        };
        self.insert(Node { value, span }, frame.anchor, frame.height + 1, end)
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        let end = node.span.end;
        self.insert(node, anchor, 0, end)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), YamlError> {
        let Some(target) = self.anchors.get(&anchor) else {
            return Err(YamlError::new(
                span.start,
                "an alias must not stand inside its own anchor",
            ));
        };
        self.expanded = self.expanded.saturating_add(target.weight);
        if self.expanded > EXPANSION {
            return Err(YamlError::new(
                span.start,
                "aliases make this document too large",
            ));
        }
        if self.stack.len() + target.height > DEPTH {
            return Err(too_deep(span.start));
        }
        let (node, height) = (target.node.clone(), target.height);
        self.insert(node, 0, height, span.end)
    }

    /// Puts a finished node where it belongs: it ends at `end` in its parent, which for an alias is not its own end.
    fn insert(
        &mut self,
        node: Node,
        anchor: usize,
        height: usize,
        end: Position,
    ) -> Result<(), YamlError> {
        if anchor > 0 {
            let anchored = Anchored {
                weight: weight(&node),
                height,
                node: node.clone(),
            };
            self.anchors.insert(anchor, anchored);
        }
        let Some(parent) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        parent.height = parent.height.max(height);
        parent.end = end;
        match &mut parent.open {
            Open::Sequence(items) => items.push(node),
            Open::Mapping(entries, key) => match key.take() {
                Some(key) => entries.push((key, node)),
                None => *key = Some(mapping::key(node)?),
            },
        }
        Ok(())
    }
}

/// What a copy of a node costs.
fn weight(node: &Node) -> usize {
    NODE_WEIGHT
        + match &node.value {
            Value::Null => 0,
            Value::Scalar { text, .. } => text.len(),
            Value::Sequence(items) => items.iter().map(weight).sum(),
            Value::Mapping(entries) => entries
                .iter()
                .map(|(key, value)| weight(key) + weight(value))
                .sum(),
        }
}

fn scalar(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    span: Span,
    written: &str,
) -> Result<Node, YamlError> {
    known_tag(tag, span.start)?;
    let plain = style == ScalarStyle::Plain;
    // Where nothing is written, the parser makes up a ~.
    let absent = plain && matches!(text, "" | "~") && written != "~";
    let is_text = tag.is_some_and(|tag| matches!(tag.suffix.as_str(), "str" | ""));
    let value = match (absent, is_text) {
        (true, false) => Value::Null,
        (true, true) => Value::Scalar {
            text: String::new(),
            plain: false,
        },
        (false, _) => Value::Scalar {
            text: text.to_owned(),
            plain: plain && !is_text,
        },
    };
    let end = if absent { span.start } else { span.end };
    Ok(Node {
        value,
        span: Span { end, ..span },
    })
}

/// Only the tags of the core schema mean something here; `!Ref` and the like do not.
fn known_tag(tag: Option<&Tag>, position: Position) -> Result<(), YamlError> {
    let known = |tag: &Tag| {
        let core = ["str", "int", "float", "bool", "null", "seq", "map"];
        (tag.is_yaml_core_schema() && core.contains(&tag.suffix.as_str()))
            || (tag.handle.is_empty() || tag.handle == "!") && matches!(&*tag.suffix, "" | "!")
    };
    match tag {
        Some(tag) if !known(tag) => Err(YamlError::new(
            position,
            format!("the tag !{} means nothing here", tag.suffix),
        )),
        _ => Ok(()),
    }
}

fn too_deep(position: Position) -> YamlError {
    YamlError::new(
        position,
        format!("lists and mappings are nested deeper than {DEPTH} levels"),
    )
}

/// The parser's message, and a better one for the most common slip: a tab in the indentation.
fn syntax(error: &ScanError, positions: &Positions) -> YamlError {
    let position = positions.marker(error.marker());
    for line in [position.line, position.line.saturating_sub(1)] {
        let text = positions.line(line);
        let indentation = text.len() - text.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = text[..indentation].find('\t')
            && error.info().contains("tab")
        {
            let place = Position {
                line,
                column: tab + 1,
                ..position
            };
            return YamlError::new(place, "a tab in the indentation: YAML takes spaces only");
        }
    }
    YamlError::new(position, format!("not valid YAML: {}", error.info()))
}
