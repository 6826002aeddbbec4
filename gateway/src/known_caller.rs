//! Who a request comes from, once its key or token has been checked.

use proto::access::v1::ApiKey;
use rpc::{Actor, Buyer, Caller, Shops};

/// A caller that is known, and how often it may ask.
#[derive(Debug)]
pub(crate) struct KnownCaller {
    /// What its rate is counted under.
    pub(crate) name: String,
    pub(crate) caller: Caller,
    /// Requests per second.
    pub(crate) rate_limit: u32,
}

/// What a key gets that states no rate.
const RATE_LIMIT_DEFAULT: u32 = 100;

impl KnownCaller {
    /// The caller with a key; none when the key is revoked.
    pub(crate) fn of_key(key: ApiKey) -> Option<Self> {
        if key.revoke_time.is_some() {
            return None;
        }
        let shops = key.shop_ids.iter().map(|id| id.parse().ok()).collect::<Option<Vec<_>>>()?;
        let caller = Caller {
            actor: Actor::Key(key.key_id.parse().ok()?),
            on_behalf_of: None,
            shops: Shops::Only(shops),
            scopes: key.scopes,
        };
        let rate_limit = u32::try_from(key.rate_limit).ok().filter(|rate| *rate > 0);
        Some(Self { name: key.key_id, caller, rate_limit: rate_limit.unwrap_or(RATE_LIMIT_DEFAULT) })
    }

    /// The caller with a buyer's token. All tokens of one buyer share their rate.
    pub(crate) fn of_buyer(buyer: &Buyer, rate_limit: u32) -> Self {
        Self { name: format!("{}@{}", buyer.customer, buyer.shop), caller: buyer.caller(), rate_limit }
    }
}
