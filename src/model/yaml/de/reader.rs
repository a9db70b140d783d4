//! One node as serde asks for it.

use serde::de::{Deserializer, Visitor};

use super::Walk;
use super::access::{Entries, Items};
use super::fault::{Fault, found};
use super::variant::Variant;
use crate::model::yaml::node::{Node, Value};
use crate::model::yaml::scalar::{Scalar, resolve};

/// A node on its way into a type.
pub(super) struct Reader<'n, 'w> {
    pub node: &'n Node,
    pub walk: &'w mut Walk,
}

impl Reader<'_, '_> {
    fn expected(&self, what: &str) -> Fault {
        let message = format!("expected {what}, found {}", found(self.node));
        Fault::at(self.node, &self.walk.path, message)
    }

    /// The meaning of a plain scalar; quoted ones are text.
    fn scalar(&self) -> Scalar {
        match &self.node.value {
            Value::Null => Scalar::Null,
            Value::Scalar { text, plain: true } => resolve(text),
            _ => Scalar::Text,
        }
    }

    fn number(&self, what: &str) -> Fault {
        let quoted = matches!(&self.node.value, Value::Scalar { text, plain: false }
            if matches!(resolve(text), Scalar::Unsigned(_) | Scalar::Signed(_) | Scalar::Float(_)));
        self.expected(what)
            .help(quoted.then(|| "a number takes no quotes".to_owned()))
    }

    fn text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match (self.node.as_str(), self.node.is_null()) {
            (Some(text), false) => visitor
                .visit_str(text)
                .map_err(|fault: Fault| fault.placed(self.node, &self.walk.path)),
            _ => Err(self.expected("text")),
        }
    }

    pub fn list<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Some(items) = self.node.as_sequence() else {
            return Err(self.expected("a list"));
        };
        let Self { node, walk } = self;
        let path = walk.path.clone();
        visitor
            .visit_seq(Items::new(items, walk))
            .map_err(|fault| fault.placed(node, &path))
    }

    pub fn mapping<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Some(entries) = self.node.as_mapping() else {
            return Err(self.expected("a mapping"));
        };
        let Self { node, walk } = self;
        let path = walk.path.clone();
        visitor
            .visit_map(Entries::new(entries, walk))
            .map_err(|fault| fault.placed(node, &path))
    }
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $type:ty,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let number = match self.scalar() {
                Scalar::Unsigned(number) => <$type>::try_from(number).ok(),
                Scalar::Signed(number) => <$type>::try_from(number).ok(),
                _ => return Err(self.number("a whole number")),
            };
            let Some(number) = number else {
                let range = format!("a whole number from {} to {}", <$type>::MIN, <$type>::MAX);
                return Err(self.expected(&range));
            };
            visitor.$visit(number).map_err(|fault: Fault| fault.placed(self.node, &self.walk.path))
        }
    )*};
}

macro_rules! texts {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.text(visitor)
        }
    )*};
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a whole number that is wanted as a float"
)]
impl<'de> Deserializer<'de> for Reader<'_, '_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let scalar = self.scalar();
        let place = (self.node, self.walk.path.clone());
        match (&self.node.value, scalar) {
            (Value::Sequence(_), _) => return self.list(visitor),
            (Value::Mapping(_), _) => return self.mapping(visitor),
            (_, Scalar::Text) => return self.text(visitor),
            (_, Scalar::Null) => visitor.visit_unit(),
            (_, Scalar::Bool(truth)) => visitor.visit_bool(truth),
            (_, Scalar::Unsigned(number)) => visitor.visit_u64(number),
            (_, Scalar::Signed(number)) => visitor.visit_i64(number),
            (_, Scalar::Float(number)) => visitor.visit_f64(number),
        }
        .map_err(|fault: Fault| fault.placed(place.0, &place.1))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.scalar() {
            Scalar::Bool(truth) => visitor
                .visit_bool(truth)
                .map_err(|fault: Fault| fault.placed(self.node, &self.walk.path)),
            _ => Err(self.expected("true or false")),
        }
    }

    whole_numbers! {
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let number = match self.scalar() {
            Scalar::Unsigned(number) => number as f64,
            Scalar::Signed(number) => number as f64,
            Scalar::Float(number) => number,
            _ => return Err(self.number("a number")),
        };
        visitor
            .visit_f64(number)
            .map_err(|fault: Fault| fault.placed(self.node, &self.walk.path))
    }

    texts! { deserialize_char deserialize_str deserialize_string deserialize_identifier deserialize_bytes deserialize_byte_buf }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.node.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.node.is_null() {
            visitor.visit_unit()
        } else {
            Err(self.expected("nothing"))
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.list(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.list(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.list(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.mapping(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.mapping(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let (name, content) = match &self.node.value {
            Value::Mapping(entries) if entries.len() == 1 => (&entries[0].0, Some(&entries[0].1)),
            Value::Scalar { .. } if !self.node.is_null() => (self.node, None),
            _ => return Err(self.expected("a name")),
        };
        visitor.visit_enum(Variant::new(name, content, self.walk))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}
