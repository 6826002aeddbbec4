//! Those who carry parcels: the shop's own courier and counter, and carriers outside, one dialect a file.
//!
//! Carriers are asked outside any transaction. What matters about an answer that did not come is whether the carrier may have
//! done what was asked: [`CarrierError`] tells. A parcel is asked for under our own reference, which is asked about before
//! anything is repeated.

mod cdek;
mod cdek_codes;
mod cdek_tokens;
mod cdek_wire;
mod checks;
mod code128;
mod code_map;
mod nova_poshta;
mod nova_poshta_codes;
mod own_courier;
mod own_label;
mod parcel;
mod parcel_codes;
mod parcel_wire;
mod pickup_counter;
mod reply;
mod waybill;
mod weight;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use outbound::{Client, Reach};
use rpc::Fields;
use store::Store;
use types::{Money, ShipmentId};

use self::cdek::Cdek;
pub use self::cdek_codes::CDEK_CODES;
use self::cdek_tokens::Tokens;
pub use self::code_map::{CodeMap, Meaning};
use self::nova_poshta::NovaPoshta;
pub use self::nova_poshta_codes::NOVA_POSHTA_CODES;
use self::own_courier::OwnCourier;
use self::parcel::ParcelCarrier;
pub use self::parcel_codes::PARCEL_CODES;
use self::pickup_counter::PickupCounter;
pub use self::waybill::Waybill;
use crate::model::carrier_account::{CarrierAccount, CarrierKind};
use crate::model::consignment::Consignment;
use crate::model::incident::Cause;
use crate::model::label_rows::Label;
use crate::model::tariff::Cart;

/// What a carrier answers.
pub type Answer<T> = Result<T, CarrierError>;

/// Who carries parcels.
pub trait Carrier: Send + Sync {
    /// Its name on parcels.
    fn name(&self) -> &'static str;

    /// Notes what a parcel lacks for this carrier.
    fn check(&self, parcel: &Consignment, fields: &mut Fields);

    /// Asks for a parcel. Not repeatable: who got no answer asks [`Carrier::find`] first.
    fn create<'a>(&'a self, parcel: &'a Consignment) -> BoxFuture<'a, Answer<Booking>>;

    /// A label of a booked parcel; `None` when it is not made yet.
    fn label<'a>(&'a self, parcel: Booked<'a>) -> BoxFuture<'a, Answer<Option<Label>>>;

    /// What the carrier has under our own reference, oldest first.
    fn find<'a>(&'a self, _reference: ShipmentId, _period: Period) -> BoxFuture<'a, Answer<Vec<Booking>>> {
        async { Ok(Vec::new()) }.boxed()
    }

    /// How far a parcel is that the carrier accepted.
    fn follow<'a>(&'a self, parcel: Booked<'a>) -> BoxFuture<'a, Answer<Booking>> {
        async move { Ok(parcel.as_registered()) }.boxed()
    }

    /// Cancels a parcel; `Waiting` when the carrier does it later.
    fn cancel<'a>(&'a self, _parcel: Booked<'a>) -> BoxFuture<'a, Answer<Cancelled>> {
        async { Ok(Cancelled::Done) }.boxed()
    }

    /// Prices, by service.
    fn quote<'a>(&'a self, _cart: &'a Cart<'a>) -> BoxFuture<'a, Answer<Vec<ServicePrice>>> {
        async { Ok(Vec::new()) }.boxed()
    }

    /// The branches and lockers of a city, in any order.
    fn pickup_points<'a>(
        &'a self,
        _country: &'a str,
        _city: &'a str,
    ) -> BoxFuture<'a, Answer<Vec<PickupPoint>>> {
        async { Ok(Vec::new()) }.boxed()
    }

    /// How many parcels it is asked about at once.
    fn track_batch_max(&self) -> usize {
        1
    }

    /// What happened to parcels; those it does not know are left out.
    fn track<'a>(
        &'a self,
        _parcels: &'a [TrackedParcel],
        _now: DateTime<Utc>,
    ) -> BoxFuture<'a, Answer<Vec<Report>>> {
        async { Ok(Vec::new()) }.boxed()
    }

    /// What its codes mean.
    fn codes(&self) -> &'static CodeMap {
        &CodeMap::NONE
    }

    /// Whether a webhook is genuine, as far as can be told without asking.
    fn verify_webhook(&self, _webhook: &Webhook<'_>) -> Result<(), Unverified> {
        Err(Unverified)
    }

    /// Reads a genuine webhook.
    fn read_webhook(&self, _body: &[u8]) -> Result<Notice, Unreadable> {
        Err(Unreadable)
    }

    /// Tells the carrier where its webhooks go; empty ends them.
    fn send_webhooks_to<'a>(&'a self, _url: &'a str) -> BoxFuture<'a, Answer<()>> {
        async { Ok(()) }.boxed()
    }
}

/// How far a parcel is with its carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Booking {
    /// Accepted; the waybill comes later.
    Waiting { carrier_parcel_id: String },
    /// There is a waybill.
    Registered { carrier_parcel_id: String, tracking_number: String, price: Option<Money> },
    /// The carrier will not carry it.
    Rejected { carrier_parcel_id: String, cause: Cause },
    /// It was cancelled.
    Cancelled { carrier_parcel_id: String },
}

impl Booking {
    /// Whether the carrier may carry it.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Waiting { .. } | Self::Registered { .. })
    }

    /// What the carrier calls it.
    pub fn carrier_parcel_id(&self) -> &str {
        match self {
            Self::Waiting { carrier_parcel_id }
            | Self::Registered { carrier_parcel_id, .. }
            | Self::Rejected { carrier_parcel_id, .. }
            | Self::Cancelled { carrier_parcel_id } => carrier_parcel_id,
        }
    }
}

