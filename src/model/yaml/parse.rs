//! Text to nodes: builds a tree out of the parser's events, without recursion, and with limits that keep a hostile
//! document from costing more than its size.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

use super::error::YamlError;
use super::node::{Node, Position, Span, Value};
use super::positions::{BOM, Positions};
use super::{json, mapping, repair};

/// How deep lists and mappings may be nested.
const DEPTH: usize = 128;
/// How much aliases may add to a document altogether: the bytes of its texts, and [`NODE_WEIGHT`] for every node.
const EXPANSION: usize = 1 << 20;
const NODE_WEIGHT: usize = 16;

/// How much the nodes that aliases could stand for may weigh altogether, for each is kept a second time.
const ANCHORED: usize = 8 << 20;

/// How many bytes are read at most, because each place that is put right means to start again.
const SCANNED: usize = 64 << 20;

/// Reads a document. `None` if there is nothing in it but comments.
///
/// A byte order mark and Windows line ends are accepted, anchors, aliases and merge keys (`<<`) are resolved.
///
/// # Errors
/// Names the first place that is not YAML, where a key occurs twice or is not a plain text, where nesting or aliases go
/// too far, or where a second document starts.
pub fn parse(text: &str) -> Result<Option<Node>, YamlError> {
    match parse_first(text)? {
        (_, Some(second)) => Err(YamlError::new(
            second,
            "a second document starts here; a file holds one",
        )),
        (node, None) => Ok(node),
    }
}

/// Reads the first of possibly several documents, and answers where a second one starts: what is there is not read.
///
/// # Errors
/// Like [`parse`], but for the second document.
pub fn parse_first(text: &str) -> Result<(Option<Node>, Option<Position>), YamlError> {
    let rest = text.strip_prefix(BOM).unwrap_or(text);
    let mut positions = Positions::new(rest, text.len() - rest.len());
    printable(text, &positions)?;
    let json = json::without_surrogates(rest);
    let is_json = json.is_some();
    let mut source = json.map_or(Cow::Borrowed(rest), Cow::Owned);
    let mut scanned = 0;
    loop {
        let error = match document(&source, &positions, is_json) {
            Ok(read) => return Ok(read),
            Err(Stopped::Refused(error)) => return Err(error),
            Err(Stopped::Syntax(error)) => error,
        };
        scanned += source.len();
        if scanned > SCANNED || !repair::repair(&error, source.to_mut(), &mut positions) {
            return Err(syntax(&error, &positions));
        }
    }
}

/// Why a document was not read to its end.
enum Stopped {
    Syntax(ScanError),
    Refused(YamlError),
}

impl From<YamlError> for Stopped {
    fn from(error: YamlError) -> Self {
        Self::Refused(error)
    }
}

/// Reads the first document of a text that was put right, whose positions are those of the text as it is written.
fn document(
    source: &str,
    positions: &Positions,
    is_json: bool,
) -> Result<(Option<Node>, Option<Position>), Stopped> {
    let mut builder = Builder::default();
    let mut documents = 0;
    let mut second = None;
    let mut parser = Parser::new_from_str(source);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(Stopped::Syntax)?;
        let span = positions.span(span);
        match event {
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    second = Some(span.start);
                    break;
                }
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::Scalar(text, style, anchor, tag) => {
                let written = positions.slice(span);
                let decoded = if is_json { json::text(written) } else { None };
                let text = decoded.unwrap_or_else(|| text.into_owned());
                let node = scalar(text, style, tag.as_deref(), span, written)?;
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
    let root = builder.root.filter(|root| root.value != Value::Null);
    Ok((root, second))
}

/// The parser takes a NUL for the end of the text; YAML allows none of its kind.
fn printable(text: &str, positions: &Positions) -> Result<(), YamlError> {
    let control = |c: &char| c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{7f}');
    match text.char_indices().find(|(_, c)| control(c)) {
        Some((at, c)) => Err(YamlError::new(
            positions.offset(at),
            format!("the control character U+{:04X} cannot stand here", c as u32),
        )),
        None => Ok(()),
    }
}

/// A list or mapping whose end is still to come.
struct Frame {
    start: Position,
    end: Position,
    anchor: usize,
    open: Open,
    inside: Size,
}

/// What a copy of a node costs, and how deep it is nested, which aliases can raise.
#[derive(Clone, Copy, Default)]
struct Size {
    weight: usize,
    height: usize,
}

impl Size {
    /// That of a node that is one word or one text, or nothing.
    fn of(node: &Node) -> Self {
        Self {
            weight: NODE_WEIGHT + node.as_str().map_or(0, str::len),
            height: 0,
        }
    }

    /// Makes room for a node inside.
    fn grow(&mut self, child: Self) {
        self.weight = self.weight.saturating_add(child.weight);
        self.height = self.height.max(child.height);
    }

    /// That of the list or mapping with this inside.
    fn around(self) -> Self {
        Self {
            weight: self.weight.saturating_add(NODE_WEIGHT),
            height: self.height + 1,
        }
    }
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
            inside: Size::default(),
        }
    }
}

