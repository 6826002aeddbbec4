//! Returns the price of a SKU at a time in a channel, and why it is this one.

use ::rpc::Fields;
use proto::catalog::v1 as pb;
use types::{Currency, Sku};

use crate::error::{Error, Result};
use crate::model::{Candidate, Owners, Verdict};
use crate::{Catalog, request, wire};

pub(crate) async fn handle(
    catalog: &Catalog,
    request: pb::GetEffectivePriceRequest,
) -> Result<pb::EffectivePrice> {
    let mut fields = Fields::new();
    let sku: Option<Sku> = fields.parse("sku", &request.sku);
    let currency: Option<Currency> = fields.parse("currency_code", &request.currency_code);
    let channel = request::channel(&mut fields, "channel", &request.channel);
    let at = fields.time_optional("at_time", request.at_time).unwrap_or_else(|| catalog.clock.now());
    let (sku, currency) = fields.finish_with(sku.zip(currency))?;

    let mut connection = catalog.store.connection().await?;
    let candidates = Candidate::load(&mut connection, &sku, currency).await?;
    let verdicts = Candidate::judge(&candidates, &channel, at);
    let mut judged = candidates.iter().zip(&verdicts);
    let counting = judged.find(|(_, verdict)| **verdict == Verdict::Counts);

    match counting.and_then(|(one, _)| one.terms.effective(one.list, at)) {
        Some(effective) => Ok(pb::EffectivePrice {
            considered: candidates
                .iter()
                .zip(verdicts)
                .map(|(one, verdict)| wire::considered(one, verdict, at))
                .collect(),
            ..wire::effective_price(sku.as_str(), &effective)
        }),
        None => {
            let known = Owners::load(&mut connection, &[sku.as_str()], &[], None).await?.skus;
            match known.is_empty() {
                true => Err(Error::VariantNotFound { by: "sku", value: sku.into() }),
                false => Err(Error::PriceNotFound { sku, currency: currency.code().to_owned() }),
            }
        }
    }
}
