//! Lists ledger entries, oldest first.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::payments::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::{Money, OrderId, PaymentId, ShopId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::ledger::{Account, Entry};
use crate::model::payment_rows::read_currency;
use crate::schema::{ledger_entries as rows, payments};
use crate::{Payments, wire};

struct Wanted {
    payment_id: Option<PaymentId>,
    order_id: Option<OrderId>,
    shop_id: Option<ShopId>,
    account: Option<Account>,
    page: Page<i64>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = rows)]
struct EntryRow {
    sequence: i64,
    posting_id: Uuid,
    account: String,
    currency: String,
    debit: i64,
    credit: i64,
    payment_id: Uuid,
    order_id: Uuid,
    shop_id: Uuid,
    post_time: DateTime<Utc>,
}

pub async fn handle(
    service: &Payments,
    call: &Call,
    request: pb::ListLedgerEntriesRequest,
) -> Result<pb::ListLedgerEntriesResponse> {
    let Wanted { payment_id, order_id, shop_id, account, page } = parse(service, request)?;

    let mut query = rows::table.select(EntryRow::as_select()).into_boxed();
    if let Some(shops) = call.caller.shops.filter() {
        query = query.filter(rows::shop_id.eq_any(shops));
    }
    if let Some(payment_id) = payment_id {
        query = query.filter(rows::payment_id.eq(payment_id.uuid()));
    }
    if let Some(order_id) = order_id {
        // An index by order would cost every order two entries; its few payments lead to the same rows.
        let of_order =
            payments::table.filter(payments::order_id.eq(order_id.uuid())).select(payments::payment_id);
        query = query.filter(rows::payment_id.eq_any(of_order));
    }
    if let Some(shop_id) = shop_id {
        query = query.filter(rows::shop_id.eq(shop_id.uuid()));
    }
    if let Some(account) = account {
        query = query.filter(rows::account.eq(account.as_str()));
    }
    if let Some(sequence) = page.after {
        query = query.filter(rows::sequence.gt(sequence));
    }
    let mut connection = service.store.connection().await?;
    let found: Vec<EntryRow> = query.order(rows::sequence).limit(page.limit()).load(&mut connection).await?;

    let (found, next_page_token) = page.cut(&service.store, found, |row| row.sequence);
    let entries = found.into_iter().map(EntryRow::read).collect::<Result<Vec<_>>>()?;
    Ok(pb::ListLedgerEntriesResponse {
        entries: entries.iter().map(wire::ledger_entry).collect(),
        next_page_token,
    })
}

fn parse(service: &Payments, request: pb::ListLedgerEntriesRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let payment_id = fields.parse_optional("payment_id", &request.payment_id);
    let order_id = fields.parse_optional("order_id", &request.order_id);
    let shop_id = fields.parse_optional("shop_id", &request.shop_id);
    let account = fields.parse_optional("account", &request.account);
    fields.finish()?;
    let filters = pb::ListLedgerEntriesRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let page = Page::parse(&service.store, request.page_size, &request.page_token, &filters.encode_to_vec())?;
    Ok(Wanted { payment_id, order_id, shop_id, account, page })
}

impl EntryRow {
    fn read(self) -> Result<Entry> {
        let currency = read_currency(&self.currency)?;
        Ok(Entry {
            sequence: self.sequence,
            posting_id: self.posting_id,
            account: self.account,
            debit: Money::new(currency, self.debit),
            credit: Money::new(currency, self.credit),
            payment_id: PaymentId::from_uuid(self.payment_id),
            order_id: OrderId::from_uuid(self.order_id),
            shop_id: ShopId::from_uuid(self.shop_id),
            post_time: self.post_time,
        })
    }
}
