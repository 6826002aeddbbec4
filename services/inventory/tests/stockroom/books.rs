//! What the database says, past the service.

use super::Stockroom;

impl Stockroom {
    /// One number from the database, past the service.
    pub async fn number(&self, sql: &str) -> i64 {
        let client = self.world.database("inventory").client().await;
        client.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// How many events of a type were told.
    pub async fn events(&self, name: &str) -> i64 {
        self.number(&format!("SELECT count(*) FROM event_log WHERE type = 'korob.inventory.v1.{name}'")).await
    }

    /// How many rows of history an operation wrote.
    pub async fn history(&self, action: &str) -> i64 {
        self.number(&format!("SELECT count(*) FROM audit_log WHERE action = 'inventory.{action}'")).await
    }

    /// Shortages whose units are free.
    pub async fn overlooked(&self) -> i64 {
        self.number(
            "SELECT count(*) FROM shortages s JOIN reservations r USING (reservation_id)
             JOIN stock_levels l ON l.sku = s.sku AND l.condition = 'sellable' AND l.on_hand > l.reserved
             WHERE s.state = 'open' AND cardinality(r.warehouse_ids) = 0 AND r.split = 'allowed'",
        )
        .await
    }

    /// Every level is the sum of its ledger and covers what is held.
    pub async fn assert_books_balance(&self) {
        let wrong = self.number(
            "SELECT count(*) FROM stock_levels l
             FULL JOIN (SELECT sku, warehouse_id, condition, sum(on_hand_delta) AS on_hand, sum(reserved_delta) AS reserved
                        FROM stock_ledger GROUP BY 1, 2, 3) g USING (sku, warehouse_id, condition)
             LEFT JOIN (SELECT sku, warehouse_id, 'sellable' AS condition, sum(quantity) AS held
                        FROM reservation_lines JOIN reservations USING (reservation_id)
                        WHERE state = 'held' GROUP BY 1, 2) h USING (sku, warehouse_id, condition)
             WHERE l.on_hand IS DISTINCT FROM coalesce(g.on_hand, 0) OR l.reserved IS DISTINCT FROM coalesce(g.reserved, 0)
                OR l.reserved <> coalesce(h.held, 0) OR l.reserved < 0 OR l.reserved > l.on_hand",
        );
        assert_eq!(wrong.await, 0, "levels that differ from their ledger or from what is held");
        let unexplained = self.number(
            "SELECT count(*) FROM stock_ledger LEFT JOIN stock_documents USING (document_id)
             WHERE on_hand_delta <> 0 AND number IS NULL",
        );
        assert_eq!(unexplained.await, 0, "movements without a document");
        let lost_on_the_way = self.number(
            "SELECT count(*) FROM (
                 SELECT sku, to_warehouse_id AS warehouse_id, sum(dispatched - received - lost - returned) AS moving
                 FROM transfer_lines JOIN transfers USING (transfer_id) GROUP BY 1, 2) t
             FULL JOIN (SELECT sku, warehouse_id, on_hand FROM stock_levels WHERE condition = 'in_transit') l
                 USING (sku, warehouse_id)
             WHERE coalesce(moving, 0) <> coalesce(on_hand, 0)",
        );
        assert_eq!(lost_on_the_way.await, 0, "units in transit that no transfer brings");
        assert_eq!(self.overlooked().await, 0, "units that are free while somebody waits for them");
        let orphaned = self.number(
            "SELECT count(*) FROM shortages JOIN reservations USING (reservation_id)
             WHERE shortages.state = 'open' AND reservations.state <> 'held'",
        );
        assert_eq!(orphaned.await, 0, "open shortages of reservations that ended");
        self.assert_costs_balance().await;
    }

    /// Every unit that is there belongs to a layer, and every movement says from which layers its units are.
    async fn assert_costs_balance(&self) {
        let unlayered = self.number(
            "SELECT count(*) FROM (SELECT sku, warehouse_id, condition, on_hand FROM stock_levels WHERE on_hand > 0) l
             FULL JOIN (SELECT sku, warehouse_id, condition, sum(remaining) AS remaining FROM cost_layer_places
                        GROUP BY 1, 2, 3) p USING (sku, warehouse_id, condition)
             WHERE on_hand IS DISTINCT FROM remaining",
        );
        assert_eq!(unlayered.await, 0, "levels that are not the sum of their layers");
        let unpriced = self.number(
            "SELECT count(*) FROM (SELECT sequence, on_hand_delta FROM stock_ledger WHERE on_hand_delta <> 0) g
             FULL JOIN (SELECT sequence, sum(units) AS units FROM stock_costs GROUP BY 1) c USING (sequence)
             WHERE units IS DISTINCT FROM on_hand_delta",
        );
        assert_eq!(unpriced.await, 0, "movements whose units are not those of layers");
        let leaking = self.number(
            "SELECT count(*) FROM cost_layers l
             WHERE received < (SELECT coalesce(sum(remaining), 0) FROM cost_layer_places p WHERE p.layer_id = l.layer_id)
                OR (SELECT sum(units) FROM stock_costs c WHERE c.layer_id = l.layer_id)
                   <> (SELECT coalesce(sum(remaining), 0) FROM cost_layer_places p WHERE p.layer_id = l.layer_id)",
        );
        assert_eq!(leaking.await, 0, "layers that are not what came less what went");
    }
}
