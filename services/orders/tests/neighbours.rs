//! Stand-ins of the services that orders asks: they keep what they were asked to hold, and fail on demand.

mod delivery_desk;
mod money_desk;
mod stock_desk;

use std::collections::{HashMap, HashSet, VecDeque};
use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use prost::{Message, Name};
use proto::{access, catalog, customers, events, inventory};
use rpc::{Fault, Servers, StackLayer};
use testing::World;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::Layer;
use types::{CustomerId, ReservationId, ShopId, SourceId, VariantId};

pub use delivery_desk::Plan;
pub use money_desk::Payment;
pub use stock_desk::Reservation;
use stock_desk::reservation;

/// How a call fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Does not fail: the one after it is that of a later call.
    Pass,
    /// Refused for a reason; nothing happens.
    Refuse(&'static str),
    /// Not reached; nothing happens.
    Unavailable,
    /// Done, and the answer is lost.
    AnswerLost,
    /// Never answered; nothing happens.
    HangBefore,
    /// Done and never answered.
    HangAfter,
}

/// All of them, in one memory that outlives a crash of orders. Cheap to clone.
#[derive(Clone, Default)]
pub struct Neighbours(Arc<Mutex<State>>);

#[derive(Default)]
pub struct State {
    pub shops: HashMap<String, access::v1::Shop>,
    pub sources: HashMap<String, access::v1::ChannelAccount>,
    pub products: HashMap<String, Product>,
    pub stock: HashMap<String, i64>,
    pub reservations: HashMap<String, Reservation>,
    pub plans: HashMap<String, Plan>,
    pub shipments: HashMap<String, String>,
    /// The carrier answers later.
    pub carrier_is_slow: bool,
    pub payments: HashMap<String, Payment>,
    /// Cancellations for which nothing was voided.
    pub refused_cancellations: HashSet<String>,
    /// Goods that came back, by posting.
    pub returns: HashMap<String, inventory::v1::PostReturnRequest>,
    pub customers: HashMap<String, CustomerId>,
    pub failures: HashMap<&'static str, VecDeque<Failure>>,
    pub calls: HashMap<&'static str, usize>,
    pub logs: HashMap<&'static str, Vec<events::v1::Event>>,
    /// What the courier takes now; `None` for what he always took.
    pub tariff: Option<&'static str>,
}

#[derive(Clone, Default)]
pub struct Product {
    pub price: Option<&'static str>,
    pub service: bool,
    pub price_quantity: i32,
    /// Of a kit: SKUs and units per kit.
    pub components: &'static [(&'static str, i32)],
}

