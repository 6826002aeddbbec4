//! Random messages survive wire → JSON → wire, and their JSON is what prost-reflect writes.

use proptest::prelude::*;
use prost::Message as _;
use prost_reflect::{
    Cardinality, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, SerializeOptions, Value,
};
use transcode::Api;

use crate::shapes::{KINDS, every_kind};

const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\u",
    "d800",
    "\"text\":",
    "\"numbers\":",
    "\"inner\":{",
    "null",
    "true",
    "-",
    "0",
    "1e400",
    "é",
    " ",
    "\"a\"",
    "\"textByText\":{",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_kind_survives(entropy in prop::collection::vec(any::<u8>(), 0..600)) {
        survives(&KINDS, &every_kind(), &entropy)?;
    }

    #[test]
    fn every_message_of_the_suite_survives(
        at in any::<prop::sample::Index>(),
        entropy in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let messages: Vec<_> = proto::pool()
            .services()
            .flat_map(|service| service.methods().flat_map(|method| [method.input(), method.output()]).collect::<Vec<_>>())
            .collect();
        survives(Api::suite(), at.get(&messages), &entropy)?;
    }

    #[test]
    fn no_bytes_make_the_writer_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let message = KINDS.message("korob.kinds.v1.EveryKind").unwrap();
        let _ = KINDS.write_json(message, &bytes, &mut Vec::new());
    }

    #[test]
    fn no_text_makes_the_reader_panic(parts in prop::collection::vec(prop::sample::select(TOKENS), 0..40)) {
        let message = KINDS.message("korob.kinds.v1.EveryKind").unwrap();
        let _ = KINDS.read_json(message, parts.concat().as_bytes(), &mut Vec::new());
    }
}

fn survives(api: &Api, descriptor: &MessageDescriptor, entropy: &[u8]) -> Result<(), TestCaseError> {
    let original = Entropy(entropy).message(descriptor, 0);
    // Decoded again, so that a field set to its default and an absent one are the same.
    let original = DynamicMessage::decode(descriptor.clone(), original.encode_to_vec().as_slice()).unwrap();
    let id = api.message(descriptor.full_name()).unwrap();

    let mut json = Vec::new();
    api.write_json(id, &original.encode_to_vec(), &mut json).unwrap();
    let ours: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let options = SerializeOptions::new().skip_default_fields(false);
    let theirs = original.serialize_with_options(serde_json::value::Serializer, &options).unwrap();
    prop_assert_eq!(&ours, &theirs);

    for text in [json, theirs.to_string().into_bytes()] {
        let mut wire = Vec::new();
        api.read_json(id, &text, &mut wire).unwrap();
        let back = DynamicMessage::decode(descriptor.clone(), wire.as_slice()).unwrap();
        prop_assert_eq!(&back, &original);
    }
    Ok(())
}

/// Bytes that decide what a message looks like; zeros when they run out, so that proptest can shrink.
struct Entropy<'a>(&'a [u8]);

impl Entropy<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> i64 {
        match self.byte() % 8 {
            0 => 0,
            1 => i64::from(self.byte()),
            2 => -i64::from(self.byte()),
            3 => i64::MAX,
            4 => i64::MIN,
            _ => i64::from_le_bytes(std::array::from_fn(|_| self.byte())),
        }
    }

    fn text(&mut self) -> String {
        const LETTERS: [&str; 12] =
            ["a", "Z", "\"", "\\", "\n", "\u{1}", "é", "Київ", "👩‍👩‍👧", "\u{202e}", " ", "/"];
        (0..self.byte() % 6).map(|_| LETTERS[usize::from(self.byte()) % LETTERS.len()]).collect()
    }

    fn message(&mut self, descriptor: &MessageDescriptor, depth: usize) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        match descriptor.full_name() {
            "google.protobuf.Timestamp" => {
                let seconds = self.number().rem_euclid(315_537_897_600) - 62_135_596_800;
                message.set_field_by_name("seconds", Value::I64(seconds));
                message.set_field_by_name("nanos", Value::I32(self.nanos()));
                return message;
            }
            "google.protobuf.Duration" => {
                let seconds = self.number() % 315_576_000_000;
                let sign = if seconds < 0 { -1 } else { 1 };
                message.set_field_by_name("seconds", Value::I64(seconds));
                message.set_field_by_name("nanos", Value::I32(sign * self.nanos()));
                return message;
            }
            "google.protobuf.FieldMask" => {
                let paths = (0..self.byte() % 3)
                    .map(|at| Value::String(format!("some_field.of_{}", ["a", "bc"][usize::from(at)])));
                message.set_field_by_name("paths", Value::List(paths.collect()));
                return message;
            }
            _ => {}
        }
        for field in descriptor.fields() {
            if self.byte().is_multiple_of(3) || depth > 4 {
                continue;
            }
            let value = self.field(&field, depth);
            message.set_field(&field, value);
        }
        message
    }

    fn nanos(&mut self) -> i32 {
        let unit = [1_000_000_000, 1_000_000, 1_000, 1][usize::from(self.byte()) % 4];
        (self.number().rem_euclid(1_000_000_000) / unit * unit) as i32
    }

    fn field(&mut self, field: &FieldDescriptor, depth: usize) -> Value {
        let length = self.byte() % 4;
        if field.is_map() {
            let Kind::Message(entry) = field.kind() else { unreachable!() };
            let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
            let entries = (0..length).map(|_| (self.key(&key.kind()), self.single(&value.kind(), depth)));
            return Value::Map(entries.collect());
        }
        if field.cardinality() == Cardinality::Repeated {
            return Value::List((0..length).map(|_| self.single(&field.kind(), depth)).collect());
        }
        self.single(&field.kind(), depth)
    }

    fn key(&mut self, kind: &Kind) -> MapKey {
        match self.single(kind, 0) {
            Value::Bool(key) => MapKey::Bool(key),
            Value::I32(key) => MapKey::I32(key),
            Value::U64(key) => MapKey::U64(key),
            Value::String(key) => MapKey::String(key),
            other => panic!("{other:?} is no key here"),
        }
    }

    fn single(&mut self, kind: &Kind, depth: usize) -> Value {
        match kind {
            Kind::Bool => Value::Bool(self.byte() % 2 == 1),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(self.number() as i32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(self.number()),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(self.number() as u32),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(self.number() as u64),
            // Halves are the same number in 32 and 64 bits.
            Kind::Float => Value::F32(f32::from(self.byte()) / 2.0),
            Kind::Double => Value::F64(f64::from(self.number() as i32) / 8.0),
            Kind::String => Value::String(self.text()),
            Kind::Bytes => Value::Bytes((0..self.byte() % 5).map(|_| self.byte()).collect::<Vec<_>>().into()),
            Kind::Enum(of) => {
                let values: Vec<_> = of.values().collect();
                Value::EnumNumber(values[usize::from(self.byte()) % values.len()].number())
            }
            Kind::Message(of) => Value::Message(self.message(of, depth + 1)),
        }
    }
}
