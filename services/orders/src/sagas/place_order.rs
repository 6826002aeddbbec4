//! Places an order: everything is held, or nothing is.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use rpc::Call;
use saga::{Definition, Saga, Stop};
use tonic::Status;
use types::{DeliveryPlanId, Money, OrderId, PaymentId, ReservationId};

use crate::model::order::{Identified, Order, Placement};
use crate::model::placement::{self, Held, Planned, PriceRefusal, Priced, Unmatched};
use crate::model::receipt_line::{self, ReceiptLine};
use crate::model::rejection::Rejection;
use crate::sagas::neighbours::{Load, Neighbours, Supply};
use crate::sagas::offer_terms::OfferTerms;
use crate::sagas::placements::{Placements, PricesHold, StoredPlacements};
use crate::sagas::recent_shortages::RecentShortages;
use crate::upstreams::Upstreams;

/// How long a caller waits for the outcome before he is told to ask again.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// An order that left the state placing.
pub type Settled = Arc<Order>;

/// What was agreed when the order was recorded; holds nothing personal.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Terms {
    /// The order, which is also the saga.
    #[prost(string, tag = "1")]
    pub order_id: String,
    /// Whether it is taken although stock is short.
    #[prost(bool, tag = "2")]
    pub accept_shortage: bool,
    /// Whether it may have lines that the catalog does not know.
    #[prost(bool, tag = "3")]
    pub accept_unmatched: bool,
    /// Where its stock is taken, in this order.
    #[prost(string, repeated, tag = "4")]
    pub warehouse_ids: Vec<String>,
    /// What the buyer saw, in minor units.
    #[prost(int64, optional, tag = "5")]
    pub expected_total_minor: Option<i64>,
    /// What delivery was sold for already, in minor units.
    #[prost(int64, optional, tag = "6")]
    pub delivery_price_minor: Option<i64>,
    /// How a phone without a country is read.
    #[prost(string, tag = "7")]
    pub country_code: String,
    /// Whether anything is delivered.
    #[prost(bool, tag = "8")]
    pub delivers: bool,
    /// Whether all of it comes from one warehouse.
    #[prost(bool, tag = "20")]
    pub one_warehouse: bool,
    /// Quote, discounts, promo code, cart; absent for most orders.
    #[prost(message, optional, tag = "30")]
    pub offer: Option<OfferTerms>,
    /// When it is to be handed over, in seconds since 1970; absent when nobody chose a slot.
    #[prost(int64, optional, tag = "40")]
    pub delivery_slot_seconds: Option<i64>,
}

/// The opposites of its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// Of reserving stock.
    ReleaseStock(ReservationId),
    /// Of planning the delivery.
    CancelDelivery(DeliveryPlanId),
    /// Of opening the payment.
    VoidPayment(PaymentId),
    /// Of redeeming the promo code.
    GiveBackPromoCode(OrderId),
}

/// The process.
pub struct PlaceOrder<N = Upstreams, P = StoredPlacements> {
    ask: N,
    placements: P,
    shortages: RecentShortages,
}

impl<N: Neighbours, P: Placements> Definition for PlaceOrder<N, P> {
    const KIND: &'static str = "place_order";
    type Input = Terms;
    type Undo = Undo;
    type Outcome = Settled;

    async fn run(&self, saga: &mut Saga<Undo>, call: &Call, terms: &Terms) -> Result<Settled, Stop> {
        let order = saga.step("read", self.read(terms)).await?;
        for undo in terms.held_by_quote(&order) {
            saga.step_or("take over from the quote", undo, async { Ok(()) }).await?;
        }
        let mut priced = saga.step("price", self.price(call, terms, &order)).await?;
        let mut offer = terms.offer.as_ref().map(OfferTerms::offer).unwrap_or_default();
        let mut customer = None;
        if let Some(code) = terms.promo_code() {
            // Who it is decides how often the code holds.
            let customer = *customer.insert(self.identify(saga, call, terms, &order).await);
            let undo = Undo::GiveBackPromoCode(order.order_id);
            let redeem = self.placements.redeem(call, &order, terms.prices_hold(), code, customer, priced);
            let redeemed = saga.step_or("redeem promo code", undo, redeem).await?;
            (offer.promo_code_id, offer.promo_code) =
                (Some(redeemed.code.promo_code_id), redeemed.code.code.clone());
            priced = redeemed.priced;
        }

        // None asks about the others, and most orders get all of them. An order for what ran out a moment ago will probably be
        // refused: its payment waits for its goods.
        if priced.stock_lines().next().is_some() {
            saga.may_undo(Undo::ReleaseStock(order.own_reservation_id()));
        }
        if order.delivery.is_some() {
            saga.may_undo(Undo::CancelDelivery(order.own_delivery_plan_id()));
        }
        let goods_first = self.lately_short(&priced);
        let void = Undo::VoidPayment(order.own_payment_id());
        if !goods_first {
            saga.may_undo(void);
        }
        let (held, agreed, customer) = tokio::join!(
            self.hold_stock(saga, call, terms, &order, &priced),
            async {
                let planned = self.plan_delivery(saga, call, terms, &order, &priced).await?;
                let total =
                    saga.step("agree on total", agree(terms, &order, &priced, planned.as_ref())).await?;
                let payment_id = match goods_first {
                    true => None,
                    false => self.open_payment(saga, call, &order, &priced, planned.as_ref(), total).await?,
                };
                Ok::<_, Stop>((planned, total, payment_id))
            },
            async {
                match customer {
                    Some(customer) => customer,
                    None => self.identify(saga, call, terms, &order).await,
                }
            },
        );
        let (held, (planned, total, mut payment_id)) = (held?, agreed?);
        if goods_first {
            saga.may_undo(void);
            payment_id = self.open_payment(saga, call, &order, &priced, planned.as_ref(), total).await?;
        }

        let placement = Placement { customer, priced, held, planned, payment_id, offer };
        failpoint::hit!("orders.place.before_settle", "", Stop::Later(Status::unavailable("a failpoint")));
        saga.step("settle", self.place(call, &order, placement)).await
    }

