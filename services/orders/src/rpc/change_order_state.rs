//! Moves an order to another state or status; entering assembling books its parcel.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use store::{Once, Tx};
use types::OrderId;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::order::Order;
use crate::model::order_state::OrderState;
use crate::rpc::{load, visible};
use crate::sagas::book_shipment::Booking;
use crate::sagas::ship_stock::Handover;
use crate::{Orders, changes, wire};

const METHOD: &str = "orders.change_order_state";
const STATUS_LENGTH_MAX: usize = 40;

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::ChangeOrderStateRequest,
) -> Result<pb::Order> {
    let wanted = Wanted::parse(&request)?;

    let scope = load(orders, call, wanted.order_id).await?.shop_id.to_string();
    let once = Once { scope: &scope, method: METHOD, key: &wanted.key };
    let (mut booking, mut handover) = (None, None);
    let answer = orders.store.once(call, once, &request, async |tx: &mut Tx| {
        let before = visible(call, Order::lock(tx, wanted.order_id).await?)?;

        let mut order = wanted.decide(&before)?;

        changes::save(tx, METHOD, &before, &mut order).await?;
        booking = book(tx, &before, &order).await?;
        handover = hand_over(tx, &before, &order).await?;
        Ok::<_, Error>(wire::order(&order))
    });
    let answer = answer.await?;

    if let Some((saga_id, booking)) = booking {
        orders.bookings.start(saga_id, call, booking);
    }
    if let Some((saga_id, handover)) = handover {
        orders.handovers.start(saga_id, call, handover);
    }
    Ok(answer)
}

struct Wanted {
    order_id: OrderId,
    state: OrderState,
    status: Option<String>,
    etag: Option<String>,
    key: String,
}

impl Wanted {
    fn parse(request: &pb::ChangeOrderStateRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let order_id = fields.parse("order_id", &request.order_id);
        let state = pb::OrderState::try_from(request.state).ok().and_then(wire::read_state);
        if request.state == 0 {
            fields.refuse("state", "REQUIRED", "is required");
        } else if !matches!(
            state,
            Some(
                OrderState::New
                    | OrderState::Approval
                    | OrderState::Assembling
                    | OrderState::Delivery
                    | OrderState::Complete
            )
        ) {
            fields.refuse("state", "UNKNOWN", "new, approval, assembling, delivery or complete");
        }
        let status = Some(request.status.clone()).filter(|status| !status.is_empty());
        let well_formed = status.as_deref().is_none_or(is_status);
        fields.check(well_formed, "status", "MALFORMED", "1 to 40 of a-z, 0-9 and -");
        let etag = Some(request.etag.clone()).filter(|etag| !etag.is_empty());
        let key = fields.idempotency_key(&request.idempotency_key);
        let wanted = order_id.zip(state).map(|(order_id, state)| Self { order_id, state, status, etag, key });
        Ok(fields.finish_with(wanted)?)
    }

    fn decide(&self, before: &Order) -> Result<Order> {
        let current = wire::etag(before);
        if self.etag.as_ref().is_some_and(|etag| *etag != current) {
            return Err(Error::EtagMismatch { current });
        }
        if before.cancelling.is_some() {
            return Err(Error::BeingCancelled);
        }
        let mut order = before.clone();
        order.change_state(self.state, self.status.clone()).map_err(Error::ChangeForbidden)?;
        Ok(order)
    }
}

/// Entering assembling calls for a parcel: recorded here, booked after the commit, whatever happens meanwhile.
async fn book(tx: &mut Tx, before: &Order, order: &Order) -> Result<Option<(Uuid, Booking)>> {
    if before.state == OrderState::Assembling || !order.wants_shipment() {
        return Ok(None);
    }
    let (saga_id, booking) = Booking::of(order);
    let call = tx.call().clone();
    saga::record(tx, &[booking.saga(saga_id, &call)]).await?;
    Ok(Some((saga_id, booking)))
}

/// Without a parcel to tell inventory that the goods have left, this does.
async fn hand_over(tx: &mut Tx, before: &Order, order: &Order) -> Result<Option<(Uuid, Handover)>> {
    let Some(reservation_id) = order.shipped_reservation(before) else { return Ok(None) };
    let (saga_id, handover) = Handover::of(order, reservation_id);
    let call = tx.call().clone();
    saga::record(tx, &[handover.saga(saga_id, &call)]).await?;
    Ok(Some((saga_id, handover)))
}

fn is_status(status: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    status.len() <= STATUS_LENGTH_MAX && status.bytes().all(letters)
}
