//! Names out of several, as serde asks for them.

use serde::de::{DeserializeSeed, EnumAccess, IntoDeserializer, VariantAccess, Visitor};

use super::Walk;
use super::fault::Fault;
use super::reader::Reader;
use crate::model::yaml::node::Node;

/// A name out of several, with content if it is the one key of a mapping.
pub(super) struct Variant<'n, 'w> {
    name: &'n Node,
    content: Option<&'n Node>,
    walk: &'w mut Walk,
}

impl<'n, 'w> Variant<'n, 'w> {
    /// The name, and what belongs to it, at the place `walk` is at.
    pub fn new(name: &'n Node, content: Option<&'n Node>, walk: &'w mut Walk) -> Self {
        Self {
            name,
            content,
            walk,
        }
    }
}

impl<'de, 'n, 'w> EnumAccess<'de> for Variant<'n, 'w> {
    type Error = Fault;
    type Variant = Content<'n, 'w>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self::Variant), Fault> {
        let name = self.name.as_str().unwrap_or_default();
        let variant = seed
            .deserialize(IntoDeserializer::<Fault>::into_deserializer(name))
            .map_err(|fault| fault.placed(self.name, &self.walk.path))?;
        Ok((
            variant,
            Content {
                name: self.name,
                node: self.content,
                walk: self.walk,
            },
        ))
    }
}

/// What belongs to a variant.
pub(super) struct Content<'n, 'w> {
    name: &'n Node,
    node: Option<&'n Node>,
    walk: &'w mut Walk,
}

impl<'n, 'w> Content<'n, 'w> {
    fn reader(self) -> Result<Reader<'n, 'w>, Fault> {
        match self.node {
            Some(node) => Ok(Reader {
                node,
                walk: self.walk,
            }),
            None => Err(Fault::at(
                self.name,
                &self.walk.path,
                "this name needs a value".to_owned(),
            )),
        }
    }
}

impl<'de> VariantAccess<'de> for Content<'_, '_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.node {
            None => Ok(()),
            Some(node) => Err(Fault::at(
                node,
                &self.walk.path,
                "this name takes no value".to_owned(),
            )),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self.reader()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, Fault> {
        self.reader()?.list(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.reader()?.mapping(visitor)
    }
}
