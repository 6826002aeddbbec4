//! Lists the definitions of characteristics by code.

use proto::catalog::v1 as pb;
use store::Page;

use crate::error::Result;
use crate::model::Characteristic;
use crate::{Catalog, wire};

pub(crate) async fn handle(
    catalog: &Catalog,
    request: pb::ListCharacteristicsRequest,
) -> Result<pb::ListCharacteristicsResponse> {
    let filter = [u8::from(request.include_archived)];
    let page: Page<String> = Page::parse(&catalog.store, request.page_size, &request.page_token, &filter)?;

    let mut connection = catalog.store.connection().await?;
    let listed =
        Characteristic::list(&mut connection, request.include_archived, page.after.clone(), page.limit())
            .await?;

    let (listed, next_page_token) =
        page.cut(&catalog.store, listed, |definition| definition.details.code.clone());
    let characteristics = listed.iter().map(wire::characteristic).collect();
    Ok(pb::ListCharacteristicsResponse { characteristics, next_page_token })
}