    fn undos(&self, terms: &Terms) -> Vec<Undo> {
        let Ok(order_id) = terms.order_id.parse::<OrderId>() else { return Vec::new() };
        let parent = order_id.uuid();
        let mut undos = vec![Undo::ReleaseStock(ReservationId::derived(parent, 0))];
        if terms.delivers {
            undos.push(Undo::CancelDelivery(DeliveryPlanId::derived(parent, 0)));
        }
        undos.push(Undo::VoidPayment(PaymentId::derived(parent, 0)));
        if terms.promo_code().is_some() {
            undos.push(Undo::GiveBackPromoCode(order_id));
        }
        undos
    }

    async fn undo(&self, call: &Call, undo: Undo) -> Result<(), Status> {
        const WHY: &str = "the order was rejected";
        match undo {
            Undo::ReleaseStock(reservation_id) => self.ask.release(call, reservation_id, WHY).await,
            Undo::CancelDelivery(delivery_plan_id) => {
                self.ask.cancel_delivery(call, delivery_plan_id, WHY).await
            }
            Undo::VoidPayment(payment_id) => self.ask.void(call, payment_id, WHY).await,
            Undo::GiveBackPromoCode(order_id) => self.placements.give_back(call, order_id).await,
        }
    }

    async fn undone(&self, call: &Call, terms: &Terms, refusal: &Status) -> Result<Settled, Status> {
        let mut order = Order::clone(&*self.read(terms).await?);
        order.offer = terms.offer.as_ref().map(OfferTerms::offer).unwrap_or_default();
        order.reject(Rejection::of(rpc::reason(refusal), refusal.message(), rpc::metadata(refusal)));
        self.placements.settle(call, order).await
    }
}

impl Terms {
    /// The code that is to be redeemed.
    fn promo_code(&self) -> Option<&str> {
        self.offer.as_ref().and_then(OfferTerms::promo_code)
    }

    /// What a quote may have held for the order from before its first step.
    fn held_by_quote(&self, order: &Order) -> Vec<Undo> {
        match self.prices_hold() {
            PricesHold::FromNowOn => Vec::new(),
            PricesHold::SinceTheQuote => {
                let code = self.promo_code().map(|_| Undo::GiveBackPromoCode(order.order_id));
                code.into_iter().chain([Undo::ReleaseStock(order.own_reservation_id())]).collect()
            }
        }
    }

    /// Where the prices come from.
    fn prices_hold(&self) -> PricesHold {
        match self.offer.as_ref().and_then(OfferTerms::quote_id) {
            Some(_) => PricesHold::SinceTheQuote,
            None => PricesHold::FromNowOn,
        }
    }
}

impl<N, P> PlaceOrder<N, P> {
    /// The process over `placements`, asking `ask`.
    pub fn new(ask: N, placements: P) -> Self {
        Self { ask, placements, shortages: RecentShortages::default() }
    }

    /// Where its orders are.
    pub fn placements(&self) -> &P {
        &self.placements
    }

    /// Whom it asks.
    pub fn neighbours(&self) -> &N {
        &self.ask
    }
}

impl<N: Neighbours, P: Placements> PlaceOrder<N, P> {
    async fn read(&self, terms: &Terms) -> Result<Arc<Order>, Status> {
        let order_id: OrderId =
            terms.order_id.parse().map_err(|_| Status::internal("the saga names no order"))?;
        self.placements.read(order_id).await
    }

