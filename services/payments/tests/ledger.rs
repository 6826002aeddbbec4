//! The database keeps the books balanced, whoever writes.

use crate::Till;

async fn till_with_books() -> Till {
    let till = Till::open().await;
    let payment = till.bill_opened("10.00", "EUR").await;
    till.record(&payment, "10.00", "in").await.expect("records");
    till
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_unbalance_the_books_is_refused() {
    let till = till_with_books().await;
    let client = till.world.database("payments").client().await;
    for sql in [
        "INSERT INTO ledger_entries (posting_id, account, currency, debit, payment_id, order_id, shop_id, post_time)
         SELECT posting_id, 'bank', currency, 1, payment_id, order_id, shop_id, post_time FROM ledger_entries LIMIT 1",
        "INSERT INTO ledger_entries (posting_id, account, currency, credit, payment_id, order_id, shop_id, post_time)
         SELECT gen_random_uuid(), 'bank', 'USD', 1, payment_id, order_id, shop_id, post_time
         FROM ledger_entries LIMIT 1",
        // Each side in a currency of its own.
        "INSERT INTO ledger_entries (posting_id, account, currency, debit, credit, payment_id, order_id, shop_id, post_time)
         SELECT '00000000-0000-0000-0000-000000000001', side.account, side.currency, side.debit, side.credit, payment_id,
                order_id, shop_id, post_time
         FROM (SELECT * FROM ledger_entries LIMIT 1) AS one,
              (VALUES ('bank', 'EUR', 5, 0), ('revenue', 'USD', 0, 5)) AS side (account, currency, debit, credit)",
    ] {
        let refused = client.execute(sql, &[]).await.expect_err(sql);
        let refused = refused.as_db_error().expect("a refusal of the database").clone();
        assert_eq!(refused.constraint(), Some("debits_equal_credits"), "{sql}");
    }
    assert_eq!(till.balances().await, ["bank=1000", "revenue=-1000"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_posted_is_never_changed() {
    let till = till_with_books().await;
    let client = till.world.database("payments").client().await;
    for sql in [
        "UPDATE ledger_entries SET debit = debit * 2, credit = credit * 2",
        "UPDATE ledger_entries SET posting_id = gen_random_uuid() WHERE account = 'revenue'",
        "DELETE FROM ledger_entries WHERE account = 'bank'",
        "TRUNCATE ledger_entries",
    ] {
        let refused = client.execute(sql, &[]).await.expect_err(sql);
        let refused = refused.as_db_error().expect("a refusal of the database").clone();
        assert_eq!(refused.message(), "rows of ledger_entries are never changed", "{sql}");
    }
    assert_eq!(till.balances().await, ["bank=1000", "revenue=-1000"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balanced_posting_is_written_by_one_statement() {
    let till = till_with_books().await;
    let client = till.world.database("payments").client().await;
    let sql = "INSERT INTO ledger_entries (posting_id, account, currency, debit, credit, payment_id, order_id, shop_id,
                                           post_time)
               SELECT '00000000-0000-0000-0000-000000000001', side.account, 'EUR', side.debit, side.credit, payment_id,
                      order_id, shop_id, post_time
               FROM (SELECT * FROM ledger_entries LIMIT 1) AS one,
                    (VALUES ('bank', 5, 0), ('revenue', 0, 5)) AS side (account, debit, credit)";
    assert_eq!(client.execute(sql, &[]).await.expect("balanced"), 2);
    assert_eq!(till.balances().await, ["bank=1005", "revenue=-1005"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_has_one_side_and_a_known_account() {
    let till = till_with_books().await;
    let client = till.world.database("payments").client().await;
    for (sides, refusal) in [
        ("('bank', 1, 1)", "one_side_only"),
        ("('bank', 0, 0)", "one_side_only"),
        ("('bank', -5, 0), ('revenue', 0, -5)", "ledger_entries_debit_check"),
        ("('pocket', 5, 0), ('revenue', 0, 5)", "ledger_entries_account_check"),
    ] {
        let sql = format!(
            "INSERT INTO ledger_entries (posting_id, account, currency, debit, credit, payment_id, order_id, shop_id, post_time)
             SELECT '00000000-0000-0000-0000-000000000001', side.account, 'EUR', side.debit, side.credit, payment_id,
                    order_id, shop_id, post_time
             FROM (SELECT * FROM ledger_entries LIMIT 1) AS one, (VALUES {sides}) AS side (account, debit, credit)"
        );
        let refused = client.execute(&sql, &[]).await.expect_err(sides);
        assert_eq!(refused.as_db_error().expect("a refusal").constraint(), Some(refusal), "{sides}");
    }
}
