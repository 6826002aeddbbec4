//! Writes the catalog of a shop as a YML feed, streamed in chunks: lot by lot, so that its memory does not grow with the
//! catalog.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use ::rpc::{Call, Fields, Invalid};
use proto::catalog::v1 as pb;
use store::Store;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tracing::Instrument;
use types::{CategoryId, Clock, Currency, PriceListId, ProductId, ShopId, VariantId};

use crate::Catalog;
use crate::error::{Error, Result};
use crate::feed::writer::{self, Head, OfferOut, Param};
use crate::model::{
    Definitions, Effective, FreeStock, NumberedCategory, Offered, PriceList, PriceQuestion, Product, Shown,
    StockOfSku,
};
use crate::upstreams::{Shop, Upstreams};

/// Exports that may run at once in one process.
pub(crate) const EXPORTS_MAX: usize = 4;
/// Variants that are written together: as many as one question to the stock takes.
const LOT_VARIANTS: i64 = 200;
/// Chunks that wait for the caller.
const CHUNKS_WAITING_MAX: usize = 4;
/// A chunk is sent when it has so many bytes.
const CHUNK_BYTES: usize = 64 << 10;
/// How long a chunk waits for a caller who does not read.
const CALLER_PATIENCE: Duration = Duration::from_secs(60);
/// How long the stock of one lot is waited for: a feed with wrong stock is worse than none.
const STOCK_PATIENCE: Duration = Duration::from_secs(5);

pub(crate) type Chunks = ReceiverStream<Result<pb::ExportFeedChunk, Status>>;

struct Wanted {
    shop: ShopId,
    currency: Currency,
    channel: String,
    list: Option<PriceListId>,
}

/// One export under way.
struct Export {
    store: Store,
    clock: Clock,
    upstreams: Upstreams,
    call: Call,
    wanted: Wanted,
    shop: Shop,
    chunks: mpsc::Sender<Result<pb::ExportFeedChunk, Status>>,
    written: String,
}

pub(crate) async fn handle(catalog: &Catalog, call: &Call, request: pb::ExportFeedRequest) -> Result<Chunks> {
    let wanted = Wanted::parse(&request)?;
    let permit = catalog.exports.clone().try_acquire_owned();
    let permit = permit.map_err(|_| Error::TooManyExports(EXPORTS_MAX))?;
    if let Some(id) = wanted.list {
        let list = PriceList::find(&mut *catalog.store.connection().await?, id).await?;
        let currency = list.ok_or(Error::PriceListNotFound(id))?.details.currency;
        if currency != wanted.currency {
            let problem = format!("the list is in {currency}");
            return Err(Invalid::field("currency_code", "CURRENCY_MISMATCH", problem).into());
        }
    }
    let shop = catalog.upstreams.access.shop(call, wanted.shop).await;
    let shop = shop.map_err(|status| match status.code() {
        Code::NotFound => Error::ShopNotFound(wanted.shop),
        _ => Error::NeighbourAway { service: "access", problem: status.message().to_owned() },
    })?;

    let (chunks, received) = mpsc::channel(CHUNKS_WAITING_MAX);
    let export = Export {
        store: catalog.store.clone(),
        clock: catalog.clock.clone(),
        upstreams: catalog.upstreams.clone(),
        call: call.clone(),
        wanted,
        shop,
        chunks,
        written: String::new(),
    };
    let stop = catalog.stop.clone();
    let task = async move {
        export.run(stop).await;
        drop(permit);
    };
    tokio::spawn(task.in_current_span());
    Ok(ReceiverStream::new(received))
}

impl Wanted {
    fn parse(request: &pb::ExportFeedRequest) -> Result<Self, Invalid> {
        let mut fields = Fields::new();
        let shop: Option<ShopId> = fields.parse("shop_id", &request.shop_id);
        let currency: Option<Currency> = fields.parse("currency_code", &request.currency_code);
        let channel = crate::request::channel(&mut fields, "channel", &request.channel);
        let list = fields.parse_optional("price_list_id", &request.price_list_id);
        let both = shop.zip(currency);
        fields.finish_with(both.map(|(shop, currency)| Self { shop, currency, channel, list }))
    }
}

impl Export {
    /// Writes the file and tells its end, good or bad.
    async fn run(mut self, stop: CancellationToken) {
        let (chunks, deadline) = (self.chunks.clone(), self.call.deadline);
        let written = tokio::select! {
            () = stop.cancelled() => Err(Error::Stopping),
            () = tokio::time::sleep_until(deadline) => Err(Error::ExportOverdue),
            written = self.write() => written,
        };
        if let Err(error) = written {
            tracing::info!(%error, "an export ended early");
            let _ = tokio::time::timeout(CALLER_PATIENCE, chunks.send(Err(error.into()))).await;
        }
    }

