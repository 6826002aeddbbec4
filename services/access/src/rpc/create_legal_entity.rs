//! Adds a legal entity.

use ::rpc::{Call, Fields, Invalid};
use chrono::{DateTime, Utc};
use proto::access::v1 as pb;
use store::{Audit, Once, Tx};

use crate::error::{Error, Result};
use crate::model::{Changes, LegalEntity};
use crate::request::{BANK_DETAILS_LENGTH_MAX, NAME_LENGTH_MAX, TAX_ID_LENGTH_MAX};
use crate::{Access, wire};

const METHOD: &str = "access.create_legal_entity";

pub(crate) async fn handle(
    access: &Access,
    call: &Call,
    request: pb::CreateLegalEntityRequest,
) -> Result<pb::LegalEntity> {
    let entity = parse(&request, access.store.clock().now())?;

    let once = Once { scope: "org", method: METHOD, key: &request.idempotency_key };
    access
        .store
        .once(call, once, &request, async |tx: &mut Tx| {
            entity.insert(tx.conn()).await?;

            tx.audit(Changes::of_new(entity.facts()).into_audit(Audit::new(METHOD, entity.id())));
            Ok::<_, Error>(wire::legal_entity(&entity))
        })
        .await
}

fn parse(request: &pb::CreateLegalEntityRequest, now: DateTime<Utc>) -> Result<LegalEntity, Invalid> {
    let mut fields = Fields::new();
    fields.idempotency_key(&request.idempotency_key);
    let entity = fields.present("legal_entity", request.legal_entity.as_ref()).map(|entity| {
        let name = fields.required_text("legal_entity.name", &entity.name, NAME_LENGTH_MAX);
        let tax_id = fields.text("legal_entity.tax_id", &entity.tax_id, TAX_ID_LENGTH_MAX);
        let bank_details = &entity.bank_details;
        let bank_details = fields.text("legal_entity.bank_details", bank_details, BANK_DETAILS_LENGTH_MAX);
        LegalEntity::new(name, tax_id, bank_details, now)
    });
    fields.finish_with(entity)
}
