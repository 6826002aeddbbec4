//! A partner of the first shop, such as its warehouse's own program: it hears of every change of every order, whatever its receiver
//! does, and can read the same in the feed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::json;
use simulators::{Mood, Partner};

use crate::demo::shop::{Shop, list, text};

const KINDS: [&str; 4] = ["order.placed", "order.rejected", "order.changed", "order.cancelled"];
/// Longer than the pause before the second try.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(250);

/// Where the partner has begun to listen.
pub struct Listening {
    cursor: String,
}

/// What it has heard.
#[derive(Debug, Default)]
pub struct PartnerProof {
    /// Changes of orders in the feed since it has begun to listen.
    pub changes: usize,
    /// Of those it was told, how many came more than once.
    pub repeated: usize,
    /// Of those it was not told.
    pub missing: usize,
    /// Orders whose changes came in another order than theirs.
    pub disordered: usize,
}

/// Registers its receiver, which does what it is told first and fails all the same, and is away for the next.
pub async fn listen(shop: &Shop, partner: &Partner) -> anyhow::Result<Listening> {
    let latest = shop.rest.get("/v1/events?after=latest").await?.ok()?;
    let endpoint = json!({ "webhookEndpoint": {
        "url": partner.url(), "title": "Склад", "shopIds": [shop.shop_id], "eventTypes": KINDS,
    } });
    let made = shop.rest.post("/v1/webhook-endpoints", "demo-partner", &endpoint).await?.ok()?;
    partner.trust(&text(&made, "secret")?);
    partner.next([Mood::DoesAndFails, Mood::Refuses(503)]);
    Ok(Listening { cursor: text(&latest, "nextCursor")? })
}

/// Compares what came with the feed, again and again until nothing is missing.
pub async fn compare(shop: &Shop, partner: &Partner, listening: &Listening) -> anyhow::Result<PartnerProof> {
    let started = Instant::now();
    loop {
        let proof = look(shop, partner, listening).await?;
        if proof.missing == 0 || started.elapsed() > PATIENCE {
            return Ok(proof);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn look(shop: &Shop, partner: &Partner, listening: &Listening) -> anyhow::Result<PartnerProof> {
    let fed = read_feed(shop, &listening.cursor).await?;
    let taken = partner.taken();
    // A repeat comes when it comes; the first time counts.
    let mut known = BTreeSet::new();
    let mut told = BTreeMap::<_, Vec<_>>::new();
    for one in &taken {
        if known.insert(one.id.as_str()) {
            told.entry(one.text("resourceId")).or_default().push(one.id.as_str());
        }
    }
    let mut proof =
        PartnerProof { changes: fed.len(), repeated: taken.len() - known.len(), ..PartnerProof::default() };
    let mut expected = BTreeMap::<_, Vec<_>>::new();
    for (event_id, order_id) in &fed {
        proof.missing += usize::from(!known.contains(event_id.as_str()));
        expected.entry(order_id.as_str()).or_default().push(event_id.as_str());
    }
    proof.disordered = expected
        .iter()
        .filter(|(order_id, events)| told.get(*order_id).is_some_and(|told| !events.starts_with(told)))
        .count();
    Ok(proof)
}

/// The changes of orders since `cursor`: their ids and those of the orders.
async fn read_feed(shop: &Shop, cursor: &str) -> anyhow::Result<Vec<(String, String)>> {
    let kinds: String = KINDS.iter().map(|kind| format!("&types={kind}")).collect();
    let (mut fed, mut cursor) = (Vec::new(), cursor.to_owned());
    loop {
        let path = format!("/v1/events?limit=200&shopId={}&after={cursor}{kinds}", shop.shop_id);
        let page = shop.rest.get(&path).await?.ok()?;
        for one in list(&page, "events") {
            let event = one.get("event").context("a change of the feed is none")?;
            fed.push((text(event, "eventId")?, text(event, "resourceId")?));
        }
        if page["more"] != true {
            return Ok(fed);
        }
        cursor = text(&page, "nextCursor")?;
    }
}
