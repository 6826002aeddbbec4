//! Whom the suite may call: nobody beside it, unless the operator says so in a file or a variable.

use serde_json::{Value, json};

use crate::rest::Answer;
use crate::suite::{Mode, Suite};

#[tokio::test(flavor = "multi_thread")]
async fn an_account_beside_the_suite_is_refused_by_a_word_that_helps() {
    let suite = Suite::start(Mode::OneProcess).await;

    let refused = add_account(&suite).await;

    assert_eq!(refused.status, 400, "{}", refused.body);
    let error = &refused.body["errors"][0];
    assert_eq!(
        (&error["field"], &error["reason"]),
        (&json!("paymentAccount.baseUrl"), &json!("ADDRESS_NOT_ALLOWED"))
    );
    assert!(error["message"].as_str().unwrap().contains("outbound.allowed_networks"), "{error}");
    suite.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_allows_every_process_may_call() {
    let allowed = "outbound.allowed_networks = [\"127.0.0.0/8\"]";
    let suite = Suite::start_with(Mode::Processes, allowed).await;

    let made = add_account(&suite).await;

    assert_eq!(made.status, 201, "{}", made.body);
    suite.stop().await;
}

async fn add_account(suite: &Suite) -> Answer {
    let account: Value = json!({ "paymentAccount": {
        "shopId": suite.shop_id, "kind": "PROVIDER_KIND_KOROB_CARD", "name": "Cards",
        "baseUrl": "http://127.0.0.1:8099/card", "captureMode": "CAPTURE_MODE_AUTOMATIC", "enabled": true,
        "credentials": { "api_key": "a key of tests", "webhook_secret": "a secret of tests" },
    } });
    suite.rest.post("/v1/payment-accounts", "cards", &account).await.unwrap()
}
