//! Who changed a product, when and how.

use ::rpc::Fields;
use proto::catalog::v1 as pb;
use store::Page;
use types::ProductId;

use crate::Catalog;
use crate::error::{Error, Result};
use crate::model::Product;

pub(crate) async fn handle(
    catalog: &Catalog,
    request: pb::ListProductHistoryRequest,
) -> Result<pb::ListProductHistoryResponse> {
    let mut fields = Fields::new();
    let id: Option<ProductId> = fields.parse("product_id", &request.product_id);
    let id = fields.finish_with(id)?;
    let filter = request.product_id.as_bytes();
    let page: Page<i64> = Page::parse(&catalog.store, request.page_size, &request.page_token, filter)?;

    let known = Product::find(&mut *catalog.store.connection().await?, id).await?.is_some();
    if !known {
        return Err(Error::ProductNotFound(id));
    }
    let (entries, next_page_token) = catalog.store.history(&id.to_string(), &page).await?;

    Ok(pb::ListProductHistoryResponse { entries, next_page_token })
}
