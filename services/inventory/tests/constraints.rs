//! What not even direct SQL can do.

use crate::stockroom::Stockroom;

#[tokio::test(flavor = "multi_thread")]
async fn the_database_refuses_what_the_service_never_does() {
    let (room, _) = Stockroom::with(&[("A-1", 10)]).await;
    room.reserve(&room.order(&[("A-1", 3)])).await;
    room.accept(&[("B-2", 1)]).await;
    let database = room.world.database("inventory").client().await;
    let impossible = [
        "UPDATE stock_levels SET on_hand = -1, reserved = -1",
        "UPDATE stock_levels SET on_hand = 2",
        "UPDATE stock_levels SET reserved = 11",
        "UPDATE stock_levels SET reserved = -1",
        "UPDATE stock_levels SET condition = 'damaged'",
        "UPDATE stock_levels SET condition = 'lost'",
        "UPDATE stock_ledger SET on_hand_delta = 11",
        "UPDATE stock_ledger SET note = 'nothing happened'",
        "DELETE FROM stock_ledger WHERE false",
        "TRUNCATE stock_ledger",
        "INSERT INTO stock_ledger (sku, warehouse_id, condition, kind, on_hand_delta, reserved_delta, reference, note,
                                   actor, post_time)
         SELECT sku, warehouse_id, condition, 'receipt', 0, 0, '', '', '', now() FROM stock_levels",
        "UPDATE reservations SET state = 'expired'",
        "UPDATE reservations SET owner = NULL",
        "UPDATE reservations SET shop_id = NULL",
        "DELETE FROM reservations",
        "UPDATE reservation_lines SET quantity = 0",
        "UPDATE reservations SET revision = -1",
        "UPDATE shortages SET missing = 0",
        "UPDATE shortages SET state = 'covered'",
        "INSERT INTO shortages SELECT gen_random_uuid(), reservation_id, owner, shop_id, sku, 1, 'open', '', due_time,
                                      create_time, NULL, 1 FROM shortages",
        "INSERT INTO stock_ledger (sku, warehouse_id, condition, kind, on_hand_delta, reserved_delta, reference, note,
                                   actor, post_time)
         SELECT sku, warehouse_id, condition, 'receipt', 1, 0, '', '', '', now() FROM stock_levels",
        "UPDATE stock_documents SET kind = 'reversal'",
        "UPDATE stock_documents SET kind = 'write_off'",
    ];
    for sql in impossible {
        assert!(database.batch_execute(sql).await.is_err(), "{sql}");
    }
    room.assert_books_balance().await;
}
