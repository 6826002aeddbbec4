//! Lists categories, parents before children.

use ::rpc::Fields;
use proto::catalog::v1 as pb;
use store::Page;
use types::CategoryId;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::Category;
use crate::{Catalog, wire};

pub(crate) async fn handle(
    catalog: &Catalog,
    request: pb::ListCategoriesRequest,
) -> Result<pb::ListCategoriesResponse> {
    let mut fields = Fields::new();
    let parent: Option<CategoryId> = fields.parse_optional("parent_id", &request.parent_id);
    fields.finish()?;
    let filter = request.parent_id.as_bytes();
    let page: Page<(i32, Uuid)> =
        Page::parse(&catalog.store, request.page_size, &request.page_token, filter)?;

    let mut connection = catalog.store.connection().await?;
    if let Some(parent) = parent
        && Category::missing(&mut connection, &[parent]).await?.is_some()
    {
        return Err(Error::CategoryNotFound(parent));
    }
    let rows = Category::list(&mut connection, parent, page.after, page.limit()).await?;

    let (rows, next_page_token) =
        page.cut(&catalog.store, rows, |(depth, category)| (*depth, category.id.uuid()));
    let categories = rows.iter().map(|(_, category)| wire::category(category)).collect();
    Ok(pb::ListCategoriesResponse { categories, next_page_token })
}
