//! Applies what a carrier says of a parcel: events that are new move it, trouble becomes an incident, money is counted.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use proto::delivery::v1 as pb;
use store::{Audit, Tx};
use types::Money;

use crate::carriers::{CarrierEvent, CodeMap, Meaning, Report};
use crate::error::Result;
use crate::incidents;
use crate::model::incident::Cause;
use crate::model::incident_reason::INCIDENT_REASONS;
use crate::model::shipment::{Shipment, TrackingEvent};
use crate::model::shipment_state::ShipmentState;
use crate::model::tracking_status::TrackingStatus;
use crate::model::{shipment_rows, unmapped_code_rows, watch, weight_rows};
use crate::schema::cash_transfers;
use crate::wire;

/// How far a carrier's clock may run ahead. An event from the future would hold the status until then.
pub const CLOCK_AHEAD_MAX: Duration = Duration::from_secs(15 * 60);
/// Events of one report that are looked at.
const EVENTS_MAX: usize = 500;
const DESCRIPTION_LENGTH_MAX: usize = 1000;
const LOCATION_LENGTH_MAX: usize = 300;

/// Applies `report` to a locked parcel and saves it.
pub async fn apply(
    tx: &mut Tx,
    action: &'static str,
    codes: &'static CodeMap,
    parcel: &mut Shipment,
    report: Report,
) -> Result<()> {
    let before = parcel.clone();
    let mut events = report.events;
    let told_time = events.iter().map(|event| not_ahead(event.occur_time, tx.now())).max();
    events.truncate(EVENTS_MAX);
    events.sort_by_key(|event| event.occur_time);

    for event in events {
        note(tx, codes, parcel, event).await?;
    }
    if report.storage_end_time.is_some() && report.storage_end_time != parcel.times.storage_end {
        parcel.times.storage_end = report.storage_end_time;
        parcel.times.watch = watch::next(parcel).map(|(time, _)| time);
    }
    parcel.collected(report.collected);
    if let Some(sum) = report.transferred {
        let now = tx.now();
        receive(tx, parcel, sum, now, "").await?;
    }
    if let Some(grams) = report.weighed_grams {
        weigh(tx, parcel, grams, told_time).await?;
    }
    // What was to be cancelled has left all the same.
    let left = !matches!(parcel.status, TrackingStatus::Pending | TrackingStatus::Cancelled);
    if parcel.state == ShipmentState::Cancelling && left {
        parcel.state = ShipmentState::Booked;
        parcel.work_time = None;
        let words = "it left before the carrier cancelled it".to_owned();
        incidents::raise(tx, parcel, Cause { reason: "unknown", field: String::new(), words }).await?;
    }
    incidents::close_those_over(tx, parcel).await?;
    parcel.times.poll = watch::next_poll(parcel, tx.now());

    shipment_rows::update(tx, parcel).await?;

    tell(tx, action, &before, parcel);
    Ok(())
}

/// The carrier weighed the parcel: more than was declared will cost more, so somebody hears of it, once.
async fn weigh(tx: &mut Tx, parcel: &mut Shipment, grams: i32, time: Option<DateTime<Utc>>) -> Result<()> {
    let before = parcel.weight;
    let too_much = parcel.weight.weighed(grams, time);
    if parcel.weight != before {
        weight_rows::keep_weighed(tx, parcel.id, parcel.weight).await?;
    }
    if !too_much {
        return Ok(());
    }
    let words = format!("declared {} g, weighed {grams} g", parcel.weight.declared_grams);
    let cause = Cause { reason: "weight_differs", field: String::new(), words };
    incidents::raise(tx, parcel, cause).await.map(drop)
}

async fn note(
    tx: &mut Tx,
    codes: &'static CodeMap,
    parcel: &mut Shipment,
    event: CarrierEvent,
) -> Result<()> {
    if parcel.knows(&event.event_id) {
        return Ok(());
    }
    let (status, why) = match codes.meaning(&event.code) {
        Some(Meaning::NoMovement) => return Ok(()),
        Some(Meaning::Status(status)) => (status, None),
        Some(Meaning::Trouble(status, why)) => (status, Some(event.incident_reason.unwrap_or(why))),
        None => {
            tracing::warn!(
                carrier = parcel.carrier,
                code = event.code,
                "a carrier's code has no canonical status"
            );
            unmapped_code_rows::count(tx, &parcel.carrier, &event.code, parcel.id).await?;
            (TrackingStatus::Unknown, None)
        }
    };
    let event = canonical(event, status, why, codes.version, tx.now());
    let newest = parcel.times.moved.is_none_or(|moved| moved <= event.occur_time);

    let moved_from = parcel.note(event.clone());

    shipment_rows::add_event(tx, parcel.id, &event).await?;

    if let Some(previous) = moved_from {
        tell_tracked(tx, parcel, previous);
    }
    match why {
        // Old trouble is history: what came after it counts.
        Some(reason) if newest => {
            let cause = Cause { reason, field: String::new(), words: event.description };
            incidents::raise(tx, parcel, cause).await.map(drop)
        }
        _ => Ok(()),
    }
}

