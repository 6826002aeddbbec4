//! Adds a price list.

use ::rpc::{Call, Fields, Invalid};
use proto::catalog::v1 as pb;
use store::{Once, Tx};

use crate::error::{Error, Result};
use crate::model::{Changes, PriceList, PriceListDetails};
use crate::{Catalog, request, tell, wire};

const METHOD: &str = "catalog.create_price_list";

pub(crate) async fn handle(
    catalog: &Catalog,
    call: &Call,
    request: pb::CreatePriceListRequest,
) -> Result<pb::PriceList> {
    let (key, details) = parse(&request)?;
    let once = Once { scope: "org", method: METHOD, key: &key };

    let answer = catalog.store.once(call, once, &request, async |tx: &mut Tx| {
        let list = PriceList::new(details.clone(), tx.now());
        PriceList::refuse_unfit_base(tx.conn(), list.id, &list.details).await?;

        list.insert(tx.conn()).await?;

        tell::price_list(tx, METHOD, &list, Changes::of_new(list.details.facts()));
        Ok::<_, Error>(wire::price_list(&list))
    });
    answer.await
}

fn parse(request: &pb::CreatePriceListRequest) -> Result<(String, PriceListDetails), Invalid> {
    let mut fields = Fields::new();
    let key = fields.idempotency_key(&request.idempotency_key);
    let list = fields.present("price_list", request.price_list.as_ref());
    let list = fields.finish_with(list)?;
    Ok((key, request::price_list(list)?))
}
