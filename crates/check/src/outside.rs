//! The books of the simulated systems outside, beside ours: they write down what truly happened, whatever they answered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;

use crate::books::Books;
use crate::check::{Charges, Check, Waybills};
use crate::finding::{Finding, Finds};
use crate::unreadable::Unreadable;

const PATIENCE: Duration = Duration::from_secs(30);
const PAGE: usize = 5_000;
const CARDS: [&str; 3] = ["card", "yookassa", "stripe"];
const CARRIERS: [&str; 3] = ["parcel", "nova_poshta", "cdek"];
const PAYMENTS: &str = "payments";
const DELIVERY: &str = "delivery";

const ATTEMPTS: &str = "SELECT 'att_' || replace(a.attempt_id::text, '-', ''), 'pay_' || replace(a.payment_id::text, '-', ''),
        c.base_url, a.outcome,
        (a.captured + coalesce((SELECT sum(r.amount) FROM refunds r WHERE r.attempt_id = a.attempt_id AND r.surplus), 0))::bigint
    FROM payment_attempts a JOIN payment_accounts c USING (account_id)";
const REFUNDS: &str =
    "SELECT 'rfd_' || replace(r.refund_id::text, '-', ''), 'pay_' || replace(r.payment_id::text, '-', ''),
        c.base_url, r.reference, r.state, r.amount
    FROM refunds r JOIN payment_attempts a USING (attempt_id) JOIN payment_accounts c USING (account_id)";
const PARCELS: &str = "SELECT 'shm_' || replace(s.shipment_id::text, '-', ''), c.base_url, s.state
    FROM shipments s JOIN carrier_accounts c USING (carrier_account_id)";

/// What happened outside.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    root: String,
    entries: Vec<Entry>,
}

/// One effect, as the simulators write it.
#[derive(Debug, Deserialize)]
struct Entry {
    number: u64,
    system: String,
    effect: String,
    object: String,
    reference: String,
    amount_minor: i64,
}

#[derive(Deserialize)]
struct Page {
    entries: Vec<Entry>,
}

impl Outside {
    /// Reads the ledger of the simulators at `root`.
    pub(crate) async fn read(root: &str) -> Result<Self, Unreadable> {
        let root = root.trim_end_matches('/');
        let entries = read_all(root).await;
        let entries = entries.map_err(|error| Unreadable::Simulators(format!("{root}: {error:#}")))?;
        Ok(Self { root: root.to_owned(), entries })
    }

    /// Whether an account leads to these simulators.
    fn is_base_of(&self, base_url: &str) -> bool {
        base_url.strip_prefix(&self.root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn of<'a>(&'a self, systems: &'a [&str], effect: &'a str) -> impl Iterator<Item = &'a Entry> {
        let asked = move |entry: &&Entry| entry.effect == effect && systems.contains(&entry.system.as_str());
        self.entries.iter().filter(asked)
    }
}

async fn read_all(root: &str) -> anyhow::Result<Vec<Entry>> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.last().map_or(0, |entry| entry.number);
        let url = format!("{root}/control/ledger?after={after}&limit={PAGE}");
        let page = async {
            let response = client.get(url.parse()?).await?;
            let status = response.status();
            anyhow::ensure!(status.is_success(), "{url} answered {status}");
            anyhow::Ok(response.into_body().collect().await?.to_bytes())
        };
        let page = tokio::time::timeout(PATIENCE, page).await.context("no answer in time")??;
        let page: Page = serde_json::from_slice(&page).context("the ledger is no ledger")?;
        let is_last = page.entries.len() < PAGE;
        entries.extend(page.entries);
        if is_last {
            return Ok(entries);
        }
    }
}

/// A try to take money, as we know it.
struct Attempt {
    payment_id: String,
    base_url: String,
    outcome: String,
    /// What it took, with what came when nothing was due.
    taken: i64,
}

/// Compares the books of card providers.
pub(crate) async fn charges(
    books: &Books,
    check: &Check,
    asked: Charges,
    outside: &Outside,
    finds: &mut Finds<'_>,
) -> Result<(), Unreadable> {
    match asked {
        Charges::Once => once(&attempts(books).await?, check, outside, finds),
        Charges::Captured => captured(&attempts(books).await?, check, outside, finds),
        Charges::Refunded => refunded(books, check, outside, finds).await?,
    }
    Ok(())
}

async fn attempts(books: &Books) -> Result<BTreeMap<String, Attempt>, Unreadable> {
    let rows = books.few(PAYMENTS, ATTEMPTS).await?;
    let attempt = |row: tokio_postgres::Row| {
        let attempt =
            Attempt { payment_id: row.get(1), base_url: row.get(2), outcome: row.get(3), taken: row.get(4) };
        (row.get(0), attempt)
    };
    Ok(rows.into_iter().map(attempt).collect())
}

/// No attempt is captured twice, and no payment by two attempts.
fn once(ours: &BTreeMap<String, Attempt>, check: &Check, outside: &Outside, finds: &mut Finds<'_>) {
    let mut times: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in outside.of(&CARDS, "captured") {
        *times.entry(&entry.reference).or_default() += 1;
    }
    for (attempt_id, times) in times.into_iter().filter(|(_, times)| *times > 1) {
        let ids = [("attempt_id", attempt_id.to_owned())];
        finds.take(Finding::of(
            check,
            ["outside", PAYMENTS],
            ids,
            ("1 capture", format!("{times} captures")),
        ));
    }

    // A charge that came beside another is known to go back, or a buyer has paid twice.
    let taken: BTreeSet<&str> = outside.of(&CARDS, "captured").map(|entry| &*entry.reference).collect();
    let mut kept: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (attempt_id, attempt) in ours.iter().filter(|(_, attempt)| attempt.outcome != "returned") {
        if taken.contains(attempt_id.as_str()) {
            kept.entry(&attempt.payment_id).or_default().push(attempt_id);
        }
    }
    for (payment_id, attempts) in kept.into_iter().filter(|(_, attempts)| attempts.len() > 1) {
        let ids = [("payment_id", payment_id.to_owned())];
        finds.take(Finding::of(check, ["outside", PAYMENTS], ids, ("1 attempt", attempts.join(", "))));
    }
}