/// When a parcel may have been asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub since: DateTime<Utc>,
    pub until: DateTime<Utc>,
}

/// A parcel the carrier knows.
#[derive(Debug, Clone, Copy)]
pub struct Booked<'a> {
    pub consignment: &'a Consignment,
    pub carrier_parcel_id: &'a str,
    pub tracking_number: &'a str,
}

impl Booked<'_> {
    fn as_registered(&self) -> Booking {
        Booking::Registered {
            carrier_parcel_id: self.carrier_parcel_id.to_owned(),
            tracking_number: self.tracking_number.to_owned(),
            price: None,
        }
    }
}

/// What cancelling led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// There is no waybill any more.
    Done,
    /// The carrier says later.
    Waiting,
}

/// The price of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePrice {
    pub service: String,
    pub price: Money,
    pub days_min: i32,
    pub days_max: i32,
}

/// A branch or a locker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PickupPoint {
    pub code: String,
    pub locker: bool,
    pub name: String,
    pub country_code: String,
    pub city: String,
    pub postal_code: String,
    pub street: String,
    /// 0 when the carrier names none.
    pub weight_grams_max: i32,
    pub cash_on_delivery: bool,
    pub opening_hours: String,
    pub latitude: String,
    pub longitude: String,
}

/// A parcel to ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackedParcel {
    pub carrier_parcel_id: String,
    pub tracking_number: String,
}

/// What a carrier says of one parcel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Empty when it is named by the carrier's own id.
    pub tracking_number: String,
    pub carrier_parcel_id: String,
    pub events: Vec<CarrierEvent>,
    pub storage_end_time: Option<DateTime<Utc>>,
    /// What it has taken from the buyer.
    pub collected: Option<Money>,
    /// What it has passed on to the shop.
    pub transferred: Option<Money>,
    /// What it weighed, as of the newest of the events.
    pub weighed_grams: Option<i32>,
}

/// One event in the carrier's own terms.
#[derive(Clone, PartialEq, Eq)]
pub struct CarrierEvent {
    /// By which it is recognised when it comes again.
    pub event_id: String,
    pub code: String,
    pub occur_time: DateTime<Utc>,
    pub words: String,
    pub place: String,
    /// From the closed list, when the carrier says more than its code.
    pub incident_reason: Option<&'static str>,
}

impl std::fmt::Debug for CarrierEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CarrierEvent({} {} at {})", self.event_id, self.code, self.occur_time)
    }
}

/// A webhook as it came.
#[derive(Debug, Clone, Copy)]
pub struct Webhook<'a> {
    /// By lower-case name.
    pub headers: &'a BTreeMap<String, String>,
    pub body: &'a [u8],
    pub now: DateTime<Utc>,
}

/// What a webhook tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The carrier's word, which its signature vouches for.
    Tracked(Report),
    /// The booking of a parcel went on.
    Booked(Booking),
    /// Something is new: the carrier is to be asked about this parcel.
    AskAgain { carrier_parcel_id: String, tracking_number: String },
    /// Nothing for us.
    Nothing,
}

/// A webhook whose sender is not who it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unverified;

/// A webhook that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

/// Why a carrier did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CarrierError {
    /// Surely not done; may be asked again after a pause.
    #[error("not now: {cause}")]
    NotNow { cause: String, pause: Option<Duration> },
    /// May have been done.
    #[error("no answer: {cause}")]
    Unknown { cause: String },
    /// It will never be done like this.
    #[error("refused: {0:?}")]
    Refused(Cause),
    /// Our own database.
    #[error(transparent)]
    Ours(#[from] store::Error),
}

/// All carriers.
pub struct Carriers {
    own_courier: Arc<OwnCourier>,
    pickup_counter: Arc<PickupCounter>,
    client: Client,
    tokens: Arc<Tokens>,
}

impl Carriers {
    /// The carriers of this installation; `store` numbers the waybills of the shop's own, the others are reached with `client`.
    pub fn new(store: Store, client: Client) -> Self {
        Self {
            tokens: Arc::new(Tokens::new(store.clock().clone())),
            own_courier: Arc::new(OwnCourier::new(store.clone())),
            pickup_counter: Arc::new(PickupCounter::new(store)),
            client,
        }
    }

    /// Where a carrier outside may be.
    pub fn reach(&self) -> &Reach {
        self.client.reach()
    }

    /// The shop's own carrier with this name on parcels.
    pub fn own(&self, name: &str) -> Arc<dyn Carrier> {
        if name == self.pickup_counter.name() { self.counter() } else { self.courier() }
    }

    /// The shop's own courier.
    pub fn courier(&self) -> Arc<dyn Carrier> {
        self.own_courier.clone()
    }

    /// The shop's own counter.
    pub fn counter(&self) -> Arc<dyn Carrier> {
        self.pickup_counter.clone()
    }

    /// The carrier that an account is with. The one place where a dialect is chosen.
    pub fn outside(&self, account: &CarrierAccount) -> Arc<dyn Carrier> {
        let client = self.client.clone();
        match account.kind {
            CarrierKind::Parcel => Arc::new(ParcelCarrier::new(client, account)),
            CarrierKind::NovaPoshta => Arc::new(NovaPoshta::new(client, account)),
            CarrierKind::Cdek => Arc::new(Cdek::new(client, account, self.tokens.clone())),
        }
    }
}
