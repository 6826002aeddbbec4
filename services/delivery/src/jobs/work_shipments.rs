//! Brings parcels forward with their carriers: books them, follows what was accepted, cancels, fetches labels.
//!
//! Before a carrier is asked for a parcel, it is written down that it may know of one; whoever comes after an answer that was
//! lost, or after a process that died, asks under our reference first. So a parcel has one waybill.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use rpc::Fields;
use store::Tx;

use crate::Delivery;
use crate::booking;
use crate::carriers::{Booked, Booking, Cancelled, Carrier, CarrierError, Period};
use crate::error::Result;
use crate::incidents;
use crate::jobs::call;
use crate::model::consignment::Consignment;
use crate::model::delivery_plan_rows::{self, Stored};
use crate::model::incident::Cause;
use crate::model::label_rows::{self, Label};
use crate::model::shipment::{SETTLE_TIME, Shipment};
use crate::model::shipment_rows;
use crate::model::shipment_state::ShipmentState;

/// At least so often it is looked whether something is due.
pub const PERIOD: Duration = Duration::from_millis(500);
const ACTION: &str = "delivery.work_shipments";
/// For how long a parcel is one worker's: longer than any call to a carrier.
const LEASE: TimeDelta = TimeDelta::seconds(60);
const ROUND_LENGTH: i64 = 64;
/// Carriers' answers waited for at once.
const PARALLEL_MAX: usize = 8;
/// After so many attempts somebody must look: about four hours.
const BOOKING_ATTEMPTS_MAX: i32 = 55;
/// After so many attempts to cancel somebody must know: about four hours. The carrier is asked all the same.
const CANCEL_ATTEMPTS_MAX: i32 = 55;
/// After so many attempts the label is left to a person.
const LABEL_ATTEMPTS_MAX: i32 = 60;

/// Works until nothing is due.
pub async fn run(delivery: Delivery) -> anyhow::Result<()> {
    loop {
        let store = &delivery.store;
        let claimed = store
            .transaction(&call(), async |tx: &mut Tx| {
                let lease = tx.now() + LEASE;
                shipment_rows::claim_work(tx, lease, ROUND_LENGTH).await
            })
            .await?;
        if claimed.is_empty() {
            return Ok(());
        }
        stream::iter(claimed)
            .for_each_concurrent(PARALLEL_MAX, async |parcel| {
                let id = parcel.id;
                if let Err(error) = work(&delivery, parcel).await {
                    tracing::warn!(%error, shipment_id = %id, "a parcel could not be worked on; it is tried again");
                }
            })
            .await;
    }
}

/// A parcel with whom and what it takes to speak about it.
struct Case<'a> {
    delivery: &'a Delivery,
    carrier: std::sync::Arc<dyn Carrier>,
    consignment: Consignment,
    parcel: Shipment,
    account_enabled: bool,
}

/// What talking to the carrier came to.
enum Outcome {
    /// It said how far the booking is.
    Said(Booking),
    /// It is asked again. `undone`: what was asked for was surely not done.
    Later { pause: Option<Duration>, undone: bool, cause: String },
    /// There is no waybill any more.
    Cancelled,
    /// It cancels later.
    Cancelling { carrier_parcel_id: String },
    /// It keeps the parcel.
    NotCancelled { carrier_parcel_id: String, cause: Cause },
    /// A label, when it is made.
    Label(Option<Label>),
    /// There was nothing to do.
    Nothing,
}

impl Outcome {
    fn names_a_parcel(&self) -> bool {
        matches!(self, Self::Said(Booking::Waiting { .. } | Booking::Registered { .. }))
    }
}

async fn work(delivery: &Delivery, parcel: Shipment) -> Result<()> {
    let mut connection = delivery.store.connection().await?;
    let plan = delivery_plan_rows::find(&mut connection, parcel.plan_id).await?;
    drop(connection);
    let Some(Stored::Plan(plan)) = plan else { return Ok(()) };
    let (carrier, account_enabled) = delivery.carrier_of(&parcel).await?;
    let consignment = Consignment::of(&plan, &parcel, delivery.store.clock().now());
    let case = Case { delivery, carrier, consignment, parcel, account_enabled };
    failpoint::hit!("delivery.carrier.before_call");
    let outcome = match case.parcel.state {
        ShipmentState::Booking => case.book().await?,
        ShipmentState::Cancelling => case.cancel().await,
        ShipmentState::Booked if !case.parcel.has_label => case.fetch_label().await,
        ShipmentState::Booked | ShipmentState::BookingFailed | ShipmentState::Cancelled => Outcome::Nothing,
    };
    failpoint::hit!("delivery.carrier.answered");
    case.conclude(outcome).await
}

