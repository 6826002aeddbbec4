//! Orders that were just recorded, so that their saga need not read them back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use types::OrderId;

use crate::model::order::Order;

/// Orders remembered at once; more are read from the database.
const REMEMBERED_MAX: usize = 10_000;

/// Orders in state placing, until they are settled.
#[derive(Default)]
pub(super) struct RecordedOrders(Mutex<HashMap<OrderId, Arc<Order>>>);

impl RecordedOrders {
    pub(super) fn remember(&self, order: Order) {
        let mut orders = self.lock();
        if orders.len() < REMEMBERED_MAX {
            orders.insert(order.order_id, Arc::new(order));
        }
    }

    pub(super) fn recall(&self, order_id: OrderId) -> Option<Arc<Order>> {
        self.lock().get(&order_id).cloned()
    }

    pub(super) fn forget(&self, order_id: OrderId) {
        self.lock().remove(&order_id);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<OrderId, Arc<Order>>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