impl Neighbours {
    /// Opens all of them to the services of `world`.
    pub fn move_into(&self, world: World) -> World {
        self.serve(&world, "access", self.as_one::<Access>());
        self.serve(&world, "catalog", self.as_one::<Catalog>());
        self.serve(&world, "customers", self.as_one::<Customers>());
        self.serve(&world, "delivery", self.as_one::<Delivery>());
        self.serve(&world, "inventory", self.as_one::<Inventory>());
        self.serve(&world, "payments", self.as_one::<Payments>());
        world
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// The next calls of `method` fail so, one after the other.
    pub fn fail(&self, method: &'static str, failures: impl IntoIterator<Item = Failure>) {
        self.state().failures.entry(method).or_default().extend(failures);
    }

    /// How often `method` was called.
    pub fn calls(&self, method: &'static str) -> usize {
        self.state().calls.get(method).copied().unwrap_or_default()
    }

    /// What is held for orders: reservations, plans and payments that nobody gave back.
    pub fn held(&self) -> Vec<String> {
        let state = self.state();
        let live = |gone: bool, id: &String| (!gone).then(|| id.clone());
        let reservations = state.reservations.iter().filter_map(|(id, one)| live(one.released, id));
        let plans = state.plans.iter().filter_map(|(id, one)| live(one.cancelled, id));
        let payments = state.payments.iter().filter_map(|(id, one)| live(one.voided, id));
        let mut held: Vec<String> = reservations.chain(plans).chain(payments).collect();
        held.sort();
        held
    }

    /// Tells the subscribers of `service`.
    pub fn tell<E: Message + Name>(&self, service: &'static str, aggregate_id: &str, event: &E) {
        self.tell_all(service, &[(aggregate_id, event)]);
    }

    /// The same of several aggregates at once.
    pub fn tell_all<E: Message + Name>(&self, service: &'static str, news: &[(&str, &E)]) {
        let mut state = self.state();
        let log = state.logs.entry(service).or_default();
        for (aggregate_id, event) in news {
            let position = log.len() as i64 + 1;
            let version = log.iter().filter(|known| known.aggregate_id == *aggregate_id).count() as i64 + 1;
            log.push(events::v1::Event {
                position,
                event_id: uuid::Uuid::new_v4().to_string(),
                aggregate_id: (*aggregate_id).to_owned(),
                aggregate_version: version,
                r#type: E::full_name(),
                body: event.encode_to_vec().into(),
                actor: format!("service:{service}"),
                create_time: Some(prost_types::Timestamp::default()),
                ..Default::default()
            });
        }
    }

    fn serve<C: Contract>(&self, world: &World, name: &'static str, service: StandIn<C>) {
        let servers = Servers::of(service).and(self.log(name));
        let layer = StackLayer::new(name, world.directory.keys().clone());
        world.directory.serve(name, layer.layer(servers));
    }

    fn as_one<C: Contract>(&self) -> StandIn<C> {
        StandIn(self.clone(), "", PhantomData)
    }

    fn log(&self, service: &'static str) -> StandIn<EventLog> {
        StandIn(self.clone(), service, PhantomData)
    }

    /// Does `effect` unless a failure is due.
    async fn answer<A>(
        &self,
        method: &'static str,
        effect: impl FnOnce(&mut State) -> Result<A, Status>,
    ) -> Result<Response<A>, Status> {
        let due = {
            let mut state = self.state();
            *state.calls.entry(method).or_default() += 1;
            state.failures.get_mut(method).and_then(VecDeque::pop_front)
        };
        match due {
            Some(Failure::Refuse(reason)) => Err(refused(reason)),
            Some(Failure::Unavailable) => Err(Status::unavailable("not reached")),
            Some(Failure::HangBefore) => std::future::pending().await,
            Some(Failure::AnswerLost) => {
                effect(&mut self.state())?;
                Err(Status::unavailable("the answer is lost"))
            }
            Some(Failure::HangAfter) => {
                effect(&mut self.state())?;
                std::future::pending().await
            }
            Some(Failure::Pass) | None => Ok(Response::new(effect(&mut self.state())?)),
        }
    }
}

fn refused(reason: &'static str) -> Status {
    Fault::new(Code::FailedPrecondition, reason, "refused by a stand-in").into()
}

fn absent(reason: &'static str) -> Status {
    Fault::new(Code::NotFound, reason, "there is none").into()
}

impl State {
    fn get_shop(&mut self, request: access::v1::GetShopRequest) -> Result<access::v1::Shop, Status> {
        self.shops.get(&request.shop_id).cloned().ok_or_else(|| absent("SHOP_NOT_FOUND"))
    }

    fn get_channel_account(
        &mut self,
        request: access::v1::GetChannelAccountRequest,
    ) -> Result<access::v1::ChannelAccount, Status> {
        self.sources.get(&request.source_id).cloned().ok_or_else(|| absent("CHANNEL_ACCOUNT_NOT_FOUND"))
    }

    fn identify(
        &mut self,
        request: customers::v1::IdentifyCustomerRequest,
    ) -> Result<customers::v1::IdentifyCustomerResponse, Status> {
        let identity = format!("{}{}", request.phone, request.email);
        let customer_id = *self.customers.entry(identity).or_default();
        Ok(customers::v1::IdentifyCustomerResponse {
            customer_id: customer_id.to_string(),
            ..Default::default()
        })
    }

    fn quote(
        &mut self,
        request: catalog::v1::QuoteItemsRequest,
    ) -> Result<catalog::v1::QuoteItemsResponse, Status> {
        let items = request.items.into_iter().map(|item| self.quoted(item, &request.currency_code)).collect();
        Ok(catalog::v1::QuoteItemsResponse { items })
    }

