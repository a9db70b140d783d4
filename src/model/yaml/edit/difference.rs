//! The first thing in which two meanings differ.

use super::content::Content;
use crate::model::yaml::path::{Path, Step};

/// One thing to do, so that a document means what is wanted a little more.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Difference<'a> {
    /// What is at the path becomes something else.
    Replace(Path, &'a Content),
    /// The mapping or list at the path gets an entry or item.
    Insert(Path, Step, &'a Content),
    /// What is at the path goes.
    Remove(Path),
}

impl Difference<'_> {
    /// The place that it is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::Replace(path, _) | Self::Insert(path, ..) | Self::Remove(path) => path,
        }
    }

    /// Does it to a meaning that it was found in.
    pub fn apply(&self, content: &mut Content) {
        // It was found in this very content, so that every step of the path exists.
        match self {
            Self::Replace(path, new) => {
                if let Some(here) = walk(content, path.steps()) {
                    *here = (*new).clone();
                }
            }
            Self::Insert(path, step, new) => match (walk(content, path.steps()), step) {
                (Some(Content::Mapping(entries)), Step::Key(key)) => {
                    entries.push((key.clone(), (*new).clone()));
                }
                (Some(Content::Sequence(items)), Step::Index(index)) => {
                    items.insert(*index, (*new).clone());
                }
                _ => {}
            },
            Self::Remove(path) => {
                let Some((last, way)) = path.steps().split_last() else {
                    return;
                };
                match (walk(content, way), last) {
                    (Some(Content::Mapping(entries)), Step::Key(key)) => {
                        entries.retain(|(have, _)| have != key);
                    }
                    (Some(Content::Sequence(items)), Step::Index(index)) => {
                        items.remove(*index);
                    }
                    _ => {}
                }
            }
        }
    }
}

fn walk<'a>(content: &'a mut Content, steps: &[Step]) -> Option<&'a mut Content> {
    steps
        .iter()
        .try_fold(content, |here, step| match (here, step) {
            (Content::Mapping(entries), Step::Key(key)) => entries
                .iter_mut()
                .find(|(have, _)| have == key)
                .map(|(_, value)| value),
            (Content::Sequence(items), Step::Index(index)) => items.get_mut(*index),
            _ => None,
        })
}

/// The first difference, if there is one. What changes comes before what is new, and that before what goes: a mapping
/// that is never empty in between keeps its style.
pub(super) fn first<'a>(have: &Content, wanted: &'a Content) -> Option<Difference<'a>> {
    find(have, wanted, &Path::root())
}

fn find<'a>(have: &Content, wanted: &'a Content, path: &Path) -> Option<Difference<'a>> {
    if have.same(wanted) {
        return None;
    }
    match (have, wanted) {
        (Content::Mapping(old), Content::Mapping(new)) => {
            let of = |key: &String| old.iter().find(|(have, _)| have == key);
            let changed = new.iter().find_map(|(key, value)| {
                let (_, old) = of(key)?;
                find(old, value, &path.key(key.as_str()))
            });
            let added = || {
                let (key, value) = new.iter().find(|(key, _)| of(key).is_none())?;
                Some(Difference::Insert(
                    path.clone(),
                    Step::Key(key.clone()),
                    value,
                ))
            };
            let gone = || {
                let stays = |key: &String| new.iter().any(|(wanted, _)| wanted == key);
                let (key, _) = old.iter().find(|(key, _)| !stays(key))?;
                Some(Difference::Remove(path.key(key.as_str())))
            };
            changed.or_else(added).or_else(gone)
        }
        (Content::Sequence(old), Content::Sequence(new)) => Some(items(old, new, path)),
        _ => Some(Difference::Replace(path.clone(), wanted)),
    }
}

/// The first difference of two lists: between the items that they have in common at the start and at the end.
fn items<'a>(old: &[Content], new: &'a [Content], path: &Path) -> Difference<'a> {
    let same = |(a, b): &(&Content, &Content)| a.same(b);
    let start = old.iter().zip(new).take_while(same).count();
    let rest = (&old[start..], &new[start..]);
    let end = (rest.0.iter().rev())
        .zip(rest.1.iter().rev())
        .take_while(same)
        .count();
    let middle = |all: usize| all - start - end;
    match (middle(old.len()), middle(new.len())) {
        (0, _) => Difference::Insert(path.clone(), Step::Index(start), &new[start]),
        (_, 0) => Difference::Remove(path.index(start)),
        _ => find(&old[start], &new[start], &path.index(start))
            .unwrap_or_else(|| Difference::Replace(path.index(start), &new[start])),
    }
}
