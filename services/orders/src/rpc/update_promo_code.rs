//! Changes a promo code; what it takes off stays as it is.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use serde_json::{Value, json};
use store::{Audit, Tx};
use types::PromoCodeId;

use crate::error::{Error, Result};
use crate::model::promo_code::PromoCode;
use crate::rpc::promo_code_fields::{self, Values};
use crate::{Orders, wire};

const METHOD: &str = "orders.update_promo_code";
const FIELDS: [&str; 8] = [
    "title",
    "goods_total_min_amount",
    "start_time",
    "end_time",
    "uses_max",
    "uses_per_customer_max",
    "shop_ids",
    "archived",
];

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::UpdatePromoCodeRequest,
) -> Result<pb::PromoCode> {
    let wanted = Wanted::parse(&request)?;

    let updated = orders.store.transaction(call, async |tx: &mut Tx| {
        let before = PromoCode::lock(tx, wanted.id).await?;
        let before = before.filter(|code| promo_code_fields::is_visible(call, code));
        let before = before.ok_or(Error::PromoCodeNotFound)?;
        promo_code_fields::may_change(call, &before.shop_ids)?;
        if !wanted.etag.is_empty() && wanted.etag != before.version.to_string() {
            return Err(Error::EtagMismatch { current: before.version.to_string() });
        }

        let mut code = wanted.applied_to(before.clone());
        if code == before {
            return Ok(wire::promo_code(&before));
        }
        promo_code_fields::check_window(&code)?;
        promo_code_fields::may_change(call, &code.shop_ids)?;
        if before.archived && !code.archived && code.is_taken(tx).await? {
            return Err(Error::PromoCodeTaken { code: code.code });
        }
        code.version += 1;
        code.update_time = tx.now();

        code.save(tx).await?;

        tx.audit(audit(&before, &code));
        Ok::<_, Error>(wire::promo_code(&code))
    });
    updated.await
}

struct Wanted {
    id: PromoCodeId,
    etag: String,
    mask: Vec<&'static str>,
    /// Only those of the mask count.
    given: Values,
}

impl Wanted {
    fn parse(request: &pb::UpdatePromoCodeRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let mask = fields.update_mask(request.update_mask.as_ref(), &FIELDS);
        let Some(given) = fields.present("promo_code", request.promo_code.as_ref()) else {
            return Ok(fields.finish_with(None)?);
        };
        let id: Option<PromoCodeId> = fields.parse("promo_code.promo_code_id", &given.promo_code_id);
        let masked = |field: &str| mask.contains(&field);
        let title = match masked("title") {
            true => promo_code_fields::title(&mut fields, &given.title),
            false => String::new(),
        };
        let values = Values::read(&mut fields, title, given);
        let etag = given.etag.clone();
        let wanted = id.map(|id| Self { id, etag, mask, given: values });
        Ok(fields.finish_with(wanted)?)
    }

    fn applied_to(&self, mut code: PromoCode) -> PromoCode {
        for field in &self.mask {
            match *field {
                "title" => code.title.clone_from(&self.given.title),
                "goods_total_min_amount" => code.goods_total_min = self.given.goods_total_min,
                "start_time" => code.start_time = self.given.start_time,
                "end_time" => code.end_time = self.given.end_time,
                "uses_max" => code.uses_max = self.given.uses_max,
                "uses_per_customer_max" => code.uses_per_customer_max = self.given.uses_per_customer_max,
                "shop_ids" => code.shop_ids.clone_from(&self.given.shop_ids),
                "archived" => code.archived = self.given.archived,
                _ => {}
            }
        }
        code
    }
}

/// A field of a code, and how it is shown in history.
type Field = (&'static str, fn(&PromoCode) -> Value);

fn audit(before: &PromoCode, after: &PromoCode) -> Audit {
    let fields: [Field; 8] = [
        ("title", |code| json!(code.title)),
        ("goods_total_min_amount", |code| json!(code.goods_total_min.map(|money| money.to_string()))),
        ("start_time", |code| json!(code.start_time)),
        ("end_time", |code| json!(code.end_time)),
        ("uses_max", |code| json!(code.uses_max)),
        ("uses_per_customer_max", |code| json!(code.uses_per_customer_max)),
        ("shop_ids", |code| json!(code.shop_ids.iter().map(ToString::to_string).collect::<Vec<_>>())),
        ("archived", |code| json!(code.archived)),
    ];
    let audit = Audit::new(METHOD, after.promo_code_id);
    fields.into_iter().fold(audit, |audit, (field, read)| audit.change(field, read(before), read(after)))
}