impl Case<'_> {
    fn booked<'a>(&'a self, carrier_parcel_id: &'a str) -> Booked<'a> {
        Booked {
            consignment: &self.consignment,
            carrier_parcel_id,
            tracking_number: &self.parcel.tracking_number,
        }
    }

    async fn book(&self) -> Result<Outcome> {
        let known = self.parcel.carrier_parcel_id.as_str();
        if !known.is_empty() {
            return Ok(match self.carrier.follow(self.booked(known)).await {
                Ok(booking) => Outcome::Said(booking),
                Err(error) => later(&error, Left::Open),
            });
        }
        if self.parcel.sending {
            match self.carrier.find(self.parcel.id, self.period()).await {
                Ok(found) => {
                    if let Some(known) = self.keep_one(found).await {
                        return Ok(Outcome::Said(known));
                    }
                }
                Err(error) => return Ok(later(&error, Left::Open)),
            }
        }
        if let Some(cause) = self.problem() {
            return Ok(Outcome::Said(Booking::Rejected { carrier_parcel_id: String::new(), cause }));
        }
        if !self.mark_sending().await? {
            return Ok(Outcome::Nothing);
        }
        Ok(match self.carrier.create(&self.consignment).await {
            Ok(booking) => Outcome::Said(booking),
            Err(CarrierError::Refused(cause)) => {
                Outcome::Said(Booking::Rejected { carrier_parcel_id: String::new(), cause })
            }
            // Nothing was left open before either: the question came first.
            Err(error) => later(&error, Left::Undone),
        })
    }

    /// From here on the carrier may know of the parcel; false when another worker has it.
    async fn mark_sending(&self) -> Result<bool> {
        let parcel = &self.parcel;
        let store = &self.delivery.store;
        let call = call();
        let marked = store.transaction(&call, async |tx: &mut Tx| {
            let lease = tx.now() + LEASE;
            shipment_rows::mark_sending(tx, parcel, lease).await
        });
        marked.await
    }

    /// Of several parcels under one reference the first is ours; the others are given back.
    async fn keep_one(&self, found: Vec<Booking>) -> Option<Booking> {
        let mut live = found.into_iter().filter(Booking::is_live);
        let first = live.next();
        for surplus in live {
            if let Err(error) = self.carrier.cancel(self.booked(surplus.carrier_parcel_id())).await {
                tracing::error!(%error, shipment_id = %self.parcel.id, "a second waybill could not be cancelled");
            }
        }
        first
    }

    fn period(&self) -> Period {
        Period { since: self.parcel.create_time, until: self.consignment.send_time }
    }

    /// Why the carrier need not be asked.
    fn problem(&self) -> Option<Cause> {
        if !self.account_enabled {
            let words = "the carrier account is disabled".to_owned();
            return Some(Cause { reason: "data_invalid", field: "carrier_account_id".to_owned(), words });
        }
        let mut fields = Fields::new();
        self.carrier.check(&self.consignment, &mut fields);
        let invalid = fields.finish().err()?;
        let field = invalid.violations().first().map(|first| first.field.clone()).unwrap_or_default();
        Some(Cause { reason: "data_invalid", field, words: invalid.to_string() })
    }

    async fn cancel(&self) -> Outcome {
        let known = match self.parcel.carrier_parcel_id.as_str() {
            "" => match self.carrier.find(self.parcel.id, self.period()).await {
                Ok(found) => self.keep_one(found).await.map(|known| known.carrier_parcel_id().to_owned()),
                Err(error) => return later(&error, Left::Open),
            },
            id => Some(id.to_owned()),
        };
        let Some(carrier_parcel_id) = known else { return Outcome::Cancelled };
        match self.carrier.cancel(self.booked(&carrier_parcel_id)).await {
            Ok(Cancelled::Done) => Outcome::Cancelled,
            Ok(Cancelled::Waiting) => Outcome::Cancelling { carrier_parcel_id },
            Err(CarrierError::Refused(cause)) => Outcome::NotCancelled { carrier_parcel_id, cause },
            Err(error) => later(&error, Left::Open),
        }
    }

    async fn fetch_label(&self) -> Outcome {
        let label = self.carrier.label(self.booked(&self.parcel.carrier_parcel_id)).await;
        Outcome::Label(label.unwrap_or_else(|error| {
            tracing::info!(%error, shipment_id = %self.parcel.id, "a label could not be fetched");
            None
        }))
    }

    /// Writes down what came of it, unless another worker has taken the parcel since: he may have had it booked. All that is
    /// believed then is that there is one, for whoever is to cancel it.
    async fn conclude(&self, outcome: Outcome) -> Result<()> {
        let claimed = &self.parcel;
        let store = &self.delivery.store;
        let call = call();
        let more_to_do = store.transaction(&call, async |tx: &mut Tx| {
            let Some(mut parcel) = shipment_rows::lock(tx, claimed.id).await? else { return Ok(false) };
            let is_to_cancel = parcel.state == ShipmentState::Cancelling;
            if parcel.attempts != claimed.attempts && !(is_to_cancel && outcome.names_a_parcel()) {
                return Ok(false);
            }
            apply(tx, &mut parcel, outcome).await?;
            Ok(parcel.work_time.is_some_and(|time| time <= tx.now()))
        });
        let more_to_do: Result<bool> = more_to_do.await;
        if more_to_do? {
            self.delivery.wake.notify_one();
        }
        Ok(())
    }
}

