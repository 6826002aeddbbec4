//! Lists stock documents, newest first.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::StockDocumentId;

use crate::error::Result;
use crate::model::{Document, DocumentKind, DocumentRow};
use crate::rpc::parse;
use crate::schema::stock_documents;
use crate::{Inventory, wire};

/// One page of what the caller sees: its shops' documents and those of the whole organisation.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::ListStockDocumentsRequest,
) -> Result<pb::ListStockDocumentsResponse> {
    let Filter { kind, reference, page } = Filter::parse(inventory, &request)?;

    let mut connection = inventory.store.connection().await?;
    let mut query =
        stock_documents::table.order(stock_documents::number.desc()).limit(page.limit()).into_boxed();
    if let Some(shops) = call.caller.shops.filter() {
        let of_all = stock_documents::shop_id.is_null();
        query = query.filter(of_all.or(stock_documents::shop_id.eq_any(shops)));
    }
    if let Some(kind) = kind {
        query = query.filter(stock_documents::kind.eq(kind.text()));
    }
    if !reference.is_empty() {
        query = query.filter(stock_documents::reference.eq(reference));
    }
    if let Some(last) = page.after {
        query = query.filter(stock_documents::number.lt(last));
    }
    let rows: Vec<DocumentRow> = query.load(&mut *connection).await?;
    let found: Vec<Document> = rows.into_iter().map(Document::stored).collect::<Result<_>>()?;
    let (found, next_page_token) = page.cut(&inventory.store, found, |document| document.number);
    let ids: Vec<StockDocumentId> = found.iter().map(|document| document.id).collect();
    let reversals: BTreeMap<_, _> = Document::reversals(&mut connection, &ids).await?.into_iter().collect();

    let documents =
        found.iter().map(|document| wire::document(document, reversals.get(&document.id).copied())).collect();
    Ok(pb::ListStockDocumentsResponse { documents, next_page_token })
}

struct Filter {
    kind: Option<DocumentKind>,
    reference: String,
    page: Page<i64>,
}

impl Filter {
    fn parse(inventory: &Inventory, request: &pb::ListStockDocumentsRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let kind = kind(&mut fields, request.kind);
        let reference = fields.text("reference", &request.reference, parse::REFERENCE_LENGTH_MAX);
        fields.finish()?;
        let filter =
            pb::ListStockDocumentsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
        let page =
            Page::parse(&inventory.store, request.page_size, &request.page_token, &filter.encode_to_vec())?;
        Ok(Self { kind, reference, page })
    }
}

fn kind(fields: &mut Fields, kind: i32) -> Option<DocumentKind> {
    use pb::StockDocumentKind as Pb;
    match Pb::try_from(kind) {
        Ok(Pb::Unspecified) => None,
        Ok(Pb::Receipt) => Some(DocumentKind::Receipt),
        Ok(Pb::Adjustment) => Some(DocumentKind::Adjustment),
        Ok(Pb::Shipment) => Some(DocumentKind::Shipment),
        Ok(Pb::WriteOff) => Some(DocumentKind::WriteOff),
        Ok(Pb::Return) => Some(DocumentKind::Return),
        Ok(Pb::Transfer) => Some(DocumentKind::Transfer),
        Ok(Pb::ConditionChange) => Some(DocumentKind::ConditionChange),
        Ok(Pb::Reversal) => Some(DocumentKind::Reversal),
        Err(_) => {
            fields.refuse("kind", "UNKNOWN", "not a kind of stock documents");
            None
        }
    }
}
