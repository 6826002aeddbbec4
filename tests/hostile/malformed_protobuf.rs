//! Broken and absurd messages for every method, straight at its port: refused as the sender's fault, and nothing falls
//! over. (S10) The corpus is the same in every run; `fuzz/` goes on where it ends.

use bytes::Bytes;
use futures_util::StreamExt as _;
use prost::Message as _;
use prost_reflect::{Kind, MessageDescriptor, Value};
use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};
use rpc::Caller;
use tonic::{Code, Status};

use crate::findings::findings;
use crate::messages;
use crate::methods::{self, Method};
use crate::ports::Port;
use crate::suite::{SERVICES, Suite};

const SEED: u64 = 0x6b6f_726f_6200_0010;
/// Random messages for each method.
const RANDOM: usize = 6;
/// Places where a message is cut off.
const CUTS: usize = 8;

pub async fn try_every_method(suite: &Suite) {
    let methods = methods::all();
    let mut wrong = Vec::new();
    for service in SERVICES {
        let port = Port::open(suite.port(service)).await;
        let statement = || suite.directory.keys().sign(&Caller::operator("hostile"), "hostile", service);
        // One service is enough for what all of them offer.
        let here =
            |method: &&Method| method.area == service || (method.area == "events" && service == "orders");
        let mut tries = Vec::new();
        for method in methods.iter().filter(here) {
            tries.extend(corpus(&method.request).into_iter().map(|(what, bytes)| (method, what, bytes)));
        }
        let tried = futures_util::stream::iter(tries).map(async |(method, what, bytes)| {
            let answer = port.call(&method.grpc_path, Some(&statement()), Bytes::from(bytes)).await;
            let why = blame(what, &answer)?;
            Some(format!("{} of {what}: {why}: {answer:?}", method.policy.operation))
        });
        wrong.extend(findings(tried).await);
    }
    assert!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
    let log = suite.log();
    assert!(!log.contains("panicked"), "something panicked: {}", lines_with(&log, "panicked"));
    assert!(!log.contains("a call failed inside"), "{}", lines_with(&log, "a call failed inside"));
}

/// What is wrong with an answer, if anything.
fn blame(what: &str, answer: &Result<Bytes, Status>) -> Option<&'static str> {
    let code = answer.as_ref().map_or_else(Status::code, |_| Code::Ok);
    let reason = answer.as_ref().err().and_then(rpc::reason);
    let reason = reason.as_deref();
    match code {
        Code::Internal | Code::Unknown | Code::DataLoss => Some("blames us"),
        Code::Unavailable => Some("the service went away"),
        _ if reason == Some("CALLER_UNKNOWN") => Some("the caller was not let in"),
        // A stream of which a part cannot be read is one that broke off.
        Code::InvalidArgument | Code::OutOfRange | Code::Aborted => None,
        // What cannot be read at all is never anything else.
        _ if what.starts_with("unreadable") => Some("is no refusal of the message"),
        _ => None,
    }
}

fn lines_with<'a>(log: &'a str, word: &str) -> String {
    log.lines().filter(|line| line.contains(word)).take(20).collect::<Vec<&'a str>>().join("\n")
}

