//! Wire bytes → JSON text with defaults, in one pass over an index of what is there.

use std::fmt;
use std::io::Write as _;
use std::num::FpCategory;
use std::ops::Range;

use crate::json_string::write_string;
use crate::tables::{Encoding, Field, Integer, Kind, Message, MessageId, Shape, Tables};
use crate::wire::{self, Fields, Malformed, Value};
use crate::{DEPTH_MAX, duration, field_mask, scalar, timestamp};

type Result<T> = std::result::Result<T, Malformed>;

/// Writes a message as JSON. Fields that the tables do not know are left out.
pub(crate) fn write(tables: &Tables, message: MessageId, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
    Writer { tables, out, found: Vec::new(), depth: 0 }.message(tables.message(message), bytes)
}

struct Writer<'a, 'o> {
    tables: &'a Tables,
    out: &'o mut Vec<u8>,
    /// A stack: each message being written owns the tail that it pushed, sorted by field.
    found: Vec<(u16, Value<'a>)>,
    depth: usize,
}

impl<'a> Writer<'a, '_> {
    fn message(&mut self, table: &'a Message, bytes: &'a [u8]) -> Result<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Malformed);
        }
        let start = self.index(table, bytes)?;
        self.out.push(b'{');
        let mut comma = false;
        let mut at = start;
        for (index, field) in table.fields.iter().enumerate() {
            let from = at;
            while self.found.get(at).is_some_and(|(other, _)| usize::from(*other) == index) {
                at += 1;
            }
            if from == at && (field.shape == Shape::Single { presence: true }) {
                continue;
            }
            if comma {
                self.out.push(b',');
            }
            comma = true;
            self.out.extend_from_slice(field.json_key.as_bytes());
            self.field(field, from..at)?;
        }
        self.out.push(b'}');
        self.found.truncate(start);
        self.depth -= 1;
        Ok(())
    }

    /// Pushes the known fields of a message in order of their numbers and answers where they begin.
    fn index(&mut self, table: &Message, bytes: &'a [u8]) -> Result<usize> {
        let start = self.found.len();
        let mut sorted = true;
        let mut fields = Fields::of(bytes);
        while let Some((number, value)) = fields.next()? {
            let Some(index) = table.by_number(number) else { continue };
            if table.has_oneofs && table.fields[index].oneof.is_some() {
                self.forget_other_members(table, index, start);
            }
            let index = index as u16;
            sorted &= self.found[start..].last().is_none_or(|(last, _)| *last <= index);
            self.found.push((index, value));
        }
        if !sorted {
            self.found[start..].sort_by_key(|(index, _)| *index);
        }
        Ok(start)
    }

    /// The last member of a oneof on the wire wins.
    fn forget_other_members(&mut self, table: &Message, index: usize, start: usize) {
        let oneof = table.fields[index].oneof;
        let mut at = start;
        while at < self.found.len() {
            let other = usize::from(self.found[at].0);
            if other != index && table.fields[other].oneof == oneof {
                self.found.remove(at);
            } else {
                at += 1;
            }
        }
    }

    fn field(&mut self, field: &'a Field, found: Range<usize>) -> Result<()> {
        match field.shape {
            Shape::Single { .. } => match (field.kind, found.len()) {
                (Kind::Message(id), 2..) => self.merged(id, found),
                (kind, 1..) => self.value(kind, self.found[found.end - 1].1),
                (kind, 0) => self.default(kind),
            },
            Shape::List { .. } => self.list(field, found),
            Shape::Map { key } => self.map(key, field.kind, found),
        }
    }

    /// A message that comes in several parts is their concatenation.
    fn merged(&mut self, id: MessageId, found: Range<usize>) -> Result<()> {
        let mut whole = Vec::new();
        for (_, value) in &self.found[found] {
            let Value::Bytes(part) = value else { return Err(Malformed) };
            whole.extend_from_slice(part);
        }
        let mut inner = Writer { tables: self.tables, out: self.out, found: Vec::new(), depth: self.depth };
        inner.message(inner.tables.message(id), &whole)
    }

    fn list(&mut self, field: &'a Field, found: Range<usize>) -> Result<()> {
        self.out.push(b'[');
        let start = self.out.len();
        for at in found {
            match self.found[at].1 {
                Value::Bytes(packed) if is_packable(field.kind) => self.packed(field.kind, packed, start)?,
                value => {
                    self.separate(start);
                    self.value(field.kind, value)?;
                }
            }
        }
        self.out.push(b']');
        Ok(())
    }

    fn packed(&mut self, kind: Kind, mut rest: &'a [u8], start: usize) -> Result<()> {
        while !rest.is_empty() {
            let value = match kind {
                Kind::Double => Value::Fixed64(wire::take_fixed64(&mut rest)?),
                Kind::Float => Value::Fixed32(wire::take_fixed32(&mut rest)?),
                Kind::Integer(Integer { encoding: Encoding::Fixed, wide: true, .. }) => {
                    Value::Fixed64(wire::take_fixed64(&mut rest)?)
                }
                Kind::Integer(Integer { encoding: Encoding::Fixed, .. }) => {
                    Value::Fixed32(wire::take_fixed32(&mut rest)?)
                }
                _ => Value::Varint(wire::take_varint(&mut rest)?),
            };
            self.separate(start);
            self.value(kind, value)?;
        }
        Ok(())
    }

    /// Writes entries sorted by key, so that the same map is always the same text.
    fn map(&mut self, key: Kind, kind: Kind, found: Range<usize>) -> Result<()> {
        let mut entries = Vec::with_capacity(found.len());
        for at in found {
            let Value::Bytes(entry) = self.found[at].1 else { return Err(Malformed) };
            entries.push((map_key(key, entry)?, wire::find(entry, &[2])?));
        }
        entries.sort_by(|(left, _), (right, _)| left.cmp(right));
        self.out.push(b'{');
        let start = self.out.len();
        for (at, (key, value)) in entries.iter().enumerate() {
            if entries.get(at + 1).is_some_and(|(next, _)| next == key) {
                continue;
            }
            self.separate(start);
            write_string(key, self.out);
            self.out.push(b':');
            match (value, kind) {
                (Some(value), kind) => self.value(kind, *value)?,
                (None, Kind::Message(id)) => self.message(self.tables.message(id), &[])?,
                (None, kind) => self.default(kind)?,
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    fn value(&mut self, kind: Kind, value: Value<'a>) -> Result<()> {
        match (kind, value) {
            (Kind::Message(id), Value::Bytes(bytes)) => self.message(self.tables.message(id), bytes),
            (Kind::Text, Value::Bytes(bytes)) => {
                write_string(std::str::from_utf8(bytes).map_err(|_| Malformed)?, self.out);
                Ok(())
            }
            (Kind::Bytes, Value::Bytes(bytes)) => {
                write_string(&scalar::base64_text(bytes), self.out);
                Ok(())
            }
            (Kind::Timestamp, Value::Bytes(bytes)) => timestamp::write(bytes, self.out),
            (Kind::Duration, Value::Bytes(bytes)) => duration::write(bytes, self.out),
            (Kind::FieldMask, Value::Bytes(bytes)) => field_mask::write(bytes, self.out),
            (Kind::Bool, Value::Varint(value)) => {
                self.out.extend_from_slice(if value == 0 { b"false" } else { b"true" });
                Ok(())
            }
            (Kind::Enum(id), Value::Varint(value)) => {
                match self.tables.enumeration(id).name(value as i32) {
                    Some(name) => write_string(name, self.out),
                    None => self.display(value as i32)?,
                }
                Ok(())
            }
            (Kind::Integer(integer), value) => self.integer(integer, value),
            (Kind::Double, Value::Fixed64(bits)) => {
                let value = f64::from_bits(bits);
                self.number(value, value.classify())
            }
            (Kind::Float, Value::Fixed32(bits)) => {
                let value = f32::from_bits(bits);
                self.number(value, value.classify())
            }
            _ => Err(Malformed),
        }
    }

    fn default(&mut self, kind: Kind) -> Result<()> {
        let text: &[u8] = match kind {
            Kind::Text | Kind::Bytes => b"\"\"",
            Kind::Bool => b"false",
            Kind::Integer(Integer { wide: true, .. }) => b"\"0\"",
            Kind::Integer(_) => b"0",
            Kind::Float | Kind::Double => b"0.0",
            Kind::Enum(_) => return self.value(kind, Value::Varint(0)),
            Kind::Message(_) | Kind::Timestamp | Kind::Duration | Kind::FieldMask => {
                return self.value(kind, Value::Bytes(&[]));
            }
        };
        self.out.extend_from_slice(text);
        Ok(())
    }

    fn integer(&mut self, integer: Integer, value: Value<'_>) -> Result<()> {
        let bits = match (integer.encoding, integer.wide, value) {
            (Encoding::Varint, _, Value::Varint(bits)) => bits,
            (Encoding::ZigZag, _, Value::Varint(bits)) => ((bits >> 1) as i64 ^ -((bits & 1) as i64)) as u64,
            (Encoding::Fixed, true, Value::Fixed64(bits)) => bits,
            (Encoding::Fixed, false, Value::Fixed32(bits)) => u64::from(bits),
            _ => return Err(Malformed),
        };
        match (integer.wide, integer.signed) {
            (true, true) => self.display(format_args!("\"{}\"", bits as i64)),
            (true, false) => self.display(format_args!("\"{bits}\"")),
            (false, true) => self.display(bits as i32),
            (false, false) => self.display(bits as u32),
        }
    }

    fn number(&mut self, value: impl fmt::Debug + PartialOrd + Default, class: FpCategory) -> Result<()> {
        match class {
            FpCategory::Nan => self.display("\"NaN\""),
            FpCategory::Infinite if value > Default::default() => self.display("\"Infinity\""),
            FpCategory::Infinite => self.display("\"-Infinity\""),
            // The debug form is the shortest that reads back, with an exponent when that is shorter.
            _ => self.display(format_args!("{value:?}")),
        }
    }

    fn display(&mut self, value: impl fmt::Display) -> Result<()> {
        write!(self.out, "{value}").map_err(|_| Malformed)
    }

    /// Puts a comma unless this is the first element after `start`.
    fn separate(&mut self, start: usize) {
        if self.out.len() > start {
            self.out.push(b',');
        }
    }
}

fn is_packable(kind: Kind) -> bool {
    matches!(kind, Kind::Bool | Kind::Integer(_) | Kind::Float | Kind::Double | Kind::Enum(_))
}

fn map_key(kind: Kind, entry: &[u8]) -> Result<String> {
    let mut text = Vec::new();
    let tables = Tables::default();
    let mut writer = Writer { tables: &tables, out: &mut text, found: Vec::new(), depth: 0 };
    match (kind, wire::find(entry, &[1])?) {
        (Kind::Text, Some(Value::Bytes(bytes))) => text.extend_from_slice(bytes),
        (Kind::Text, None) => {}
        (kind, Some(value)) => writer.value(kind, value)?,
        (kind, None) => writer.default(kind)?,
    }
    let text = String::from_utf8(text).map_err(|_| Malformed)?;
    Ok(if kind == Kind::Text { text } else { text.trim_matches('"').to_owned() })
}
