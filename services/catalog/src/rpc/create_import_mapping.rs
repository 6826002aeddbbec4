//! Saves a way to read spreadsheets.

use ::rpc::{Call, Fields, Invalid};
use proto::catalog::v1 as pb;
use store::{Once, Tx};

use crate::error::{Error, Result};
use crate::model::{Changes, ImportMapping, ImportMappingDetails};
use crate::{Catalog, request, tell, wire};

const METHOD: &str = "catalog.create_import_mapping";

pub(crate) async fn handle(
    catalog: &Catalog,
    call: &Call,
    request: pb::CreateImportMappingRequest,
) -> Result<pb::ImportMapping> {
    let (key, details) = parse(&request)?;
    let once = Once { scope: "org", method: METHOD, key: &key };

    let answer = catalog.store.once(call, once, &request, async |tx: &mut Tx| {
        let mapping = ImportMapping::new(details.clone(), tx.now());

        mapping.insert(tx.conn()).await?;

        tell::import_mapping(tx, METHOD, &mapping, Changes::of_new(mapping.details.facts()));
        Ok::<_, Error>(wire::import_mapping(&mapping))
    });
    answer.await
}

fn parse(request: &pb::CreateImportMappingRequest) -> Result<(String, ImportMappingDetails), Invalid> {
    let mut fields = Fields::new();
    let key = fields.idempotency_key(&request.idempotency_key);
    let mapping = fields.present("import_mapping", request.import_mapping.as_ref());
    let mapping = fields.finish_with(mapping)?;
    Ok((key, request::import_mapping(mapping)?))
}
