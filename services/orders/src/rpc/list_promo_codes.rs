//! Lists promo codes, newest first.

use prost::Message;
use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use store::Page;

use crate::error::Result;
use crate::model::promo_code::CODE_LENGTH_MAX;
use crate::model::promo_code_rows::{ListKey, PromoCodeFilter};
use crate::{Orders, wire};

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::ListPromoCodesRequest,
) -> Result<pb::ListPromoCodesResponse> {
    let mut fields = Fields::new();
    let filter = PromoCodeFilter {
        visible: call.caller.shops.filter(),
        shop_id: fields.parse_optional("shop_id", &request.shop_id),
        code_prefix: fields.text("code_prefix", request.code_prefix.trim(), CODE_LENGTH_MAX),
        include_archived: request.include_archived,
    };
    fields.finish()?;
    let unpaged = pb::ListPromoCodesRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let page: Page<ListKey> =
        Page::parse(&orders.store, request.page_size, &request.page_token, &unpaged.encode_to_vec())?;

    let mut connection = orders.store.connection().await?;
    let rows = filter.page(&mut connection, page.after, page.limit()).await?;

    let (rows, next_page_token) =
        page.cut(&orders.store, rows, |code| (code.create_time, code.promo_code_id.uuid()));
    Ok(pb::ListPromoCodesResponse {
        promo_codes: rows.iter().map(wire::promo_code).collect(),
        next_page_token,
    })
}
