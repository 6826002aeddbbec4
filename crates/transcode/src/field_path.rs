//! A field inside nested messages, such as `shop.shop_id`, as paths and query parameters name it.

use crate::scalar::Scalar;
use crate::tables::{Field, Kind, Message, MessageId, Shape, Tables};
use crate::wire::{self, Malformed, Value, WireType};

/// A field that can be reached through singular messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldPath {
    /// Numbers from the outermost message to the field itself.
    pub(crate) numbers: Vec<u32>,
    /// In JSON spelling, for error texts and OpenAPI.
    pub(crate) json_path: String,
    pub(crate) kind: Kind,
    pub(crate) shape: Shape,
}

impl FieldPath {
    /// Looks a dotted name up, in either spelling; `None` when there is no such scalar field.
    pub(crate) fn resolve(tables: &Tables, root: MessageId, dotted: &str) -> Option<Self> {
        let mut table: Option<&Message> = Some(tables.message(root));
        let mut numbers = Vec::new();
        let mut json_path = String::new();
        let mut last: Option<&Field> = None;
        for name in dotted.split('.') {
            let inside = table?;
            let field = &inside.fields[inside.by_name(name)?];
            numbers.push(field.number);
            if !json_path.is_empty() {
                json_path.push('.');
            }
            json_path.push_str(&field.json_name);
            table = match (field.kind, field.shape) {
                (Kind::Message(id), Shape::Single { .. }) => Some(tables.message(id)),
                _ => None,
            };
            last = Some(field);
        }
        let field = last?;
        let scalar = !matches!(field.kind, Kind::Message(_)) && !matches!(field.shape, Shape::Map { .. });
        scalar.then_some(Self { numbers, json_path, kind: field.kind, shape: field.shape })
    }

    /// Appends the value. Parts of one message merge, so nothing that is there already is touched.
    pub(crate) fn put(&self, value: &Scalar<'_>, out: &mut Vec<u8>) {
        put_at(&self.numbers, value, out);
    }

    /// The value that is there already.
    pub(crate) fn find<'a>(&self, message: &'a [u8]) -> Result<Option<Value<'a>>, Malformed> {
        wire::find(message, &self.numbers)
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self.shape, Shape::List { .. })
    }
}

fn put_at(numbers: &[u32], value: &Scalar<'_>, out: &mut Vec<u8>) {
    match numbers {
        [] => {}
        [number] => value.put_field(out, *number),
        [number, inner @ ..] => {
            wire::put_tag(out, *number, WireType::Bytes);
            let start = wire::open(out);
            put_at(inner, value, out);
            wire::close(out, start);
        }
    }
}
