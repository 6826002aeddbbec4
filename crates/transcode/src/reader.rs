//! JSON text → wire bytes, in one pass and without a message in between.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::json_text::JsonText;
use crate::scalar::{self, Scalar};
use crate::tables::{FIELDS_MAX, Field, Kind, Message, MessageId, Shape, Tables};
use crate::violation::{Reason, Result, Violation};
use crate::wire::{self, WireType};
use crate::{DEPTH_MAX, ELEMENTS_MAX};

/// Reads one JSON object as a message and appends its wire form.
pub(crate) fn read(tables: &Tables, message: MessageId, json: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let mut reader = Reader { tables, json: JsonText::of(json)?, depth: 0, elements: 0, out };
    if reader.json.peek() != b'{' {
        return Err(reader.wrong_type(Kind::Message(message)));
    }
    reader.message(tables.message(message))?;
    reader.json.end()
}

struct Reader<'a> {
    tables: &'a Tables,
    json: JsonText<'a>,
    depth: usize,
    elements: usize,
    out: &'a mut Vec<u8>,
}

impl<'a> Reader<'a> {
    fn message(&mut self, table: &'a Message) -> Result<()> {
        self.deeper()?;
        self.json.expect(b'{')?;
        let mut seen = Seen::default();
        let mut more = !self.json.take(b'}');
        while more {
            let key = self.json.string()?;
            let Some(index) = table.by_name(&key) else {
                return Err(Violation::new(Reason::UnknownField, "there is no such field").under(&key));
            };
            let field = &table.fields[index];
            self.member(table, field, index, &mut seen)
                .map_err(|violation| violation.under(&field.json_name))?;
            more = self.json.another(b'}')?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn member(&mut self, table: &Message, field: &'a Field, index: usize, seen: &mut Seen) -> Result<()> {
        if !seen.named.insert(index) {
            return Err(Violation::new(Reason::DuplicateField, "the field is given twice"));
        }
        self.json.expect(b':')?;
        if self.json.peek() == b'n' {
            return self.json.word("null");
        }
        if let Some(oneof) = field.oneof
            && let Some(other) = seen.conflict(table, oneof, index)
        {
            let message = format_args!("cannot be given together with {}", other.json_name);
            return Err(Violation::new(Reason::OneofConflict, message));
        }
        match field.shape {
            Shape::Single { presence } => self.single(field.number, field.kind, presence),
            Shape::List { packed } => self.list(field, packed),
            Shape::Map { key } => self.map(field, key),
        }
    }

    fn single(&mut self, number: u32, kind: Kind, presence: bool) -> Result<()> {
        if let Kind::Message(id) = kind {
            if self.json.peek() != b'{' {
                return Err(self.wrong_type(kind));
            }
            wire::put_tag(self.out, number, WireType::Bytes);
            let start = wire::open(self.out);
            self.message(self.tables.message(id))?;
            wire::close(self.out, start);
            return Ok(());
        }
        let value = self.scalar(kind)?;
        if presence || !value.is_default() {
            value.put_field(self.out, number);
        }
        Ok(())
    }

    fn list(&mut self, field: &Field, packed: bool) -> Result<()> {
        if self.json.peek() != b'[' {
            return Err(self.wrong_bracket("an array"));
        }
        self.deeper()?;
        self.json.expect(b'[')?;
        let before = self.out.len();
        if packed {
            wire::put_tag(self.out, field.number, WireType::Bytes);
        }
        let start = if packed { wire::open(self.out) } else { 0 };
        let mut more = !self.json.take(b']');
        let mut index = 0;
        while more {
            self.one_more()?;
            let element = if packed {
                self.scalar(field.kind).map(|value| value.put(self.out))
            } else {
                self.single(field.number, field.kind, true)
            };
            element.map_err(|violation| violation.at(index))?;
            index += 1;
            more = self.json.another(b']')?;
        }
        match (packed, index) {
            (true, 0) => self.out.truncate(before),
            (true, _) => wire::close(self.out, start),
            (false, _) => {}
        }
        self.depth -= 1;
        Ok(())
    }

    fn map(&mut self, field: &Field, key_kind: Kind) -> Result<()> {
        if self.json.peek() != b'{' {
            return Err(self.wrong_bracket("an object"));
        }
        self.deeper()?;
        self.json.expect(b'{')?;
        let mut keys: HashSet<Cow<'a, str>> = HashSet::new();
        let mut more = !self.json.take(b'}');
        while more {
            self.one_more()?;
            let key = self.json.string()?;
            self.entry(field, key_kind, &key).map_err(|violation| violation.under(&key))?;
            if !keys.insert(key.clone()) {
                return Err(Violation::new(Reason::DuplicateField, "the key is given twice").under(&key));
            }
            more = self.json.another(b'}')?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn entry(&mut self, field: &Field, key_kind: Kind, key: &str) -> Result<()> {
        let key = scalar::from_text(self.tables, key_kind, Cow::Borrowed(key))?;
        self.json.expect(b':')?;
        wire::put_tag(self.out, field.number, WireType::Bytes);
        let start = wire::open(self.out);
        key.put_field(self.out, 1);
        self.single(2, field.kind, true)?;
        wire::close(self.out, start);
        Ok(())
    }

    fn scalar(&mut self, kind: Kind) -> Result<Scalar<'a>> {
        match (self.json.peek(), kind) {
            (b'"', Kind::Bool) => Err(self.wrong_type(kind)),
            (b'"', _) => scalar::from_text(self.tables, kind, self.json.string()?),
            (b't', Kind::Bool) => self.json.word("true").map(|()| Scalar::Varint(1)),
            (b'f', Kind::Bool) => self.json.word("false").map(|()| Scalar::Varint(0)),
            (b'-' | b'0'..=b'9', _) => scalar::from_number(self.tables, kind, self.json.number()?),
            _ => Err(self.wrong_type(kind)),
        }
    }

    /// Says what was wanted; text that begins no JSON value at all is a syntax error.
    fn wrong_type(&mut self, kind: Kind) -> Violation {
        if self.begins_value() { scalar::wrong_type(kind) } else { self.json.unexpected("a JSON value") }
    }

    fn wrong_bracket(&mut self, wanted: &str) -> Violation {
        if self.begins_value() {
            Violation::new(Reason::WrongType, format_args!("must be {wanted}"))
        } else {
            self.json.unexpected("a JSON value")
        }
    }

    fn begins_value(&mut self) -> bool {
        matches!(self.json.peek(), b'"' | b'{' | b'[' | b't' | b'f' | b'n' | b'-' | b'0'..=b'9')
    }

    fn one_more(&mut self) -> Result<()> {
        self.elements += 1;
        if self.elements > ELEMENTS_MAX {
            let message = format_args!("arrays and maps may have {ELEMENTS_MAX} elements together");
            return Err(Violation::new(Reason::TooManyElements, message));
        }
        Ok(())
    }

    fn deeper(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Violation::new(
                Reason::TooDeep,
                format_args!("objects and arrays may be nested {DEPTH_MAX} deep"),
            ));
        }
        Ok(())
    }
}

/// The fields of one object: those that were named, and the oneof members that have a value.
#[derive(Default)]
struct Seen {
    named: BitSet,
    members: BitSet,
}

impl Seen {
    /// Marks a oneof member; answers another one that is marked already.
    fn conflict<'t>(&mut self, table: &'t Message, oneof: u16, index: usize) -> Option<&'t Field> {
        self.members.insert(index);
        let mut others = table.fields.iter().enumerate().filter(|(other, _)| *other != index);
        let found = others.find(|(other, field)| field.oneof == Some(oneof) && self.members.contains(*other));
        found.map(|(_, field)| field)
    }
}

#[derive(Default)]
struct BitSet([u64; FIELDS_MAX / 64]);

impl BitSet {
    /// False when it was there already.
    fn insert(&mut self, index: usize) -> bool {
        let new = !self.contains(index);
        self.0[index / 64] |= 1 << (index % 64);
        new
    }

    fn contains(&self, index: usize) -> bool {
        self.0[index / 64] & (1 << (index % 64)) != 0
    }
}
