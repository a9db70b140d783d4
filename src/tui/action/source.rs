//! Reads a key map's file into names and keys, with the lines they are on.

use crate::model::yaml::{self, Node};

/// An action's name in a file, with its keys.
#[derive(Debug)]
pub(crate) struct Binding {
    pub line: usize,
    pub name: String,
    pub keys: Vec<(usize, String)>,
}

/// The entries of a key map.
///
/// # Errors
/// What is wrong, with the line.
pub(crate) fn read(text: &str) -> Result<Vec<Binding>, (usize, String)> {
    let Some(root) = yaml::parse(text).map_err(|error| (error.line, error.message))? else {
        return Ok(Vec::new());
    };
    let entries = root
        .as_mapping()
        .ok_or_else(|| wrong(&root, "a key map is a mapping of actions to their keys"))?;
    entries
        .iter()
        .map(|(name, keys)| {
            let one = std::slice::from_ref(keys);
            let keys = keys.as_sequence().unwrap_or(one).iter().map(|key| {
                let text = key
                    .as_str()
                    .ok_or_else(|| wrong(key, "a key is a text, such as s or ctrl-p"))?;
                Ok((line(key), text.to_owned()))
            });
            Ok(Binding {
                line: line(name),
                name: name
                    .as_str()
                    .ok_or_else(|| wrong(name, "an action is a name"))?
                    .to_owned(),
                keys: keys.collect::<Result<_, _>>()?,
            })
        })
        .collect()
}

fn line(node: &Node) -> usize {
    node.span.start.line
}

fn wrong(node: &Node, problem: &str) -> (usize, String) {
    (line(node), problem.to_owned())
}
