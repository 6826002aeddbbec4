//! Adds a category.

use ::rpc::{Call, Fields, Invalid};
use proto::catalog::v1 as pb;
use store::{Once, Tx};

use crate::error::{Error, Result};
use crate::model::{Category, CategoryDetails, Changes};
use crate::retry::after_lost_race;
use crate::{Catalog, request, tell, wire};

const METHOD: &str = "catalog.create_category";

pub(crate) async fn handle(
    catalog: &Catalog,
    call: &Call,
    request: pb::CreateCategoryRequest,
) -> Result<pb::Category> {
    let (key, details) = parse(&request)?;
    let once = Once { scope: "org", method: METHOD, key: &key };

    after_lost_race(|| {
        catalog.store.once(call, once, &request, async |tx: &mut Tx| {
            let category = Category::new(details.clone());
            if let Some(parent) = category.details.parent
                && Category::missing(tx.conn(), &[parent]).await?.is_some()
            {
                return Err(Error::CategoryNotFound(parent));
            }
            category.refuse_taken(tx.conn()).await?;

            let now = tx.now();
            Category::save(tx.conn(), &[&category], now).await?;

            tell::category(tx, METHOD, &category, Changes::of_new(category.details.facts()));
            Ok(wire::category(&category))
        })
    })
    .await
}

fn parse(request: &pb::CreateCategoryRequest) -> Result<(String, CategoryDetails), Invalid> {
    let mut fields = Fields::new();
    let key = fields.idempotency_key(&request.idempotency_key);
    let category = fields.present("category", request.category.as_ref());
    let category = fields.finish_with(category)?;
    Ok((key, request::category(category)?))
}
