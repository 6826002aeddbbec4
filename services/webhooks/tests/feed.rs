//! The change feed: no gap, no reorder within a resource, resumable from any cursor, and honest about what is no more.

use std::collections::BTreeMap;

use proto::access::v1 as access;
use proto::catalog::v1 as catalog;
use proto::inventory::v1 as inventory;
use proto::webhooks::v1 as pb;
use rpc::Caller;
use testing::{World, eventually, refusal};
use tonic::Code;
use types::ShopId;

use crate::desk::{Desk, SCOPES};
use crate::logs::Fact;

impl Desk {
    async fn read(&self, after: &str, limit: i32) -> pb::ReadFeedResponse {
        self.read_as(&self.key, pb::ReadFeedRequest { after: after.to_owned(), limit, ..Default::default() })
            .await
    }

    async fn read_as(&self, caller: &Caller, request: pb::ReadFeedRequest) -> pb::ReadFeedResponse {
        self.feed_as(caller).read_feed(request).await.unwrap().into_inner()
    }

    /// All there is after a cursor, page by page.
    async fn read_all(&self, mut after: String, limit: i32) -> Vec<pb::FeedEvent> {
        let mut events = Vec::new();
        loop {
            let page = self.read(&after, limit).await;
            events.extend(page.events);
            after = page.next_cursor;
            if !page.more {
                return events;
            }
        }
    }

    fn product_changes(&self, product: &str, version: i64) {
        let time = self.world.clock.now();
        let fact = Fact { resource: product, version, shop: None, actor: "operator:test", time };
        let product = catalog::Product { product_id: product.to_owned(), ..Default::default() };
        let changed = catalog::ProductChanged { product: Some(product), changed_fields: Vec::new() };
        self.logs.of("catalog").tell(&fact, &changed);
    }

    fn stock_is_posted(&self, document: &str, shop: Option<ShopId>) {
        let fact = Fact {
            resource: document,
            version: 1,
            shop,
            actor: "operator:test",
            time: self.world.clock.now(),
        };
        let posted =
            inventory::StockPosted { document_id: document.to_owned(), ..inventory::StockPosted::default() };
        self.logs.of("inventory").tell(&fact, &posted);
    }
}

fn told(event: &pb::FeedEvent) -> &pb::PublicEvent {
    event.event.as_ref().unwrap()
}