async fn apply(tx: &mut Tx, parcel: &mut Shipment, outcome: Outcome) -> Result<()> {
    let before = parcel.clone();
    let now = tx.now();
    match outcome {
        Outcome::Said(booking) => return booking::apply(tx, ACTION, parcel, booking).await,
        Outcome::Later { pause, undone, cause } => {
            parcel.sending &= !undone;
            parcel.work_time = Some(booking::again(parcel.tries(), pause, now));
            if parcel.tries() >= BOOKING_ATTEMPTS_MAX && parcel.state == ShipmentState::Booking {
                // It was accepted once: whoever retries or cancels asks first what there is.
                parcel.sending |= !parcel.carrier_parcel_id.is_empty();
                let words = format!("the carrier could not be reached: {cause}");
                booking::fail(tx, parcel, Cause { reason: "unknown", field: String::new(), words }).await?;
            }
        }
        Outcome::Cancelled => booking::cancelled(tx, parcel).await?,
        Outcome::Cancelling { carrier_parcel_id } => {
            parcel.carrier_parcel_id = carrier_parcel_id;
            parcel.work_time = Some(now + booking::pause(parcel.tries()));
            if parcel.tries() == CANCEL_ATTEMPTS_MAX {
                let words = "the carrier does not say whether it cancelled it".to_owned();
                incidents::raise(tx, parcel, Cause { reason: "unknown", field: String::new(), words })
                    .await?;
            }
        }
        Outcome::NotCancelled { carrier_parcel_id, cause } => {
            not_cancelled(tx, parcel, carrier_parcel_id, cause).await?
        }
        Outcome::Label(Some(label)) => {
            label_rows::keep(tx, parcel.id, &label).await?;
            parcel.labelled();
        }
        Outcome::Label(None) => {
            let go_on = parcel.tries() < LABEL_ATTEMPTS_MAX;
            parcel.work_time = go_on.then(|| now + booking::pause(parcel.tries()));
        }
        // Cancelled meanwhile: the appointment is that of the cancellation.
        Outcome::Nothing if parcel.state == ShipmentState::Cancelling => {}
        Outcome::Nothing => parcel.work_time = None,
    }

    shipment_rows::update(tx, parcel).await?;

    if before.state != parcel.state {
        booking::tell(tx, ACTION, &before, parcel);
    }
    Ok(())
}

/// The carrier keeps the parcel: it will be on its way, and somebody must know.
async fn not_cancelled(
    tx: &mut Tx,
    parcel: &mut Shipment,
    carrier_parcel_id: String,
    cause: Cause,
) -> Result<()> {
    let now = tx.now();
    let numbered = !parcel.tracking_number.is_empty();
    parcel.carrier_parcel_id = carrier_parcel_id;
    parcel.state = if numbered { ShipmentState::Booked } else { ShipmentState::Booking };
    parcel.work_time = (!parcel.has_label).then_some(now);
    parcel.times.poll = numbered.then_some(now);
    let words = format!("the carrier did not cancel it: {}", cause.words);
    incidents::raise(tx, parcel, Cause { reason: "unknown", field: String::new(), words }).await?;
    Ok(())
}

/// Whether something may be left open at the carrier when it did nothing of what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Open,
    Undone,
}

fn later(error: &CarrierError, left: Left) -> Outcome {
    let (pause, undone) = match error {
        CarrierError::NotNow { pause, .. } => (*pause, left == Left::Undone),
        CarrierError::Unknown { .. } | CarrierError::Refused(_) | CarrierError::Ours(_) => {
            (SETTLE_TIME.to_std().ok(), false)
        }
    };
    Outcome::Later { pause, undone, cause: error.to_string() }
}