    async fn price(&self, call: &Call, terms: &Terms, order: &Order) -> Result<Priced, Status> {
        if let Some(quote_id) = terms.offer.as_ref().and_then(OfferTerms::quote_id) {
            return self.placements.quoted(quote_id).await;
        }
        let quotes = match self.placements.quotes(order.order_id).await {
            Some(quotes) => quotes,
            None => self.ask.quote(call, order).await?,
        };
        let unmatched = if terms.accept_unmatched { Unmatched::Accepted } else { Unmatched::Refused };
        let priced = Priced::of(order, quotes, unmatched)?;
        let priced = match &terms.offer {
            Some(offer) => priced.discounted(&offer.discounts(order.currency))?,
            None => priced,
        };
        if !terms.delivers && terms.promo_code().is_none() {
            // Nothing else adds to the total: another one is refused before anything is held.
            placement::agree(expected(terms, order), priced.goods_total)?;
        }
        Ok(priced)
    }

    /// Who the buyer is; an order does not wait for it for long.
    async fn identify(&self, saga: &Saga<Undo>, call: &Call, terms: &Terms, order: &Order) -> Identified {
        let identify = self.ask.identify(call, order, &terms.country_code);
        saga.try_later("identify customer", identify).await.unwrap_or(Identified::Later)
    }

    /// Nothing for an order without goods.
    async fn hold_stock(
        &self,
        saga: &Saga<Undo>,
        call: &Call,
        terms: &Terms,
        order: &Order,
        priced: &Priced,
    ) -> Result<Option<Held>, Stop> {
        if priced.stock_lines().next().is_none() {
            return Ok(None);
        }
        let supply = Supply {
            warehouse_ids: &terms.warehouse_ids,
            accept_shortage: terms.accept_shortage,
            one_warehouse: terms.one_warehouse,
        };
        let reserve = async {
            let held = self.ask.reserve(call, order, priced, supply).await;
            held.inspect_err(|refusal| self.shortages.note(refusal))
        };
        saga.step("reserve stock", reserve).await.map(Some)
    }

    /// Whether an order before this one was rejected for the same goods.
    fn lately_short(&self, priced: &Priced) -> bool {
        let stock = priced.stock_lines().flat_map(|line| line.stock(line.ordered));
        self.shortages.concern(stock.map(|(sku, _)| sku))
    }

    /// Nothing for an order that is not delivered.
    async fn plan_delivery(
        &self,
        saga: &Saga<Undo>,
        call: &Call,
        terms: &Terms,
        order: &Order,
        priced: &Priced,
    ) -> Result<Option<Planned>, Stop> {
        let Some(delivery) = &order.delivery else { return Ok(None) };
        let load = Load {
            delivery_plan_id: order.own_delivery_plan_id(),
            delivery,
            lines: priced.lines.iter().map(|line| (line, line.ordered)).collect(),
            goods_total: priced.goods_total,
            fixed_price: terms.delivery_price_minor.map(|minor| Money::new(order.currency, minor)),
            cash_on_delivery: None,
        };
        let slot = terms.delivery_slot_seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let plan = self.ask.plan_in_slot(call, order, &load, slot);
        saga.step("plan delivery", plan).await.map(Some)
    }

    /// Nothing for an order that costs nothing.
    async fn open_payment(
        &self,
        saga: &Saga<Undo>,
        call: &Call,
        order: &Order,
        priced: &Priced,
        planned: Option<&Planned>,
        total: Money,
    ) -> Result<Option<PaymentId>, Stop> {
        if total.is_zero() {
            return Ok(None);
        }
        let open = self.ask.open_payment(call, order, total, receipt_lines(order, priced, planned));
        saga.step("open payment", open).await.map(Some)
    }

    async fn place(&self, call: &Call, order: &Order, placement: Placement) -> Result<Settled, Status> {
        let mut order = order.clone();
        order.place(placement).map_err(PriceRefusal::from)?;
        self.placements.settle(call, order).await
    }
}

/// The total, unless the buyer saw another.
async fn agree(
    terms: &Terms,
    order: &Order,
    priced: &Priced,
    planned: Option<&Planned>,
) -> Result<Money, Status> {
    let delivery = planned.map_or(Money::zero(order.currency), |planned| planned.price);
    let total = priced.goods_total.checked_add(delivery).map_err(PriceRefusal::from)?;
    placement::agree(expected(terms, order), total)?;
    Ok(total)
}

/// What the total is paid for.
fn receipt_lines(order: &Order, priced: &Priced, planned: Option<&Planned>) -> Vec<ReceiptLine> {
    let nothing = Money::zero(order.currency);
    let (name, price) = planned.map_or(("", nothing), |planned| (&planned.method_name, planned.price));
    receipt_line::of_lines(&priced.lines, name, price)
}

fn expected(terms: &Terms, order: &Order) -> Option<Money> {
    terms.expected_total_minor.map(|minor| Money::new(order.currency, minor))
}
