//! An account of a shop at a payment provider or a fiscal registrar.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Error as StoreError, Store, Tx};
use types::{Currency, PaymentAccountId, ShopId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::schema::payment_accounts as rows;

/// Accounts of one shop that are looked at for a payment.
const CHOICES_MAX: i64 = 20;

/// Which outside system an account is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    KorobCard,
    Yookassa,
    Stripe,
    /// A fiscal registrar.
    Atol,
}

/// What an account does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Takes payments by card.
    Cards,
    /// Registers fiscal receipts.
    Receipts,
}

/// An account. Its credentials stay sealed until a call needs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub id: PaymentAccountId,
    pub shop: ShopId,
    pub kind: Kind,
    pub name: String,
    pub base_url: String,
    pub credentials_sealed: Vec<u8>,
    pub credential_names: Vec<String>,
    /// Whether the provider takes the money at once.
    pub automatic: bool,
    /// The lowest is tried first.
    pub priority: i32,
    pub enabled: bool,
    /// Empty means all.
    pub currencies: Vec<Currency>,
    pub settings: BTreeMap<String, String>,
    pub version: i64,
    pub create_time: DateTime<Utc>,
}

/// An account with its credentials open, for one call outside. Not shown in any form.
pub struct Access {
    pub id: PaymentAccountId,
    pub base_url: String,
    credentials: BTreeMap<String, String>,
    settings: BTreeMap<String, String>,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::KorobCard, Self::Yookassa, Self::Stripe, Self::Atol];

    /// The word in the database, in history and on attempts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KorobCard => "korob_card",
            Self::Yookassa => "yookassa",
            Self::Stripe => "stripe",
            Self::Atol => "atol",
        }
    }

    /// What such an account does.
    pub const fn purpose(self) -> Purpose {
        match self {
            Self::KorobCard | Self::Yookassa | Self::Stripe => Purpose::Cards,
            Self::Atol => Purpose::Receipts,
        }
    }

    /// The credentials it needs, all of them.
    pub const fn credentials(self) -> &'static [&'static str] {
        match self {
            Self::KorobCard => &["api_key", "webhook_secret"],
            Self::Yookassa => &["shop_id", "secret_key"],
            Self::Stripe => &["secret_key", "webhook_secret"],
            Self::Atol => &["login", "password"],
        }
    }

    /// The settings it knows.
    pub const fn settings(self) -> &'static [&'static str] {
        match self {
            Self::KorobCard | Self::Stripe => &[],
            Self::Yookassa => &["webhook_networks"],
            Self::Atol => &[
                "group_code",
                "tax_number",
                "payment_place",
                "seller_mailbox",
                "fallback_mailbox",
                "tax_system",
                "tax_code",
            ],
        }
    }

    /// The settings it cannot do without.
    pub const fn required_settings(self) -> &'static [&'static str] {
        match self {
            Self::KorobCard | Self::Stripe | Self::Yookassa => &[],
            Self::Atol => {
                &["group_code", "tax_number", "payment_place", "seller_mailbox", "fallback_mailbox"]
            }
        }
    }
}

impl Access {
    /// A credential; empty when it is not set, which the other side refuses.
    pub fn credential(&self, name: &str) -> &str {
        self.credentials.get(name).map(String::as_str).unwrap_or_default()
    }

    /// A setting, when it is set.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// `path` below the account's address.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url.trim_end_matches('/'))
    }

    /// For tests of adapters, which have no account in a database.
    pub fn to(base_url: &str, credentials: &[(&str, &str)], settings: &[(&str, &str)]) -> Self {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        Self {
            id: PaymentAccountId::new(),
            base_url: base_url.to_owned(),
            credentials: map(credentials),
            settings: map(settings),
        }
    }
}

impl Account {
    /// Opens the credentials for a call outside.
    pub fn open(&self, store: &Store) -> Result<Access> {
        Ok(Access {
            id: self.id,
            base_url: self.base_url.clone(),
            credentials: self.credentials(store)?,
            settings: self.settings.clone(),
        })
    }

    /// The credentials.
    pub fn credentials(&self, store: &Store) -> Result<BTreeMap<String, String>> {
        let opened = store.unseal(&self.credentials_sealed, &context(self.id))?;
        Ok(serde_json::from_slice(&opened).map_err(|_| StoreError::Unsealable)?)
    }

    /// Seals `credentials` for the account `id`.
    pub fn seal(store: &Store, id: PaymentAccountId, credentials: &BTreeMap<String, String>) -> Vec<u8> {
        store.seal(&serde_json::to_vec(credentials).unwrap_or_default(), &context(id))
    }

    /// Whether it takes `currency`.
    pub fn takes(&self, currency: Currency) -> bool {
        self.currencies.is_empty() || self.currencies.contains(&currency)
    }
}