    fn quoted(&self, item: catalog::v1::QuoteItem, currency: &str) -> catalog::v1::QuotedItem {
        let Some(product) = self.products.get(&item.sku) else {
            return catalog::v1::QuotedItem { sku: item.sku, ..Default::default() };
        };
        let kind = match (product.service, product.components) {
            (true, _) => catalog::v1::ProductKind::Service,
            (false, []) => catalog::v1::ProductKind::Goods,
            (false, _) => catalog::v1::ProductKind::Kit,
        };
        let component = |(sku, quantity): &(&str, i32)| catalog::v1::QuotedComponent {
            sku: (*sku).to_owned(),
            quantity: *quantity,
            name: format!("Product {sku}"),
            weight_grams: 100,
        };
        let in_kit: i32 = product.components.iter().map(|(_, quantity)| quantity).sum();
        let currency = currency.parse().unwrap();
        let unit = product.price.map(|price| types::Money::parse(price, currency).unwrap());
        let total =
            unit.map(|unit| unit.scaled(item.quantity.into(), product.price_quantity.into()).unwrap());
        catalog::v1::QuotedItem {
            variant_id: VariantId::derived(uuid::Uuid::nil(), item.sku.len() as u32).to_string(),
            name: format!("Product {}", item.sku),
            sku: item.sku,
            found: true,
            kind: kind.into(),
            unit_price: unit.map(rpc::wire::money),
            total: total.map(rpc::wire::money),
            weight_grams: 100 * in_kit.max(1),
            components: product.components.iter().map(component).collect(),
            price_quantity: product.price_quantity,
            tax_category: "standard".to_owned(),
            ..Default::default()
        }
    }

