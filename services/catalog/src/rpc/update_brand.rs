//! Renames or archives a brand; products keep it.

use ::rpc::{Call, Fields, Invalid};
use proto::catalog::v1 as pb;
use store::Tx;
use types::BrandId;

use crate::error::{Error, Result};
use crate::model::{Brand, BrandDetails, Changes, Etag};
use crate::retry::after_lost_race;
use crate::{Catalog, request, tell, wire};

const METHOD: &str = "catalog.update_brand";

struct Wanted {
    id: BrandId,
    etag: Etag,
    mask: Vec<&'static str>,
    resource: pb::Brand,
}

pub(crate) async fn handle(
    catalog: &Catalog,
    call: &Call,
    request: pb::UpdateBrandRequest,
) -> Result<pb::Brand> {
    let wanted = Wanted::parse(request)?;

    let brand = after_lost_race(|| {
        catalog.store.transaction(call, async |tx: &mut Tx| {
            let mut brand =
                Brand::lock(tx.conn(), wanted.id).await?.ok_or(Error::BrandNotFound(wanted.id))?;

            let details = request::brand(&wanted.over(wire::brand(&brand)))?;
            let changes = Changes::between(brand.details.facts(), details.facts());
            if changes.is_empty() {
                return Ok(brand);
            }
            wanted.etag.check(brand.version)?;
            brand.details = details;
            brand.version += 1;
            brand.refuse_taken(tx.conn()).await?;

            let now = tx.now();
            brand.save(tx.conn(), now).await?;

            tell::brand(tx, METHOD, &brand, changes);
            Ok::<_, Error>(brand)
        })
    });
    Ok(wire::brand(&brand.await?))
}

impl Wanted {
    fn parse(request: pb::UpdateBrandRequest) -> Result<Self, Invalid> {
        let mut fields = Fields::new();
        let mask = fields.update_mask(request.update_mask.as_ref(), &BrandDetails::FIELDS);
        let wanted = fields.present("brand", request.brand).and_then(|resource| {
            let id = fields.parse("brand.brand_id", &resource.brand_id);
            let etag = Etag::parse(&mut fields, "brand.etag", &resource.etag);
            Some(Self { id: id?, etag: etag?, mask, resource })
        });
        fields.finish_with(wanted)
    }

    /// The brand as it is now with the masked fields as they are wanted.
    fn over(&self, mut current: pb::Brand) -> pb::Brand {
        for field in &self.mask {
            match *field {
                "name" => current.name = self.resource.name.clone(),
                "aliases" => current.aliases = self.resource.aliases.clone(),
                "archived" => current.archived = self.resource.archived,
                _ => {}
            }
        }
        current
    }
}
