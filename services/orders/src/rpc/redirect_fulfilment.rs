//! Sends a part of an order another way, or to another address, before it leaves.

use proto::orders::v1 as pb;
use rpc::{Call, Fields, Invalid};
use saga::NewSaga;
use store::Tx;
use types::{Currency, FulfilmentId, Money, OrderId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::edit::{Edit, EditRefusal};
use crate::model::fulfilment::{Fulfilment, FulfilmentState};
use crate::model::order::{Delivery, Forbidden, Order};
use crate::model::order_state::OrderState;
use crate::model::redirect::Redirect;
use crate::rpc::keyed::{self, Begun};
use crate::rpc::order_fields::{SCOPE_PRICE, delivery};
use crate::rpc::{free, load, visible};
use crate::sagas::edit_money::MoneyThen;
use crate::sagas::keyed::Key;
use crate::sagas::plan_fulfilment;
use crate::sagas::redirect_fulfilment::{METHOD, RedirectFulfilment, RedirectInput};
use crate::upstreams::Load;
use crate::{Orders, wire};

/// Where parts wait to leave.
const STATES: [OrderState; 4] =
    [OrderState::New, OrderState::Approval, OrderState::Assembling, OrderState::Delivery];

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::RedirectFulfilmentRequest,
) -> Result<pb::Order> {
    let wanted = Wanted::parse(call, &request)?;

    let order = load(orders, call, wanted.order_id).await?;
    if wanted.dry_run {
        let part = wanted.decide(&order)?;
        let redirect = wanted.price(orders, call, &order, part).await?;
        return preview(&order, part, &redirect);
    }
    let key = Key { scope: order.shop_id.to_string(), key: wanted.key.clone() };
    let priced = match keyed::is_known(orders, key.once(METHOD)).await? {
        true => None,
        false => Some(wanted.price(orders, call, &order, wanted.decide(&order)?).await?),
    };

    let begun = orders.store.transaction(call, async |tx: &mut Tx| -> Result<Begun<RedirectInput>> {
        let order = visible(call, Order::lock(tx, wanted.order_id).await?)?;
        let running = order.progress.editing;
        if let Some(begun) = keyed::claim(tx, key.once(METHOD), &request, running).await? {
            return Ok(begun);
        }
        // The key was there a moment ago, and is not any more: the next call does it.
        let redirect = priced.clone().ok_or(store::Error::KeyInUse)?;

        let part = wanted.decide(&order)?.clone();

        record(tx, order, &part, redirect, key.clone()).await
    });
    keyed::conclude(&orders.redirects, call, begun.await?, orders.patience(call)).await
}

struct Wanted {
    order_id: OrderId,
    fulfilment_id: FulfilmentId,
    delivery: Delivery,
    /// What it is sold for already; `None`: by tariff.
    price: Option<Money>,
    etag: Option<String>,
    dry_run: bool,
    key: String,
}

impl Wanted {
    fn parse(call: &Call, request: &pb::RedirectFulfilmentRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let order_id: Option<OrderId> = fields.parse("order_id", &request.order_id);
        let fulfilment_id: Option<FulfilmentId> = fields.parse("fulfilment_id", &request.fulfilment_id);
        let given = fields.present("delivery", request.delivery.as_ref());
        let given = delivery(&mut fields, given, call.caller.may(SCOPE_PRICE));
        let etag = Some(request.etag.clone()).filter(|etag| !etag.is_empty());
        let key = fields.idempotency_key(&request.idempotency_key);
        let wanted = order_id.zip(fulfilment_id).zip(given);
        let ((order_id, fulfilment_id), (delivery, price)) = fields.finish_with(wanted)?;
        Ok(Self { order_id, fulfilment_id, delivery, price, etag, dry_run: request.dry_run, key })
    }