/// What the provider took for an attempt is what we know of it.
fn captured(ours: &BTreeMap<String, Attempt>, check: &Check, outside: &Outside, finds: &mut Finds<'_>) {
    let mut taken: BTreeMap<&str, (i64, &str)> = BTreeMap::new();
    for entry in outside.of(&CARDS, "captured") {
        taken.entry(&entry.reference).or_insert((0, &entry.object)).0 += entry.amount_minor;
    }
    for (reference, (there, object)) in &taken {
        let mut ids = vec![("attempt_id", (*reference).to_owned()), ("charge", (*object).to_owned())];
        let here = match ours.get(*reference) {
            None => "an unknown charge".to_owned(),
            Some(attempt) if attempt.taken == *there => continue,
            Some(attempt) => {
                ids.push(("payment_id", attempt.payment_id.clone()));
                format!("{} ({})", attempt.taken, attempt.outcome)
            }
        };
        finds.take(Finding::of(check, ["outside", PAYMENTS], ids, (there, here)));
    }
    for (attempt_id, attempt) in ours {
        let is_there = taken.contains_key(attempt_id.as_str());
        if attempt.taken > 0 && !is_there && outside.is_base_of(&attempt.base_url) {
            let ids = [("attempt_id", attempt_id.clone()), ("payment_id", attempt.payment_id.clone())];
            finds.take(Finding::of(check, ["outside", PAYMENTS], ids, ("nothing", attempt.taken)));
        }
    }
}

/// What the provider gave back is what we know of it.
async fn refunded(
    books: &Books,
    check: &Check,
    outside: &Outside,
    finds: &mut Finds<'_>,
) -> Result<(), Unreadable> {
    let mut there: BTreeMap<&str, (i64, &str)> = BTreeMap::new();
    for entry in outside.of(&CARDS, "refunded") {
        there.entry(&entry.object).or_insert((0, &entry.reference)).0 += entry.amount_minor;
    }
    for row in books.few(PAYMENTS, REFUNDS).await? {
        let (refund_id, payment_id): (String, String) = (row.get(0), row.get(1));
        let (base_url, reference, state): (String, String, String) = (row.get(2), row.get(3), row.get(4));
        let amount: i64 = row.get(5);
        let gave = there.remove(reference.as_str()).map_or(0, |(gave, _)| gave);
        let knows = if state == "succeeded" { amount } else { 0 };
        if gave != knows && outside.is_base_of(&base_url) {
            let ids = [("refund_id", refund_id), ("payment_id", payment_id)];
            finds.take(Finding::of(check, ["outside", PAYMENTS], ids, (gave, format!("{knows} ({state})"))));
        }
    }
    for (refund, (gave, reference)) in there {
        let ids = [("refund", refund.to_owned()), ("reference", reference.to_owned())];
        finds.take(Finding::of(check, ["outside", PAYMENTS], ids, (gave, "an unknown refund")));
    }
    Ok(())
}

/// Compares the books of carriers.
pub(crate) async fn waybills(
    books: &Books,
    check: &Check,
    asked: Waybills,
    outside: &Outside,
    finds: &mut Finds<'_>,
) -> Result<(), Unreadable> {
    let mut live: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for entry in outside.of(&CARRIERS, "waybill_created") {
        live.entry(&entry.reference).or_default().insert(&entry.object);
    }
    for entry in outside.of(&CARRIERS, "waybill_cancelled") {
        if let Some(live) = live.get_mut(entry.reference.as_str()) {
            live.remove(entry.object.as_str());
        }
    }
    live.retain(|_, waybills| !waybills.is_empty());
    match asked {
        Waybills::Once => {
            for (shipment_id, waybills) in live.iter().filter(|(_, waybills)| waybills.len() > 1) {
                let ids = [("shipment_id", (*shipment_id).to_owned())];
                let found = waybills.iter().copied().collect::<Vec<_>>().join(", ");
                finds.take(Finding::of(check, ["outside", DELIVERY], ids, ("1 waybill", found)));
            }
        }
        Waybills::Known => known(books, check, outside, &live, finds).await?,
    }
    Ok(())
}

async fn known(
    books: &Books,
    check: &Check,
    outside: &Outside,
    live: &BTreeMap<&str, BTreeSet<&str>>,
    finds: &mut Finds<'_>,
) -> Result<(), Unreadable> {
    let mut unknown: BTreeSet<&str> = live.keys().copied().collect();
    for row in books.few(DELIVERY, PARCELS).await? {
        let (shipment_id, base_url, state): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        if !outside.is_base_of(&base_url) {
            continue;
        }
        let has_waybill = unknown.remove(shipment_id.as_str());
        let wrong = match state.as_str() {
            "booked" => !has_waybill,
            // While the carrier is asked nobody can know.
            "cancelling" => false,
            _ => has_waybill,
        };
        if wrong {
            let there = if has_waybill { "a live waybill" } else { "no live waybill" };
            let ids = [("shipment_id", shipment_id)];
            finds.take(Finding::of(check, ["outside", DELIVERY], ids, (there, state)));
        }
    }
    for shipment_id in unknown {
        let ids = [("shipment_id", shipment_id.to_owned())];
        finds.take(Finding::of(check, ["outside", DELIVERY], ids, ("a live waybill", "no such parcel")));
    }
    Ok(())
}
