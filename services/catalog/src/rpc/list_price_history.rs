//! Lists the prices a SKU had, newest first, and who set them.

use ::rpc::Fields;
use proto::catalog::v1 as pb;
use store::Page;
use types::Sku;

use crate::error::{Error, Result};
use crate::model::{Owners, PastPlace, PastPrice};
use crate::{Catalog, wire};

pub(crate) async fn handle(
    catalog: &Catalog,
    request: pb::ListPriceHistoryRequest,
) -> Result<pb::ListPriceHistoryResponse> {
    let mut fields = Fields::new();
    let sku: Option<Sku> = fields.parse("sku", &request.sku);
    let list = fields.parse_optional("price_list_id", &request.price_list_id);
    let sku = fields.finish_with(sku)?;
    let filter = format!("{}/{sku}", request.price_list_id);
    let page: Page<PastPlace> =
        Page::parse(&catalog.store, request.page_size, &request.page_token, filter.as_bytes())?;

    let mut connection = catalog.store.connection().await?;
    let prices = PastPrice::list(&mut connection, &sku, list, page.after, page.limit()).await?;
    if prices.is_empty() && Owners::load(&mut connection, &[sku.as_str()], &[], None).await?.skus.is_empty() {
        return Err(Error::VariantNotFound { by: "sku", value: sku.into() });
    }

    let (prices, next_page_token) = page.cut(&catalog.store, prices, PastPrice::place);
    let entries = prices.into_iter().map(|past| wire::past_price(&sku, past)).collect();
    Ok(pb::ListPriceHistoryResponse { entries, next_page_token })
}