    fn read_log(
        &self,
        service: &str,
        request: &events::v1::ReadEventsRequest,
    ) -> events::v1::ReadEventsResponse {
        let log = self.logs.get(service).map(Vec::as_slice).unwrap_or_default();
        let after = log.iter().filter(|event| event.position > request.after_position);
        let wanted = after.filter(|event| request.types.contains(&event.r#type));
        events::v1::ReadEventsResponse {
            events: wanted.take(100).cloned().collect(),
            read_position: (log.len() as i64).max(request.after_position),
            epoch: "one".to_owned(),
            trimmed_position: 0,
        }
    }
}

/// The shop that a test sells in.
pub fn shop(shop_id: ShopId) -> access::v1::Shop {
    access::v1::Shop {
        shop_id: shop_id.to_string(),
        legal_entity_id: types::LegalEntityId::derived(shop_id.uuid(), 0).to_string(),
        currency_code: "UAH".to_owned(),
        shortage_policy: access::v1::ShortagePolicy::Refuse.into(),
        number_prefix: "A-".to_owned(),
        country_code: "UA".to_owned(),
        ..Default::default()
    }
}

/// A source of that shop.
pub fn source(
    source_id: SourceId,
    shop_id: ShopId,
    channel: access::v1::Channel,
) -> access::v1::ChannelAccount {
    access::v1::ChannelAccount {
        source_id: source_id.to_string(),
        shop_id: shop_id.to_string(),
        channel: channel.into(),
        always_accept: channel == access::v1::Channel::Marketplace,
        ..Default::default()
    }
}

/// What inventory says when `reservation_id` of `owner` lost units.
pub fn short(
    reservation_id: ReservationId,
    owner: &str,
    held: &[(&str, i64)],
    short: &[(&str, i64, i64)],
) -> inventory::v1::StockShort {
    let known = Reservation {
        owner: owner.to_owned(),
        held: held.iter().map(|(sku, units)| ((*sku).to_owned(), *units)).collect(),
        short: short
            .iter()
            .map(|(sku, wanted, available)| inventory::v1::Shortage {
                sku: (*sku).to_owned(),
                wanted: *wanted,
                available: *available,
                missing: wanted - available,
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    };
    inventory::v1::StockShort { reservation: Some(reservation(&reservation_id.to_string(), &known)) }
}

/// A gRPC service whose name is known to its type.
pub trait Contract: Clone + Send + Sync + 'static {
    const NAME: &'static str;
}

macro_rules! contracts {
    ($($contract:ident = $name:literal),* $(,)?) => {$(
        #[derive(Clone)]
        pub struct $contract;

        impl Contract for $contract {
            const NAME: &'static str = $name;
        }
    )*};
}

contracts! {
    Access = "korob.access.v1.AccessService",
    Catalog = "korob.catalog.v1.CatalogService",
    Customers = "korob.customers.v1.CustomerService",
    Delivery = "korob.delivery.v1.DeliveryService",
    Inventory = "korob.inventory.v1.InventoryService",
    Payments = "korob.payments.v1.PaymentService",
    EventLog = "korob.events.v1.EventLogService",
}

/// The methods of one contract that orders calls.
#[derive(Clone)]
pub struct StandIn<C>(Neighbours, &'static str, PhantomData<C>);

impl<C: Contract> NamedService for StandIn<C> {
    const NAME: &'static str = C::NAME;
}

type Answer = std::pin::Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

impl<C: Contract> tower::Service<http::Request<Body>> for StandIn<C> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Answer {
        let (them, service) = (self.0.clone(), self.1);
        Box::pin(async move {
            let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
            Ok(match method.as_str() {
                "GetShop" => unary(request, them, "GetShop", State::get_shop).await,
                "GetChannelAccount" => {
                    unary(request, them, "GetChannelAccount", State::get_channel_account).await
                }
                "IdentifyCustomer" => unary(request, them, "IdentifyCustomer", State::identify).await,
                "QuoteItems" => unary(request, them, "QuoteItems", State::quote).await,
                "ReserveStock" => unary(request, them, "ReserveStock", State::reserve).await,
                "ReleaseReservation" => unary(request, them, "ReleaseReservation", State::release).await,
                "ShipReservation" => unary(request, them, "ShipReservation", State::ship).await,
                "ChangeReservation" => {
                    unary(request, them, "ChangeReservation", State::change_reservation).await
                }
                "GetReservation" => unary(request, them, "GetReservation", State::get_reservation).await,
                "LookUpStock" => unary(request, them, "LookUpStock", State::look_up).await,
                "PostReturn" => unary(request, them, "PostReturn", State::post_return).await,
                "QuoteDelivery" => unary(request, them, "QuoteDelivery", State::quote_delivery).await,
                "GetPayment" => unary(request, them, "GetPayment", State::get_payment).await,
                "ChangePaymentAmount" => {
                    unary(request, them, "ChangePaymentAmount", State::change_amount).await
                }
                "RefundPayment" => unary(request, them, "RefundPayment", State::refund).await,
                "PlanDelivery" => unary(request, them, "PlanDelivery", State::plan).await,
                "CancelDelivery" => unary(request, them, "CancelDelivery", State::cancel_delivery).await,
                "BookShipment" => unary(request, them, "BookShipment", State::book).await,
                "OpenPayment" => unary(request, them, "OpenPayment", State::open).await,
                "VoidPayment" => unary(request, them, "VoidPayment", State::void).await,
                "ReadEvents" => read_events(request, them, service).await,
                _ => Status::unimplemented("a stand-in does not know it").into_http(),
            })
        })
    }
}

async fn unary<Q, A>(
    request: http::Request<Body>,
    them: Neighbours,
    method: &'static str,
    effect: fn(&mut State, Q) -> Result<A, Status>,
) -> http::Response<Body>
where
    Q: Message + Default + Send + 'static,
    A: Message + Default + Send + 'static,
{
    let handler = tower::service_fn(move |asked: Request<Q>| {
        let them = them.clone();
        async move { them.answer(method, |state| effect(state, asked.into_inner())).await }
    });
    tonic::server::Grpc::new(ProstCodec::<A, Q>::default()).unary(handler, request).await
}

async fn read_events(
    request: http::Request<Body>,
    them: Neighbours,
    service: &'static str,
) -> http::Response<Body> {
    let handler = tower::service_fn(move |asked: Request<events::v1::ReadEventsRequest>| {
        let them = them.clone();
        async move {
            let asked = asked.into_inner();
            let mut left_ms = asked.wait_ms;
            loop {
                let page = them.state().read_log(service, &asked);
                if !page.events.is_empty() || left_ms <= 0 {
                    return Ok(Response::new(page));
                }
                left_ms -= 20;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    let codec = ProstCodec::<events::v1::ReadEventsResponse, events::v1::ReadEventsRequest>::default();
    tonic::server::Grpc::new(codec).unary(handler, request).await
}
