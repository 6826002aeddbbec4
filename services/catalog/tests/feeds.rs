//! Feeds, and what an import of one said.

use std::fmt::Write;

use proto::catalog::v1 as pb;
use proto::catalog::v1::import_feed_request::Part;
use tonic::Status;
use types::SourceId;

use crate::desk::{Client, Desk};

/// An import: what is sent and how.
#[derive(Clone)]
pub struct Import {
    pub file: Vec<u8>,
    pub settings: pb::ImportFeedSettings,
    pub chunk_bytes: usize,
}

/// What an import said.
#[derive(Debug, Clone)]
pub struct Said {
    /// The last progress.
    pub last: pb::ImportFeedProgress,
    pub errors: Vec<pb::RowError>,
    /// What rows of a dry run would do.
    pub outcomes: Vec<pb::RowOutcome>,
    pub refused: Option<Status>,
}

impl Import {
    pub fn of(file: impl Into<Vec<u8>>, source: SourceId) -> Self {
        let settings = pb::ImportFeedSettings { source_id: source.to_string(), ..Default::default() };
        Self { file: file.into(), settings, chunk_bytes: 64 << 10 }
    }

    pub fn dry(mut self) -> Self {
        self.settings.dry_run = true;
        self
    }

    pub fn into_list(mut self, list: &pb::PriceList) -> Self {
        self.settings.price_list_id = list.price_list_id.clone();
        self
    }

    pub fn in_chunks_of(mut self, bytes: usize) -> Self {
        self.chunk_bytes = bytes;
        self
    }

    pub fn messages(&self) -> Vec<pb::ImportFeedRequest> {
        let settings = pb::ImportFeedRequest { part: Some(Part::Settings(self.settings.clone())) };
        let chunk = |bytes: &[u8]| pb::ImportFeedRequest { part: Some(Part::Chunk(bytes.to_vec().into())) };
        std::iter::once(settings).chain(self.file.chunks(self.chunk_bytes).map(chunk)).collect()
    }
}

impl Said {
    /// Rows, created, updated, unchanged, errors.
    pub fn counts(&self) -> (i32, i32, i32, i32, i32) {
        let last = &self.last;
        (last.row_count, last.created_count, last.updated_count, last.unchanged_count, last.error_count)
    }

    /// Line, offer, field and reason of every refused row.
    pub fn refusals(&self) -> Vec<(i64, &str, &str, &str)> {
        let row =
            |row: &pb::RowError| (row.line, row.offer_id.clone(), row.field.clone(), row.reason.clone());
        let _ = row;
        self.errors
            .iter()
            .map(|row| (row.line, row.offer_id.as_str(), row.field.as_str(), row.reason.as_str()))
            .collect()
    }

    /// The reason an import ended early.
    pub fn reason(&self) -> String {
        self.refused.as_ref().and_then(rpc::reason).unwrap_or_default()
    }
}

impl Desk {
    /// Imports a file that must be read to its end.
    pub async fn import(&mut self, import: Import) -> Said {
        let said = send(&mut self.catalog, import.messages()).await;
        assert!(said.last.finished && said.refused.is_none(), "the import ended early: {said:?}");
        said
    }

    /// Imports a file that may be refused.
    pub async fn try_import(&mut self, import: Import) -> Said {
        send(&mut self.catalog, import.messages()).await
    }
}

/// Sends an import and hears it to its end.
pub async fn send(catalog: &mut Client, messages: Vec<pb::ImportFeedRequest>) -> Said {
    let mut said = Said {
        last: pb::ImportFeedProgress::default(),
        errors: Vec::new(),
        outcomes: Vec::new(),
        refused: None,
    };
    let mut progress = match catalog.import_feed(tokio_stream::iter(messages)).await {
        Ok(answer) => answer.into_inner(),
        Err(status) => return Said { refused: Some(status), ..said },
    };
    loop {
        match progress.message().await {
            Ok(Some(mut message)) => {
                said.errors.append(&mut message.errors);
                said.outcomes.append(&mut message.outcomes);
                said.last = message;
            }
            Ok(None) => return said,
            Err(status) => return Said { refused: Some(status), ..said },
        }
    }
}

/// A whole file around categories and offers.
pub fn feed(categories: &str, offers: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE yml_catalog SYSTEM \"shops.dtd\">\n\
         <yml_catalog date=\"2026-02-14 09:30\"><shop><name>Shop</name>\n\
         <currencies><currency id=\"RUR\" rate=\"1\"/></currencies>\n\
         <categories>{categories}</categories>\n<offers>\n{offers}\n</offers></shop></yml_catalog>\n"
    )
}

/// An offer of one line.
pub fn offer(id: &str, price: &str, more: &str) -> String {
    format!(
        "<offer id=\"{id}\" available=\"true\"><price>{price}</price><currencyId>RUR</currencyId>\
         <name>Offer {id}</name>{more}</offer>\n"
    )
}

/// Many offers: every tenth has a vendor's code, every third lies in a group of four, all have barcodes.
pub fn many(count: usize) -> String {
    let mut offers = String::new();
    for at in 0..count {
        let group = if at % 3 == 0 { format!(" group_id=\"g{}\"", at / 12) } else { String::new() };
        let code =
            if at % 10 == 0 { format!("<vendorCode>VC-{}</vendorCode>", at / 20) } else { String::new() };
        writeln!(
            offers,
            "<offer id=\"o{at}\"{group}><price>{}.50</price><currencyId>RUB</currencyId><categoryId>{}</categoryId>\
             <name>Thing number {at}</name>{code}<barcode>46{at:08}</barcode><weight>0.{:03}</weight>\
             <param name=\"Colour\">shade {}</param></offer>",
            at % 1000,
            at % 3 + 1,
            at % 1000,
            at % 7,
        )
        .expect("text grows");
    }
    let categories = "<category id=\"1\">One</category><category id=\"2\" parentId=\"1\">Two</category>\
                      <category id=\"3\" parentId=\"2\">Three</category>";
    feed(categories, &offers)
}
