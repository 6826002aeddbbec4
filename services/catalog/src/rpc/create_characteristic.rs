//! Defines a characteristic.

use ::rpc::{Call, Fields, Invalid};
use proto::catalog::v1 as pb;
use store::{Once, Tx};

use crate::error::{Error, Result};
use crate::model::{Changes, Characteristic, CharacteristicDetails};
use crate::retry::after_lost_race;
use crate::{Catalog, request, tell, wire};

const METHOD: &str = "catalog.create_characteristic";

pub(crate) async fn handle(
    catalog: &Catalog,
    call: &Call,
    request: pb::CreateCharacteristicRequest,
) -> Result<pb::Characteristic> {
    let (key, details) = parse(&request)?;
    let once = Once { scope: "org", method: METHOD, key: &key };

    after_lost_race(|| {
        catalog.store.once(call, once, &request, async |tx: &mut Tx| {
            let definition = Characteristic::new(details.clone(), tx.now());
            definition.refuse_taken(tx.conn()).await?;

            definition.insert(tx.conn()).await?;
            definition.index_values(tx.conn()).await?;

            tell::characteristic(tx, METHOD, &definition, Changes::of_new(definition.details.facts()));
            Ok::<_, Error>(wire::characteristic(&definition))
        })
    })
    .await
}

fn parse(request: &pb::CreateCharacteristicRequest) -> Result<(String, CharacteristicDetails), Invalid> {
    let mut fields = Fields::new();
    let key = fields.idempotency_key(&request.idempotency_key);
    let definition = fields.present("characteristic", request.characteristic.as_ref());
    let definition = fields.finish_with(definition)?;
    Ok((key, request::characteristic_definition(definition)?))
}
