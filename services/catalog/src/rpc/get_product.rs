//! Returns one product.

use ::rpc::Fields;
use proto::catalog::v1 as pb;

use crate::error::{Error, Result};
use crate::model::Product;
use crate::{Catalog, wire};

pub(crate) async fn handle(catalog: &Catalog, request: pb::GetProductRequest) -> Result<pb::Product> {
    let mut fields = Fields::new();
    let id = fields.parse("product_id", &request.product_id);
    let id = fields.finish_with(id)?;

    let mut connection = catalog.store.connection().await?;
    let product = Product::find(&mut connection, id).await?.ok_or(Error::ProductNotFound(id))?;
    Ok(wire::product(&product))
}
