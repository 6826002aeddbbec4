//! Lists statuses of carriers that have no canonical one yet.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::delivery::v1 as pb;
use rpc::Call;
use store::Page;

use crate::error::Result;
use crate::model::unmapped_code_rows::UnmappedCodeRow;
use crate::schema::unmapped_codes as rows;
use crate::{Delivery, wire};

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::ListUnmappedCodesRequest,
) -> Result<pb::ListUnmappedCodesResponse> {
    let filters = pb::ListUnmappedCodesRequest { page_size: 0, page_token: String::new() };
    let page: Page<(String, String)> =
        Page::parse(&delivery.store, request.page_size, &request.page_token, &filters.encode_to_vec())?;

    let mut query = rows::table.select(UnmappedCodeRow::as_select()).into_boxed();
    if let Some((carrier, code)) = page.after.clone() {
        let same = rows::carrier.eq(carrier.clone()).and(rows::code.gt(code));
        query = query.filter(rows::carrier.gt(carrier).or(same));
    }
    let mut connection = delivery.store.connection().await?;
    let in_order = query.order((rows::carrier, rows::code)).limit(page.limit());
    let found: Vec<UnmappedCodeRow> = in_order.load(&mut connection).await?;

    let key = |row: &UnmappedCodeRow| (row.carrier.clone(), row.code.clone());
    let (found, next_page_token) = page.cut(&delivery.store, found, key);
    let mut unmapped_codes: Vec<_> = found.iter().map(wire::unmapped_code).collect();
    // The codes are the organisation's; which parcel reported one may be another shop's affair.
    if call.caller.shops.filter().is_some() {
        unmapped_codes.iter_mut().for_each(|code| code.shipment_id.clear());
    }
    Ok(pb::ListUnmappedCodesResponse { unmapped_codes, next_page_token })
}