fn canonical(
    event: CarrierEvent,
    status: TrackingStatus,
    why: Option<&'static str>,
    code_map_version: i32,
    now: DateTime<Utc>,
) -> TrackingEvent {
    let cut =
        |text: String, length: usize| text.chars().filter(|sign| !sign.is_control()).take(length).collect();
    TrackingEvent {
        status,
        occur_time: not_ahead(event.occur_time, now),
        description: cut(event.words, DESCRIPTION_LENGTH_MAX),
        location: cut(event.place, LOCATION_LENGTH_MAX),
        incident_reason: why.unwrap_or_default().to_owned(),
        carrier_code: event.code,
        code_map_version,
        carrier_event_id: Some(event.event_id),
    }
}

/// A time as the database keeps it; one too far in the future is now.
fn not_ahead(time: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    let ahead = time > now + CLOCK_AHEAD_MAX;
    (if ahead { now } else { time }).trunc_subsecs(6)
}

/// The reason from the closed list that `reason` names.
pub fn known_reason(reason: &str) -> Option<&'static str> {
    INCIDENT_REASONS.into_iter().find(|known| *known == reason)
}

/// The shop has `sum` of the parcel's cash in all; what is new of it is noted.
pub async fn receive(
    tx: &mut Tx,
    parcel: &mut Shipment,
    sum: Money,
    when: DateTime<Utc>,
    document: &str,
) -> Result<()> {
    let right = parcel.cash.as_ref().is_some_and(|cash| cash.expected.currency() == sum.currency());
    let Some(more) = Some(sum).filter(|_| right).and_then(|sum| parcel.received(sum)) else { return Ok(()) };
    let now = tx.now();

    diesel::insert_into(cash_transfers::table)
        .values((
            cash_transfers::shipment_id.eq(parcel.id.uuid()),
            cash_transfers::amount.eq(more.minor()),
            cash_transfers::occur_time.eq(when),
            cash_transfers::document.eq(document),
            cash_transfers::record_time.eq(now),
        ))
        .execute(tx.conn())
        .await?;

    let event = pb::CashOnDeliveryReceived {
        shipment: Some(wire::shipment_without_words(parcel)),
        amount: Some(rpc::wire::money(more)),
    };
    events::append(tx, parcel.id, parcel.version, Some(parcel.shop_id), &event);
    Ok(())
}

/// Tells that the status of a parcel moved.
pub fn tell_tracked(tx: &mut Tx, parcel: &Shipment, previous: TrackingStatus) {
    let event = pb::ShipmentTracked {
        shipment: Some(wire::shipment_without_words(parcel)),
        previous_status: wire::tracking_status(previous).into(),
    };
    events::append(tx, parcel.id, parcel.version, Some(parcel.shop_id), &event);
}

/// A report that brought nothing new leaves no history.
fn tell(tx: &mut Tx, action: &'static str, before: &Shipment, parcel: &Shipment) {
    let minor = |money: Option<Money>| money.map(Money::amount);
    let cash = |parcel: &Shipment| parcel.cash.map(|cash| (minor(cash.collected), minor(cash.received)));
    let news = before.events.len() != parcel.events.len()
        || before.state != parcel.state
        || before.times.storage_end != parcel.times.storage_end
        || cash(before) != cash(parcel)
        || before.weight.weighed_grams != parcel.weight.weighed_grams;
    if !news {
        return;
    }
    let audit = Audit::new(action, parcel.id)
        .shop(parcel.shop_id.uuid())
        .change("events", before.events.len(), parcel.events.len())
        .change("status", before.status.as_str(), parcel.status.as_str())
        .change("state", before.state.as_str(), parcel.state.as_str())
        .change("cash", cash(before), cash(parcel))
        .change("storage_end_time", before.times.storage_end, parcel.times.storage_end)
        .change("weighed_grams", before.weight.weighed_grams, parcel.weight.weighed_grams);
    tx.audit(audit);
}
