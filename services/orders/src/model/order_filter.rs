//! Finds orders: what a list filters by, and what it shows.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Record, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{ExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Error, Result, fragment};
use types::{Currency, CustomerId, Money, OrderId, ShopId, SourceId};
use uuid::Uuid;

use crate::model::fulfilment_status::{FulfilmentStatus, LineSums};
use crate::model::order::Deadlines;
use crate::model::order_state::OrderState;
use crate::model::origin::OrderMethod;
use crate::model::payment_status::PaymentStatus;
use crate::model::text_search::{Found, TextSearch};
use crate::schema::orders;

/// The place of an order in a list.
pub type ListKey = (DateTime<Utc>, Uuid);

/// What a list of orders filters by; absent and empty do not filter.
#[derive(Debug, Clone, Default)]
pub struct OrderFilter {
    /// The shops the reader may see and wants; `None` for all.
    pub shops: Option<Vec<Uuid>>,
    /// Any of these states.
    pub states: Vec<OrderState>,
    /// Of this source.
    pub source_id: Option<SourceId>,
    /// Of this customer.
    pub customer_id: Option<CustomerId>,
    /// Recorded at this time or later.
    pub created_from: Option<DateTime<Utc>>,
    /// Recorded before this time.
    pub created_until: Option<DateTime<Utc>>,
    /// A number, an external id, the end of a phone, or words of a name.
    pub text: String,
}

/// What a list shows of an order.
#[derive(Debug, Clone)]
pub struct OrderSummary {
    /// Its id.
    pub order_id: OrderId,
    /// For people.
    pub number: String,
    /// Whose it is.
    pub shop_id: ShopId,
    /// Where it stands.
    pub state: OrderState,
    /// The shop's own code inside the state.
    pub status: String,
    /// The account it came through.
    pub source_id: SourceId,
    /// The account's kind.
    pub channel: String,
    /// How it was made.
    pub method: OrderMethod,
    /// Who buys.
    pub customer_id: Option<CustomerId>,
    /// What it costs.
    pub total: Money,
    /// How far it is paid.
    pub payment_status: PaymentStatus,
    /// How far it has reached the buyer.
    pub fulfilment_status: FulfilmentStatus,
    /// How many lines it has.
    pub line_count: i32,
    /// When it was recorded.
    pub create_time: DateTime<Utc>,
    /// As the buyer gave it.
    pub contact_name: String,
    /// By when somebody must have done something.
    pub deadlines: Deadlines,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = orders)]
struct SummaryRow {
    order_id: Uuid,
    number: String,
    shop_id: Uuid,
    state: String,
    status: String,
    source_id: Uuid,
    channel: String,
    method: String,
    customer_id: Option<Uuid>,
    currency: String,
    total: i64,
    paid: i64,
    refunded: i64,
    create_time: DateTime<Utc>,
}

/// What other tables say of an order: the buyer's name; lines, and of all of them ordered, shipped, delivered, cancelled;
/// by when it is to be paid and shipped; what was credited for goods that came back.
type Rest = (String, i32, i64, i64, i64, i64, Option<DateTime<Utc>>, Option<DateTime<Utc>>, i64);
type RestColumns =
    (Text, Integer, BigInt, BigInt, BigInt, BigInt, Nullable<Timestamptz>, Nullable<Timestamptz>, BigInt);

/// Of one moment with the order, as it is the same statement; looked up for the rows of the page only.
const REST: &str = "(
    SELECT ROW(buyer.name, lines.number, lines.ordered, lines.shipped, lines.delivered, lines.cancelled,
               terms.pay_by_time, terms.ship_by_time, coalesce(progress.returned_total, 0))
    FROM order_buyers AS buyer
         CROSS JOIN LATERAL (
            SELECT count(*)::integer AS number, coalesce(sum(ordered), 0) AS ordered, coalesce(sum(shipped), 0) AS shipped,
                   coalesce(sum(delivered), 0) AS delivered, coalesce(sum(cancelled), 0) AS cancelled
            FROM order_lines AS line WHERE line.order_id = buyer.order_id) AS lines
         LEFT JOIN order_terms AS terms ON terms.order_id = buyer.order_id
         LEFT JOIN order_progress AS progress ON progress.order_id = buyer.order_id
    WHERE buyer.order_id = orders.order_id)";

