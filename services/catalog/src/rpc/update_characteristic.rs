//! Changes the definition of a characteristic; its code and type stay.

use ::rpc::{Call, Fields, Invalid};
use proto::catalog::v1 as pb;
use store::Tx;

use crate::error::{Error, Result};
use crate::model::{Changes, Characteristic, CharacteristicDetails, Etag};
use crate::retry::after_lost_race;
use crate::{Catalog, request, tell, wire};

const METHOD: &str = "catalog.update_characteristic";

/// The longest code, in characters.
const CODE_LENGTH_MAX: usize = 64;

struct Wanted {
    code: String,
    etag: Etag,
    mask: Vec<&'static str>,
    resource: pb::Characteristic,
}

pub(crate) async fn handle(
    catalog: &Catalog,
    call: &Call,
    request: pb::UpdateCharacteristicRequest,
) -> Result<pb::Characteristic> {
    let wanted = Wanted::parse(request)?;

    let definition = after_lost_race(|| {
        catalog.store.transaction(call, async |tx: &mut Tx| {
            let mut definition = Characteristic::lock(tx.conn(), &wanted.code)
                .await?
                .ok_or(Error::CharacteristicNotFound(wanted.code.clone()))?;

            let details =
                request::characteristic_definition(&wanted.over(wire::characteristic(&definition)))?;
            let changes = Changes::between(definition.details.facts(), details.facts());
            if changes.is_empty() {
                return Ok(definition);
            }
            wanted.etag.check(definition.version)?;
            definition.details.refuse_incompatible(&details)?;
            definition.details = details;
            definition.version += 1;
            definition.refuse_taken(tx.conn()).await?;

            let now = tx.now();
            definition.save(tx.conn(), now).await?;
            definition.index_values(tx.conn()).await?;

            tell::characteristic(tx, METHOD, &definition, changes);
            Ok::<_, Error>(definition)
        })
    });
    Ok(wire::characteristic(&definition.await?))
}

impl Wanted {
    fn parse(request: pb::UpdateCharacteristicRequest) -> Result<Self, Invalid> {
        let mut fields = Fields::new();
        let mask = fields.update_mask(request.update_mask.as_ref(), &CharacteristicDetails::FIELDS);
        let wanted = fields.present("characteristic", request.characteristic).and_then(|resource| {
            let code = fields.required_text("characteristic.code", &resource.code, CODE_LENGTH_MAX);
            let etag = Etag::parse(&mut fields, "characteristic.etag", &resource.etag);
            Some(Self { code, etag: etag?, mask, resource })
        });
        fields.finish_with(wanted)
    }

    /// The characteristic as it is now with the masked fields as they are wanted.
    fn over(&self, mut current: pb::Characteristic) -> pb::Characteristic {
        for field in &self.mask {
            match *field {
                "names" => current.names = self.resource.names.clone(),
                "unit" => current.unit = self.resource.unit.clone(),
                "choices" => current.choices = self.resource.choices.clone(),
                "filterable" => current.filterable = self.resource.filterable,
                "variant_axis" => current.variant_axis = self.resource.variant_axis,
                "archived" => current.archived = self.resource.archived,
                _ => {}
            }
        }
        current
    }
}
