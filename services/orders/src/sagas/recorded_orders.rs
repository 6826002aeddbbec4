//! Orders that were just recorded, so that their saga need not read them back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::task::JoinHandle;
use tonic::Status;
use types::OrderId;

use crate::model::order::Order;
use crate::model::placement::Quote;

/// Orders remembered at once; more are read from the database.
const REMEMBERED_MAX: usize = 10_000;

/// What the catalog is asked about an order's lines while the order is being recorded.
pub type Quotes = JoinHandle<Result<Vec<Option<Quote>>, Status>>;

/// Orders in state placing, until they are settled.
#[derive(Default)]
pub(super) struct RecordedOrders(Mutex<HashMap<OrderId, Recorded>>);

struct Recorded {
    order: Arc<Order>,
    quotes: Option<Quotes>,
}

impl RecordedOrders {
    pub(super) fn remember(&self, order: Order, quotes: Option<Quotes>) {
        let mut orders = self.lock();
        if orders.len() < REMEMBERED_MAX {
            orders.insert(order.order_id, Recorded { order: Arc::new(order), quotes });
        }
    }

    pub(super) fn recall(&self, order_id: OrderId) -> Option<Arc<Order>> {
        self.lock().get(&order_id).map(|recorded| recorded.order.clone())
    }

    /// Once: a saga that begins anew asks anew.
    pub(super) fn take_quotes(&self, order_id: OrderId) -> Option<Quotes> {
        self.lock().get_mut(&order_id)?.quotes.take()
    }

    pub(super) fn forget(&self, order_id: OrderId) {
        self.lock().remove(&order_id);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<OrderId, Recorded>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
