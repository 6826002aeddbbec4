//! The tokens of CDEK: used until they end, replaced once however many callers need a new one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex as AsyncMutex;
use types::Clock;

use super::{Answer, CarrierError};

/// A token is not used in its last minute.
const TOKEN_MARGIN: TimeDelta = TimeDelta::seconds(60);

/// Whose token: address, client, secret. Whoever does not know the secret must not find what it opened.
pub type Owner = (String, String, String);

/// Tokens by owner: they outlive the adapter, which is made for every account anew.
pub struct Tokens {
    clock: Clock,
    places: Mutex<HashMap<Owner, Arc<AsyncMutex<Place>>>>,
}

/// A token that was given.
#[derive(Clone)]
pub struct Token {
    pub text: String,
    /// Until when it opens anything.
    pub end: DateTime<Utc>,
}

#[derive(Default)]
struct Place {
    token: Option<Token>,
    /// Why the last question for one was in vain.
    failure: Option<String>,
}

impl Tokens {
    /// Tokens that end by `clock`.
    pub fn new(clock: Clock) -> Self {
        Self { clock, places: Mutex::default() }
    }

    /// The time by which tokens end.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The token of `owner`, unless it has ended or is the one that was `refused`: then a new one, for which `ask` is
    /// called once. Who waited while another one asked in vain asks no more either.
    pub async fn get(
        &self,
        owner: Owner,
        refused: Option<&str>,
        ask: impl AsyncFnOnce() -> Answer<Token>,
    ) -> Answer<String> {
        let place = self.place(owner);
        // Whoever asks for a token holds its place: the others wait for what comes of it.
        let (mut place, waited) = match place.try_lock() {
            Ok(free) => (free, false),
            Err(_) => (place.lock().await, true),
        };
        let opens =
            |token: &&Token| Some(token.text.as_str()) != refused && self.now() + TOKEN_MARGIN < token.end;
        if let Some(token) = place.token.as_ref().filter(opens) {
            return Ok(token.text.clone());
        }
        if let Some(cause) = place.failure.clone().filter(|_| waited) {
            return Err(CarrierError::NotNow { cause, pause: None });
        }
        place.token = None;
        let asked = ask().await;
        place.failure = asked.as_ref().err().map(ToString::to_string);
        let token = asked?;
        place.token = Some(token.clone());
        Ok(token.text)
    }

    fn place(&self, owner: Owner) -> Arc<AsyncMutex<Place>> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.entry(owner).or_default().clone()
    }
}
