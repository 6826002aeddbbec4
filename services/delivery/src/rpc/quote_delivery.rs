//! Lists what fits a cart, with prices, in a fixed order: carriers are asked at once, within a budget.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::join_all;
use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use types::{CarrierAccountId, Money, ShopId};
use uuid::Uuid;

use super::list_delivery_methods::visible_shops;
use super::{address_fields, schedule_fields};
use crate::carriers::{Carrier, ServicePrice};
use crate::error::Result;
use crate::model::address::Address;
use crate::model::carrier_account_rows::AccountRow;
use crate::model::delivery_method::DeliveryMethod;
use crate::model::delivery_method_rows::DeliveryMethodRow;
use crate::model::piece_size::PieceSize;
use crate::model::schedule::Slot;
use crate::model::slot_rows::{self, Place};
use crate::model::tariff::Cart;
use crate::schema::{carrier_accounts, delivery_methods as rows};
use crate::{Delivery, wire};

/// Most methods of an installation that a quote looks at.
const METHODS_MAX: i64 = 1000;
/// Most accounts that are asked for one quote.
const ACCOUNTS_MAX: usize = 20;

struct Wanted {
    shop_id: Option<ShopId>,
    address: Option<Address>,
    goods_total: Money,
    weight_grams: i32,
    cash_on_delivery: bool,
    piece_sizes: Vec<PieceSize>,
}

/// What the carrier of an account says of a cart; `None` when it does not say.
type Said = HashMap<CarrierAccountId, (&'static str, Option<Arc<Vec<ServicePrice>>>)>;

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::QuoteDeliveryRequest,
) -> Result<pb::QuoteDeliveryResponse> {
    let wanted = parse(&request)?;

    let mut connection = delivery.store.connection().await?;
    let methods = methods(&mut connection, call, wanted.shop_id).await?;
    let cart = Cart {
        address: wanted.address.as_ref(),
        goods_total: wanted.goods_total,
        weight_grams: wanted.weight_grams,
        cash_on_delivery: wanted.cash_on_delivery,
    };
    let now = delivery.store.clock().now();
    let methods: Vec<DeliveryMethod> =
        methods.into_iter().filter(|method| method.takes_the_pieces(&wanted.piece_sizes)).collect();
    let taken = taken(&mut connection, &methods, now).await?;
    let accounts = accounts(delivery, &mut connection, &methods, &cart).await?;
    let ids = accounts.iter().map(|(id, _)| *id);
    let known = delivery.quotes.known(&mut connection, ids, &cart).await?;
    drop(connection);
    let said = ask(delivery, accounts, known, &cart).await;

    let options = methods.iter().filter_map(|method| {
        let nearest = nearest_slot(method, &taken, now)?;
        Some(pb::DeliveryOption {
            nearest_slot: nearest,
            slot_required: method.schedule.as_ref().is_some_and(|schedule| schedule.slot_required),
            ..option(method, &cart, &said)?
        })
    });
    Ok(pb::QuoteDeliveryResponse { options: options.collect() })
}

async fn methods(
    conn: &mut AsyncPgConnection,
    call: &Call,
    shop: Option<ShopId>,
) -> Result<Vec<DeliveryMethod>> {
    let mut query =
        rows::table.filter(rows::archived.eq(false)).select(DeliveryMethodRow::as_select()).into_boxed();
    if let Some(shops) = visible_shops(call, shop) {
        query = query.filter(rows::shop_id.is_null().or(rows::shop_id.eq_any(shops.into_iter().map(Some))));
    }
    let in_order = query.order((rows::sort_order, rows::delivery_method_id)).limit(METHODS_MAX);
    let found: Vec<DeliveryMethodRow> = in_order.load(conn).await?;
    found.into_iter().map(DeliveryMethodRow::read).collect()
}

/// How much is taken of the slots of these methods; nothing is looked for when none has slots.
async fn taken(
    conn: &mut AsyncPgConnection,
    methods: &[DeliveryMethod],
    now: DateTime<Utc>,
) -> Result<HashMap<Place, i32>> {
    let with_slots = methods.iter().filter(|method| method.schedule.is_some()).map(|method| method.id);
    slot_rows::taken(conn, &with_slots.collect::<Vec<_>>(), now).await
}

