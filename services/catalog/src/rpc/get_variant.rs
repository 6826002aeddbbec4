//! Finds one variant by SKU or by barcode.

use ::rpc::{Fields, Invalid};
use proto::catalog::v1 as pb;
use types::Sku;

use crate::error::{Error, Result};
use crate::model::{Owners, Product};
use crate::{Catalog, request, wire};

enum Wanted {
    Sku(Sku),
    Barcode(String),
}

pub(crate) async fn handle(catalog: &Catalog, request: pb::GetVariantRequest) -> Result<pb::Variant> {
    let wanted = Wanted::parse(&request)?;

    let mut connection = catalog.store.connection().await?;
    let (owner, by, value) = match &wanted {
        Wanted::Sku(sku) => {
            let owners = Owners::load(&mut connection, &[sku.as_str()], &[], None).await?;
            (owners.skus.into_values().next(), "sku", sku.to_string())
        }
        Wanted::Barcode(barcode) => {
            let owners = Owners::load(&mut connection, &[], &[barcode.as_str()], None).await?;
            (owners.barcodes.into_values().next(), "barcode", barcode.clone())
        }
    };
    let owner = owner.ok_or(Error::VariantNotFound { by, value })?;
    let product =
        Product::find(&mut connection, owner.product).await?.ok_or(Error::ProductNotFound(owner.product))?;

    let variant = product.details.variants.iter().find(|variant| variant.id == owner.variant);
    let variant = variant.ok_or(Error::VariantNotFound { by: "sku", value: owner.sku })?;
    Ok(wire::variant(product.id, variant))
}

impl Wanted {
    fn parse(request: &pb::GetVariantRequest) -> Result<Self, Invalid> {
        let mut fields = Fields::new();
        let wanted = match (request.sku.as_str(), request.barcode.as_str()) {
            ("", "") => {
                fields.refuse("sku", "REQUIRED", "name a SKU or a barcode");
                None
            }
            (sku, "") => fields.parse("sku", sku).map(Self::Sku),
            ("", barcode) => Some(Self::Barcode(request::barcode(&mut fields, "barcode", barcode))),
            _ => {
                fields.refuse("barcode", "TOO_MANY", "name either a SKU or a barcode");
                None
            }
        };
        fields.finish_with(wanted)
    }
}
