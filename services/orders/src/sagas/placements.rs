//! Where the process that places orders reads them, and where it writes what became of them.

use std::sync::Arc;

use rpc::Call;
use store::Store;
use tonic::Status;
use types::{OrderId, QuoteId};

use crate::batches::commit_orders::Commits;
use crate::batches::settle_orders::Settlement;
use crate::model::order::{Identified, Order};
use crate::model::placement::{Priced, Quote};
use crate::sagas::offers::Offers;
use crate::sagas::place_order::Settled;
pub use crate::sagas::recorded_orders::Quotes;
use crate::sagas::recorded_orders::RecordedOrders;

pub use crate::sagas::offers::{PricesHold, Redeemed};

/// Orders that are being placed. In the product [`StoredPlacements`]; `tests/simulation` keeps them in memory.
pub trait Placements: Send + Sync + 'static {
    /// An order as it was recorded.
    fn read(&self, order_id: OrderId) -> impl Future<Output = Result<Arc<Order>, Status>> + Send;

    /// What the catalog said of the order's lines when it was recorded, once; `None` when it is to be asked.
    fn quotes(&self, _order_id: OrderId) -> impl Future<Output = Option<Vec<Option<Quote>>>> + Send {
        std::future::ready(None)
    }

    /// The frozen prices of a quote.
    fn quoted(&self, quote_id: QuoteId) -> impl Future<Output = Result<Priced, Status>> + Send;

    /// Takes a promo code for the order, once however often it is asked.
    fn redeem(
        &self,
        call: &Call,
        order: &Order,
        prices: PricesHold,
        typed: &str,
        customer: Identified,
        priced: Priced,
    ) -> impl Future<Output = Result<Redeemed, Status>> + Send;

    /// Gives back the code that an order has taken, or sees to it that it never takes one.
    fn give_back(&self, call: &Call, order_id: OrderId) -> impl Future<Output = Result<(), Status>> + Send;

    /// Writes an order that left the state placing, its event, its history and the end of its saga in one commit. When
    /// somebody else has ended the saga, nothing is written: the answer is how that went.
    fn settle(&self, call: &Call, order: Order) -> impl Future<Output = Result<Settled, Status>> + Send;
}

/// Those in the database.
pub struct StoredPlacements {
    store: Store,
    commits: Commits,
    recorded: RecordedOrders,
    offers: Offers,
}

impl StoredPlacements {
    /// Those in `store`, settled by `commits`.
    pub fn new(store: Store, commits: Commits) -> Self {
        let offers = Offers::new(store.clone());
        Self { store, commits, recorded: RecordedOrders::default(), offers }
    }

    /// Spares the saga of an order that was just recorded reading it back, and perhaps asking for its prices.
    pub fn remember(&self, order: Order, quotes: Option<Quotes>) {
        self.recorded.remember(order, quotes);
    }
}

impl Placements for StoredPlacements {
    async fn read(&self, order_id: OrderId) -> Result<Arc<Order>, Status> {
        if let Some(order) = self.recorded.recall(order_id) {
            return Ok(order);
        }
        let mut connection = self.store.connection().await.map_err(|error| error.fault())?;
        let order = Order::load(&mut connection, order_id).await.map_err(|error| error.fault())?;
        order.map(Arc::new).ok_or_else(|| Status::internal("the saga's order is gone"))
    }

    async fn quotes(&self, order_id: OrderId) -> Option<Vec<Option<Quote>>> {
        // A failure is met again by who asks again.
        self.recorded.take_quotes(order_id)?.await.ok()?.ok()
    }

    async fn quoted(&self, quote_id: QuoteId) -> Result<Priced, Status> {
        self.offers.priced(quote_id).await
    }

    async fn redeem(
        &self,
        call: &Call,
        order: &Order,
        prices: PricesHold,
        typed: &str,
        customer: Identified,
        priced: Priced,
    ) -> Result<Redeemed, Status> {
        self.offers.redeem(call, order, prices, typed, customer, priced).await
    }

    async fn give_back(&self, call: &Call, order_id: OrderId) -> Result<(), Status> {
        self.offers.give_back(call, order_id).await
    }

    async fn settle(&self, call: &Call, order: Order) -> Result<Settled, Status> {
        let order_id = order.order_id;
        let settled = self.commits.settle(Settlement { order, call: call.clone() }).await?;
        self.recorded.forget(order_id);
        Ok(settled)
    }
}
