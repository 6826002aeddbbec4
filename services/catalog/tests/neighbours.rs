//! Stand-ins of the services that catalog asks.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use prost::Message;
use proto::access::v1 as access;
use proto::inventory::v1 as inventory;
use testing::World;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

/// What they know, and how they behave. Cheap to clone.
#[derive(Clone, Default)]
pub struct Neighbours(Arc<Mutex<State>>);

#[derive(Default)]
pub struct State {
    /// Units by SKU and warehouse.
    pub stock: BTreeMap<String, BTreeMap<String, i64>>,
    pub shops: BTreeMap<String, access::Shop>,
    /// How many SKUs each question to inventory named.
    pub questions: Vec<usize>,
    /// Inventory never answers.
    pub hanging: bool,
    /// Inventory is not there.
    pub away: bool,
}

impl Neighbours {
    /// Opens them to the services of `world`.
    pub fn move_into(&self, world: World) -> World {
        world.stand_in("inventory", Inventory(self.clone())).stand_in("access", Access(self.clone()))
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panicked here")
    }

    /// Puts units of a SKU into a warehouse.
    pub fn put(&self, sku: &str, warehouse: &str, units: i64) {
        self.state().stock.entry(sku.to_owned()).or_default().insert(warehouse.to_owned(), units);
    }

    fn look_up(
        &self,
        request: inventory::LookUpStockRequest,
    ) -> Result<inventory::LookUpStockResponse, Status> {
        let mut state = self.state();
        state.questions.push(request.skus.len());
        if request.skus.is_empty() || request.skus.len() > 200 {
            return Err(Status::invalid_argument("1 to 200 SKUs"));
        }
        let stocks = request.skus.into_iter().map(|sku| {
            let levels: Vec<inventory::StockLevel> = state
                .stock
                .get(&sku)
                .into_iter()
                .flatten()
                .map(|(warehouse_id, units)| inventory::StockLevel {
                    sku: sku.clone(),
                    warehouse_id: warehouse_id.clone(),
                    condition: inventory::Condition::Sellable.into(),
                    on_hand: *units,
                    available: *units,
                    ..Default::default()
                })
                .collect();
            let available = levels.iter().map(|level| level.available).sum();
            inventory::SkuStock { sku, available, levels, ..Default::default() }
        });
        Ok(inventory::LookUpStockResponse { stocks: stocks.collect() })
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

#[derive(Clone)]
struct Inventory(Neighbours);

impl NamedService for Inventory {
    const NAME: &'static str = "korob.inventory.v1.InventoryService";
}

impl tower::Service<http::Request<Body>> for Inventory {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Answer {
        let them = self.0.clone();
        Box::pin(async move {
            let behaviour = |pick: fn(&State) -> bool| pick(&them.state());
            if behaviour(|state| state.hanging) {
                std::future::pending::<()>().await;
            }
            if behaviour(|state| state.away) {
                return Ok(Status::unavailable("inventory is away").into_http());
            }
            Ok(unary(request, move |asked| them.look_up(asked)).await)
        })
    }
}

#[derive(Clone)]
struct Access(Neighbours);

impl NamedService for Access {
    const NAME: &'static str = "korob.access.v1.AccessService";
}

impl tower::Service<http::Request<Body>> for Access {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Answer {
        let them = self.0.clone();
        let shop = move |asked: access::GetShopRequest| {
            let shop = them.state().shops.get(&asked.shop_id).cloned();
            shop.ok_or_else(|| {
                rpc::Fault::new(tonic::Code::NotFound, "SHOP_NOT_FOUND", "there is none").into()
            })
        };
        Box::pin(async move { Ok(unary(request, shop).await) })
    }
}

async fn unary<Q, A>(
    request: http::Request<Body>,
    answer: impl Fn(Q) -> Result<A, Status> + Clone + Send + Sync + 'static,
) -> http::Response<Body>
where
    Q: Message + Default + Send + 'static,
    A: Message + Default + Send + 'static,
{
    let handler = tower::service_fn(move |asked: Request<Q>| {
        let answer = answer.clone();
        async move { answer(asked.into_inner()).map(Response::new) }
    });
    Grpc::new(ProstCodec::<A, Q>::default()).unary(handler, request).await
}
