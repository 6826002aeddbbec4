//! Asks access for shops and sources, and remembers the answers for moments.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use proto::access::v1 as pb;
use proto::access::v1::access_service_client::AccessServiceClient;
use rpc::{Call, Channel};
use tonic::{Code, Status};
use types::{Clock, Currency, LegalEntityId, ShopId, SourceId, WarehouseId};

use crate::error::{Error, Result};
use crate::model::public_status::PublicStatusNames;
use crate::model::quote::QUOTE_MINUTES_DEFAULT;
use crate::wire;

/// A change of a shop is in force everywhere after this.
const FRESH: TimeDelta = TimeDelta::seconds(5);
/// While access cannot be asked, its last word holds for so long: orders come in whatever else is down.
const STALE: TimeDelta = TimeDelta::minutes(30);
/// Shops and sources that are remembered.
const REMEMBERED_MAX: usize = 10_000;
const PATIENCE: Duration = Duration::from_secs(2);

/// What orders needs to know of a shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shop {
    /// Its id.
    pub shop_id: ShopId,
    /// Who sells.
    pub legal_entity_id: Option<LegalEntityId>,
    /// Of orders that name none.
    pub currency: Currency,
    /// How phones without a country are read.
    pub country_code: String,
    /// Before the numbers of its orders.
    pub number_prefix: String,
    /// Where stock is taken, in this order.
    pub warehouse_ids: Vec<WarehouseId>,
    /// Whether orders are taken although stock is short.
    pub accepts_shortage: bool,
    /// Whether an order may be taken from several warehouses.
    pub split_allowed: bool,
    /// An order that must be paid first is cancelled so long after it was placed; `None`: never.
    pub pay_by_minutes: Option<i32>,
    /// How long a quote holds, in minutes.
    pub quote_minutes: i64,
    /// Its language, such as `uk-UA`.
    pub locale: String,
    /// What its buyers read where the desk reads a state.
    pub public_status_names: PublicStatusNames,
}

/// What orders needs to know of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its id.
    pub source_id: SourceId,
    /// Whose it is.
    pub shop_id: ShopId,
    /// Its kind, as price lists name it.
    pub channel: &'static str,
    /// Whether it has sold already.
    pub always_accepts: bool,
}

/// Shops and sources, remembered.
#[derive(Clone)]
pub struct Access {
    channel: Channel,
    clock: Clock,
    shops: Remembered<ShopId, Shop>,
    sources: Remembered<SourceId, Source>,
}

impl Access {
    pub(super) fn new(channel: Channel, clock: Clock) -> Self {
        Self { channel, clock, shops: Remembered::default(), sources: Remembered::default() }
    }

    /// The shop.
    pub async fn shop(&self, call: &Call, shop_id: ShopId) -> Result<Arc<Shop>> {
        let now = self.clock.now();
        if let Some(known) = self.shops.recall(&shop_id, now, FRESH) {
            return Ok(known);
        }
        let request = pb::GetShopRequest { shop_id: shop_id.to_string() };
        match self.client(call).get_shop(request).await {
            Ok(answer) => Ok(self.shops.keep(shop_id, read_shop(shop_id, answer.into_inner())?, now)),
            Err(status) => self.shops.or_stale(&shop_id, now, status, Error::ShopNotFound),
        }
    }

    /// The source.
    pub async fn source(&self, call: &Call, source_id: SourceId) -> Result<Arc<Source>> {
        let now = self.clock.now();
        if let Some(known) = self.sources.recall(&source_id, now, FRESH) {
            return Ok(known);
        }
        let request = pb::GetChannelAccountRequest { source_id: source_id.to_string() };
        match self.client(call).get_channel_account(request).await {
            Ok(answer) => Ok(self.sources.keep(source_id, read_source(source_id, answer.into_inner())?, now)),
            Err(status) => self.sources.or_stale(&source_id, now, status, Error::SourceNotFound),
        }
    }