impl OrderSummary {
    /// The key of its place.
    pub fn key(&self) -> ListKey {
        (self.create_time, self.order_id.uuid())
    }
}

impl OrderFilter {
    /// At most `limit` orders after `after`, newest first.
    pub async fn page(
        &self,
        conn: &mut AsyncPgConnection,
        after: Option<ListKey>,
        limit: i64,
    ) -> Result<Vec<OrderSummary>> {
        let found = match self.text.trim() {
            "" => None,
            text => Some(TextSearch::new(text).find(conn).await?),
        };
        let rows: Vec<(SummaryRow, Option<Rest>)> = self
            .query(after, found)
            .order((orders::create_time.desc(), orders::order_id.desc()))
            .limit(limit)
            .select((SummaryRow::as_select(), fragment::<Nullable<Record<RestColumns>>>(REST)))
            .load(conn)
            .await?;
        rows.into_iter().map(read).collect()
    }

    fn query(&self, after: Option<ListKey>, found: Option<Found>) -> orders::BoxedQuery<'_, Pg> {
        let mut query = orders::table.into_boxed();
        // One value is compared as one: then the index's order is the list's.
        query = match self.shops.as_deref() {
            None => query,
            Some([shop]) => query.filter(orders::shop_id.eq(*shop)),
            Some(shops) => query.filter(orders::shop_id.eq_any(shops)),
        };
        query = match self.states.as_slice() {
            [] => query,
            [state] => query.filter(orders::state.eq(state.name())),
            states => query
                .filter(orders::state.eq_any(states.iter().map(|state| state.name()).collect::<Vec<_>>())),
        };
        if let Some(source_id) = self.source_id {
            query = query.filter(orders::source_id.eq(source_id.uuid()));
        }
        if let Some(customer_id) = self.customer_id {
            query = query.filter(orders::customer_id.eq(customer_id.uuid()));
        }
        if let Some(from) = self.created_from {
            query = query.filter(orders::create_time.ge(from));
        }
        if let Some(until) = self.created_until {
            query = query.filter(orders::create_time.lt(until));
        }
        if let Some((time, order_id)) = after {
            query = query.filter(
                fragment::<Bool>("(orders.create_time, orders.order_id) < (")
                    .bind::<Timestamptz, _>(time)
                    .sql(", ")
                    .bind::<SqlUuid, _>(order_id)
                    .sql(")"),
            );
        }
        match found {
            None => query,
            Some(Found::Few(ids)) => query.filter(orders::order_id.eq_any(ids)),
            Some(Found::Many(text)) => query.filter(text.matches()),
        }
    }
}

/// What a list shows of these orders, in any order.
pub async fn summaries(conn: &mut AsyncPgConnection, ids: &[Uuid]) -> Result<Vec<OrderSummary>> {
    let rows: Vec<(SummaryRow, Option<Rest>)> = orders::table
        .filter(orders::order_id.eq_any(ids))
        .select((SummaryRow::as_select(), fragment::<Nullable<Record<RestColumns>>>(REST)))
        .load(conn)
        .await?;
    rows.into_iter().map(read).collect()
}

fn read((row, rest): (SummaryRow, Option<Rest>)) -> Result<OrderSummary> {
    let (contact_name, line_count, ordered, shipped, delivered, cancelled, pay_by, ship_by, returned) =
        rest.unwrap_or_default();
    let currency: Currency =
        row.currency.parse().map_err(|_| Error::Corrupt(format!("the currency {}", row.currency)))?;
    let state = row.state.parse().map_err(Error::Corrupt)?;
    Ok(OrderSummary {
        order_id: OrderId::from_uuid(row.order_id),
        number: row.number,
        shop_id: ShopId::from_uuid(row.shop_id),
        state,
        status: row.status,
        source_id: SourceId::from_uuid(row.source_id),
        channel: row.channel,
        method: row.method.parse().map_err(Error::Corrupt)?,
        customer_id: row.customer_id.map(CustomerId::from_uuid),
        total: Money::new(currency, row.total),
        payment_status: PaymentStatus::of(state, row.total - returned, row.paid, row.refunded),
        fulfilment_status: FulfilmentStatus::of(LineSums { ordered, shipped, delivered, cancelled }),
        line_count,
        create_time: row.create_time,
        contact_name,
        deadlines: Deadlines { pay_by, ship_by },
    })
}
