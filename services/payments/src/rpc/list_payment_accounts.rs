//! Lists accounts, newest first.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::payments::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::ShopId;
use uuid::Uuid;

use crate::error::Result;
use crate::model::account::AccountRow;
use crate::schema::payment_accounts as rows;
use crate::{Payments, wire};

struct Wanted {
    shop_id: Option<ShopId>,
    page: Page<(DateTime<Utc>, Uuid)>,
}

pub async fn handle(
    payments: &Payments,
    call: &Call,
    request: pb::ListPaymentAccountsRequest,
) -> Result<pb::ListPaymentAccountsResponse> {
    let Wanted { shop_id, page } = parse(payments, request)?;

    let mut query = rows::table.select(AccountRow::as_select()).into_boxed();
    if let Some(shops) = call.caller.shops.filter() {
        query = query.filter(rows::shop_id.eq_any(shops));
    }
    if let Some(shop_id) = shop_id {
        query = query.filter(rows::shop_id.eq(shop_id.uuid()));
    }
    if let Some((time, id)) = page.after {
        query = query
            .filter(rows::create_time.lt(time).or(rows::create_time.eq(time).and(rows::account_id.lt(id))));
    }
    let mut connection = payments.store.connection().await?;
    let newest_first = query.order((rows::create_time.desc(), rows::account_id.desc())).limit(page.limit());
    let found: Vec<AccountRow> = newest_first.load(&mut connection).await?;

    let (found, next_page_token) = page.cut(&payments.store, found, AccountRow::key);
    let found = found.into_iter().map(AccountRow::read).collect::<Result<Vec<_>>>()?;
    let payment_accounts = found.iter().map(wire::account).collect();
    Ok(pb::ListPaymentAccountsResponse { payment_accounts, next_page_token })
}

fn parse(payments: &Payments, request: pb::ListPaymentAccountsRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let shop_id = fields.parse_optional("shop_id", &request.shop_id);
    fields.finish()?;
    let filters =
        pb::ListPaymentAccountsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let page =
        Page::parse(&payments.store, request.page_size, &request.page_token, &filters.encode_to_vec())?;
    Ok(Wanted { shop_id, page })
}
