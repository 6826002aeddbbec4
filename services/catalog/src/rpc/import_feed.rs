//! Imports a YML feed or a CSV file, streamed in chunks, reporting progress and every refused row.

use ::rpc::{Call, Fields, Invalid};
use proto::catalog::v1 as pb;
use proto::catalog::v1::import_feed_request::Part;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use tracing::Instrument;
use types::{ImportMappingId, PriceListId, SourceId};
use uuid::Uuid;

use crate::Catalog;
use crate::error::{Error, Result};
use crate::feed::Format;
use crate::import::{
    self, CHUNK_PATIENCE, Identity, Import, Ledger, MESSAGES_WAITING_MAX, NewBrands, Report,
};
use crate::model::{ImportMapping, PriceList};

pub(crate) type Progress = ReceiverStream<Result<pb::ImportFeedProgress, Status>>;

struct Wanted {
    dry_run: bool,
    source: SourceId,
    identity: Identity,
    list: Option<PriceListId>,
    mapping: Option<ImportMappingId>,
    new_brands: NewBrands,
}

pub(crate) async fn handle(
    catalog: &Catalog,
    call: &Call,
    mut stream: Streaming<pb::ImportFeedRequest>,
) -> Result<Progress> {
    let wanted = Wanted::parse(first_message(&mut stream).await?)?;
    let busy = || Error::TooManyImports(import::IMPORTS_MAX);
    let permit = catalog.imports.clone().try_acquire_owned().map_err(|_| busy())?;

    let mut ledger = Ledger::open(&catalog.store).await?;
    if !wanted.dry_run {
        ledger.claim(wanted.source).await?;
    }
    let list = match wanted.list {
        Some(id) => {
            Some(PriceList::find(ledger.connection()?, id).await?.ok_or(Error::PriceListNotFound(id))?)
        }
        None => None,
    };

    let format = match wanted.mapping {
        None => Format::Yml,
        Some(id) => {
            let mapping = ImportMapping::find(ledger.connection()?, id).await?;
            let mapping = mapping.ok_or(Error::ImportMappingNotFound(id))?;
            if mapping.details.archived {
                return Err(Error::ImportMappingArchived(id));
            }
            Format::Csv { mapping, currency: list.as_ref().map(|list| list.details.currency) }
        }
    };

    let (messages, progress) = mpsc::channel(MESSAGES_WAITING_MAX);
    let import = Import {
        store: catalog.store.clone(),
        call: call.clone(),
        source: wanted.source,
        identity: wanted.identity,
        format,
        new_brands: wanted.new_brands,
        list,
        dry_run: wanted.dry_run,
    };
    let stop = catalog.stop.clone();
    // A task of its own: a caller who hangs up must not drop a transaction half-way.
    let task = async move {
        import::run(import, ledger, stream, Report::new(messages), stop).await;
        drop(permit);
    };
    tokio::spawn(task.in_current_span());
    Ok(ReceiverStream::new(progress))
}

async fn first_message(stream: &mut Streaming<pb::ImportFeedRequest>) -> Result<pb::ImportFeedSettings> {
    let message = tokio::time::timeout(CHUNK_PATIENCE, stream.message()).await;
    let message = message.map_err(|_| Error::FeedStalled(CHUNK_PATIENCE))?;
    let message = message.map_err(|status| Error::FeedInterrupted(status.message().to_owned()))?;
    match message.and_then(|message| message.part) {
        Some(Part::Settings(settings)) => Ok(settings),
        Some(Part::Chunk(_)) | None => Err(Error::FeedSettingsMissing),
    }
}

impl Wanted {
    fn parse(settings: pb::ImportFeedSettings) -> Result<Self, Invalid> {
        let mut fields = Fields::new();
        let is_csv = match settings.format() {
            pb::FeedFormat::Unspecified | pb::FeedFormat::Yml => false,
            pb::FeedFormat::Csv => true,
        };
        fields.check(
            pb::FeedFormat::try_from(settings.format).is_ok(),
            "settings.format",
            "UNKNOWN_VALUE",
            "YML or CSV",
        );
        let identity = match pb::FeedIdentity::try_from(settings.identity) {
            Ok(pb::FeedIdentity::Unspecified) if is_csv => Identity::Own,
            Ok(pb::FeedIdentity::Unspecified | pb::FeedIdentity::Source) => Identity::Source,
            Ok(pb::FeedIdentity::Own) => Identity::Own,
            Err(_) => {
                fields.refuse(
                    "settings.identity",
                    "UNKNOWN_VALUE",
                    "that of the source or the organisation's own",
                );
                Identity::Source
            }
        };
        let source = match (identity, settings.source_id.is_empty()) {
            // One import at a time changes what is nobody's but the organisation's.
            (Identity::Own, true) => Some(SourceId::from_uuid(Uuid::nil())),
            (Identity::Own, false) => {
                fields.refuse("settings.source_id", "MISMATCH", "own ids are of no source");
                None
            }
            (Identity::Source, _) => fields.parse("settings.source_id", &settings.source_id),
        };
        let list = fields.parse_optional("settings.price_list_id", &settings.price_list_id);
        let mapping = match (is_csv, settings.import_mapping_id.is_empty()) {
            (true, _) => fields.parse("settings.import_mapping_id", &settings.import_mapping_id),
            (false, empty) => {
                let problem = "only a CSV file is read by a mapping";
                fields.check(empty, "settings.import_mapping_id", "MISMATCH", problem);
                None
            }
        };
        let new_brands = if settings.create_brands { NewBrands::Create } else { NewBrands::Leave };
        let dry_run = settings.dry_run;
        fields.finish_with(source.map(|source| Self { dry_run, source, identity, list, mapping, new_brands }))
    }
}
