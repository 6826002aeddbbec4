//! Reads promo codes and writes them.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Bool, Timestamptz, Uuid as SqlUuid};
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, PgArrayExpressionMethods, QueryDsl,
    Queryable, Selectable, SelectableHelper, TextExpressionMethods,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Error, Result, Tx, fragment};
use types::{Money, PromoCodeId, ShopId};
use uuid::Uuid;

use crate::model::discount::{Percent, Reduction};
use crate::model::promo_code::{PromoCode, key_of};
use crate::schema::promo_codes;

/// The place of a code in a list.
pub type ListKey = (DateTime<Utc>, Uuid);

/// What a list of codes filters by.
#[derive(Debug, Clone, Default)]
pub struct PromoCodeFilter {
    /// The shops the reader may see; `None` for all.
    pub visible: Option<Vec<Uuid>>,
    /// Codes that this shop takes.
    pub shop_id: Option<ShopId>,
    /// Codes that begin with it.
    pub code_prefix: String,
    /// Also those that take nothing off any more.
    pub include_archived: bool,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = promo_codes)]
#[diesel(treat_none_as_null = true)]
struct Row {
    promo_code_id: Uuid,
    code: String,
    code_key: String,
    title: String,
    percent_hundredths: Option<i32>,
    amount: Option<i64>,
    amount_currency: Option<String>,
    goods_total_min: Option<i64>,
    minimum_currency: Option<String>,
    start_time: Option<DateTime<Utc>>,
    end_time: Option<DateTime<Utc>>,
    uses_max: Option<i32>,
    uses_per_customer_max: Option<i32>,
    shop_ids: Vec<Uuid>,
    archived: bool,
    use_count: i32,
    version: i64,
    create_time: DateTime<Utc>,
    update_time: DateTime<Utc>,
}

impl PromoCode {
    /// The code with this id.
    pub async fn find(conn: &mut AsyncPgConnection, id: PromoCodeId) -> Result<Option<Self>> {
        let row = promo_codes::table.find(id.uuid()).select(Row::as_select()).first(conn).await.optional()?;
        row.map(read).transpose()
    }

    /// The same, kept from other changes until the transaction ends.
    pub async fn lock(tx: &mut Tx, id: PromoCodeId) -> Result<Option<Self>> {
        let query = promo_codes::table.find(id.uuid()).select(Row::as_select()).for_update();
        query.first(tx.conn()).await.optional()?.map(read).transpose()
    }

    /// The code that a buyer typed, unless it is archived.
    pub async fn find_typed(conn: &mut AsyncPgConnection, typed: &str) -> Result<Option<Self>> {
        let query = promo_codes::table.filter(promo_codes::code_key.eq(key_of(typed)));
        let query = query.filter(fragment::<Bool>("NOT archived")).select(Row::as_select());
        query.first(conn).await.optional()?.map(read).transpose()
    }

    /// The same, kept from other orders until the transaction ends: they count its uses one after the other.
    pub async fn lock_typed(tx: &mut Tx, typed: &str) -> Result<Option<Self>> {
        let query = promo_codes::table.filter(promo_codes::code_key.eq(key_of(typed)));
        let query = query.filter(fragment::<Bool>("NOT archived")).select(Row::as_select()).for_update();
        query.first(tx.conn()).await.optional()?.map(read).transpose()
    }

    /// Writes a new one; false when a code that is not archived is spelled so.
    pub async fn insert(&self, tx: &mut Tx) -> Result<bool> {
        let insert = diesel::insert_into(promo_codes::table).values(row(self)).on_conflict_do_nothing();
        Ok(insert.execute(tx.conn()).await? == 1)
    }

    /// Writes what people may change; it was locked in this transaction.
    pub async fn save(&self, tx: &mut Tx) -> Result<()> {
        diesel::update(promo_codes::table.find(self.promo_code_id.uuid()))
            .set(row(self))
            .execute(tx.conn())
            .await?;
        Ok(())
    }

    /// Whether another code that is not archived is spelled like it.
    pub async fn is_taken(&self, tx: &mut Tx) -> Result<bool> {
        let other = Self::find_typed(tx.conn(), &self.code).await?;
        Ok(other.is_some_and(|other| other.promo_code_id != self.promo_code_id))
    }
}

