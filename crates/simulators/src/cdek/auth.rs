//! Hands out tokens.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::json;

use crate::answer::Answer;
use crate::asked::Asked;
use crate::lock;
use crate::world::World;

const LIVES: TimeDelta = TimeDelta::seconds(3_600);
const SECRET_CHARS_MIN: usize = 8;

/// The parameters come in the form or in the query.
pub(super) fn token(world: &Arc<World>, asked: &Asked) -> Answer {
    let form = asked.form();
    let parameter = |name: &str| {
        let given = form.iter().chain(&asked.query).find(|(known, _)| known == name);
        given.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    if parameter("grant_type") != "client_credentials" {
        let why = "grant_type must be client_credentials";
        return Answer::json(400, &json!({ "error": "unsupported_grant_type", "error_description": why }));
    }
    let (account, secret) = (parameter("client_id"), parameter("client_secret"));
    if account.is_empty() || secret.len() < SECRET_CHARS_MIN || secret.starts_with("wrong") {
        return Answer::json(
            401,
            &json!({ "error": "invalid_client", "error_description": "Bad client credentials" }),
        );
    }
    let access_token = lock(&world.cdek).tokens.issue(&account, world.now(), LIVES);
    let body = json!({
        "access_token": access_token, "token_type": "bearer", "expires_in": LIVES.num_seconds() - 1,
        "scope": "order:all payment:all",
    });
    Answer::json(200, &body)
}
