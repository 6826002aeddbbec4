//! The words for documents: what comes, goes, is corrected and moves.

use proto::inventory::v1::stock_adjustment::Change;
use proto::inventory::v1::*;
use proto::r#type::v1::Money;
use types::{OrderId, ReturnId, ReturnPostingId};

use super::{Stockroom, quantities};

fn came(sku: &str, quantity: i64, cost: &str, supplier_order: &str) -> ReceiptLine {
    let unit_cost = (!cost.is_empty()).then(|| hryvnias(cost));
    ReceiptLine { sku: sku.to_owned(), quantity, unit_cost, supplier_order: supplier_order.to_owned() }
}

/// A sum of money.
pub fn hryvnias(amount: &str) -> Money {
    Money { amount: amount.to_owned(), currency_code: "UAH".to_owned() }
}

impl Stockroom {
    pub fn receipt(&self, warehouse: &str, lines: &[(&str, i64)]) -> ReceiveStockRequest {
        ReceiveStockRequest {
            warehouse_id: warehouse.to_owned(),
            lines: lines.iter().map(|(sku, quantity)| came(sku, *quantity, "", "")).collect(),
            idempotency_key: self.key(),
            ..ReceiveStockRequest::default()
        }
    }

    /// A receipt of units with a cost in hryvnias and a supplier's order, either of which may be empty.
    pub fn purchase(&self, warehouse: &str, lines: &[(&str, i64, &str, &str)]) -> ReceiveStockRequest {
        let line = |(sku, units, cost, order): &(&str, i64, &str, &str)| came(sku, *units, cost, order);
        ReceiveStockRequest { lines: lines.iter().map(line).collect(), ..self.receipt(warehouse, &[]) }
    }

    /// Answers the id of the document.
    pub async fn buy(&self, warehouse: &str, lines: &[(&str, i64, &str, &str)]) -> String {
        let posted = self.client().receive_stock(self.purchase(warehouse, lines)).await.unwrap().into_inner();
        posted.document.unwrap().document_id
    }

    pub async fn receive(&self, warehouse: &str, lines: &[(&str, i64)]) -> Vec<StockLevel> {
        self.client().receive_stock(self.receipt(warehouse, lines)).await.unwrap().into_inner().levels
    }

    pub fn correction(&self, warehouse: &str, lines: &[(&str, Change)]) -> AdjustStockRequest {
        let line = |(sku, change): &(&str, Change)| StockAdjustment {
            sku: (*sku).to_owned(),
            change: Some(*change),
        };
        AdjustStockRequest {
            warehouse_id: warehouse.to_owned(),
            lines: lines.iter().map(line).collect(),
            note: "counted".to_owned(),
            idempotency_key: self.key(),
            ..AdjustStockRequest::default()
        }
    }

    pub async fn adjust(&self, warehouse: &str, lines: &[(&str, Change)]) -> AdjustStockResponse {
        self.client().adjust_stock(self.correction(warehouse, lines)).await.unwrap().into_inner()
    }

    pub fn write_off(&self, warehouse: &str, lines: &[(&str, i64)]) -> WriteOffStockRequest {
        WriteOffStockRequest {
            warehouse_id: warehouse.to_owned(),
            lines: quantities(lines),
            reason: WriteOffReason::Damaged.into(),
            idempotency_key: self.key(),
            ..WriteOffStockRequest::default()
        }
    }

    /// Units that change their condition.
    pub fn verdict(
        &self,
        warehouse: &str,
        lines: &[(&str, i64)],
        from: Condition,
        to: Condition,
    ) -> ChangeConditionRequest {
        ChangeConditionRequest {
            warehouse_id: warehouse.to_owned(),
            lines: quantities(lines),
            from: from.into(),
            to: to.into(),
            note: "looked at".to_owned(),
            idempotency_key: self.key(),
            ..ChangeConditionRequest::default()
        }
    }

    pub fn load_of(&self, from: &str, to: &str, lines: &[(&str, i64)]) -> DispatchTransferRequest {
        DispatchTransferRequest {
            from_warehouse_id: from.to_owned(),
            to_warehouse_id: to.to_owned(),
            lines: quantities(lines),
            idempotency_key: self.key(),
            ..DispatchTransferRequest::default()
        }
    }

    pub async fn dispatch(&self, from: &str, to: &str, lines: &[(&str, i64)]) -> Transfer {
        self.client().dispatch_transfer(self.load_of(from, to, lines)).await.unwrap().into_inner()
    }

    pub fn arrival(&self, transfer: &Transfer, lines: &[(&str, i64, Condition)]) -> ReceiveTransferRequest {
        let line = |(sku, quantity, condition): &(&str, i64, Condition)| TransferReceipt {
            sku: (*sku).to_owned(),
            quantity: *quantity,
            condition: (*condition).into(),
        };
        ReceiveTransferRequest {
            transfer_id: transfer.transfer_id.clone(),
            lines: lines.iter().map(line).collect(),
            note: String::new(),
            idempotency_key: self.key(),
        }
    }

    pub async fn arrive(&self, transfer: &Transfer, lines: &[(&str, i64, Condition)]) -> Transfer {
        self.client().receive_transfer(self.arrival(transfer, lines)).await.unwrap().into_inner()
    }

    pub async fn transfer(&self, transfer: &Transfer) -> Transfer {
        let request = GetTransferRequest { transfer_id: transfer.transfer_id.clone() };
        self.client().get_transfer(request).await.unwrap().into_inner()
    }

    /// Goods that came back to `warehouse`.
    pub fn returned(&self, warehouse: &str, lines: &[(&str, i64, ReturnDisposition)]) -> PostReturnRequest {
        let line = |(sku, quantity, disposition): &(&str, i64, ReturnDisposition)| ReturnedQuantity {
            sku: (*sku).to_owned(),
            quantity: *quantity,
            disposition: (*disposition).into(),
            note: "scratched".to_owned(),
        };
        PostReturnRequest {
            posting_id: ReturnPostingId::new().to_string(),
            return_id: ReturnId::new().to_string(),
            order_id: OrderId::new().to_string(),
            shop_id: self.shop.to_string(),
            warehouse_id: warehouse.to_owned(),
            lines: lines.iter().map(line).collect(),
        }
    }

    pub fn reversal(&self, document_id: &str) -> ReverseDocumentRequest {
        ReverseDocumentRequest {
            document_id: document_id.to_owned(),
            note: "a mistake".to_owned(),
            idempotency_key: self.key(),
        }
    }

    pub async fn document(&self, document_id: &str) -> StockDocument {
        let request = GetStockDocumentRequest { document_id: document_id.to_owned() };
        self.client().get_stock_document(request).await.unwrap().into_inner()
    }
}
