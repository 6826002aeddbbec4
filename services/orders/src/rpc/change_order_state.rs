//! Moves an order to another state or status; entering assembling books its parcel.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use store::{Once, Tx};
use types::OrderId;

use crate::error::{Error, Result};
use crate::model::order::Order;
use crate::model::order_state::OrderState;
use crate::rpc::{free, load, visible};
use crate::sagas::next::Next;
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
    let mut next = Next::default();
    let answer = orders.store.once(call, once, &request, async |tx: &mut Tx| {
        let before = visible(call, Order::lock(tx, wanted.order_id).await?)?;

        let mut order = wanted.decide(&before)?;

        changes::save(tx, METHOD, &before, &mut order).await?;
        next = Next::record(tx, &before, &order).await?;
        Ok::<_, Error>(wire::order(&order))
    });
    let answer = answer.await?;

    next.start(orders, call);
    Ok(answer)
}

/// The order as it would become.
pub(super) async fn preview(
    orders: &Orders,
    call: &Call,
    request: pb::ChangeOrderStateRequest,
) -> Result<Order> {
    // Nothing is claimed, so any key will do.
    let wanted =
        Wanted::parse(&pb::ChangeOrderStateRequest { idempotency_key: "dry-run".to_owned(), ..request })?;

    let before = load(orders, call, wanted.order_id).await?;

    wanted.decide(&before)
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
        let (state, status) = check(&mut fields, request.state, &request.status);
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
        free(before)?;
        if before.has_busy_part() {
            return Err(Error::BeingEdited);
        }
        let mut order = before.clone();
        order.change_state(self.state, self.status.clone()).map_err(Error::ChangeForbidden)?;
        if order.state == OrderState::Assembling && before.state != OrderState::Assembling {
            order.part_of_everything()?;
            order.ask_for_parcels();
        }
        Ok(order)
    }
}

/// Where to, and the shop's own code.
pub(super) fn check(fields: &mut Fields, number: i32, status: &str) -> (Option<OrderState>, Option<String>) {
    use OrderState::{Approval, Assembling, Complete, Delivery, New};
    let state = pb::OrderState::try_from(number).ok().and_then(wire::read_state);
    if number == 0 {
        fields.refuse("state", "REQUIRED", "is required");
    } else if !matches!(state, Some(New | Approval | Assembling | Delivery | Complete)) {
        fields.refuse("state", "UNKNOWN", "new, approval, assembling, delivery or complete");
    }
    let status = Some(status.to_owned()).filter(|status| !status.is_empty());
    let well_formed = status.as_deref().is_none_or(is_status);
    fields.check(well_formed, "status", "MALFORMED", "1 to 40 of a-z, 0-9 and -");
    (state, status)
}

fn is_status(status: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    status.len() <= STATUS_LENGTH_MAX && status.bytes().all(letters)
}
