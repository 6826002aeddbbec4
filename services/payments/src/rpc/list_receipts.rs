//! Lists fiscal receipts, newest first.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::payments::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::{PaymentId, ShopId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::receipt::{ReceiptRow, ReceiptState};
use crate::schema::receipts as rows;
use crate::{Payments, wire};

struct Wanted {
    payment_id: Option<PaymentId>,
    shop_id: Option<ShopId>,
    state: Option<ReceiptState>,
    page: Page<(DateTime<Utc>, Uuid)>,
}

pub async fn handle(
    payments: &Payments,
    call: &Call,
    request: pb::ListReceiptsRequest,
) -> Result<pb::ListReceiptsResponse> {
    let Wanted { payment_id, shop_id, state, page } = parse(payments, request)?;

    let mut query = rows::table.select(ReceiptRow::as_select()).into_boxed();
    if let Some(shops) = call.caller.shops.filter() {
        query = query.filter(rows::shop_id.eq_any(shops));
    }
    if let Some(payment_id) = payment_id {
        query = query.filter(rows::payment_id.eq(payment_id.uuid()));
    }
    if let Some(shop_id) = shop_id {
        query = query.filter(rows::shop_id.eq(shop_id.uuid()));
    }
    if let Some(state) = state {
        query = query.filter(rows::state.eq(state.as_str()));
    }
    if let Some((time, id)) = page.after {
        query = query
            .filter(rows::create_time.lt(time).or(rows::create_time.eq(time).and(rows::receipt_id.lt(id))));
    }
    let mut connection = payments.store.connection().await?;
    let newest_first = query.order((rows::create_time.desc(), rows::receipt_id.desc())).limit(page.limit());
    let found: Vec<ReceiptRow> = newest_first.load(&mut connection).await?;

    let (found, next_page_token) = page.cut(&payments.store, found, ReceiptRow::key);
    let found = found.into_iter().map(ReceiptRow::read).collect::<Result<Vec<_>>>()?;
    Ok(pb::ListReceiptsResponse { receipts: found.iter().map(wire::receipt).collect(), next_page_token })
}

fn parse(payments: &Payments, request: pb::ListReceiptsRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let payment_id = fields.parse_optional("payment_id", &request.payment_id);
    let shop_id = fields.parse_optional("shop_id", &request.shop_id);
    let state = match pb::ReceiptState::try_from(request.state) {
        Ok(pb::ReceiptState::Unspecified) => None,
        Ok(pb::ReceiptState::Queued) => Some(ReceiptState::Queued),
        Ok(pb::ReceiptState::Sent) => Some(ReceiptState::Sent),
        Ok(pb::ReceiptState::Done) => Some(ReceiptState::Done),
        Ok(pb::ReceiptState::Failed) => Some(ReceiptState::Failed),
        Err(_) => {
            fields.refuse("state", "UNKNOWN_VALUE", "is not a state of a receipt");
            None
        }
    };
    fields.finish()?;
    let filters = pb::ListReceiptsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let page =
        Page::parse(&payments.store, request.page_size, &request.page_token, &filters.encode_to_vec())?;
    Ok(Wanted { payment_id, shop_id, state, page })
}
