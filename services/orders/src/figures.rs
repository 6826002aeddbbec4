//! What operators see of orders.

use saga::Definition;
use store::Figure;

use crate::sagas::book_shipment::BookShipment;
use crate::sagas::cancel_fulfilment::CancelFulfilment;
use crate::sagas::cancel_order::CancelOrder;
use crate::sagas::edit_order::EditOrder;
use crate::sagas::place_order::PlaceOrder;
use crate::sagas::plan_fulfilment::PlanFulfilment;
use crate::sagas::receive_return::ReceiveReturn;
use crate::sagas::redirect_fulfilment::RedirectFulfilment;
use crate::sagas::resolve_return::ResolveReturn;
use crate::sagas::ship_stock::ShipStock;

pub const ALL: [Figure; 4] = [
    Figure {
        values: &[
            <PlaceOrder>::KIND,
            <CancelOrder>::KIND,
            BookShipment::KIND,
            ShipStock::KIND,
            EditOrder::KIND,
            PlanFulfilment::KIND,
            CancelFulfilment::KIND,
            RedirectFulfilment::KIND,
            ReceiveReturn::KIND,
            ResolveReturn::KIND,
        ],
        ..saga::FIGURE
    },
    Figure {
        names: &["korob_orders_placing", "korob_orders_placing_oldest_seconds"],
        label: None,
        values: &[],
        sql: "SELECT '', ARRAY[
                  count(*) FILTER (WHERE create_time < $1 - interval '60 seconds'),
                  coalesce(greatest(extract(epoch FROM $1 - min(create_time)), 0), 0)
              ]::float8[]
              FROM orders WHERE state = 'placing'",
    },
    Figure {
        names: &["korob_orders_without_customer"],
        label: None,
        values: &[],
        sql: "SELECT '', ARRAY[count(*)]::float8[] FROM orders WHERE customer_wanted AND create_time <= $1",
    },
    Figure {
        names: &["korob_shipments_late"],
        label: None,
        values: &[],
        sql: "SELECT '', ARRAY[count(*)]::float8[] FROM (
                  SELECT 1 FROM order_terms WHERE ship_by_due_time < $1 LIMIT 10000
              ) late",
    },
];
