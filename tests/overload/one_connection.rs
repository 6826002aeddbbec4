//! Every service has one connection to its database. That is little, and must be enough: nobody waits for a connection
//! while holding it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Request;
use serde_json::{Value, json};

use crate::is_refused;
use crate::rest::Answer;
use crate::suite::{Mode, SERVICES, Setup, Suite};

const FEED: &str = r#"<?xml version="1.0" encoding="UTF-8"?><yml_catalog date="2026-02-14 09:30"><shop><name>Feed</name>
<currencies><currency id="UAH" rate="1"/></currencies><categories><category id="1">All</category></categories><offers>
<offer id="F-1"><price>1.50</price><currencyId>UAH</currencyId><categoryId>1</categoryId><name>First</name></offer>
<offer id="F-2"><price>2.50</price><currencyId>UAH</currencyId><categoryId>1</categoryId><name>Second</name></offer>
</offers></shop></yml_catalog>"#;
/// Callers at once, of one connection.
const CALLERS: usize = 200;
const RECOVERY: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_per_service_is_enough_and_a_rush_passes() {
    let suite = Arc::new(start().await);
    // Setting up writes and waits for its answers one after the other; events and jobs share the one connection with it.
    suite.stock("ONE", 1000).await;
    for number in 0..5 {
        let order = suite.order("ONE", number);
        let placed = patiently(async || {
            suite.rest.post("/v1/orders", &format!("one-{number}"), &order).await.unwrap()
        });
        let placed = placed.await.ok().unwrap();
        let order_id = placed["orderId"].as_str().unwrap().to_owned();
        decided(&suite, &order_id).await;
        if number % 2 == 0 {
            let path = format!("/v1/orders/{order_id}/cancel");
            let cancel = json!({ "reason": "test" });
            let key = format!("cancel-{number}");
            patiently(async || suite.rest.post(&path, &key, &cancel).await.unwrap()).await.ok().unwrap();
        }
    }
    read_everything(&suite).await;
    patiently(async || import(&suite).await).await.ok().unwrap();
    let imported = "SELECT count(*) FROM variants WHERE sku LIKE 'F-%'";
    assert_eq!(suite.number("catalog", imported).await, 2);

    rush(&suite).await;
    Arc::into_inner(suite).unwrap().stop().await;
}

async fn start() -> Suite {
    let sizes = SERVICES.iter().map(|service| {
        let name: &'static str =
            Box::leak(format!("KOROB__SERVICES__{}__POOL_SIZE", service.to_uppercase()).into_boxed_str());
        (name, "1".to_owned())
    });
    let setup = Setup { environment: sizes.collect(), ..Setup::default() };
    Suite::start_as(Mode::OneProcess, setup).await
}

/// Every list of the API, the first page. Some want to know more before they answer, and say so.
async fn read_everything(suite: &Suite) {
    let api = suite.rest.get("/openapi.json").await.unwrap().ok().unwrap();
    let paths = api["paths"].as_object().unwrap().iter();
    // A stream has no end.
    let is_list = |get: &Value| get["responses"]["200"]["content"].get("text/event-stream").is_none();
    let lists =
        paths.filter(|(path, methods)| methods.get("get").is_some_and(is_list) && !path.contains('{'));
    let mut shown = 0;
    for (path, _) in lists {
        let answer = patiently(async || suite.rest.get(path).await.unwrap()).await;
        assert!(answer.status.as_u16() < 500, "{path}: {} {}", answer.status, answer.body);
        shown += usize::from(answer.status == 200);
    }
    assert!(shown > 25, "{shown} lists were shown");
}

/// Two hundred callers at once are answered or refused in time; then all is as before.
async fn rush(suite: &Arc<Suite>) {
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let suite = suite.clone();
            tokio::spawn(async move { suite.rest.get("/v1/orders?pageSize=50").await.unwrap() })
        })
        .collect();
    let mut served = 0;
    for caller in callers {
        let answer = caller.await.unwrap();
        served += usize::from(!is_refused(&answer));
        assert!(is_refused(&answer) || answer.status == 200, "{}: {}", answer.status, answer.body);
    }
    assert!(served > 0);

    let over = Instant::now();
    let mut in_row = 0;
    while in_row < 10 {
        let answer = suite.rest.get("/v1/orders").await.unwrap();
        in_row = if answer.status == 200 { in_row + 1 } else { 0 };
        assert!(over.elapsed() < RECOVERY, "{}: {}", answer.status, answer.body);
    }
}

/// Asks again while there is too much to do: what waits for itself never succeeds.
async fn patiently(attempt: impl AsyncFn() -> Answer) -> Answer {
    for _ in 0..10 {
        let answer = attempt().await;
        if !is_refused(&answer) {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it was refused ten times, with nobody else there");
}

async fn decided(suite: &Suite, order_id: &str) {
    testing::eventually("the order is decided", async || {
        let answer = suite.rest.get(&format!("/v1/orders/{order_id}")).await.unwrap();
        (answer.status == 200 && answer.body["state"] != "ORDER_STATE_PLACING").then_some(())
    })
    .await;
}

/// A feed runs for a while and remembers what it saw on a connection of its own.
async fn import(suite: &Suite) -> Answer {
    let path = format!("/v1/feeds/yml?sourceId={}", suite.source_id);
    let request = Request::builder().method("POST").uri(path).header("content-type", "application/xml");
    suite.rest.send_raw(request, FEED.into()).await.unwrap()
}
