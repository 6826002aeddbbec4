//! How stock documents are read; they are written together with what they post.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::Tx;
use types::{ShopId, StockDocumentId, TransferId, WarehouseId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{Condition, Document, DocumentKind, Kind, Movement, WriteOffReason};
use crate::schema::{stock_documents, stock_ledger};

/// A row of `stock_documents`, in the order of its columns.
pub(crate) type DocumentRow = (
    Uuid,
    i64,
    String,
    Option<String>,
    String,
    String,
    String,
    Option<Uuid>,
    Option<Uuid>,
    Option<Uuid>,
    DateTime<Utc>,
);

impl Document {
    /// The document `id`.
    pub async fn find(connection: &mut AsyncPgConnection, id: StockDocumentId) -> Result<Option<Self>> {
        let row: Option<DocumentRow> =
            stock_documents::table.find(id.uuid()).first(connection).await.optional()?;
        row.map(Self::stored).transpose()
    }

    /// The document `id`, locked before anything else.
    pub async fn lock(tx: &mut Tx, id: StockDocumentId) -> Result<Option<Self>> {
        let row: Option<DocumentRow> =
            stock_documents::table.find(id.uuid()).for_update().first(tx.conn()).await.optional()?;
        row.map(Self::stored).transpose()
    }

    /// What it moved, in the order in which it was posted.
    pub async fn movements(connection: &mut AsyncPgConnection, id: StockDocumentId) -> Result<Vec<Movement>> {
        let rows: Vec<(String, Uuid, String, String, i64)> = stock_ledger::table
            .filter(stock_ledger::document_id.eq(id.uuid()))
            .order(stock_ledger::sequence)
            .select((
                stock_ledger::sku,
                stock_ledger::warehouse_id,
                stock_ledger::condition,
                stock_ledger::kind,
                stock_ledger::on_hand_delta,
            ))
            .load(connection)
            .await?;
        let movement = |(sku, warehouse_id, condition, kind, units): (String, Uuid, String, String, i64)| {
            Ok(Movement {
                sku: sku.parse().map_err(|_| Error::corrupt("a SKU", &sku))?,
                warehouse_id: WarehouseId::from_uuid(warehouse_id),
                condition: Condition::stored(&condition)?,
                units,
                kind: Kind::stored(&kind)?,
            })
        };
        rows.into_iter().map(movement).collect()
    }

    /// Those of `ids` that were reversed, each with the document that did it.
    pub async fn reversals(
        connection: &mut AsyncPgConnection,
        ids: &[StockDocumentId],
    ) -> Result<Vec<(StockDocumentId, StockDocumentId)>> {
        let ids: Vec<Uuid> = ids.iter().map(StockDocumentId::uuid).collect();
        let rows: Vec<(Option<Uuid>, Uuid)> = stock_documents::table
            .filter(stock_documents::reverses.eq_any(ids))
            .select((stock_documents::reverses, stock_documents::document_id))
            .load(connection)
            .await?;
        let pair = |(reversed, by): (Option<Uuid>, Uuid)| {
            Some((StockDocumentId::from_uuid(reversed?), StockDocumentId::from_uuid(by)))
        };
        Ok(rows.into_iter().filter_map(pair).collect())
    }

    /// The document of a stored row.
    pub(crate) fn stored(row: DocumentRow) -> Result<Self> {
        let (id, number, kind, reason, reference, note, author, shop_id, transfer_id, reverses, post_time) =
            row;
        Ok(Self {
            id: StockDocumentId::from_uuid(id),
            kind: DocumentKind::stored(&kind)?,
            number,
            reason: reason.as_deref().map(WriteOffReason::stored).transpose()?,
            reference,
            note,
            author,
            shop_id: shop_id.map(ShopId::from_uuid),
            transfer_id: transfer_id.map(TransferId::from_uuid),
            reverses: reverses.map(StockDocumentId::from_uuid),
            post_time,
        })
    }
}
