//! Gives a shop the token that shows one buyer his orders.

use chrono::{TimeDelta, Timelike};
use proto::orders::v1 as pb;
use rpc::{Buyer, Call, Fields, wire::time};
use store::{Audit, Tx};
use types::{CustomerId, OrderId, ShopId};

use crate::Orders;
use crate::error::{Error, Result};
use crate::model::order_filter::OrderFilter;
use crate::rpc::{cart_fields, load};

const METHOD: &str = "orders.create_buyer_token";
const LIFE_HOURS_DEFAULT: i32 = 24;
/// A token cannot be taken back, so it does not live for long.
const LIFE_HOURS_MAX: i32 = 30 * 24;

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::CreateBuyerTokenRequest,
) -> Result<pb::CreateBuyerTokenResponse> {
    let wanted = Wanted::parse(call, &request)?;

    let (shop, customer) = wanted.subject.find(orders, call).await?;

    let issued = orders.store.transaction(call, async |tx: &mut Tx| {
        // Whole seconds are what the token keeps.
        let now = tx.now().with_nanosecond(0).unwrap_or(tx.now());
        let buyer = Buyer { shop, customer, expire_time: now + wanted.life };
        let audit = Audit::new(METHOD, customer).shop(shop.uuid());
        tx.audit(audit.set("expire_time", buyer.expire_time.to_rfc3339()));
        Ok::<_, Error>(buyer)
    });
    let buyer = issued.await?;
    Ok(pb::CreateBuyerTokenResponse {
        token: orders.buyer_tokens.issue(&buyer),
        expire_time: Some(time(buyer.expire_time)),
        customer_id: customer.to_string(),
        shop_id: shop.to_string(),
    })
}

struct Wanted {
    subject: Subject,
    life: TimeDelta,
}

/// Whose orders.
enum Subject {
    BuyerOf(OrderId),
    Customer(ShopId, CustomerId),
}

impl Wanted {
    fn parse(call: &Call, request: &pb::CreateBuyerTokenRequest) -> Result<Self> {
        use pb::create_buyer_token_request::Subject as Given;
        let mut fields = Fields::new();
        let subject = match &request.subject {
            Some(Given::OrderId(text)) => fields.parse("order_id", text).map(Subject::BuyerOf),
            Some(Given::CustomerId(text)) => {
                let shop_id = cart_fields::shop_id(&mut fields, call, &request.shop_id);
                let customer_id = fields.parse("customer_id", text);
                shop_id.zip(customer_id).map(|(shop_id, customer)| Subject::Customer(shop_id, customer))
            }
            None => {
                fields.refuse("order_id", "REQUIRED", "an order_id or a customer_id is required");
                None
            }
        };
        let in_range = (0..=LIFE_HOURS_MAX).contains(&request.life_hours);
        fields.check(in_range, "life_hours", "OUT_OF_RANGE", "0 to 720; 0 means 24");
        let hours = if request.life_hours == 0 { LIFE_HOURS_DEFAULT } else { request.life_hours };
        let life = TimeDelta::hours(i64::from(hours.clamp(1, LIFE_HOURS_MAX)));
        Ok(fields.finish_with(subject.map(|subject| Self { subject, life }))?)
    }
}

impl Subject {
    /// A customer without an order in the shop is as absent there as one that never was.
    async fn find(&self, orders: &Orders, call: &Call) -> Result<(ShopId, CustomerId)> {
        match *self {
            Self::BuyerOf(order_id) => {
                let order = load(orders, call, order_id).await?;
                Ok((order.shop_id, order.customer_id.ok_or(Error::CustomerUnknown)?))
            }
            Self::Customer(shop_id, customer_id) => {
                let allowed = call.caller.shops.allow(shop_id);
                let shops = Some(if allowed { vec![shop_id.uuid()] } else { Vec::new() });
                let filter = OrderFilter { shops, customer_id: Some(customer_id), ..OrderFilter::default() };
                let mut connection = orders.store.connection().await?;
                let found = filter.page(&mut connection, None, 1).await?;
                if found.is_empty() { Err(Error::CustomerNotFound) } else { Ok((shop_id, customer_id)) }
            }
        }
    }
}