impl PromoCodeFilter {
    /// The rows after `after`, newest first.
    pub async fn page(
        &self,
        conn: &mut AsyncPgConnection,
        after: Option<ListKey>,
        limit: i64,
    ) -> Result<Vec<PromoCode>> {
        let mut query = promo_codes::table.into_boxed();
        if !self.include_archived {
            query = query.filter(promo_codes::archived.eq(false));
        }
        if let Some(visible) = &self.visible {
            let of_all = promo_codes::shop_ids.eq(Vec::<Uuid>::new());
            query = query.filter(diesel::BoolExpressionMethods::or(
                of_all,
                promo_codes::shop_ids.overlaps_with(visible.clone()),
            ));
        }
        if let Some(shop_id) = self.shop_id {
            let of_all = promo_codes::shop_ids.eq(Vec::<Uuid>::new());
            let of_shop = promo_codes::shop_ids.contains(vec![shop_id.uuid()]);
            query = query.filter(diesel::BoolExpressionMethods::or(of_all, of_shop));
        }
        if !self.code_prefix.is_empty() {
            let escaped =
                key_of(&self.code_prefix).replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            query = query.filter(promo_codes::code_key.like(escaped + "%"));
        }
        if let Some((time, id)) = after {
            query = query.filter(
                fragment::<Bool>("(promo_codes.create_time, promo_codes.promo_code_id) < (")
                    .bind::<Timestamptz, _>(time)
                    .sql(", ")
                    .bind::<SqlUuid, _>(id)
                    .sql(")"),
            );
        }
        let rows = query
            .order((promo_codes::create_time.desc(), promo_codes::promo_code_id.desc()))
            .limit(limit)
            .select(Row::as_select())
            .load(conn)
            .await?;
        rows.into_iter().map(read).collect()
    }
}

fn row(code: &PromoCode) -> Row {
    let (percent, amount) = match code.reduction {
        Reduction::Percent(percent) => (i32::try_from(percent.hundredths()).ok(), None),
        Reduction::Amount(amount) => (None, Some(amount)),
    };
    let currency = |money: Option<Money>| money.map(|money| money.currency().code().to_owned());
    Row {
        promo_code_id: code.promo_code_id.uuid(),
        code: code.code.clone(),
        code_key: key_of(&code.code),
        title: code.title.clone(),
        percent_hundredths: percent,
        amount: amount.map(Money::minor),
        amount_currency: currency(amount),
        goods_total_min: code.goods_total_min.map(Money::minor),
        minimum_currency: currency(code.goods_total_min),
        start_time: code.start_time,
        end_time: code.end_time,
        uses_max: code.uses_max,
        uses_per_customer_max: code.uses_per_customer_max,
        shop_ids: code.shop_ids.iter().map(|shop| shop.uuid()).collect(),
        archived: code.archived,
        use_count: code.use_count,
        version: code.version,
        create_time: code.create_time,
        update_time: code.update_time,
    }
}

fn read(row: Row) -> Result<PromoCode> {
    let corrupt = || Error::Corrupt(format!("the promo code {}", row.code));
    let money = |minor: Option<i64>, currency: &Option<String>| -> Result<Option<Money>> {
        let (Some(minor), Some(code)) = (minor, currency) else { return Ok(None) };
        Ok(Some(Money::new(code.parse().map_err(|_| corrupt())?, minor)))
    };
    let reduction = match (row.percent_hundredths, money(row.amount, &row.amount_currency)?) {
        (Some(hundredths), _) => {
            Reduction::Percent(Percent::of_hundredths(hundredths.into()).map_err(|_| corrupt())?)
        }
        (None, Some(amount)) => Reduction::Amount(amount),
        (None, None) => return Err(corrupt()),
    };
    Ok(PromoCode {
        promo_code_id: PromoCodeId::from_uuid(row.promo_code_id),
        goods_total_min: money(row.goods_total_min, &row.minimum_currency)?,
        code: row.code,
        title: row.title,
        reduction,
        start_time: row.start_time,
        end_time: row.end_time,
        uses_max: row.uses_max,
        uses_per_customer_max: row.uses_per_customer_max,
        shop_ids: row.shop_ids.into_iter().map(ShopId::from_uuid).collect(),
        archived: row.archived,
        use_count: row.use_count,
        version: row.version,
        create_time: row.create_time,
        update_time: row.update_time,
    })
}
