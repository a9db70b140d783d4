//! Lists and mappings as serde asks for them. What is to be skipped is not there.

use serde::de::{DeserializeSeed, MapAccess, SeqAccess};

use super::Walk;
use super::fault::Fault;
use super::reader::Reader;
use crate::model::yaml::node::Node;
use crate::model::yaml::path::Step;

/// The items of a list.
pub(super) struct Items<'n, 'w> {
    items: std::iter::Enumerate<std::slice::Iter<'n, Node>>,
    walk: &'w mut Walk,
}

impl<'n, 'w> Items<'n, 'w> {
    /// The items of the list that `walk` is at.
    pub fn new(items: &'n [Node], walk: &'w mut Walk) -> Self {
        let items = items.iter().enumerate();
        Self { items, walk }
    }
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        for (index, node) in self.items.by_ref() {
            let path = self.walk.path.index(index);
            if self.walk.skipped.contains(&path) {
                continue;
            }
            let item = self.walk.down(Step::Index(index), |walk| {
                seed.deserialize(Reader { node, walk })
                    .map_err(|fault| fault.placed(node, &path))
            });
            return item.map(Some);
        }
        Ok(None)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// The entries of a mapping.
pub(super) struct Entries<'n, 'w> {
    rest: std::slice::Iter<'n, (Node, Node)>,
    value: Option<(&'n Node, &'n Node)>,
    walk: &'w mut Walk,
}

impl<'n, 'w> Entries<'n, 'w> {
    /// The entries of the mapping that `walk` is at.
    pub fn new(entries: &'n [(Node, Node)], walk: &'w mut Walk) -> Self {
        Self {
            rest: entries.iter(),
            value: None,
            walk,
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        for (key, value) in self.rest.by_ref() {
            let path = self.walk.path.key(key.as_str().unwrap_or_default());
            if self.walk.skipped.contains(&path) {
                continue;
            }
            self.value = Some((key, value));
            // A key that is wrong is shown with its mapping's path, but the whole entry is to blame.
            return seed
                .deserialize(Reader {
                    node: key,
                    walk: self.walk,
                })
                .map(Some)
                .map_err(|fault| fault.placed(key, &self.walk.path).blame(path));
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((key, value)) = self.value.take() else {
            return Err(serde::de::Error::custom("a value without a key"));
        };
        let step = Step::Key(key.as_str().unwrap_or_default().to_owned());
        self.walk.down(step, |walk| {
            let path = walk.path.clone();
            seed.deserialize(Reader { node: value, walk })
                .map_err(|fault| fault.placed(value, &path))
        })
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}