/// What came of each resource.
fn versions(events: &[pb::FeedEvent]) -> BTreeMap<&str, Vec<i64>> {
    let mut versions: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for event in events {
        versions.entry(&told(event).resource_id).or_default().push(told(event).version);
    }
    versions
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_comes_once_and_in_the_order_of_its_resource() {
    let desk = Desk::open().await;
    for version in 1..=60 {
        for order in 0..7 {
            desk.order_changes(&format!("ord_{order}"), version);
        }
        desk.product_changes("prd_1", version);
        desk.stock_is_posted(&format!("std_{version}"), None);
    }

    for limit in [1, 7, 200] {
        let events = desk.read_all(String::new(), limit).await;
        let versions = versions(&events);
        assert_eq!(events.len(), 60 * 9, "pages of {limit}");
        let in_order: Vec<i64> = (1..=60).collect();
        for order in 0..7 {
            assert_eq!(versions[format!("ord_{order}").as_str()], in_order, "pages of {limit}");
        }
        assert_eq!(versions["prd_1"], in_order);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_goes_on_from_any_cursor() {
    let desk = Desk::open().await;
    for version in 1..=20 {
        desk.order_changes("ord_1", version);
        desk.product_changes("prd_1", version);
        desk.advance(1);
    }
    let all = desk.read_all(String::new(), 200).await;
    let ids = |events: &[pb::FeedEvent]| {
        events.iter().map(|event| told(event).event_id.clone()).collect::<Vec<_>>()
    };
    for (at, event) in all.iter().enumerate() {
        let rest = desk.read_all(event.cursor.clone(), 3).await;
        assert_eq!(ids(&rest), ids(&all[at + 1..]), "after event {at}");
    }
    // By time between areas, as far as the order of each allows.
    let times: Vec<_> = all.iter().map(|event| told(event).event_time.unwrap().seconds).collect();
    assert!(times.is_sorted(), "{times:?}");
    // What happens later comes later.
    let end = all.last().unwrap().cursor.clone();
    assert!(desk.read(&end, 10).await.events.is_empty());
    desk.order_changes("ord_2", 1);
    assert_eq!(told(&desk.read(&end, 10).await.events[0]).resource_id, "ord_2");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_has_its_public_shape() {
    let desk = Desk::open().await;
    desk.order_changes("ord_1", 3);
    let page = desk.read("", 10).await;
    let event = told(&page.events[0]);
    assert!(event.event_id.starts_with("evt_"));
    let place = (event.r#type.as_str(), event.stream.as_str(), event.sequence, event.version);
    assert_eq!(place, ("order.changed", "orders", 1, 3));
    assert_eq!((event.shop_id.clone(), event.resource_id.as_str()), (desk.shop.to_string(), "ord_1"));
    let data = event.data.as_ref().unwrap();
    assert_eq!(data.order.as_ref().unwrap().number, "ord_1-3");
    assert_eq!(data.changed_fields, ["state"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_hears_of_its_shops_and_of_what_its_scopes_show() {
    let desk = Desk::open().await;
    let stranger = ShopId::new();
    desk.order_changes("ord_own", 1);
    desk.order_changes_by("ord_foreign", 1, stranger, "service:orders");
    desk.product_changes("prd_1", 1);
    desk.stock_is_posted("std_1", Some(stranger));
    let shop = access::ShopChanged::default();
    let time = desk.world.clock.now();
    let fact = Fact { resource: "shp_1", version: 1, shop: Some(desk.shop), actor: "operator:test", time };
    desk.logs.of("access").tell(&fact, &shop);

    let resources = |page: &pb::ReadFeedResponse| {
        let mut names: Vec<_> = page.events.iter().map(|event| told(event).resource_id.clone()).collect();
        names.sort();
        names
    };
    let page = desk.read("", 100).await;
    assert_eq!(resources(&page), ["ord_own", "prd_1", "std_1"], "the key may not read access");
    let posted = page.events.iter().map(told).find(|event| event.resource_id == "std_1").unwrap();
    assert_eq!(posted.shop_id, "", "stock belongs to the organisation; whose document it was is not told");
    let orders_only = desk.other_key(&["webhooks.events", "orders.read"]);
    let page = desk.read_as(&orders_only, pb::ReadFeedRequest::default()).await;
    assert_eq!(resources(&page), ["ord_own"]);
    let foreigner = World::partner(&[stranger], &SCOPES);
    let page = desk.read_as(&foreigner, pb::ReadFeedRequest::default()).await;
    assert_eq!(resources(&page), ["ord_foreign", "prd_1", "std_1"]);
    let organization = World::partner(&[], &SCOPES);
    let page = desk.read_as(&organization, pb::ReadFeedRequest::default()).await;
    assert_eq!(resources(&page), ["prd_1", "std_1"]);

    let types = vec!["payment.opened".to_owned()];
    let asked = desk.feed_as(&desk.key).read_feed(pb::ReadFeedRequest { types, ..Default::default() }).await;
    assert_eq!(refusal(asked).reason, "SCOPE_NOT_HELD");
    let shop_id = stranger.to_string();
    let asked =
        desk.feed_as(&desk.key).read_feed(pb::ReadFeedRequest { shop_id, ..Default::default() }).await;
    assert_eq!(refusal(asked).reason, "SHOP_NOT_FOUND");
    let nothing = desk.other_key(&["webhooks.events"]);
    let asked = desk.feed_as(&nothing).read_feed(pb::ReadFeedRequest::default()).await;
    assert_eq!(refusal(asked).reason, "SCOPE_NOT_HELD");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_serves_whatever_is_asked_for() {
    let desk = Desk::open().await;
    desk.order_changes("ord_1", 1);
    desk.product_changes("prd_1", 1);
    let types = vec!["order.changed".to_owned()];
    let page = desk.read_as(&desk.key, pb::ReadFeedRequest { types, ..Default::default() }).await;
    assert_eq!(page.events.len(), 1);
    let rest = desk.read(&page.next_cursor, 10).await.events;
    assert_eq!((rest.len(), told(&rest[0]).resource_id.as_str()), (1, "prd_1"), "nothing is passed over");
    let latest = desk.read("latest", 10).await;
    assert!(latest.events.is_empty() && desk.read(&latest.next_cursor, 10).await.events.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_echo_can_be_left_out() {
    let desk = Desk::open().await;
    let own = desk.actor();
    desk.order_changes_by("ord_1", 1, desk.shop, &own);
    desk.order_changes_by("ord_2", 1, desk.shop, &format!("service:orders on behalf of {own}"));
    desk.order_changes_by("ord_3", 1, desk.shop, "operator:somebody");
    let request = pb::ReadFeedRequest { except_own: true, ..Default::default() };
    let page = desk.read_as(&desk.key, request).await;
    assert_eq!(versions(&page.events).into_keys().collect::<Vec<_>>(), ["ord_3"]);
    assert_eq!(desk.read("", 10).await.events.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_leads_nowhere_is_refused_with_the_reason() {
    let desk = Desk::open().await;
    for version in 1..=5 {
        desk.order_changes("ord_1", version);
    }
    let read = async |after: String| {
        desk.feed_as(&desk.key).read_feed(pb::ReadFeedRequest { after, ..Default::default() }).await
    };
    let first = desk.read("", 1).await.next_cursor;
    let all = desk.read("", 100).await.next_cursor;

    desk.logs.of("orders").trim(3);
    let expired = refusal(read(first.clone()).await);
    assert_eq!((expired.code, expired.reason.as_str()), (Code::FailedPrecondition, "CURSOR_EXPIRED"));
    assert_eq!(desk.read(&all, 10).await.events.len(), 0, "what it leads to is still there");
    assert_eq!(desk.read("", 10).await.events.len(), 2, "the oldest that is kept");

    desk.logs.of("orders").restore_to(4);
    assert_eq!(refusal(read(all).await).reason, "CURSOR_VOID");
    for forged in ["x", "AAAA", &format!("{first}A"), &first[1..], &"A".repeat(2000)] {
        let refused = refusal(read(forged.to_owned()).await);
        assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec!["after".to_owned()]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_away_holds_up_its_own_changes_only() {
    let desk = Desk::open().await;
    desk.order_changes("ord_1", 1);
    desk.product_changes("prd_1", 1);
    desk.logs.of("orders").is_away(true);
    let page = desk.read("", 10).await;
    assert_eq!(versions(&page.events).into_keys().collect::<Vec<_>>(), ["prd_1"]);
    let asked = desk.feed_as(&desk.key);
    let after = page.next_cursor.clone();
    let nothing = { asked }.read_feed(pb::ReadFeedRequest { after, ..Default::default() }).await;
    assert_eq!(refusal(nothing).reason, "EVENTS_UNAVAILABLE");
    desk.logs.of("orders").is_away(false);
    let page = desk.read(&page.next_cursor, 10).await;
    assert_eq!(versions(&page.events).into_keys().collect::<Vec<_>>(), ["ord_1"], "nothing was passed over");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_name_their_fields() {
    let desk = Desk::open().await;
    let request = pb::ReadFeedRequest {
        limit: 201,
        shop_id: "shop".to_owned(),
        types: vec!["order.changed".to_owned(), "order.eaten".to_owned()],
        ..Default::default()
    };
    let fields = refusal(desk.feed_as(&desk.key).read_feed(request).await).fields;
    assert_eq!(fields, ["limit", "shop_id", "types[1]"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_what_happens_and_goes_on_where_it_ended() {
    let desk = Desk::open().await;
    desk.order_changes("ord_1", 1);
    let watch = async |after: &str| {
        let request = pb::WatchFeedRequest { after: after.to_owned(), ..Default::default() };
        desk.feed_as(&desk.key).watch_feed(request).await.unwrap().into_inner()
    };
    let mut stream = watch("").await;
    let begin = stream.message().await.unwrap().unwrap();
    assert!(begin.events.is_empty(), "what was is not told");
    let mut cursor = begin.next_cursor;
    for version in 2..=6 {
        desk.order_changes("ord_1", version);
        let answer = stream.message().await.unwrap().unwrap();
        assert_eq!(versions(&answer.events)["ord_1"], [version]);
        cursor = answer.events[0].cursor.clone();
    }
    drop(stream);
    desk.order_changes("ord_1", 7);
    let missed = watch(&cursor).await.message().await.unwrap().unwrap();
    assert_eq!(versions(&missed.events)["ord_1"], [7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_the_logs_for_nobody() {
    let desk = Desk::open().await;
    let orders = desk.logs.of("orders").clone();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(orders.reads(), 0, "no endpoint, no reader");
    let request = pb::WatchFeedRequest { types: vec!["order.changed".to_owned()], ..Default::default() };
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(desk.feed_as(&desk.key).watch_feed(request.clone()).await.unwrap().into_inner());
    }
    eventually("somebody asks for news", async || (orders.reads() > 40).then_some(())).await;
    // Each has looked once more after the first answer.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let before = orders.reads();
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert!(orders.reads() <= before + 2, "twenty readers wait for one question");
}

#[tokio::test(flavor = "multi_thread")]
async fn event_types_are_listed_by_name() {
    let desk = Desk::open().await;
    let request = pb::ListEventTypesRequest { page_size: 200, page_token: String::new() };
    let all = desk.feed_as(&desk.key).list_event_types(request).await.unwrap().into_inner().event_types;
    assert!(all.len() > 40 && all.is_sorted_by_key(|one| one.r#type.clone()));
    let placed = all.iter().find(|one| one.r#type == "order.placed").unwrap();
    assert_eq!(
        (placed.stream.as_str(), placed.scope.as_str(), placed.of_shop),
        ("orders", "orders.read", true)
    );
    let request = pb::ListEventTypesRequest { page_size: 10, page_token: String::new() };
    let page = desk.feed_as(&desk.key).list_event_types(request).await.unwrap().into_inner();
    let request = pb::ListEventTypesRequest { page_size: 10, page_token: page.next_page_token };
    let next = desk.feed_as(&desk.key).list_event_types(request).await.unwrap().into_inner();
    assert_eq!(next.event_types, all[10..20]);
}
