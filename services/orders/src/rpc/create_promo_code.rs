//! Adds a promo code.

use chrono::DateTime;
use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Once, Tx};
use types::PromoCodeId;

use crate::error::{Error, Result};
use crate::model::promo_code::PromoCode;
use crate::rpc::promo_code_fields::Values;
use crate::rpc::{offer_fields, promo_code_fields};
use crate::{Orders, wire};

const METHOD: &str = "orders.create_promo_code";
/// Codes belong to the organisation.
const SCOPE: &str = "org";

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::CreatePromoCodeRequest,
) -> Result<pb::PromoCode> {
    let (wanted, key) = parse(&request)?;
    promo_code_fields::may_change(call, &wanted.shop_ids)?;

    let once = Once { scope: SCOPE, method: METHOD, key: &key };
    let created = orders.store.once(call, once, &request, async |tx: &mut Tx| {
        let now = tx.now();
        let code = PromoCode { create_time: now, update_time: now, ..wanted };

        if !code.insert(tx).await? {
            return Err(Error::PromoCodeTaken { code: code.code });
        }

        tx.audit(
            Audit::new(METHOD, code.promo_code_id)
                .set("code", &code.code)
                .set("title", &code.title)
                .set("shop_ids", code.shop_ids.iter().map(ToString::to_string).collect::<Vec<_>>()),
        );
        Ok::<_, Error>(wire::promo_code(&code))
    });
    created.await
}

fn parse(request: &pb::CreatePromoCodeRequest) -> Result<(PromoCode, String)> {
    let mut fields = Fields::new();
    let key = fields.idempotency_key(&request.idempotency_key);
    let Some(given) = fields.present("promo_code", request.promo_code.as_ref()) else {
        return Ok(fields.finish_with(None)?);
    };
    if given.code.trim().is_empty() {
        fields.refuse("promo_code.code", "REQUIRED", "is required");
    }
    let code = offer_fields::typed_code(&mut fields, "promo_code.code", &given.code);
    let title = promo_code_fields::title(&mut fields, &given.title);
    let reduction = promo_code_fields::reduction(&mut fields, given.value.as_ref());
    let values = Values::read(&mut fields, title, given);
    let code = PromoCode {
        promo_code_id: PromoCodeId::new(),
        code,
        title: values.title,
        goods_total_min: values.goods_total_min,
        start_time: values.start_time,
        end_time: values.end_time,
        uses_max: values.uses_max,
        uses_per_customer_max: values.uses_per_customer_max,
        shop_ids: values.shop_ids,
        archived: values.archived,
        use_count: 0,
        version: 1,
        create_time: DateTime::UNIX_EPOCH,
        update_time: DateTime::UNIX_EPOCH,
        reduction: match reduction {
            Some(reduction) => reduction,
            None => return Ok(fields.finish_with(None)?),
        },
    };
    fields.finish()?;
    promo_code_fields::check_window(&code)?;
    Ok((code, key))
}