/// Bad messages by what is bad about them.
fn corpus(message: &MessageDescriptor) -> Vec<(&'static str, Vec<u8>)> {
    let good = messages::believable(message).encode_to_vec();
    let mut corpus = vec![("a believable message", good.clone()), ("nothing", Vec::new())];

    let step = (good.len() / CUTS).max(1);
    corpus.extend((1..good.len()).step_by(step).map(|at| ("a message cut short", good[..at].to_vec())));

    for field in message.fields() {
        let number = u64::from(field.number());
        let right = wire_type(&field.kind());
        for wire_type in (0..=5).filter(|wire_type| *wire_type != right && *wire_type != 4) {
            let mut bytes = varint(number << 3 | wire_type);
            bytes.extend([1, 2, 3, 4, 5, 6, 7, 8]);
            // Packed numbers may stand in either form, and some bytes happen to be a message.
            corpus.push(("a field of another type", bytes));
        }
        if matches!(field.kind(), Kind::String) && !field.is_map() {
            corpus.push(("unreadable: not UTF-8", delimited(number, &[0xff, 0xfe, 0x80])));
        }
        if right == 2 {
            let mut longer = varint(number << 3 | 2);
            longer.extend([0xff, 0xff, 0xff, 0xff, 0x07, 1, 2, 3]);
            corpus.push(("unreadable: longer than it is", longer));
        }
    }
    let mut tag = varint(1 << 3);
    tag.extend([0xff; 11]);
    corpus.push(("unreadable: a number without end", tag));
    corpus.push(("unreadable: field number 0", vec![0, 0]));
    corpus.push(("unreadable: a group that nobody began", vec![0x0c]));
    corpus.push(("unreadable: groups without end", [0xfb, 0x7f].repeat(2_000)));

    let mut deep = Vec::new();
    let nested = message.fields().find(|field| matches!(field.kind(), Kind::Message(_)) && !field.is_map());
    let number = nested.map_or(15, |field| u64::from(field.number()));
    for _ in 0..2_000 {
        deep = delimited(number, &deep);
    }
    corpus.push(("messages within messages", deep));

    for (what, number) in
        [("an unknown enum value", 12_345), ("a negative enum value", -1), ("the least enum value", i32::MIN)]
    {
        let enums = messages::with_scalars(message, |field| {
            matches!(field.kind(), Kind::Enum(_)).then_some(Value::EnumNumber(number))
        });
        corpus.push((what, enums.encode_to_vec()));
    }
    for (what, small, large) in [
        ("the largest numbers", i32::MAX, i64::MAX),
        ("the smallest numbers", i32::MIN, i64::MIN),
        ("numbers below zero", -1, -1),
    ] {
        let numbers = messages::with_scalars(message, |field| match field.kind() {
            Kind::Int32 => Some(Value::I32(small)),
            Kind::Int64 => Some(Value::I64(large)),
            _ => None,
        });
        corpus.push((what, numbers.encode_to_vec()));
    }
    for (what, text) in [
        ("NUL in every text", "a\0b".to_owned()),
        ("very long texts", "x".repeat(5_000)),
        ("line breaks in every text", "a\r\nb".to_owned()),
        ("nothing in every text", String::new()),
    ] {
        let texts = messages::with_scalars(message, |field| {
            matches!(field.kind(), Kind::String).then(|| Value::String(text.clone()))
        });
        corpus.push((what, texts.encode_to_vec()));
    }

    // One at a time, so that nothing else is wrong with the message.
    for field in message.fields().filter(|field| matches!(field.kind(), Kind::String)) {
        let one = messages::with_scalars(message, |other| {
            (other.full_name() == field.full_name()).then(|| Value::String("a\0b".to_owned()))
        });
        corpus.push(("NUL in one text", one.encode_to_vec()));
    }

    let mut random = StdRng::seed_from_u64(SEED ^ message.full_name().len() as u64);
    for at in 0..RANDOM {
        let mut bytes = vec![0; 8 << at];
        random.fill_bytes(&mut bytes);
        corpus.push(("random bytes", bytes));
        let mut mutated = good.clone();
        for _ in 0..=at {
            if let Some(length) = std::num::NonZeroUsize::new(mutated.len()) {
                let place = random.next_u32() as usize % length;
                mutated[place] ^= 1 << (random.next_u32() % 8);
            }
        }
        corpus.push(("a message with flipped bits", mutated));
    }
    corpus
}

fn wire_type(kind: &Kind) -> u64 {
    match kind {
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => 1,
        Kind::String | Kind::Bytes | Kind::Message(_) => 2,
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => 5,
        _ => 0,
    }
}

fn delimited(field: u64, bytes: &[u8]) -> Vec<u8> {
    let mut out = varint(field << 3 | 2);
    out.extend(varint(bytes.len() as u64));
    out.extend(bytes);
    out
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap());
    out
}
