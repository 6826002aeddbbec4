//! Hands out tokens, which live for a day.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::json;

use super::book::time;
use super::error;
use crate::answer::Answer;
use crate::asked::Asked;
use crate::lock;
use crate::world::World;

const LIVES: TimeDelta = TimeDelta::hours(24);
const PASSWORD_CHARS_MIN: usize = 8;

/// Login and password come as JSON, or in the query.
pub(super) fn token(world: &Arc<World>, asked: &Asked) -> Answer {
    let body = asked.json().unwrap_or_default();
    let text = |name: &str| body[name].as_str().or_else(|| asked.query(name)).unwrap_or_default().to_owned();
    let (login, password) = (text("login"), text("pass"));
    if login.is_empty() || password.len() < PASSWORD_CHARS_MIN || password.starts_with("wrong") {
        return error(world, 401, 12, "AuthError", "Неверный логин или пароль");
    }
    let token = lock(&world.fiscal).tokens.issue(&login, world.now(), LIVES);
    Answer::json(200, &json!({ "token": token, "error": null, "timestamp": time(world.now()) }))
}
