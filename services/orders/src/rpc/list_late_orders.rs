//! Lists orders whose goods must have left by a time and have not, the most urgent first.

use prost::Message;
use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::ShopId;

use crate::error::{Error, Result};
use crate::model::late_orders::{self, LateKey};
use crate::rpc::list_orders::shops;
use crate::{Orders, wire};

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::ListLateOrdersRequest,
) -> Result<pb::ListLateOrdersResponse> {
    let mut fields = Fields::new();
    let shop_id: Option<ShopId> = fields.parse_optional("shop_id", &request.shop_id);
    let until = fields.time_optional("ship_by_until_time", request.ship_by_until_time);
    fields.finish()?;
    let unpaged = pb::ListLateOrdersRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let page: Page<LateKey> =
        Page::parse(&orders.store, request.page_size, &request.page_token, &unpaged.encode_to_vec())?;
    let until = until.unwrap_or_else(|| orders.store.clock().now());
    let parcels = if request.labelled { late_orders::Parcels::Booked } else { late_orders::Parcels::Any };

    let mut connection = orders.store.connection().await?;
    let shops = shops(call, shop_id);
    let mut moment = connection.build_transaction().read_only().repeatable_read();
    let listed = moment.run(async |conn| {
        let keys = late_orders::page(conn, shops, until, parcels, page.after, page.limit()).await?;
        let (keys, next_page_token) = page.cut(&orders.store, keys, |key| *key);
        Ok::<_, Error>((late_orders::summaries(conn, &keys).await?, next_page_token))
    });
    let (rows, next_page_token) = listed.await?;

    Ok(pb::ListLateOrdersResponse { orders: rows.into_iter().map(wire::summary).collect(), next_page_token })
}
