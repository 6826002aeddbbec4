//! Lists the ways to read spreadsheets, oldest first.

use proto::catalog::v1 as pb;
use store::Page;
use uuid::Uuid;

use crate::error::Result;
use crate::model::ImportMapping;
use crate::{Catalog, wire};

pub(crate) async fn handle(
    catalog: &Catalog,
    request: pb::ListImportMappingsRequest,
) -> Result<pb::ListImportMappingsResponse> {
    let filter = [u8::from(request.include_archived)];
    let page: Page<Uuid> = Page::parse(&catalog.store, request.page_size, &request.page_token, &filter)?;

    let mut connection = catalog.store.connection().await?;
    let listed =
        ImportMapping::list(&mut connection, request.include_archived, page.after, page.limit()).await?;

    let (listed, next_page_token) = page.cut(&catalog.store, listed, |mapping| mapping.id.uuid());
    let import_mappings = listed.iter().map(wire::import_mapping).collect();
    Ok(pb::ListImportMappingsResponse { import_mappings, next_page_token })
}
