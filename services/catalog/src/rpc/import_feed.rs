//! Imports a YML feed, streamed in chunks, reporting progress and every refused row.

use ::rpc::{Call, Fields};
use proto::catalog::v1 as pb;
use proto::catalog::v1::import_feed_request::Part;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use tracing::Instrument;
use types::{PriceListId, SourceId};

use crate::Catalog;
use crate::error::{Error, Result};
use crate::import::{self, CHUNK_PATIENCE, Import, Ledger, MESSAGES_WAITING_MAX, Report};
use crate::model::PriceList;

pub(crate) type Progress = ReceiverStream<Result<pb::ImportFeedProgress, Status>>;

pub(crate) async fn handle(
    catalog: &Catalog,
    call: &Call,
    mut stream: Streaming<pb::ImportFeedRequest>,
) -> Result<Progress> {
    let (dry_run, source, list) = parse(first_message(&mut stream).await?)?;
    let busy = || Error::TooManyImports(import::IMPORTS_MAX);
    let permit = catalog.imports.clone().try_acquire_owned().map_err(|_| busy())?;

    let mut ledger = Ledger::open(&catalog.store).await?;
    if !dry_run {
        ledger.claim(source).await?;
    }
    let list = match list {
        Some(id) => {
            Some(PriceList::find(ledger.connection()?, id).await?.ok_or(Error::PriceListNotFound(id))?)
        }
        None => None,
    };

    let (messages, progress) = mpsc::channel(MESSAGES_WAITING_MAX);
    let import = Import { store: catalog.store.clone(), call: call.clone(), source, list, dry_run };
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

fn parse(settings: pb::ImportFeedSettings) -> Result<(bool, SourceId, Option<PriceListId>)> {
    let mut fields = Fields::new();
    let source = fields.parse("settings.source_id", &settings.source_id);
    let list = fields.parse_optional("settings.price_list_id", &settings.price_list_id);
    let source = fields.finish_with(source)?;
    Ok((settings.dry_run, source, list))
}
