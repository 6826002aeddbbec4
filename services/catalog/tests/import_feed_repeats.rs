//! Imports that are rehearsed, repeated, interrupted.

use proto::catalog::v1 as pb;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use types::SourceId;

use crate::desk::Desk;
use crate::feeds::{Import, feed, many, offer, send};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_again_writes_nothing_and_tells_nothing() {
    let mut desk = Desk::open().await;
    let import = Import::of(many(1300), SourceId::new());

    let first = desk.import(import.clone()).await;
    let before = desk.traces().await;
    let second = desk.import(import).await;

    assert_eq!(first.counts(), (1300, 1300, 0, 0, 0));
    assert_eq!(second.counts(), (1300, 0, 0, 1300, 0));
    assert_eq!((first.last.price_changed_count, second.last.price_changed_count), (1300, 0));
    assert!(desk.traces().await == before, "something was written");
    assert_eq!(desk.events::<pb::PriceChanged>().await.len(), 1300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_the_same_numbers_and_writes_nothing() {
    let mut desk = Desk::open().await;
    // Faults whose other half lies in another lot: a twin, a barcode, a SKU, and a group that grows too large.
    let mut offers: String =
        (0..600).map(|at| offer(&format!("a{at}"), "10", &format!("<barcode>{at}</barcode>"))).collect();
    offers += &offer("a5", "11", "");
    offers += &offer("b1", "10", "<barcode>7</barcode>");
    offers += &offer("c1", "10", "<vendorCode>c2</vendorCode>");
    offers += &(0..600).map(|at| offer(&format!("d{at}"), "10", "")).collect::<String>();
    offers += &offer("c2", "10", "");
    for at in 0..700 {
        offers += &offer(&format!("g{at}"), "10", "").replace("<offer ", "<offer group_id=\"1\" ");
    }
    let import =
        Import::of(feed("<category id=\"1\" parentId=\"none\">Lost</category>", &offers), SourceId::new());
    let before = desk.traces().await;

    let rehearsed = desk.import(import.clone().dry()).await;
    assert!(desk.traces().await == before, "a dry run wrote something");
    let performed = desk.import(import.clone()).await;

    assert_eq!(rehearsed.last, performed.last);
    let reasons = |said: &crate::feeds::Said| {
        said.errors.iter().map(|row| (row.line, row.field.clone(), row.reason.clone())).collect::<Vec<_>>()
    };
    assert_eq!(reasons(&rehearsed), reasons(&performed));
    let count = |reason: &str| performed.errors.iter().filter(|row| row.reason == reason).count();
    assert_eq!(
        (count("DUPLICATE"), count("BARCODE_TAKEN"), count("SKU_TAKEN"), count("TOO_MANY")),
        (1, 1, 1, 500)
    );
    assert_eq!(count("PARENT_UNKNOWN"), 1);

    let before = desk.traces().await;
    let rehearsed = desk.import(import.dry()).await;
    assert_eq!(rehearsed.last.unchanged_count, performed.last.created_count);
    assert!(desk.traces().await == before, "a dry run wrote something");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_ended_half_way_is_completed_by_the_next() {
    let desk = Desk::open().await;
    let import = Import::of(many(2000), SourceId::new());
    let whole = import.messages();

    // The caller hangs up in the middle of the file, when some lots are in.
    let (messages, stream) = mpsc::channel(1);
    let mut progress = {
        let mut catalog = desk.catalog.clone();
        let half = whole[..whole.len() / 2].to_vec();
        let sending = tokio::spawn(async move {
            for message in half {
                messages.send(message).await.expect("the import listens");
            }
            messages
        });
        let progress = catalog.import_feed(ReceiverStream::new(stream)).await.expect("begun").into_inner();
        (progress, sending)
    };
    let seen = progress.0.message().await.expect("progress").expect("progress");
    assert!(seen.created_count > 0 && !seen.finished);
    let messages = progress.1.await.expect("sent");
    drop((progress.0, messages));

    let said = testing::eventually("the first import lets go", || {
        let mut catalog = desk.catalog.clone();
        let whole = whole.clone();
        async move {
            let said = send(&mut catalog, whole).await;
            said.last.finished.then_some(said)
        }
    })
    .await;

    let (rows, created, updated, unchanged, errors) = said.counts();
    assert_eq!((rows, created + unchanged, updated, errors), (2000, 2000, 0, 0));
    assert!(unchanged > 0, "the first half was in already");
    assert_eq!((desk.count("variants").await, desk.count("prices").await), (2000, 2000));
    let mut once = Desk::open().await;
    once.import(import).await;
    assert_eq!(desk.count("products").await, once.count("products").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_price_is_all_that_changes() {
    let mut desk = Desk::open().await;
    let source = SourceId::new();
    let offers = |price: &str| feed("", &[offer("1", "10", ""), offer("2", price, "")].concat());
    desk.import(Import::of(offers("10"), source)).await;

    let said = desk.import(Import::of(offers("11"), source)).await;

    assert_eq!((said.counts(), said.last.price_changed_count), ((2, 0, 0, 2, 0), 1));
    let events = desk.events::<pb::PriceChanged>().await;
    assert_eq!(events.iter().map(|event| event.1).collect::<Vec<_>>(), [1, 1, 2]);
    assert_eq!(desk.events::<pb::ProductChanged>().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn categories_follow_the_file() {
    let mut desk = Desk::open().await;
    let source = SourceId::new();
    let first = r#"<category id="1">One</category><category id="2" parentId="1">Two</category>"#;
    let second = r#"<category id="2">Second</category><category id="1" parentId="2">One</category>"#;
    desk.import(Import::of(feed(first, ""), source)).await;

    let said = desk.import(Import::of(feed(second, ""), source)).await;

    assert_eq!(said.last.category_count, 2);
    let tree = desk
        .catalog
        .list_categories(pb::ListCategoriesRequest::default())
        .await
        .expect("a tree")
        .into_inner();
    assert_eq!(tree.categories.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["Second", "One"]);
    assert_eq!(desk.events::<pb::CategoryChanged>().await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_source_is_imported_once_at_a_time_and_few_at_once() {
    let desk = Desk::open().await;
    let (source, file) = (SourceId::new(), feed("", ""));
    let begin = async |source: SourceId| {
        let (messages, stream) = mpsc::channel(4);
        messages.send(Import::of("", source).messages().remove(0)).await.expect("sent");
        let answer = desk.catalog.clone().import_feed(ReceiverStream::new(stream)).await;
        (messages, answer)
    };

    let (first, running) = begin(source).await;
    let mut running = running.expect("begun").into_inner();
    let (_, same) = begin(source).await;
    let (second, other) = begin(SourceId::new()).await;
    let (_, third) = begin(SourceId::new()).await;

    assert_eq!(testing::refusal(same.map(|_| tonic::Response::new(()))).reason, "IMPORT_RUNNING");
    assert!(other.is_ok());
    assert_eq!(testing::refusal(third.map(|_| tonic::Response::new(()))).reason, "TOO_MANY_IMPORTS");
    drop(second);
    first.send(Import::of(file, source).messages().remove(1)).await.expect("sent");
    drop(first);
    let last = running.message().await.expect("an end").expect("an end");
    assert!(last.finished);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_service_ends_its_imports_and_says_so() {
    let desk = Desk::open().await;
    let (messages, stream) = mpsc::channel(4);
    messages.send(Import::of("", SourceId::new()).messages().remove(0)).await.expect("sent");
    let answer = desk.catalog.clone().import_feed(ReceiverStream::new(stream)).await;
    let mut progress = answer.expect("begun").into_inner();

    desk.world.drain().await;

    let end = progress.message().await.expect_err("the import ends");
    assert_eq!(rpc::reason(&end).as_deref(), Some("STOPPING"));
    assert_eq!(end.code(), tonic::Code::Unavailable);
}