    /// Asked as orders: the caller's own key need not be one that reads shops.
    fn client(&self, call: &Call) -> AccessServiceClient<rpc::BoundChannel> {
        let call = call.continued_by("orders", PATIENCE.min(call.remaining()));
        AccessServiceClient::new(self.channel.bind(&call))
    }
}

type Entries<K, V> = HashMap<K, (DateTime<Utc>, Arc<V>)>;

/// Answers and when they were given.
struct Remembered<K, V>(Arc<Mutex<Entries<K, V>>>);

impl<K, V> Clone for Remembered<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash, V> Remembered<K, V> {
    fn recall(&self, key: &K, now: DateTime<Utc>, age_max: TimeDelta) -> Option<Arc<V>> {
        let entries = self.lock();
        let (asked, value) = entries.get(key)?;
        let age = now.signed_duration_since(asked);
        (TimeDelta::zero() <= age && age < age_max).then(|| value.clone())
    }

    fn keep(&self, key: K, value: V, now: DateTime<Utc>) -> Arc<V> {
        let value = Arc::new(value);
        let mut entries = self.lock();
        if entries.len() >= REMEMBERED_MAX {
            entries.clear();
        }
        entries.insert(key, (now, value.clone()));
        value
    }

    /// The last word when nothing newer can be had.
    fn or_stale(&self, key: &K, now: DateTime<Utc>, status: Status, absent: Error) -> Result<Arc<V>> {
        if status.code() == Code::NotFound {
            self.lock().remove(key);
            return Err(absent);
        }
        let stale = self.recall(key, now, STALE).filter(|_| rpc::is_unknown_outcome(&status));
        stale.ok_or(Error::Answered(status))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries<K, V>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn read_shop(shop_id: ShopId, shop: pb::Shop) -> Result<Shop> {
    let accepts_shortage = shop.shortage_policy() == pb::ShortagePolicy::Accept;
    Ok(Shop {
        shop_id,
        legal_entity_id: shop.legal_entity_id.parse().ok(),
        currency: shop.currency_code.parse().map_err(|_| unreadable("a shop's currency"))?,
        country_code: shop.country_code,
        number_prefix: shop.number_prefix,
        warehouse_ids: shop.warehouse_ids.iter().filter_map(|id| id.parse().ok()).collect(),
        accepts_shortage,
        split_allowed: shop.split_allowed.unwrap_or(true),
        pay_by_minutes: Some(shop.pay_by_minutes).filter(|minutes| *minutes > 0),
        public_status_names: read_names(&shop.public_status_names),
        locale: shop.locale,
        quote_minutes: match shop.quote_minutes {
            0 => QUOTE_MINUTES_DEFAULT,
            minutes => minutes.into(),
        },
    })
}

fn read_names(names: &[pb::PublicStatusName]) -> PublicStatusNames {
    let of_state = |one: &pb::PublicStatusName| {
        let words = one.names.iter().map(|(language, name)| (language.to_lowercase(), name.clone()));
        Some((wire::read_state(one.state())?.name(), words.collect()))
    };
    PublicStatusNames(names.iter().filter_map(of_state).collect())
}

fn read_source(source_id: SourceId, account: pb::ChannelAccount) -> Result<Source> {
    let channel = match account.channel() {
        pb::Channel::Unspecified => "",
        pb::Channel::Site => "site",
        pb::Channel::Marketplace => "marketplace",
        pb::Channel::Messenger => "messenger",
        pb::Channel::Phone => "phone",
        pb::Channel::Social => "social",
        pb::Channel::Offline => "offline",
    };
    let shop_id = account.shop_id.parse().map_err(|_| unreadable("a source's shop"))?;
    Ok(Source { source_id, shop_id, channel, always_accepts: account.always_accept })
}

fn unreadable(what: &str) -> Error {
    Error::Answered(Status::internal(format!("access answered {what} that cannot be read")))
}
