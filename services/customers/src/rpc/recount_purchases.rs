//! Counts an order as orders tells it now, or adds up a customer's purchases again.

use ::rpc::{Call, Fields};
use anyhow::Context;
use chrono::DateTime;
use proto::customers::v1 as pb;
use proto::orders::v1 as orders_pb;
use proto::orders::v1::order_service_client::OrderServiceClient;
use store::{Audit, Tx};
use tonic::Code;
use types::{CustomerId, OrderId};

use crate::Customers;
use crate::consumers::count_purchases::{counts, total};
use crate::error::{Error, Result};
use crate::model::Purchase;

const METHOD: &str = "customers.recount_purchases";

pub(crate) async fn handle(
    customers: &Customers,
    call: &Call,
    request: pb::RecountPurchasesRequest,
) -> Result<pb::RecountPurchasesResponse> {
    let mut fields = Fields::new();
    let order_id: Option<OrderId> = fields.parse_optional("order_id", &request.order_id);
    let customer_id: Option<CustomerId> = fields.parse_optional("customer_id", &request.customer_id);
    let one = request.order_id.is_empty() != request.customer_id.is_empty();
    fields.check(one, "order_id", "REQUIRED", "either an order or a customer");
    fields.finish()?;

    let changed = match (order_id, customer_id) {
        (Some(order_id), _) => recount_order(customers, call, order_id).await?,
        (None, Some(customer_id)) => recount_customer(customers, call, customer_id).await?,
        (None, None) => false,
    };
    Ok(pb::RecountPurchasesResponse { changed })
}

/// What is counted may be of a version that orders does not know any more: it is replaced, whatever it is.
async fn recount_order(customers: &Customers, call: &Call, order_id: OrderId) -> Result<bool> {
    let mut connection = customers.store.connection().await?;
    let known = Purchase::load(&mut connection, order_id).await?;
    drop(connection);
    let actual = ask(customers, call, order_id).await?;
    if known == actual {
        return Ok(false);
    }

    let replace = customers.store.transaction(call, async |tx: &mut Tx| {
        Purchase::lock_all(tx).await?;
        if Purchase::load(tx.conn(), order_id).await? != known {
            return Err(Error::Raced); // An event was applied meanwhile; it may be all that was missing.
        }
        Purchase::replace(tx, order_id, actual.as_ref()).await?;
        let of = |purchase: &Option<Purchase>| purchase.as_ref().and_then(|one| one.customer);
        let touched: Vec<CustomerId> = [of(&known), of(&actual)].into_iter().flatten().collect();
        Purchase::add_up(tx, &touched).await?;
        let version = |purchase: &Option<Purchase>| purchase.as_ref().map(|one| one.version);
        let worth = |purchase: &Option<Purchase>| {
            purchase.as_ref().and_then(|one| one.worth).map(|worth| worth.to_string())
        };
        tx.audit(
            Audit::new(METHOD, order_id)
                .change("version", version(&known), version(&actual))
                .change("customer_id", of(&known).map(String::from), of(&actual).map(String::from))
                .change("total", worth(&known), worth(&actual)),
        );
        Ok(true)
    });
    replace.await
}

async fn recount_customer(customers: &Customers, call: &Call, customer_id: CustomerId) -> Result<bool> {
    let recount = customers.store.transaction(call, async |tx: &mut Tx| {
        Purchase::lock_all(tx).await?;
        let changed = Purchase::add_up(tx, &[customer_id]).await?;
        if changed > 0 {
            tx.audit(Audit::new(METHOD, customer_id).set("sums_changed", changed));
        }
        Ok::<_, Error>(changed > 0)
    });
    recount.await
}

/// The order as a purchase; `None` when there is no such order.
async fn ask(customers: &Customers, call: &Call, order_id: OrderId) -> Result<Option<Purchase>> {
    let mut orders = OrderServiceClient::new(customers.orders.bind(call));
    let request = orders_pb::GetOrderRequest { order_id: order_id.to_string() };
    match orders.get_order(request).await {
        Ok(order) => read(&order.into_inner()).map_err(|error| Error::Unreadable(format!("{error:#}"))),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(Error::Answered(Box::new(status))),
    }
}

/// Nothing is told of an order before it is decided, so it is no purchase.
fn read(order: &orders_pb::Order) -> anyhow::Result<Option<Purchase>> {
    let version: i64 = order.etag.parse().context("an order's etag")?;
    if version == 0 {
        return Ok(None);
    }
    let customer: Option<CustomerId> =
        Some(&order.customer_id).filter(|id| !id.is_empty()).map(|id| id.parse()).transpose()?;
    let time = order.create_time.context("an order without a time")?;
    let time =
        DateTime::from_timestamp(time.seconds, u32::try_from(time.nanos)?).context("a time out of range")?;
    let worth = counts(order.state()).then(|| total(order.total.as_ref())).transpose()?;
    let (order, shop) = (order.order_id.parse()?, order.shop_id.parse()?);
    Ok(Some(Purchase { order, version, customer, shop, worth, time }))
}