/// What an alias can stand for.
struct Anchored {
    node: Node,
    size: Size,
}

#[derive(Default)]
struct Builder {
    stack: Vec<Frame>,
    root: Option<Node>,
    anchors: HashMap<usize, Anchored>,
    anchored: usize,
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
        self.insert(
            Node { value, span },
            frame.anchor,
            frame.inside.around(),
            end,
        )
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        let (size, end) = (Size::of(&node), node.span.end);
        self.insert(node, anchor, size, end)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), YamlError> {
        let Some(target) = self.anchors.get(&anchor) else {
            return Err(YamlError::new(
                span.start,
                "an alias must not stand inside its own anchor",
            ));
        };
        self.expanded = self.expanded.saturating_add(target.size.weight);
        if self.expanded > EXPANSION {
            return Err(YamlError::new(
                span.start,
                "aliases make this document too large",
            ));
        }
        if self.stack.len() + target.size.height > DEPTH {
            return Err(too_deep(span.start));
        }
        let (node, size) = (target.node.clone(), target.size);
        self.insert(node, 0, size, span.end)
    }

    /// Puts a finished node where it belongs: it ends at `end` in its parent, which for an alias is not its own end.
    fn insert(
        &mut self,
        node: Node,
        anchor: usize,
        size: Size,
        end: Position,
    ) -> Result<(), YamlError> {
        if anchor > 0 {
            self.anchored = self.anchored.saturating_add(size.weight);
            if self.anchored > ANCHORED {
                let message = "anchors hold too much of this document";
                return Err(YamlError::new(node.span.start, message));
            }
            let node = node.clone();
            self.anchors.insert(anchor, Anchored { node, size });
        }
        let Some(parent) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        parent.inside.grow(size);
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

fn scalar(
    text: String,
    style: ScalarStyle,
    tag: Option<&Tag>,
    span: Span,
    written: &str,
) -> Result<Node, YamlError> {
    known_tag(tag, span.start)?;
    let plain = style == ScalarStyle::Plain;
    // Where nothing is written, the parser makes up a ~.
    let absent = plain && matches!(text.as_str(), "" | "~") && written != "~";
    let is_text = tag.is_some_and(|tag| matches!(tag.suffix.as_str(), "str" | ""));
    let value = match (absent, is_text) {
        (true, false) => Value::Null,
        (true, true) => Value::Scalar {
            text: String::new(),
            plain: false,
        },
        (false, _) => Value::Scalar {
            text,
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
    let message = format!("not valid YAML: {}", error.info());
    let begins = |c: &char| matches!(c, '*' | '@' | '%' | '`');
    let first = positions.character(position).filter(begins);
    let help = first.map(|c| format!("put text that begins with {c} in quotes"));
    YamlError::new(position, message).with_help(help)
}