    async fn write(&mut self) -> Result<()> {
        let now = self.clock.now();
        self.written = writer::head(&Head {
            date: now.format("%Y-%m-%dT%H:%M+00:00").to_string(),
            shop_name: &self.shop.name,
            shop_url: &self.shop.url,
            currency: self.wanted.currency,
        });
        let mut connection = self.store.connection().await?;
        let categories = NumberedCategory::load_all(&mut connection).await?;
        let definitions = Definitions::load(&mut connection).await?;
        drop(connection);
        for category in &categories {
            writer::category(&mut self.written, category.number, category.parent_number, &category.name);
            self.send_full().await?;
        }
        let places = NumberedCategory::places(&categories);
        self.written.push_str(writer::BETWEEN);

        let question = PriceQuestion {
            currency: self.wanted.currency,
            channel: self.wanted.channel.clone(),
            at: now,
            list: self.wanted.list,
        };
        let mut last = String::new();
        loop {
            let lot = Lot::load(&self.store, &last, &question).await?;
            let Some(end) = lot.shown.last() else { break };
            last.clone_from(&end.sku);
            let free = self.stock(&lot).await?;
            for shown in &lot.shown {
                lot.write(&mut self.written, shown, &free, &self.shop.warehouses, &places, &definitions);
                self.send_full().await?;
            }
        }

        self.written.push_str(writer::FOOT);
        self.send().await
    }

    async fn stock(&self, lot: &Lot) -> Result<FreeStock> {
        let skus: BTreeSet<&str> = lot.offered.values().flat_map(Offered::stocked_skus).collect();
        let skus: Vec<&str> = skus.into_iter().collect();
        let free = self.upstreams.inventory.free(&self.call, &skus, STOCK_PATIENCE).await;
        free.map_err(|status| Error::NeighbourAway {
            service: "inventory",
            problem: status.message().to_owned(),
        })
    }

    async fn send_full(&mut self) -> Result<()> {
        if self.written.len() >= CHUNK_BYTES { self.send().await } else { Ok(()) }
    }

    async fn send(&mut self) -> Result<()> {
        let chunk = pb::ExportFeedChunk { chunk: std::mem::take(&mut self.written).into_bytes().into() };
        let sent = tokio::time::timeout(CALLER_PATIENCE, self.chunks.send(Ok(chunk))).await;
        sent.map_err(|_| Error::CallerGone)?.map_err(|_| Error::CallerGone)
    }
}

/// Variants that are written together, and what is known of them.
struct Lot {
    shown: Vec<Shown>,
    products: HashMap<ProductId, Product>,
    offered: HashMap<VariantId, Offered>,
    prices: HashMap<String, Effective>,
}

impl Lot {
    async fn load(store: &Store, after: &str, question: &PriceQuestion) -> Result<Self> {
        let mut connection = store.connection().await?;
        let shown = Shown::after(&mut connection, after, LOT_VARIANTS).await?;
        let ids: BTreeSet<ProductId> = shown.iter().map(|shown| shown.product).collect();
        let products = Product::load(&mut connection, &ids.into_iter().collect::<Vec<_>>()).await?;
        let variants: Vec<VariantId> = shown.iter().map(|shown| shown.variant).collect();
        let offered = Offered::load(&mut connection, &variants).await?;
        let skus: Vec<&str> = shown.iter().map(|shown| shown.sku.as_str()).collect();
        let prices = Effective::load(&mut connection, &skus, question).await?;
        Ok(Self {
            shown,
            products: products.into_iter().map(|product| (product.id, product)).collect(),
            offered: offered.into_iter().map(|one| (one.variant, one)).collect(),
            prices,
        })
    }

    /// Writes one offer. What has no price in the currency and channel is none, nor is a kit that lacks a part for good.
    fn write(
        &self,
        out: &mut String,
        shown: &Shown,
        free: &FreeStock,
        warehouses: &[String],
        places: &HashMap<CategoryId, (usize, i64)>,
        definitions: &Definitions,
    ) {
        let Some(details) = self.products.get(&shown.product).map(|product| &product.details) else { return };
        let variant = details.variants.iter().find(|variant| variant.id == shown.variant);
        let Some((variant, price)) = variant.zip(self.prices.get(&shown.sku)) else { return };
        let Some(offered) = self.offered.get(&shown.variant) else { return };
        if offered.archived_component.is_some() {
            return;
        }
        let count = StockOfSku::of(offered, free, warehouses).total;
        let siblings = details.variants.iter().filter(|variant| !variant.archived).count();
        let params = variant.characteristics.iter().filter(|(_, value)| !value.trim().is_empty());
        let params = params.map(|(name, value)| match definitions.get(name) {
            Some(definition) => {
                Param { name: definition.title(), unit: &definition.unit, value: definition.shown(value) }
            }
            None => Param { name: name.trim(), unit: "", value: value.trim() },
        });
        let offer = OfferOut {
            id: &shown.sku,
            group: (siblings > 1).then_some(shown.product_number),
            available: count > 0,
            url: &variant.page_url,
            price: price.amount,
            old_price: price.old_amount,
            // A feed has one category: the most particular of them.
            category: details
                .categories
                .iter()
                .filter_map(|id| places.get(id))
                .max()
                .map(|(_, number)| *number),
            pictures: &variant.picture_urls,
            name: details.title(variant),
            vendor: &details.vendor,
            description: &details.description,
            barcodes: &variant.barcodes,
            params: params.collect(),
            weight_grams: variant.weight_grams,
            count,
        };
        writer::offer(out, &offer);
    }
}
