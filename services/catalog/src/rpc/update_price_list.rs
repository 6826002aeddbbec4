//! Changes a price list; its currency stays, because its prices are in it.

use ::rpc::{Call, Fields, Invalid};
use proto::catalog::v1 as pb;
use store::Tx;
use types::PriceListId;

use crate::error::{Error, Result};
use crate::model::{Changes, Etag, PriceList, PriceListDetails};
use crate::{Catalog, request, tell, wire};

const METHOD: &str = "catalog.update_price_list";

struct Wanted {
    id: PriceListId,
    etag: Etag,
    mask: Vec<&'static str>,
    list: pb::PriceList,
}

pub(crate) async fn handle(
    catalog: &Catalog,
    call: &Call,
    request: pb::UpdatePriceListRequest,
) -> Result<pb::PriceList> {
    let wanted = Wanted::parse(request)?;

    let list = catalog.store.transaction(call, async |tx: &mut Tx| {
        let mut list =
            PriceList::lock(tx.conn(), wanted.id).await?.ok_or(Error::PriceListNotFound(wanted.id))?;

        let details = request::price_list(&wanted.over(wire::price_list(&list)))?;
        let changes = Changes::between(list.details.facts(), details.facts());
        if changes.is_empty() {
            return Ok(list);
        }
        if details.currency != list.details.currency {
            let problem = "the prices in the list are in it; make another list";
            return Err(Invalid::field("price_list.currency_code", "IMMUTABLE", problem).into());
        }
        wanted.etag.check(list.version)?;
        PriceList::refuse_unfit_base(tx.conn(), list.id, &details).await?;
        list.details = details;
        list.version += 1;

        let now = tx.now();
        list.save(tx.conn(), now).await?;

        tell::price_list(tx, METHOD, &list, changes);
        Ok::<_, Error>(list)
    });
    Ok(wire::price_list(&list.await?))
}

impl Wanted {
    fn parse(request: pb::UpdatePriceListRequest) -> Result<Self, Invalid> {
        let mut fields = Fields::new();
        let mask = fields.update_mask(request.update_mask.as_ref(), &PriceListDetails::FIELDS);
        let wanted = fields.present("price_list", request.price_list).and_then(|list| {
            let id = fields.parse("price_list.price_list_id", &list.price_list_id);
            let etag = Etag::parse(&mut fields, "price_list.etag", &list.etag);
            Some(Self { id: id?, etag: etag?, mask, list })
        });
        fields.finish_with(wanted)
    }

    /// The list as it is now with the masked fields as they are wanted.
    fn over(&self, mut current: pb::PriceList) -> pb::PriceList {
        for field in &self.mask {
            match *field {
                "name" => current.name = self.list.name.clone(),
                "currency_code" => current.currency_code = self.list.currency_code.clone(),
                "valid_from_time" => current.valid_from_time = self.list.valid_from_time,
                "valid_until_time" => current.valid_until_time = self.list.valid_until_time,
                "channels" => current.channels = self.list.channels.clone(),
                "priority" => current.priority = self.list.priority,
                "rounding" => current.rounding = self.list.rounding.clone(),
                "base_price_list_id" => current.base_price_list_id = self.list.base_price_list_id.clone(),
                "percent" => current.percent = self.list.percent.clone(),
                _ => {}
            }
        }
        current
    }
}
