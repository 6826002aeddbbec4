//! Changes a product; variants are matched by SKU, and one that is left out is archived.

use ::rpc::{Call, Fields, Invalid};
use proto::catalog::v1 as pb;
use store::Tx;
use types::ProductId;

use crate::error::{Error, Result};
use crate::model::{Brand, Category, Definitions, Edit, Etag, KitComponent, Owners, Product, ProductDetails};
use crate::retry::after_lost_race;
use crate::{Catalog, request, tell, wire};

const METHOD: &str = "catalog.update_product";

struct Wanted {
    id: ProductId,
    etag: Etag,
    mask: Vec<&'static str>,
    product: pb::Product,
}

pub(crate) async fn handle(
    catalog: &Catalog,
    call: &Call,
    request: pb::UpdateProductRequest,
) -> Result<pb::Product> {
    let wanted = Wanted::parse(request)?;

    let product = after_lost_race(|| {
        catalog.store.transaction(call, async |tx: &mut Tx| {
            let old = Product::lock(tx.conn(), wanted.id).await?.ok_or(Error::ProductNotFound(wanted.id))?;

            let definitions = Definitions::hold(tx.conn()).await?;
            let mut details = request::product(&wanted.over(wire::product(&old)))?.following(&old.details);
            definitions.apply(&mut details, Some(&old.details))?;
            if details == old.details {
                return Ok(old);
            }
            wanted.etag.check(old.version)?;
            if let Some(missing) = Category::missing(tx.conn(), &details.categories).await? {
                return Err(Error::CategoryNotFound(missing));
            }
            Owners::refuse_taken(tx.conn(), old.id, &details).await?;
            let new = old.with(details, tx.now());
            let edit = Edit { old: Some(old), new };
            KitComponent::refuse_unfit(tx.conn(), &edit).await?;
            Brand::refuse_unfit(tx.conn(), &edit).await?;

            Edit::save(tx.conn(), &definitions, std::slice::from_ref(&edit)).await?;

            tell::product(tx, METHOD, &edit);
            Ok::<_, Error>(edit.new)
        })
    });
    Ok(wire::product(&product.await?))
}

impl Wanted {
    fn parse(request: pb::UpdateProductRequest) -> Result<Self, Invalid> {
        let mut fields = Fields::new();
        let mask = fields.update_mask(request.update_mask.as_ref(), &ProductDetails::FIELDS);
        let wanted = fields.present("product", request.product).and_then(|product| {
            let id = fields.parse("product.product_id", &product.product_id);
            let etag = Etag::parse(&mut fields, "product.etag", &product.etag);
            Some(Self { id: id?, etag: etag?, mask, product })
        });
        fields.finish_with(wanted)
    }

    /// The product as it is now with the masked fields as they are wanted.
    fn over(&self, mut current: pb::Product) -> pb::Product {
        let wanted = self.product.clone();
        for field in &self.mask {
            match *field {
                "kind" => current.kind = wanted.kind,
                "name" => current.name = wanted.name.clone(),
                "description" => current.description = wanted.description.clone(),
                "vendor" => current.vendor = wanted.vendor.clone(),
                "category_ids" => current.category_ids = wanted.category_ids.clone(),
                "variants" => current.variants = wanted.variants.clone(),
                "archived" => current.archived = wanted.archived,
                "external_ids" => current.external_ids = wanted.external_ids.clone(),
                "brand_id" => current.brand_id = wanted.brand_id.clone(),
                "recommended" => current.recommended = wanted.recommended,
                _ => {}
            }
        }
        current
    }
}
