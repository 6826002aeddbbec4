//! Renames or moves a category; a cycle is refused.

use ::rpc::{Call, Fields, Invalid};
use proto::catalog::v1 as pb;
use store::Tx;
use types::CategoryId;

use crate::error::{Error, Result};
use crate::model::{Category, CategoryDetails, Changes, Etag};
use crate::retry::after_lost_race;
use crate::{Catalog, request, tell, wire};

const METHOD: &str = "catalog.update_category";

struct Wanted {
    id: CategoryId,
    etag: Etag,
    mask: Vec<&'static str>,
    category: pb::Category,
}

pub(crate) async fn handle(
    catalog: &Catalog,
    call: &Call,
    request: pb::UpdateCategoryRequest,
) -> Result<pb::Category> {
    let wanted = Wanted::parse(request)?;

    let category = after_lost_race(|| {
        catalog.store.transaction(call, async |tx: &mut Tx| {
            if wanted.mask.contains(&"parent_id") {
                Category::lock_tree(tx.conn()).await?;
            }
            let mut category =
                Category::lock(tx.conn(), wanted.id).await?.ok_or(Error::CategoryNotFound(wanted.id))?;

            let details = request::category(&wanted.over(wire::category(&category)))?;
            let changes = Changes::between(category.details.facts(), details.facts());
            if changes.is_empty() {
                return Ok(category);
            }
            wanted.etag.check(category.version)?;
            if let Some(parent) = details.parent.filter(|parent| category.details.parent != Some(*parent)) {
                let line = Category::line(tx.conn(), parent).await?;
                Category::refuse_cycle(category.id, parent, &line)?;
            }
            category.details = details;
            category.version += 1;
            category.refuse_taken(tx.conn()).await?;

            let now = tx.now();
            Category::save(tx.conn(), &[&category], now).await?;

            tell::category(tx, METHOD, &category, changes);
            Ok::<_, Error>(category)
        })
    });
    Ok(wire::category(&category.await?))
}

impl Wanted {
    fn parse(request: pb::UpdateCategoryRequest) -> Result<Self, Invalid> {
        let mut fields = Fields::new();
        let mask = fields.update_mask(request.update_mask.as_ref(), &CategoryDetails::FIELDS);
        let wanted = fields.present("category", request.category).and_then(|category| {
            let id = fields.parse("category.category_id", &category.category_id);
            let etag = Etag::parse(&mut fields, "category.etag", &category.etag);
            Some(Self { id: id?, etag: etag?, mask, category })
        });
        fields.finish_with(wanted)
    }

    /// The category as it is now with the masked fields as they are wanted.
    fn over(&self, mut current: pb::Category) -> pb::Category {
        for field in &self.mask {
            match *field {
                "parent_id" => current.parent_id = self.category.parent_id.clone(),
                "name" => current.name = self.category.name.clone(),
                "external_ids" => current.external_ids = self.category.external_ids.clone(),
                _ => {}
            }
        }
        current
    }
}
