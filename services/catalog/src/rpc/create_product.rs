//! Adds a product with its variants.

use ::rpc::{Call, Fields, Invalid};
use proto::catalog::v1 as pb;
use store::{Once, Tx};

use crate::error::{Error, Result};
use crate::model::{Brand, Category, Definitions, Edit, KitComponent, Owners, Product, ProductDetails};
use crate::retry::after_lost_race;
use crate::{Catalog, request, tell, wire};

const METHOD: &str = "catalog.create_product";

pub(crate) async fn handle(
    catalog: &Catalog,
    call: &Call,
    request: pb::CreateProductRequest,
) -> Result<pb::Product> {
    let (key, details) = parse(&request)?;
    let once = Once { scope: "org", method: METHOD, key: &key };

    after_lost_race(|| {
        catalog.store.once(call, once, &request, async |tx: &mut Tx| {
            let definitions = Definitions::hold(tx.conn()).await?;
            let mut details = details.clone();
            definitions.apply(&mut details, None)?;
            let product = Product::new(details, tx.now());
            if let Some(missing) = Category::missing(tx.conn(), &product.details.categories).await? {
                return Err(Error::CategoryNotFound(missing));
            }
            Owners::refuse_taken(tx.conn(), product.id, &product.details).await?;
            let edit = Edit { old: None, new: product };
            KitComponent::refuse_unfit(tx.conn(), &edit).await?;
            Brand::refuse_unfit(tx.conn(), &edit).await?;

            Edit::save(tx.conn(), &definitions, std::slice::from_ref(&edit)).await?;

            tell::product(tx, METHOD, &edit);
            Ok(wire::product(&edit.new))
        })
    })
    .await
}

fn parse(request: &pb::CreateProductRequest) -> Result<(String, ProductDetails), Invalid> {
    let mut fields = Fields::new();
    let key = fields.idempotency_key(&request.idempotency_key);
    let product = fields.present("product", request.product.as_ref());
    let product = fields.finish_with(product)?;
    Ok((key, request::product(product)?))
}
