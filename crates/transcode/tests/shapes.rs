//! The descriptors that the tests work on, and the translation as a test sees it.

use std::sync::LazyLock;

use http::Method;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use transcode::{Api, Inbound, Violation};

/// The API of `every_kind.proto`.
pub static KINDS: LazyLock<Api> = LazyLock::new(|| Api::build(&POOL).unwrap());

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let here = env!("CARGO_MANIFEST_DIR");
    let mut compiler =
        protox::Compiler::new([format!("{here}/tests/proto"), format!("{here}/../../proto")]).unwrap();
    compiler.include_source_info(true).include_imports(true).open_file("every_kind.proto").unwrap();
    DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap()
});

pub fn every_kind() -> MessageDescriptor {
    POOL.get_message_by_name("korob.kinds.v1.EveryKind").unwrap()
}

/// Reads a body of EveryKind.
pub fn read(json: &str) -> Result<DynamicMessage, Violation> {
    read_bytes(json.as_bytes())
}

pub fn read_bytes(json: &[u8]) -> Result<DynamicMessage, Violation> {
    let message = KINDS.message("korob.kinds.v1.EveryKind").unwrap();
    let mut wire = Vec::new();
    KINDS.read_json(message, json, &mut wire)?;
    Ok(DynamicMessage::decode(every_kind(), wire.as_slice()).unwrap())
}

/// Writes a message of EveryKind.
pub fn write(wire: &[u8]) -> String {
    let message = KINDS.message("korob.kinds.v1.EveryKind").unwrap();
    let mut json = Vec::new();
    KINDS.write_json(message, wire, &mut json).unwrap();
    String::from_utf8(json).unwrap()
}

/// Sends a request through the routes.
pub fn request(
    method: Method,
    target: &str,
    body: &str,
    key: Option<&str>,
) -> Result<DynamicMessage, Violation> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let matched = KINDS.find(&method, path).unwrap();
    let mut wire = Vec::new();
    KINDS.read_request(
        &matched,
        Inbound { query, body: body.as_bytes(), idempotency_key: key, ..Inbound::default() },
        &mut wire,
    )?;
    Ok(DynamicMessage::decode(every_kind(), wire.as_slice()).unwrap())
}

/// Says where and why a request was refused: `lines[2].quantity WRONG_TYPE`.
pub fn refusal<T: std::fmt::Debug>(result: Result<T, Violation>) -> String {
    let violation = result.unwrap_err();
    format!("{} {}", violation.field, violation.reason.as_str())
}
