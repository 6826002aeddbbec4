//! What the reader and the writer need to know of every message, built once from the descriptors.

use std::collections::HashMap;

use prost_reflect::{
    Cardinality as DescriptorCardinality, EnumDescriptor, FieldDescriptor, Kind as DescriptorKind,
    MessageDescriptor,
};

/// The most fields of one message; the reader marks seen fields in a bit set of this size.
pub(crate) const FIELDS_MAX: usize = 256;

/// Names a message of an [`Api`](crate::Api).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageId(usize);

/// Names an enum of [`Tables`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EnumId(usize);

/// All messages and enums that were asked for, with everything they contain.
#[derive(Debug, Default)]
pub struct Tables {
    messages: Vec<Message>,
    enums: Vec<Enum>,
    messages_by_name: HashMap<String, usize>,
    enums_by_name: HashMap<String, usize>,
}

/// A message whose shape has no JSON form here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnsupportedShape {
    /// A well-known type other than Timestamp, Duration and FieldMask.
    #[error("{0} has no JSON form here")]
    WellKnownType(String),
    /// More fields than the reader can mark as seen.
    #[error("{0} has more than {FIELDS_MAX} fields")]
    TooManyFields(String),
}

#[derive(Debug, Default)]
pub(crate) struct Message {
    /// By number, which is the order of the output.
    pub(crate) fields: Vec<Field>,
    /// Both spellings of every field, sorted.
    names: Vec<(Box<str>, u16)>,
    /// Field numbers, sorted.
    numbers: Vec<(u32, u16)>,
    pub(crate) has_oneofs: bool,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) number: u32,
    pub(crate) json_name: Box<str>,
    /// The same as JSON text with quotes and colon: `"json_name":`.
    pub(crate) json_key: Box<str>,
    pub(crate) shape: Shape,
    pub(crate) kind: Kind,
    pub(crate) oneof: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One value; without presence the default value and an absent one are the same.
    Single {
        presence: bool,
    },
    List {
        packed: bool,
    },
    /// The field's kind is that of the values.
    Map {
        key: Kind,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Integer(Integer),
    Float,
    Double,
    Text,
    Bytes,
    Enum(EnumId),
    Message(MessageId),
    Timestamp,
    Duration,
    FieldMask,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Integer {
    pub(crate) signed: bool,
    /// 64 bits; these are strings in JSON.
    pub(crate) wide: bool,
    pub(crate) encoding: Encoding,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Varint,
    ZigZag,
    Fixed,
}

#[derive(Debug)]
pub(crate) struct Enum {
    /// By number.
    pub(crate) values: Vec<(Box<str>, i32)>,
}

impl Tables {
    /// Adds a message and everything it contains.
    pub fn add(&mut self, message: &MessageDescriptor) -> Result<MessageId, UnsupportedShape> {
        if let Some(&index) = self.messages_by_name.get(message.full_name()) {
            return Ok(MessageId(index));
        }
        let index = self.messages.len();
        self.messages.push(Message::default());
        self.messages_by_name.insert(message.full_name().to_owned(), index);
        let fields = message.fields().map(|field| self.field(&field)).collect::<Result<Vec<_>, _>>()?;
        if fields.len() > FIELDS_MAX {
            return Err(UnsupportedShape::TooManyFields(message.full_name().to_owned()));
        }
        self.messages[index] = Message::of(message, fields);
        Ok(MessageId(index))
    }

    /// A message that was added, by its full name.
    pub(crate) fn named(&self, full_name: &str) -> Option<MessageId> {
        self.messages_by_name.get(full_name).map(|index| MessageId(*index))
    }

    pub(crate) fn message(&self, id: MessageId) -> &Message {
        &self.messages[id.0]
    }

    pub(crate) fn enumeration(&self, id: EnumId) -> &Enum {
        &self.enums[id.0]
    }

    fn field(&mut self, field: &FieldDescriptor) -> Result<Field, UnsupportedShape> {
        let (shape, kind) = match field.kind() {
            DescriptorKind::Message(entry) if field.is_map() => (
                Shape::Map { key: self.kind(entry.map_entry_key_field().kind())? },
                self.kind(entry.map_entry_value_field().kind())?,
            ),
            kind if field.cardinality() == DescriptorCardinality::Repeated => {
                (Shape::List { packed: field.is_packed() }, self.kind(kind)?)
            }
            kind => (Shape::Single { presence: field.supports_presence() }, self.kind(kind)?),
        };
        Ok(Field {
            number: field.number(),
            json_name: field.json_name().into(),
            json_key: format!("\"{}\":", field.json_name()).into(),
            shape,
            kind,
            oneof: field
                .containing_oneof()
                .filter(|oneof| !oneof.is_synthetic())
                .and_then(|oneof| oneof.parent_message().oneofs().position(|other| other == oneof))
                .map(|position| position as u16),
        })
    }

    fn kind(&mut self, kind: DescriptorKind) -> Result<Kind, UnsupportedShape> {
        let integer = |signed, wide, encoding| Kind::Integer(Integer { signed, wide, encoding });
        Ok(match kind {
            DescriptorKind::Bool => Kind::Bool,
            DescriptorKind::Int32 => integer(true, false, Encoding::Varint),
            DescriptorKind::Int64 => integer(true, true, Encoding::Varint),
            DescriptorKind::Uint32 => integer(false, false, Encoding::Varint),
            DescriptorKind::Uint64 => integer(false, true, Encoding::Varint),
            DescriptorKind::Sint32 => integer(true, false, Encoding::ZigZag),
            DescriptorKind::Sint64 => integer(true, true, Encoding::ZigZag),
            DescriptorKind::Fixed32 => integer(false, false, Encoding::Fixed),
            DescriptorKind::Fixed64 => integer(false, true, Encoding::Fixed),
            DescriptorKind::Sfixed32 => integer(true, false, Encoding::Fixed),
            DescriptorKind::Sfixed64 => integer(true, true, Encoding::Fixed),
            DescriptorKind::Float => Kind::Float,
            DescriptorKind::Double => Kind::Double,
            DescriptorKind::String => Kind::Text,
            DescriptorKind::Bytes => Kind::Bytes,
            DescriptorKind::Enum(of) => Kind::Enum(self.add_enum(&of)),
            DescriptorKind::Message(of) => match of.full_name() {
                "google.protobuf.Timestamp" => Kind::Timestamp,
                "google.protobuf.Duration" => Kind::Duration,
                "google.protobuf.FieldMask" => Kind::FieldMask,
                name if name.starts_with("google.protobuf.") => {
                    return Err(UnsupportedShape::WellKnownType(name.to_owned()));
                }
                _ => Kind::Message(self.add(&of)?),
            },
        })
    }

    fn add_enum(&mut self, of: &EnumDescriptor) -> EnumId {
        if let Some(&index) = self.enums_by_name.get(of.full_name()) {
            return EnumId(index);
        }
        let index = self.enums.len();
        let values = of.values().map(|value| (value.name().into(), value.number())).collect();
        self.enums.push(Enum { values });
        self.enums_by_name.insert(of.full_name().to_owned(), index);
        EnumId(index)
    }
}

impl Message {
    fn of(message: &MessageDescriptor, fields: Vec<Field>) -> Self {
        let mut names: Vec<(Box<str>, u16)> = Vec::new();
        for (index, field) in message.fields().enumerate() {
            names.push((field.json_name().into(), index as u16));
            names.push((field.name().into(), index as u16));
        }
        names.sort();
        names.dedup();
        let mut numbers: Vec<(u32, u16)> =
            fields.iter().enumerate().map(|(index, field)| (field.number, index as u16)).collect();
        numbers.sort();
        let has_oneofs = fields.iter().any(|field| field.oneof.is_some());
        Self { fields, names, numbers, has_oneofs }
    }

    /// The field of a name in either spelling.
    pub(crate) fn by_name(&self, name: &str) -> Option<usize> {
        let at = self.names.binary_search_by(|(other, _)| (**other).cmp(name)).ok()?;
        Some(usize::from(self.names[at].1))
    }

    pub(crate) fn by_number(&self, number: u32) -> Option<usize> {
        // Most messages number their fields 1, 2, 3 … in order.
        let guess = (number as usize).wrapping_sub(1);
        if self.numbers.get(guess).is_some_and(|(other, _)| *other == number) {
            return Some(usize::from(self.numbers[guess].1));
        }
        let at = self.numbers.binary_search_by_key(&number, |(other, _)| *other).ok()?;
        Some(usize::from(self.numbers[at].1))
    }
}

impl Enum {
    pub(crate) fn number(&self, name: &str) -> Option<i32> {
        self.values.iter().find(|(other, _)| **other == *name).map(|(_, number)| *number)
    }

    pub(crate) fn name(&self, number: i32) -> Option<&str> {
        match usize::try_from(number).ok().and_then(|guess| self.values.get(guess)) {
            Some((name, found)) if *found == number => Some(name),
            _ => self.values.iter().find(|(_, other)| *other == number).map(|(name, _)| &**name),
        }
    }
}
