//! Buyers pay by card: some are declined, some confirm at their bank, and some answers of the provider get lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use simulators::{Effect, Simulators};

use crate::demo::day::{Day, pick};
use crate::demo::proof::{minor, pages};
use crate::demo::shop::{Shop, list};
use crate::load::{self, Until};
use crate::rest::Client;

const CLIENTS: usize = 8;
const SETTLE_PATIENCE: Duration = Duration::from_secs(60);
const SETTLE_PAUSE: Duration = Duration::from_millis(250);

/// What buyers met.
#[derive(Debug, Default, Clone)]
pub struct Cards {
    pub tried: usize,
    /// Sent to their bank's page.
    pub challenged: usize,
    pub declined: usize,
    /// Declined, and paid with another card.
    pub paid_with_another: usize,
}

/// What the provider's own book says beside ours.
#[derive(Debug, Default)]
pub struct CardProof {
    pub paid: usize,
    /// Answers that the provider gave and nobody heard.
    pub charged_twice: usize,
    /// Money that the provider took and we do not know of, or the reverse.
    pub unknown: usize,
    /// Minor units that the provider holds for us.
    pub at_provider: i64,
    /// Minor units that we believe it holds.
    pub in_books: i64,
}

/// Every card order is paid, or its buyer gives up.
pub async fn pay(shops: &[Shop], day: &Day) -> anyhow::Result<Cards> {
    let payments: Vec<(Client, String)> = day
        .placed
        .iter()
        .filter(|(order_id, placed)| placed.by_card && !day.cancelled.contains(*order_id))
        .map(|(_, placed)| (shops[placed.shop].rest.clone(), placed.payment_id.clone()))
        .collect();
    let (count, payments) = (payments.len() as u64, Arc::new(payments));
    let met = Arc::new(Mutex::new(Cards { tried: payments.len(), ..Cards::default() }));
    let noted = met.clone();
    load::run(CLIENTS, Until::Count(count), move |number| {
        let (payments, noted) = (payments.clone(), noted.clone());
        async move {
            let (rest, payment_id) = &payments[number as usize];
            let one = pay_one(rest, payment_id, number).await.with_context(|| format!("pay {payment_id}"))?;
            let mut all = noted.lock().unwrap_or_else(PoisonError::into_inner);
            all.challenged += one.challenged;
            all.declined += one.declined;
            all.paid_with_another += one.paid_with_another;
            Ok(())
        }
    })
    .await?;
    Ok(std::mem::take(&mut *met.lock().unwrap_or_else(PoisonError::into_inner)))
}

async fn pay_one(rest: &Client, payment_id: &str, number: u64) -> anyhow::Result<Cards> {
    let mut met = Cards::default();
    let first = match pick(number, 7, 20) {
        0..=3 => "tok_3ds",
        4 | 5 => "tok_declined",
        6 => "tok_insufficient",
        7 => "tok_pending",
        _ => "tok_ok",
    };
    let payment = confirm(rest, payment_id, first, "first").await?;
    if let Some(page) = payment["nextAction"]["redirectUrl"].as_str().filter(|url| !url.is_empty()) {
        met.challenged += 1;
        approve(page).await?;
    }
    if list(&payment, "attempts").last().is_some_and(|attempt| attempt["outcome"] == "ATTEMPT_OUTCOME_FAILED")
    {
        met.declined += 1;
        // Whoever had no money left does not come back with another card.
        if first == "tok_declined" {
            met.paid_with_another += 1;
            confirm(rest, payment_id, "tok_ok", "second").await?;
        }
    }
    Ok(met)
}

async fn confirm(rest: &Client, payment_id: &str, token: &str, which: &str) -> anyhow::Result<Value> {
    let card = json!({ "paymentToken": token, "returnUrl": "https://shop.example/paid" });
    let key = format!("{which}-card-{payment_id}");
    rest.post(&format!("/v1/payments/{payment_id}/confirm"), &key, &card).await?.ok()
}

/// What the buyer's browser does on the bank's page.
async fn approve(page: &str) -> anyhow::Result<()> {
    let form = Request::builder()
        .method(Method::POST)
        .uri(page)
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = Client::new().send_raw(form, b"result=approved".to_vec()).await?;
    anyhow::ensure!(answer.status == StatusCode::SEE_OTHER, "the bank's page answered {}", answer.status);
    Ok(())
}

/// Waits until nothing is undecided, then compares our books with the provider's.
pub async fn compare(shops: &[Shop], simulators: &Simulators) -> anyhow::Result<CardProof> {
    let started = std::time::Instant::now();
    loop {
        let proof = look(shops, simulators).await?;
        let agrees = proof.unknown == 0 && proof.charged_twice == 0;
        if agrees || started.elapsed() > SETTLE_PATIENCE {
            return Ok(proof);
        }
        tokio::time::sleep(SETTLE_PAUSE).await;
    }
}

async fn look(shops: &[Shop], simulators: &Simulators) -> anyhow::Result<CardProof> {
    // What the provider took by its id of the charge, and what it gave back by our id of the refund.
    let mut at_provider: BTreeMap<String, i64> = BTreeMap::new();
    for entry in simulators.ledger("card").entries() {
        let (id, sign) = match entry.effect {
            Effect::Captured => (&entry.object, 1),
            Effect::Refunded => (&entry.reference, -1),
            _ => continue,
        };
        *at_provider.entry(id.clone()).or_default() += sign * entry.amount_minor;
    }
    let mut proof = CardProof { at_provider: at_provider.values().sum(), ..CardProof::default() };
    for shop in shops {
        for payment in pages(shop, "/v1/payments?", "payments").await? {
            if payment["method"] != "PAYMENT_METHOD_CARD" {
                continue;
            }
            let kept = minor(&payment["captured"]) - minor(&payment["refunded"]);
            let charges = list(&payment, "attempts").iter().map(|attempt| &attempt["reference"]);
            let refunds = list(&payment, "refunds").iter().map(|refund| &refund["refundId"]);
            let ids = charges.chain(refunds).filter_map(Value::as_str);
            let taken: i64 = ids.filter_map(|id| at_provider.remove(id)).sum();
            proof.paid += usize::from(minor(&payment["captured"]) > 0);
            proof.charged_twice += usize::from(taken > minor(&payment["amount"]));
            proof.unknown += usize::from(taken != kept);
            proof.in_books += kept;
        }
    }
    // Charges and refunds that belong to no payment of ours.
    proof.unknown += at_provider.values().filter(|kept| **kept != 0).count();
    Ok(proof)
}
