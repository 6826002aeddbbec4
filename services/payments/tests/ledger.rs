//! The database keeps the books balanced, whoever writes.

use crate::Till;

async fn till_with_books() -> Till {
    let till = Till::open().await;
    let payment = till.bill_opened("10.00", "EUR").await;
    till.record(&payment, "10.00", "in").await.expect("records");
    till
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_unbalance_the_books_is_refused_at_commit() {
    let till = till_with_books().await;
    for sql in [
        "INSERT INTO ledger_entries (posting_id, account, currency, debit, payment_id, order_id, shop_id, post_time)
         SELECT posting_id, 'bank', currency, 1, payment_id, order_id, shop_id, post_time FROM ledger_entries LIMIT 1",
        "INSERT INTO ledger_entries (posting_id, account, currency, credit, payment_id, order_id, shop_id, post_time)
         SELECT gen_random_uuid(), 'bank', 'USD', 1, payment_id, order_id, shop_id, post_time
         FROM ledger_entries LIMIT 1",
        "UPDATE ledger_entries SET credit = credit + 1 WHERE account = 'revenue'",
        "UPDATE ledger_entries SET currency = 'USD' WHERE account = 'revenue'",
        "UPDATE ledger_entries SET posting_id = gen_random_uuid() WHERE account = 'revenue'",
        "DELETE FROM ledger_entries WHERE account = 'bank'",
    ] {
        let mut client = till.world.database("payments").client().await;
        let transaction = client.transaction().await.expect("begins");
        transaction.execute(sql, &[]).await.expect("the statement itself is let through");
        let refused = transaction.commit().await.expect_err(sql);
        let refused = refused.as_db_error().expect("a refusal of the database").clone();
        assert_eq!(refused.constraint(), Some("debits_equal_credits"), "{sql}");
    }
    assert_eq!(till.balances().await, ["bank=1000", "revenue=-1000"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balanced_posting_may_be_written_entry_by_entry() {
    let till = till_with_books().await;
    let mut client = till.world.database("payments").client().await;
    let transaction = client.transaction().await.expect("begins");
    for (account, debit, credit) in [("bank", 5_i64, 0_i64), ("revenue", 0, 5)] {
        let sql = "INSERT INTO ledger_entries (posting_id, account, currency, debit, credit, payment_id, order_id,
                                               shop_id, post_time)
                   SELECT '00000000-0000-0000-0000-000000000001', $1, 'EUR', $2, $3, payment_id, order_id, shop_id,
                          post_time FROM ledger_entries LIMIT 1";
        transaction.execute(sql, &[&account, &debit, &credit]).await.expect("writes");
    }
    transaction.commit().await.expect("balanced");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_has_one_side_and_a_known_account() {
    let till = till_with_books().await;
    let client = till.world.database("payments").client().await;
    for sql in [
        "UPDATE ledger_entries SET debit = 1, credit = 1",
        "UPDATE ledger_entries SET debit = 0, credit = 0",
        "UPDATE ledger_entries SET debit = -debit, credit = -credit",
        "UPDATE ledger_entries SET account = 'pocket'",
    ] {
        assert!(client.execute(sql, &[]).await.is_err(), "{sql}");
    }
}
