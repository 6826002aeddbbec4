//! Lists brands by name.

use proto::catalog::v1 as pb;
use store::Page;
use uuid::Uuid;

use crate::error::Result;
use crate::model::Brand;
use crate::{Catalog, wire};

pub(crate) async fn handle(
    catalog: &Catalog,
    request: pb::ListBrandsRequest,
) -> Result<pb::ListBrandsResponse> {
    let filter = [u8::from(request.include_archived)];
    let page: Page<(String, Uuid)> =
        Page::parse(&catalog.store, request.page_size, &request.page_token, &filter)?;

    let mut connection = catalog.store.connection().await?;
    let listed =
        Brand::list(&mut connection, request.include_archived, page.after.clone(), page.limit()).await?;

    let (listed, next_page_token) =
        page.cut(&catalog.store, listed, |brand| (brand.details.name.clone(), brand.id.uuid()));
    let brands = listed.iter().map(wire::brand).collect();
    Ok(pb::ListBrandsResponse { brands, next_page_token })
}
