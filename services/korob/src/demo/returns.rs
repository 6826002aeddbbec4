//! Some buyers send something back: from the request to stock and money.

use anyhow::Context;
use serde_json::{Value, json};

use crate::demo::day::{Day, pick};
use crate::demo::proof::minor;
use crate::demo::shop::{Shop, list, text};

const RETURN_EVERY: usize = 4;

/// What came back.
#[derive(Debug, Default)]
pub struct Returns {
    pub count: usize,
    /// Units that are sold again, and units that are looked at first.
    pub sellable: i64,
    pub quarantined: i64,
    /// Minor units.
    pub refunded: i64,
}

/// Every fourth delivered order gives a unit of its first line back.
pub async fn take_back(shops: &[Shop], warehouse_id: &str, day: &Day) -> anyhow::Result<Returns> {
    let mut returns = Returns::default();
    for (at, order_id) in day.delivered.iter().enumerate().step_by(RETURN_EVERY) {
        let shop = &shops[day.placed[order_id].shop];
        take_back_one(shop, warehouse_id, order_id, at, &mut returns)
            .await
            .with_context(|| format!("take back of {order_id}"))?;
    }
    Ok(returns)
}

async fn take_back_one(
    shop: &Shop,
    warehouse_id: &str,
    order_id: &str,
    at: usize,
    returns: &mut Returns,
) -> anyhow::Result<()> {
    let order = shop.rest.get(&format!("/v1/orders/{order_id}")).await?.ok()?;
    let shipped =
        |line: &&Value| line["shipped"].as_i64().unwrap_or(0) > 0 && list(line, "components").is_empty();
    let Some(line) = list(&order, "lines").iter().find(shipped) else { return Ok(()) };
    let wanted = json!({ "orderId": order_id, "lines": [{
        "lineId": line["lineId"], "quantity": 1, "reason": "does_not_fit",
    }] });
    let made = shop.rest.post("/v1/returns", &format!("return-{order_id}"), &wanted).await?.ok()?;
    let return_id = text(&made, "returnId")?;
    let step = async |verb: &str, body: Value| {
        shop.rest
            .post(&format!("/v1/returns/{return_id}/{verb}"), &format!("{verb}-{return_id}"), &body)
            .await?
            .ok()
    };
    step("approve", json!({})).await?;
    step("send", json!({ "carrier": "parcel", "trackingNumber": format!("RT{at:05}") })).await?;
    let quarantined = pick(at as u64, 8, 3) == 0;
    let disposition =
        if quarantined { "RETURN_DISPOSITION_QUARANTINE" } else { "RETURN_DISPOSITION_SELLABLE" };
    let found = json!({ "warehouseId": warehouse_id, "lines": [{
        "position": 0, "quantity": 1, "disposition": disposition,
    }] });
    step("receive", found).await?;
    let resolved = step("resolve", json!({})).await?;

    returns.count += 1;
    returns.quarantined += i64::from(quarantined);
    returns.sellable += i64::from(!quarantined);
    returns.refunded += list(&resolved, "refunds").iter().map(|refund| minor(&refund["amount"])).sum::<i64>();
    Ok(())
}
