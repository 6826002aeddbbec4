//! Shows one promo code.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use types::PromoCodeId;

use crate::error::{Error, Result};
use crate::model::promo_code::PromoCode;
use crate::rpc::promo_code_fields;
use crate::{Orders, wire};

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::GetPromoCodeRequest,
) -> Result<pb::PromoCode> {
    let mut fields = Fields::new();
    let id: Option<PromoCodeId> = fields.parse("promo_code_id", &request.promo_code_id);
    let id = fields.finish_with(id)?;

    let mut connection = orders.store.connection().await?;
    let code = PromoCode::find(&mut connection, id).await?;
    let code = code.filter(|code| promo_code_fields::is_visible(call, code));

    Ok(wire::promo_code(&code.ok_or(Error::PromoCodeNotFound)?))
}
