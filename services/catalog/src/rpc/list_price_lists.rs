//! Lists price lists, oldest first.

use proto::catalog::v1 as pb;
use store::Page;
use uuid::Uuid;

use crate::error::Result;
use crate::model::PriceList;
use crate::{Catalog, wire};

pub(crate) async fn handle(
    catalog: &Catalog,
    request: pb::ListPriceListsRequest,
) -> Result<pb::ListPriceListsResponse> {
    let page: Page<Uuid> =
        Page::parse(&catalog.store, request.page_size, &request.page_token, b"price_lists")?;

    let mut connection = catalog.store.connection().await?;
    let lists = PriceList::list(&mut connection, page.after, page.limit()).await?;

    let (lists, next_page_token) = page.cut(&catalog.store, lists, |list| list.id.uuid());
    Ok(pb::ListPriceListsResponse {
        price_lists: lists.iter().map(wire::price_list).collect(),
        next_page_token,
    })
}
