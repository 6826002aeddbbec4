//! Feeds stream in, progress streams out.

use http::Method;
use prost::Message as _;
use proto::catalog::v1::import_feed_request::Part;
use proto::catalog::v1::{FeedFormat, ImportFeedProgress, ImportFeedRequest};
use tonic::Status;

use crate::shop::{Answer, Shop};

const IMPORT: &str = "/korob.catalog.v1.CatalogService/ImportFeed";

async fn open() -> Shop {
    let shop = Shop::open_with(|settings| settings.limits.feed_bytes_max = 3_000_000).await;
    shop.add_key("importer", &["catalog.write"], 100);
    shop
}

async fn import(shop: &Shop, query: &str, feed: Vec<u8>) -> Answer {
    let asking = shop.ask_anonymously(Method::POST, &format!("/v1/feeds/yml{query}"));
    asking
        .header("authorization", "Bearer importer")
        .header("content-type", "application/xml")
        .body(feed)
        .send()
        .await
}

#[tokio::test]
async fn a_feed_arrives_whole_after_its_settings() {
    let shop = open().await;
    shop.fakes.answer_stream(IMPORT, |_| {
        let progress = |row_count, finished| ImportFeedProgress { row_count, finished, ..Default::default() };
        Ok(vec![progress(300, false).encode_to_vec().into(), progress(500, true).encode_to_vec().into()])
    });
    let feed = vec![b'x'; 2_500_000];
    let answer = import(&shop, "?dryRun=true&sourceId=src_1", feed.clone()).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/x-ndjson"));
    let lines: Vec<serde_json::Value> =
        answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["rowCount"], &lines[1]["finished"]), (2, &300.into(), &true.into()));

    let messages = shop.fakes.asked(IMPORT).remove(0).messages;
    let mut parts =
        messages.into_iter().map(|message| ImportFeedRequest::decode(message).unwrap().part.unwrap());
    let Some(Part::Settings(settings)) = parts.next() else { panic!("the settings come first") };
    assert!(settings.dry_run && settings.source_id == "src_1");
    let mut received = Vec::new();
    for part in parts {
        let Part::Chunk(chunk) = part else { panic!("only chunks follow") };
        assert!(chunk.len() <= 1024 * 1024);
        received.extend_from_slice(&chunk);
    }
    assert_eq!(received, feed);
}

#[tokio::test]
async fn the_path_says_the_format() {
    let shop = open().await;
    shop.fakes.answer_stream(IMPORT, |_| Ok(vec![]));
    let send = async |path: &str| {
        let asking = shop.ask_anonymously(Method::POST, path).header("authorization", "Bearer importer");
        asking.header("content-type", "text/csv").body("sku;name\n").send().await
    };
    let settings = |at: usize| {
        let first = shop.fakes.asked(IMPORT).remove(at).messages.remove(0);
        match ImportFeedRequest::decode(first).unwrap().part.unwrap() {
            Part::Settings(settings) => settings,
            Part::Chunk(_) => panic!("the settings come first"),
        }
    };
    assert_eq!(send("/v1/feeds/csv?importMappingId=imp_1").await.status, 200);
    assert_eq!((settings(0).format(), settings(0).import_mapping_id.as_str()), (FeedFormat::Csv, "imp_1"));
    assert_eq!(send("/v1/feeds/yml?format=FEED_FORMAT_YML").await.status, 200);
    assert_eq!(settings(1).format(), FeedFormat::Yml);
    send("/v1/feeds/csv?format=FEED_FORMAT_YML").await.expect_problem(400, "PATH_MISMATCH");
}

#[tokio::test]
async fn a_feed_that_is_too_large_never_looks_complete() {
    let shop = open().await;
    import(&shop, "", vec![b'x'; 3_000_001]).await.expect_problem(413, "BODY_TOO_LARGE");
    assert!(shop.fakes.asked(IMPORT).is_empty());
}

#[tokio::test]
async fn refusals_before_and_wrong_parameters() {
    let shop = open().await;
    import(&shop, "?dry=true", vec![]).await.expect_problem(400, "UNKNOWN_PARAMETER");
    shop.fakes.answer_stream(IMPORT, |_| Err(Status::failed_precondition("another import is running")));
    import(&shop, "", b"<yml/>".to_vec()).await.expect_problem(409, "FAILED_PRECONDITION");
    let asking = shop.ask(Method::POST, "/v1/feeds/yml").body("<yml/>");
    asking.send().await.expect_problem(403, "SCOPE_MISSING");
}
