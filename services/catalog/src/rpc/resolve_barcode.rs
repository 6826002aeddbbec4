//! Finds the variant that a barcode stands on, and how many units of it.

use ::rpc::Fields;
use proto::catalog::v1 as pb;

use crate::error::{Error, Result};
use crate::model::{Owners, Product};
use crate::{Catalog, request, wire};

pub(crate) async fn handle(
    catalog: &Catalog,
    request: pb::ResolveBarcodeRequest,
) -> Result<pb::ResolvedBarcode> {
    let mut fields = Fields::new();
    let code = request::barcode(&mut fields, "barcode", &request.barcode);
    fields.finish()?;

    let mut connection = catalog.store.connection().await?;
    let owner = Owners::load(&mut connection, &[], &[&code], None).await?.barcodes.remove(&code);
    let not_found = || Error::VariantNotFound { by: "barcode", value: code.clone() };
    let owner = owner.ok_or_else(not_found)?;
    let product = Product::find(&mut connection, owner.product).await?.ok_or_else(not_found)?;

    let variant = product.details.variants.iter().find(|variant| variant.id == owner.variant);
    let units = |(own, units): (&str, i32)| (own == code).then_some(units);
    let found = variant.and_then(|variant| Some((variant, variant.barcodes_with_units().find_map(units)?)));
    let (variant, pack_quantity) = found.ok_or_else(not_found)?;
    Ok(pb::ResolvedBarcode { variant: Some(wire::variant(product.id, variant)), pack_quantity })
}
