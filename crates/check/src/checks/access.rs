//! Whose rows are: the shop of an order is that of its source.

use crate::check::{Check, Look};
use crate::pairs::{Pair, Side, in_book};

pub(super) const CHECKS: &[Check] = &[Check::looking(
    "order-sources",
    "An order is of the shop of the source that it came through.",
    Look::Pair(Pair {
        book: Side {
            database: "access",
            sql: "SELECT source_id::text AS source_id, shop_id::text FROM channel_accounts ORDER BY channel_accounts.source_id",
        },
        copy: Side {
            database: "orders",
            sql: "SELECT source_id::text AS source_id, shop_id::text, min(order_id::text) AS order_id
                  FROM orders GROUP BY orders.source_id, shop_id ORDER BY orders.source_id, shop_id",
        },
        agree: in_book,
    }),
)];
