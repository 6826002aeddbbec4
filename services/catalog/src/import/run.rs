//! One import from its first chunk to its last message.

use proto::catalog::v1::ImportFeedRequest;
use rpc::Call;
use store::Store;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tonic::Streaming;
use types::SourceId;

use super::categories::{self, CategoryMap};
use super::{Ledger, Progress, Rehearsed, Report, batch, pump};
use crate::error::{Error, Result};
use crate::feed::{self, FeedCategory, Format, Lot, Refusal, Row, Unreadable};
use crate::model::PriceList;

/// After how many new variants the tables are analyzed first; then each time they have grown as many times.
const CREATED_UNANALYZED_MAX: u64 = 500;
const GROWTH_UNANALYZED: u64 = 4;

/// How a feed is taken in.
pub(crate) struct Import {
    pub(crate) store: Store,
    pub(crate) call: Call,
    /// Nobody's when the ids are the organisation's own.
    pub(crate) source: SourceId,
    pub(crate) identity: Identity,
    pub(crate) format: Format,
    pub(crate) new_brands: NewBrands,
    /// The list that gets the prices; none for the default list of each currency.
    pub(crate) list: Option<PriceList>,
    pub(crate) dry_run: bool,
}

/// Whose ids a file carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Those of the source.
    Source,
    /// The organisation's own: offers are found by SKU, categories by number, id or path.
    Own,
}

/// What becomes of vendors that are no brand yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NewBrands {
    Create,
    Leave,
}

/// The rows that were taken in so far.
struct Intake<'a> {
    import: &'a Import,
    ledger: Ledger,
    /// Gathered until the first offer: a parent may stand after its child.
    gathered: Option<Vec<FeedCategory>>,
    categories: CategoryMap,
    progress: Progress,
    /// At how many new variants PostgreSQL looks at the tables again: plans for empty tables are bad for full ones.
    analyze_at: u64,
}

/// Runs an import and tells its end, good or bad.
pub(crate) async fn run(
    import: Import,
    ledger: Ledger,
    stream: Streaming<ImportFeedRequest>,
    report: Report,
    stop: CancellationToken,
) {
    match take_all(&import, ledger, stream, &report, stop).await {
        Ok(progress) => report.finish(&progress).await,
        Err(error) => {
            tracing::info!(source = %import.source, %error, "an import ended early");
            report.fail(error).await;
        }
    }
}

async fn take_all(
    import: &Import,
    ledger: Ledger,
    stream: Streaming<ImportFeedRequest>,
    report: &Report,
    stop: CancellationToken,
) -> Result<Progress> {
    let (chunks, chunks_read) = mpsc::channel(pump::CHUNKS_WAITING_MAX);
    let (lots, mut lots_read) = mpsc::channel::<Lot>(1);
    let format = import.format.clone();
    // Ends with this function, whatever the caller still sends.
    let pump = AbortOnDropHandle::new(tokio::spawn(pump::run(stream, chunks, import.call.deadline, stop)));
    let reader = tokio::task::spawn_blocking(move || feed::read(format, chunks_read, &lots));

    let mut intake = Intake {
        import,
        ledger,
        gathered: Some(Vec::new()),
        categories: CategoryMap::new(),
        progress: Progress::default(),
        analyze_at: CREATED_UNANALYZED_MAX,
    };
    while let Some(lot) = lots_read.recv().await {
        let (refused, outcomes) = intake.take(lot).await?;
        report.tell(&intake.progress, refused, outcomes).await?;
    }
    // Why the file stopped comes first; that its text then ended too early is only what followed from it.
    pump.await
        .unwrap_or_else(|_| Err(Error::FeedInterrupted("the file could not be received".to_owned())))?;
    let unread = || Unreadable { line: 0, problem: "the file could not be read".to_owned() };
    let read = reader.await.unwrap_or_else(|_| Err(unread()));
    read.map_err(|Unreadable { line, problem }| Error::FeedUnreadable { line, problem })?;

    let refused = intake.take_categories().await?;
    if !refused.is_empty() {
        report.tell(&intake.progress, refused, Vec::new()).await?;
    }
    if !import.dry_run && intake.progress.created > CREATED_UNANALYZED_MAX {
        intake.ledger.analyze().await?;
    }
    Ok(intake.progress)
}

impl Intake<'_> {
    async fn take(&mut self, lot: Lot) -> Result<(Vec<Refusal>, Vec<Rehearsed>)> {
        let mut outcomes = Vec::new();
        let (mut offers, mut refused) = (Vec::with_capacity(lot.rows.len()), Vec::new());
        for row in lot.rows {
            match row {
                Row::Category(category) => match &mut self.gathered {
                    Some(gathered) if gathered.len() <= categories::CATEGORIES_MAX => gathered.push(category),
                    Some(_) => {
                        let message = format!("a file has at most {} categories", categories::CATEGORIES_MAX);
                        refused.push(Refusal::new(category.line, "category", "TOO_MANY", message));
                    }
                    None => {
                        let message = "categories stand before the offers";
                        refused.push(Refusal::new(category.line, "category", "MISPLACED", message));
                    }
                },
                Row::RefusedCategory(refusal) => refused.push(refusal),
                Row::RefusedOffer(refusal) => {
                    self.progress.rows += 1;
                    refused.push(refusal);
                }
                Row::Offer(offer) => {
                    self.progress.rows += 1;
                    offers.push(*offer);
                }
            }
        }
        self.progress.errors += refused.len() as u64;
        if !offers.is_empty() {
            refused.extend(self.take_categories().await?);
            let progress = &mut self.progress;
            let (refused_offers, rehearsed) =
                batch::take(self.import, &mut self.ledger, &self.categories, offers, progress).await?;
            outcomes = rehearsed;
            self.progress.errors += refused_offers.len() as u64;
            refused.extend(refused_offers);
            refused.sort_by_key(|refusal| refusal.line);
        }
        if !self.import.dry_run && self.progress.created >= self.analyze_at {
            self.ledger.analyze().await?;
            self.analyze_at = self.progress.created * GROWTH_UNANALYZED;
        }
        self.progress.read_bytes = lot.read_bytes;
        Ok((refused, outcomes))
    }

    /// Takes in the categories that were gathered, once.
    async fn take_categories(&mut self) -> Result<Vec<Refusal>> {
        let Some(gathered) = self.gathered.take() else { return Ok(Vec::new()) };
        if self.import.identity == Identity::Own {
            // The tree is the organisation's own: what an export says of it is no news.
            return Ok(Vec::new());
        }
        let (tree, refused) = categories::plan(gathered);
        self.progress.categories = tree.len() as u64;
        self.progress.errors += refused.len() as u64;
        self.categories = categories::take(self.import, tree).await?;
        Ok(refused)
    }
}
