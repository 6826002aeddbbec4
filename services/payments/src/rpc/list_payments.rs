//! Lists payments, newest first.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::payments::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::{OrderId, ShopId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::payment_rows::{self, PaymentRow};
use crate::model::payment_state::State;
use crate::schema::payments as rows;
use crate::{Payments, wire};

struct Wanted {
    order_id: Option<OrderId>,
    shop_id: Option<ShopId>,
    state: Option<State>,
    page: Page<(DateTime<Utc>, Uuid)>,
}

pub async fn handle(
    payments: &Payments,
    call: &Call,
    request: pb::ListPaymentsRequest,
) -> Result<pb::ListPaymentsResponse> {
    let Wanted { order_id, shop_id, state, page } = parse(payments, request)?;

    let mut query =
        rows::table.filter(rows::order_id.is_not_null()).select(PaymentRow::as_select()).into_boxed();
    if let Some(shops) = call.caller.shops.filter() {
        query = query.filter(rows::shop_id.eq_any(shops.into_iter().map(Some)));
    }
    if let Some(order_id) = order_id {
        query = query.filter(rows::order_id.eq(order_id.uuid()));
    }
    if let Some(shop_id) = shop_id {
        query = query.filter(rows::shop_id.eq(shop_id.uuid()));
    }
    if let Some(state) = state {
        query = query.filter(rows::state.eq(state.as_str()));
    }
    if let Some((time, id)) = page.after {
        query = query
            .filter(rows::create_time.lt(time).or(rows::create_time.eq(time).and(rows::payment_id.lt(id))));
    }
    let mut connection = payments.store.connection().await?;
    let newest_first = query.order((rows::create_time.desc(), rows::payment_id.desc())).limit(page.limit());
    let mut moment = connection.build_transaction().read_only().repeatable_read();
    let (found, next_page_token) = moment
        .run(async |conn| {
            let found: Vec<PaymentRow> = newest_first.load(conn).await?;
            let (found, next_page_token) = page.cut(&payments.store, found, PaymentRow::key);
            Ok::<_, Error>((payment_rows::in_order(conn, found).await?, next_page_token))
        })
        .await?;

    Ok(pb::ListPaymentsResponse { payments: found.iter().map(wire::payment).collect(), next_page_token })
}

fn parse(payments: &Payments, request: pb::ListPaymentsRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let order_id = fields.parse_optional("order_id", &request.order_id);
    let shop_id = fields.parse_optional("shop_id", &request.shop_id);
    let state = match pb::PaymentState::try_from(request.state) {
        Ok(state) => wire::stored_state(state),
        Err(_) => {
            fields.refuse("state", "UNKNOWN_VALUE", "is not a payment state");
            None
        }
    };
    fields.finish()?;
    let filters = pb::ListPaymentsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let page =
        Page::parse(&payments.store, request.page_size, &request.page_token, &filters.encode_to_vec())?;
    Ok(Wanted { order_id, shop_id, state, page })
}
