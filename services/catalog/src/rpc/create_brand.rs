//! Adds a brand.

use ::rpc::{Call, Fields, Invalid};
use proto::catalog::v1 as pb;
use store::{Once, Tx};

use crate::error::{Error, Result};
use crate::model::{Brand, BrandDetails, Changes};
use crate::retry::after_lost_race;
use crate::{Catalog, request, tell, wire};

const METHOD: &str = "catalog.create_brand";

pub(crate) async fn handle(
    catalog: &Catalog,
    call: &Call,
    request: pb::CreateBrandRequest,
) -> Result<pb::Brand> {
    let (key, details) = parse(&request)?;
    let once = Once { scope: "org", method: METHOD, key: &key };

    after_lost_race(|| {
        catalog.store.once(call, once, &request, async |tx: &mut Tx| {
            let brand = Brand::new(details.clone(), tx.now());
            brand.refuse_taken(tx.conn()).await?;

            brand.insert(tx.conn()).await?;

            tell::brand(tx, METHOD, &brand, Changes::of_new(brand.details.facts()));
            Ok::<_, Error>(wire::brand(&brand))
        })
    })
    .await
}

fn parse(request: &pb::CreateBrandRequest) -> Result<(String, BrandDetails), Invalid> {
    let mut fields = Fields::new();
    let key = fields.idempotency_key(&request.idempotency_key);
    let brand = fields.present("brand", request.brand.as_ref());
    let brand = fields.finish_with(brand)?;
    Ok((key, request::brand(brand)?))
}