    /// The part, when it can be sent another way now.
    fn decide<'a>(&self, order: &'a Order) -> Result<&'a Fulfilment> {
        let current = wire::etag(order);
        if self.etag.as_ref().is_some_and(|etag| *etag != current) {
            return Err(Error::EtagMismatch { current });
        }
        let part = order.part(self.fulfilment_id).ok_or(Error::FulfilmentNotFound)?;
        if !STATES.contains(&order.state) {
            let (from, to) = (order.state, order.state);
            return Err(Error::EditForbidden(Forbidden { from, to, allowed: STATES.to_vec() }));
        }
        free(order)?;
        match part.state {
            _ if part.cancelling.is_some() => Err(Error::BeingEdited),
            FulfilmentState::Planning => Err(Error::BeingEdited),
            // That it has left is told in the words of delivery, whoever finds it out.
            FulfilmentState::Shipped | FulfilmentState::Delivered => Err(Error::PartLeft(part.state)),
            FulfilmentState::Cancelled => Err(Error::FulfilmentState(part.state)),
            FulfilmentState::Open
            | FulfilmentState::Booking
            | FulfilmentState::Booked
            | FulfilmentState::BookingFailed => Ok(part),
        }
    }

    /// What the new way costs; that it leads there is asked for before anything is given up.
    async fn price(
        &self,
        orders: &Orders,
        call: &Call,
        order: &Order,
        part: &Fulfilment,
    ) -> Result<Redirect> {
        self.check_currency(order.currency)?;
        let ordinal = order.clone().next_ordinal();
        // Until a tariff has answered it costs what it did.
        let price = self.price.unwrap_or(part.delivery_total);
        let unpriced = Redirect { ordinal, delivery: self.delivery.clone(), price, cash_on_delivery: None };
        let after = order.redirected(part, &unpriced).map_err(Error::from_sum)?;
        let new = after.part(unpriced.fulfilment_id(order)).ok_or(Error::FulfilmentNotFound)?;
        let load = plan_fulfilment::load(&after, new).ok_or(Error::FulfilmentNotFound)?;
        let load = Load { fixed_price: self.price, ..load };
        let planned = orders.ask.delivery.quote(call, order, &load).await.map_err(Error::Answered)?;
        let planned = planned.ok_or(EditRefusal::DeliveryUnavailable)?;
        let delivery = Delivery { method_name: planned.method_name, ..self.delivery.clone() };
        Ok(Redirect { delivery, price: planned.price, ..unpriced })
    }

    fn check_currency(&self, currency: Currency) -> Result<(), Invalid> {
        let mut fields = Fields::new();
        let same = self.price.is_none_or(|price| price.currency() == currency);
        let message = format!("the order is in {currency}");
        fields.check(same, "delivery.price", "CURRENCY_MISMATCH", &message);
        fields.finish()
    }
}

/// Marks the order, so that nothing else changes it meanwhile, and records the saga.
async fn record(
    tx: &mut Tx,
    mut order: Order,
    part: &Fulfilment,
    priced: Redirect,
    key: Key,
) -> Result<Begun<RedirectInput>> {
    let saga_id = Uuid::now_v7();
    let money = MoneyThen::of(&order);
    let redirect = Redirect { ordinal: order.next_ordinal(), ..priced };
    let after = order.redirected(part, &redirect).map_err(Error::from_sum)?;
    after.check_credited()?;
    let new = after.part(redirect.fulfilment_id(&order)).ok_or(Error::FulfilmentNotFound)?;
    let input = RedirectInput {
        saga_id: saga_id.to_string(),
        order_id: order.order_id.to_string(),
        fulfilment_id: part.fulfilment_id.to_string(),
        ordinal: redirect.ordinal,
        key: Some(key),
        price: redirect.price.minor(),
        cash_on_delivery: new.cash_on_delivery.minor(),
        money: Some(money),
    };
    order.progress.editing = Some(saga_id);
    order.save(tx).await?;
    let price_given = Some(redirect.price).filter(|_| redirect.delivery.price_fixed);
    let edit =
        Edit { delivery: Some(Some(redirect.delivery)), delivery_price: price_given, ..Edit::default() };
    edit.insert(tx, saga_id, order.order_id, redirect.ordinal).await?;
    let saga = NewSaga::of::<RedirectFulfilment>(saga_id, &input, tx.call());
    saga::record(tx, &[saga]).await?;
    Ok(Begun::Now(saga_id, input))
}

/// The order as it would become; nothing is written, and nobody is asked to do anything.
fn preview(order: &Order, part: &Fulfilment, redirect: &Redirect) -> Result<pb::Order> {
    let mut after = order.redirected(part, redirect).map_err(Error::from_sum)?;
    after.check_credited()?;
    let changes = after.payment_changes();
    after.apply_payments(redirect.ordinal, &changes);
    Ok(wire::order(&after))
}