/// The first slot with room; `None` when one must be chosen and there is none.
fn nearest_slot(
    method: &DeliveryMethod,
    taken: &HashMap<Place, i32>,
    now: DateTime<Utc>,
) -> Option<Option<pb::DeliverySlot>> {
    let Some(schedule) = &method.schedule else { return Some(None) };
    let taken = |slot: &Slot| {
        let place = Place { method_id: method.id, start: slot.time.start };
        taken.get(&place).copied().unwrap_or(0)
    };
    let free = schedule.slots(now).into_iter().find(|slot| taken(slot) < slot.capacity);
    let free = free.map(|slot| wire::delivery_slot(&slot, taken(&slot)));
    (free.is_some() || !schedule.slot_required).then_some(free)
}

/// The carriers of the methods that come into question.
async fn accounts(
    delivery: &Delivery,
    conn: &mut AsyncPgConnection,
    methods: &[DeliveryMethod],
    cart: &Cart<'_>,
) -> Result<Vec<(CarrierAccountId, Arc<dyn Carrier>)>> {
    let possible = methods.iter().filter(|method| method.takes_the_payment(cart));
    let mut ids: Vec<Uuid> = possible.filter_map(|method| method.account_id).map(|id| id.uuid()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(ACCOUNTS_MAX);
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found = carrier_accounts::table
        .filter(carrier_accounts::carrier_account_id.eq_any(ids))
        .filter(carrier_accounts::enabled.eq(true))
        .select(AccountRow::as_select());
    let found: Vec<AccountRow> = found.load(conn).await?;
    let open = |row: AccountRow| {
        let account = row.read(&delivery.store)?;
        Ok((account.id, delivery.carriers.outside(&account)))
    };
    found.into_iter().map(open).collect()
}

async fn ask(
    delivery: &Delivery,
    accounts: Vec<(CarrierAccountId, Arc<dyn Carrier>)>,
    known: HashMap<CarrierAccountId, Arc<Vec<ServicePrice>>>,
    cart: &Cart<'_>,
) -> Said {
    let asked = accounts.into_iter().map(async |(id, carrier)| {
        let name = carrier.name();
        let prices = match known.get(&id) {
            Some(prices) => Some(prices.clone()),
            None => delivery.quotes.ask(id, carrier, cart).await,
        };
        (id, (name, prices))
    });
    join_all(asked).await.into_iter().collect()
}

/// The option of a method: the carrier's price, or that of its tariffs as an estimate; of the shop's own, the tariff.
fn option(method: &DeliveryMethod, cart: &Cart<'_>, said: &Said) -> Option<pb::DeliveryOption> {
    if !method.takes_the_payment(cart) {
        return None;
    }
    let Some(account) = method.account_id else {
        return Some(wire::delivery_option(method, method.quote(cart)?));
    };
    // A disabled account books nothing, so it offers nothing.
    let (carrier, prices) = said.get(&account)?;
    let mut option = match prices {
        Some(prices) => {
            let same_currency = |price: &&ServicePrice| price.price.currency() == cart.goods_total.currency();
            let price = prices.iter().find(|price| price.service == method.service).filter(same_currency)?;
            wire::carrier_option(method, price)
        }
        None => pb::DeliveryOption { estimate: true, ..wire::delivery_option(method, method.tariff(cart)?) },
    };
    (*carrier).clone_into(&mut option.carrier);
    Some(option)
}

fn parse(request: &pb::QuoteDeliveryRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let shop_id = fields.parse_optional("shop_id", &request.shop_id);
    let address = address_fields::address(&mut fields, request.address.as_ref());
    let goods_total = address_fields::sum(&mut fields, "goods_total", request.goods_total.as_ref());
    let weight_grams = address_fields::not_negative(&mut fields, "weight_grams", request.weight_grams);
    let piece_sizes = schedule_fields::piece_sizes(&mut fields, &request.piece_sizes);
    let goods_total = fields.finish_with(goods_total)?;
    let cash_on_delivery = request.cash_on_delivery;
    Ok(Wanted { shop_id, address, goods_total, weight_grams, cash_on_delivery, piece_sizes })
}
