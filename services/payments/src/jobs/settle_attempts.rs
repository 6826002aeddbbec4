//! Asks providers about attempts whose outcome is not known, and has them do what is wanted.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use types::AttemptId;

use super::due::{self, TOGETHER_MAX, Table, Taken};
use crate::Payments;
use crate::model::attempt::{Attempt, Outcome, Wanting};
use crate::news::Turn;
use crate::settlement;

const ATTEMPTS: Table = Table {
    due: "SELECT attempt_id, asks, outcome, wanted FROM payment_attempts WHERE next_ask_time <= $1
          ORDER BY next_ask_time LIMIT $2 FOR UPDATE SKIP LOCKED",
    postpone: "UPDATE payment_attempts SET asks = asks + 1, next_ask_time = u.next_ask_time
               FROM unnest($1, $2) AS u (attempt_id, next_ask_time)
               WHERE payment_attempts.attempt_id = u.attempt_id",
};

pub async fn run(payments: Payments) -> anyhow::Result<usize> {
    let taken = due::take(&payments, &ATTEMPTS, pause).await?;
    let count = taken.len();
    stream::iter(taken)
        .for_each_concurrent(TOGETHER_MAX, |row| {
            let payments = &payments;
            async move {
                let id = AttemptId::from_uuid(row.id);
                if let Err(error) = settlement::settle_attempt(payments, &due::call(), id, Turn::Later).await {
                    tracing::warn!(attempt = %id, %error, "an attempt could not be settled and will be again");
                }
            }
        })
        .await;
    Ok(count)
}

fn pause(row: &Taken) -> Duration {
    let [outcome, wanted] = &row.words;
    let wanted = if wanted.is_empty() { Wanting::Nothing } else { Wanting::Something };
    Attempt::pause(Outcome::stored(outcome).unwrap_or(Outcome::Unknown), wanted, row.asks)
}
