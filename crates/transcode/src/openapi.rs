//! x
use serde_json::Value;
use crate::Api;
/// x
#[derive(Debug)]
pub struct Info;
/// x
pub fn openapi(_: &Api, _: &Info) -> Value { Value::Null }
