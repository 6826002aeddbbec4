//! Changes a way to read spreadsheets.

use ::rpc::{Call, Fields, Invalid};
use proto::catalog::v1 as pb;
use store::Tx;
use types::ImportMappingId;

use crate::error::{Error, Result};
use crate::model::{Changes, Etag, ImportMapping, ImportMappingDetails};
use crate::{Catalog, request, tell, wire};

const METHOD: &str = "catalog.update_import_mapping";

struct Wanted {
    id: ImportMappingId,
    etag: Etag,
    mask: Vec<&'static str>,
    resource: pb::ImportMapping,
}

pub(crate) async fn handle(
    catalog: &Catalog,
    call: &Call,
    request: pb::UpdateImportMappingRequest,
) -> Result<pb::ImportMapping> {
    let wanted = Wanted::parse(request)?;

    let mapping = catalog.store.transaction(call, async |tx: &mut Tx| {
        let mut mapping = ImportMapping::lock(tx.conn(), wanted.id)
            .await?
            .ok_or(Error::ImportMappingNotFound(wanted.id))?;

        let details = request::import_mapping(&wanted.over(wire::import_mapping(&mapping)))?;
        let changes = Changes::between(mapping.details.facts(), details.facts());
        if changes.is_empty() {
            return Ok(mapping);
        }
        wanted.etag.check(mapping.version)?;
        mapping.details = details;
        mapping.version += 1;

        let now = tx.now();
        mapping.save(tx.conn(), now).await?;

        tell::import_mapping(tx, METHOD, &mapping, changes);
        Ok::<_, Error>(mapping)
    });
    Ok(wire::import_mapping(&mapping.await?))
}

impl Wanted {
    fn parse(request: pb::UpdateImportMappingRequest) -> Result<Self, Invalid> {
        let mut fields = Fields::new();
        let mask = fields.update_mask(request.update_mask.as_ref(), &ImportMappingDetails::FIELDS);
        let wanted = fields.present("import_mapping", request.import_mapping).and_then(|resource| {
            let id = fields.parse("import_mapping.import_mapping_id", &resource.import_mapping_id);
            let etag = Etag::parse(&mut fields, "import_mapping.etag", &resource.etag);
            Some(Self { id: id?, etag: etag?, mask, resource })
        });
        fields.finish_with(wanted)
    }

    /// The import mapping as it is now with the masked fields as they are wanted.
    fn over(&self, mut current: pb::ImportMapping) -> pb::ImportMapping {
        for field in &self.mask {
            match *field {
                "name" => current.name = self.resource.name.clone(),
                "delimiter" => current.delimiter = self.resource.delimiter.clone(),
                "encoding" => current.encoding = self.resource.encoding,
                "decimal_comma" => current.decimal_comma = self.resource.decimal_comma,
                "columns" => current.columns = self.resource.columns.clone(),
                "constants" => current.constants = self.resource.constants.clone(),
                "archived" => current.archived = self.resource.archived,
                _ => {}
            }
        }
        current
    }
}