/// Sealed bytes that are moved to another row do not open.
fn context(id: PaymentAccountId) -> String {
    format!("payment account {id}")
}

/// A row of `payment_accounts`.
#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = rows, primary_key(account_id))]
pub struct AccountRow {
    account_id: Uuid,
    shop_id: Uuid,
    kind: String,
    name: String,
    base_url: String,
    credentials_sealed: Vec<u8>,
    credential_names: Vec<String>,
    automatic: bool,
    priority: i32,
    enabled: bool,
    currencies: Vec<String>,
    settings: serde_json::Value,
    version: i64,
    create_time: DateTime<Utc>,
}

/// The account with this id.
pub async fn find(conn: &mut AsyncPgConnection, id: PaymentAccountId) -> Result<Option<Account>> {
    let row: Option<AccountRow> =
        rows::table.find(id.uuid()).select(AccountRow::as_select()).first(conn).await.optional()?;
    row.map(AccountRow::read).transpose()
}

/// The account with this id, which nobody else changes until the transaction ends.
pub async fn lock(tx: &mut Tx, id: PaymentAccountId) -> Result<Option<Account>> {
    let row = rows::table.find(id.uuid()).select(AccountRow::as_select()).for_update();
    let row: Option<AccountRow> = row.first(tx.conn()).await.optional()?;
    row.map(AccountRow::read).transpose()
}

/// The enabled accounts of a shop for this purpose and currency, the one to be tried first first.
pub async fn choices(
    conn: &mut AsyncPgConnection,
    shop: ShopId,
    purpose: Purpose,
    currency: Currency,
) -> Result<Vec<Account>> {
    let kinds = Kind::ALL.into_iter().filter(|kind| kind.purpose() == purpose).map(Kind::as_str);
    let found: Vec<AccountRow> = rows::table
        .filter(
            rows::shop_id
                .eq(shop.uuid())
                .and(rows::enabled)
                .and(rows::kind.eq_any(kinds.collect::<Vec<_>>())),
        )
        .order((rows::priority, rows::account_id))
        .limit(CHOICES_MAX)
        .select(AccountRow::as_select())
        .load(conn)
        .await?;
    let accounts = found.into_iter().map(AccountRow::read).collect::<Result<Vec<_>>>()?;
    Ok(accounts.into_iter().filter(|account| account.takes(currency)).collect())
}

/// Adds an account.
pub async fn insert(tx: &mut Tx, account: &Account) -> Result<()> {
    diesel::insert_into(rows::table).values(AccountRow::of(account)?).execute(tx.conn()).await?;
    Ok(())
}

/// Saves an account that was locked.
pub async fn save(tx: &mut Tx, account: &Account) -> Result<()> {
    let row = AccountRow::of(account)?;
    diesel::update(rows::table.find(row.account_id)).set(&row).execute(tx.conn()).await?;
    Ok(())
}

impl AccountRow {
    /// What the keyset of a list is made of.
    pub fn key(&self) -> (DateTime<Utc>, Uuid) {
        (self.create_time, self.account_id)
    }

    /// The account.
    pub fn read(self) -> Result<Account> {
        let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == self.kind);
        let currencies = self.currencies.iter().map(|code| crate::model::payment_rows::read_currency(code));
        Ok(Account {
            id: PaymentAccountId::from_uuid(self.account_id),
            shop: ShopId::from_uuid(self.shop_id),
            kind: kind.ok_or_else(|| StoreError::Corrupt("kind of a payment account".to_owned()))?,
            name: self.name,
            base_url: self.base_url,
            credentials_sealed: self.credentials_sealed,
            credential_names: self.credential_names,
            automatic: self.automatic,
            priority: self.priority,
            enabled: self.enabled,
            currencies: currencies.collect::<Result<_, _>>()?,
            settings: serde_json::from_value(self.settings)
                .map_err(|error| StoreError::Corrupt(format!("settings of an account: {error}")))?,
            version: self.version,
            create_time: self.create_time,
        })
    }

    fn of(account: &Account) -> Result<Self> {
        let settings = serde_json::to_value(&account.settings)
            .map_err(|error| Error::from(StoreError::Corrupt(error.to_string())))?;
        Ok(Self {
            account_id: account.id.uuid(),
            shop_id: account.shop.uuid(),
            kind: account.kind.as_str().to_owned(),
            name: account.name.clone(),
            base_url: account.base_url.clone(),
            credentials_sealed: account.credentials_sealed.clone(),
            credential_names: account.credential_names.clone(),
            automatic: account.automatic,
            priority: account.priority,
            enabled: account.enabled,
            currencies: account.currencies.iter().map(|currency| currency.code().to_owned()).collect(),
            settings,
            version: account.version,
            create_time: account.create_time,
        })
    }
}
