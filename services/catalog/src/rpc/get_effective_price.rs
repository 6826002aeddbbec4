//! Returns the price of a SKU at a time in a channel.

use ::rpc::Fields;
use proto::catalog::v1 as pb;
use types::{Currency, Sku};

use crate::error::{Error, Result};
use crate::model::Effective;
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
    let (known, effective) = Effective::find(&mut connection, &sku, currency, &channel, at).await?;

    match effective {
        Some(effective) => Ok(wire::effective_price(&sku, &effective)),
        None if known => Err(Error::PriceNotFound { sku, currency: currency.code().to_owned() }),
        None => Err(Error::VariantNotFound { by: "sku", value: sku.into() }),
    }
}
