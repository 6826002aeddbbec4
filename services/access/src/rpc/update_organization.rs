//! Changes the organisation's name or base currency.

use ::rpc::{Call, Fields};
use proto::access::v1 as pb;
use store::{Audit, Tx};

use crate::error::{Error, Result};
use crate::model::{Changes, Etag, Organization, OrganizationDetails};
use crate::{Access, request, wire};

const METHOD: &str = "access.update_organization";

pub(crate) async fn handle(
    access: &Access,
    call: &Call,
    request: pb::UpdateOrganizationRequest,
) -> Result<pb::Organization> {
    let mut fields = Fields::new();
    let wanted = fields.present("organization", request.organization);
    let mask = fields.update_mask(request.update_mask.as_ref(), &OrganizationDetails::FIELDS);
    let etag = wanted.as_ref().and_then(|wanted| Etag::parse(&mut fields, "organization.etag", &wanted.etag));
    let (wanted, etag) = fields.finish_with(wanted.zip(etag))?;

    let organization = access.store.transaction(call, async |tx: &mut Tx| {
        let mut organization = Organization::lock(tx.conn()).await?;

        let details = request::organization(&merge(wire::organization(&organization), wanted, &mask))?;
        let changes = Changes::between(organization.details.facts(), details.facts());
        if changes.is_empty() {
            return Ok(organization);
        }
        etag.check(organization.version)?;
        organization.version += 1;
        organization.details = details;

        organization.save(tx.conn()).await?;
        tx.audit(changes.into_audit(Audit::new(METHOD, organization.id)));
        Ok::<_, Error>(organization)
    });
    Ok(wire::organization(&organization.await?))
}

fn merge(mut current: pb::Organization, wanted: pb::Organization, mask: &[&str]) -> pb::Organization {
    if mask.contains(&"name") {
        current.name = wanted.name;
    }
    if mask.contains(&"base_currency_code") {
        current.base_currency_code = wanted.base_currency_code;
    }
    current
}
