//! `korob import yml FILE`: brings a shop's feed in, with progress and every refused row.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use indicatif::{ProgressBar, ProgressStyle};
use proto::catalog::v1::catalog_service_client::CatalogServiceClient;
use proto::catalog::v1::import_feed_request::Part;
use proto::catalog::v1::{ImportFeedProgress, ImportFeedRequest, ImportFeedSettings, RowError};
use rpc::{Call, Caller, Directory};
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::arguments::Import;
use crate::configuration::Configuration;

const PATIENCE: Duration = Duration::from_secs(3600);
const CHUNK_BYTES: usize = 256 * 1024;
/// Chunks under way; the service reads as fast as it writes.
const CHUNKS_WAITING_MAX: usize = 4;

/// Imports into the running suite. Exit status 1 when rows were refused.
pub async fn run(configuration: Configuration, import: Import) -> anyhow::Result<ExitCode> {
    let Import::Yml { file, dry_run, source, price_list } = import;
    let directory = super::running_suite(&configuration)?;
    let settings =
        ImportFeedSettings { dry_run, source_id: source, price_list_id: price_list, ..Default::default() };
    let result = import_yml(&directory, &file, settings).await?;

    for error in &result.errors {
        let offer = if error.offer_id.is_empty() { "no id" } else { &error.offer_id };
        println!("line {}: offer {offer}: {}: {} ({})", error.line, error.field, error.message, error.reason);
    }
    let total = &result.total;
    let verb = if dry_run { "would be" } else { "were" };
    println!(
        "{} offers: {} {verb} created, {} updated, {} unchanged, {} refused; {} prices changed, {} categories",
        total.row_count,
        total.created_count,
        total.updated_count,
        total.unchanged_count,
        total.error_count,
        total.price_changed_count,
        total.category_count,
    );
    Ok(if total.error_count == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What an import did.
#[derive(Default)]
pub struct Imported {
    /// The last progress message.
    pub total: ImportFeedProgress,
    /// Every refused row.
    pub errors: Vec<RowError>,
}

/// Streams `file` into the catalog, showing progress.
pub async fn import_yml(
    directory: &Directory,
    file: &Path,
    settings: ImportFeedSettings,
) -> anyhow::Result<Imported> {
    let source = File::open(file).await.with_context(|| format!("open {}", file.display()))?;
    let length = source.metadata().await?.len();
    let bar = ProgressBar::new(length);
    let style = "{bar:30} {bytes}/{total_bytes} {msg}";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));

    let (parts, stream) = mpsc::channel(CHUNKS_WAITING_MAX);
    let reading = tokio::spawn(send(source, settings, parts));
    let call = Call::begin(Caller::operator("cli"), PATIENCE);
    let mut catalog = CatalogServiceClient::new(directory.channel("catalog").bind(&call));
    let answer = catalog.import_feed(ReceiverStream::new(stream)).await;
    let mut progress = answer.map_err(|status| super::explain(&status))?.into_inner();
    let mut imported = Imported::default();
    while let Some(mut message) = progress.message().await.map_err(|status| super::explain(&status))? {
        imported.errors.append(&mut message.errors);
        bar.set_position(u64::try_from(message.read_bytes).unwrap_or(0).min(length));
        bar.set_message(format!("{} offers, {} refused", message.row_count, message.error_count));
        imported.total = message;
    }
    bar.finish_and_clear();
    reading.await.context("read the file")??;
    anyhow::ensure!(
        imported.total.finished,
        "the import ended early; run it again, what is done is not done twice"
    );
    Ok(imported)
}

async fn send(
    mut source: File,
    settings: ImportFeedSettings,
    parts: mpsc::Sender<ImportFeedRequest>,
) -> anyhow::Result<()> {
    let mut part = Part::Settings(settings);
    loop {
        if parts.send(ImportFeedRequest { part: Some(part) }).await.is_err() {
            return Ok(()); // The service has answered already, and its answer tells why.
        }
        let mut chunk = vec![0; CHUNK_BYTES];
        let read = source.read(&mut chunk).await?;
        if read == 0 {
            return Ok(());
        }
        chunk.truncate(read);
        part = Part::Chunk(Bytes::from(chunk));
    }
}
