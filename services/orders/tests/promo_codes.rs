//! Promo codes: when they take something off, how often, and who gets them back.

use std::time::Duration;

use futures_util::future::join_all;
use proto::orders::v1 as pb;
use proto::orders::v1::promo_code::Value;
use testing::{World, refusal};
use tonic::Code;

use crate::neighbours::Failure;
use crate::shop::{Shop, contact, facts, uah};

fn with(code: &str, request: pb::PlaceOrderRequest) -> pb::PlaceOrderRequest {
    pb::PlaceOrderRequest { promo_code: code.to_owned(), ..request }
}

fn in_hours(shop: &Shop, hours: i64) -> Option<prost_types::Timestamp> {
    let time = shop.world.clock.now() + chrono::TimeDelta::hours(hours);
    Some(prost_types::Timestamp { seconds: time.timestamp(), nanos: 0 })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_takes_its_share_off_every_line() {
    let shop = Shop::open().await;
    let code = shop.promo_code("Spring-10", |_| {}).await;

    let order = shop.placed(with(" SPRING-10", shop.parcel(&[("A-1", 1), ("B-1", 1), ("WRAP", 1)]))).await;

    // 100.00 + 30.50 + 15.00 less 14.55: 10.00, 3.05 and 1.50.
    assert_eq!((order.goods_total, order.discount_total), (uah("130.95"), uah("14.55")));
    assert_eq!(order.total, uah("180.95"));
    let adjustment = |amount: &str| pb::Adjustment {
        reason: "Spring sale".to_owned(),
        amount: uah(amount),
        code: "Spring-10".to_owned(),
    };
    let adjustments: Vec<_> = order.lines.iter().map(|line| line.adjustments.clone()).collect();
    assert_eq!(adjustments, [[adjustment("-10.00")], [adjustment("-3.05")], [adjustment("-1.50")]]);
    assert_eq!((order.promo_code.as_str(), &order.promo_code_id), ("Spring-10", &code.promo_code_id));
    assert_eq!(shop.uses(&code.promo_code_id).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_code_rejects_the_order_with_its_reason() {
    let shop = Shop::open().await;
    let (foreign, _) = shop.add_shop();
    shop.promo_code("LATER", |code| code.start_time = in_hours(&shop, 1)).await;
    shop.promo_code("OVER", |code| code.end_time = in_hours(&shop, -1)).await;
    shop.promo_code("MUCH", |code| code.goods_total_min_amount = uah("100.01")).await;
    shop.promo_code("THEIRS", |code| code.shop_ids = vec![foreign.to_string()]).await;
    shop.promo_code("GONE", |code| code.archived = true).await;
    let dollars = proto::r#type::v1::Money { amount: "5.00".to_owned(), currency_code: "USD".to_owned() };
    shop.promo_code("DOLLARS", |code| code.value = Some(Value::Amount(dollars))).await;

    for (code, reason) in [
        ("NOBODY", "PROMO_CODE_UNKNOWN"),
        ("THEIRS", "PROMO_CODE_UNKNOWN"),
        ("GONE", "PROMO_CODE_UNKNOWN"),
        ("LATER", "PROMO_CODE_NOT_STARTED"),
        ("OVER", "PROMO_CODE_EXPIRED"),
        ("MUCH", "PROMO_CODE_MINIMUM"),
        ("DOLLARS", "PROMO_CODE_CURRENCY"),
    ] {
        let answer = shop.place(with(code, shop.cart(&[("A-1", 1)]))).await;
        let refused = crate::shop::refusal(&answer);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::Aborted, reason));
        let order = shop.order(&facts(&answer)["order_id"]).await;
        assert_eq!((order.state(), order.promo_code.as_str()), (pb::OrderState::Rejected, code));
        let quote = pb::CreateQuoteRequest { promo_code: code.to_owned(), ..shop.quote_of(&[("A-1", 1)]) };
        let refused = refusal(shop.quotes().create_quote(quote).await);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, reason));
    }
    assert!(shop.them.held().is_empty(), "refused before anything is held");

    shop.world.clock.advance(Duration::from_secs(2 * 3600));
    shop.placed(with("LATER", shop.cart(&[("A-1", 1)]))).await;
    let answer = shop.place(with("bad code!", shop.cart(&[("A-1", 1)]))).await;
    assert_eq!(refusal(answer).fields, ["promo_code"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_orders_at_once_ten_have_the_ten_uses() {
    let shop = Shop::open().await;
    let code = shop.promo_code("TEN", |code| code.uses_max = 10).await;

    let answers = join_all((0..100).map(|_| shop.place(with("ten", shop.cart(&[("WRAP", 1)]))))).await;

    let (placed, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.is_ok());
    assert_eq!((placed.len(), refused.len()), (10, 90));
    assert!(refused.iter().all(|answer| crate::shop::refusal(answer).reason == "PROMO_CODE_EXHAUSTED"));
    assert_eq!(shop.uses(&code.promo_code_id).await, 10);
    assert_eq!(shop.count("SELECT count(*) FROM promo_uses WHERE state = 'taken'").await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_and_cancelled_orders_give_their_code_back() {
    let shop = Shop::open().await;
    let code = shop.promo_code("ONCE", |code| code.uses_max = 1).await;

    shop.them.fail("OpenPayment", [Failure::Refuse("AMOUNT_TOO_SMALL")]);
    refusal(shop.place(with("ONCE", shop.cart(&[("A-1", 1)]))).await);
    assert_eq!(shop.uses(&code.promo_code_id).await, 0, "rejected");
    let order = shop.placed(with("ONCE", shop.cart(&[("A-1", 1)]))).await;
    let second = refusal(shop.place(with("ONCE", shop.cart(&[("A-1", 1)]))).await);
    shop.cancel(&order.order_id).await.unwrap();

    assert_eq!(second.reason, "PROMO_CODE_EXHAUSTED");
    assert_eq!(shop.uses(&code.promo_code_id).await, 0, "cancelled");
    shop.placed(with("ONCE", shop.cart(&[("A-1", 1)]))).await;
    let told = "SELECT count(*) FROM audit_log WHERE action IN ('orders.redeem_promo_code', 'orders.give_back_promo_code')";
    assert_eq!(shop.count(told).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_redeems_once() {
    let shop = Shop::open().await;
    let code = shop.promo_code("SPRING", |_| {}).await;
    shop.them.fail("OpenPayment", [Failure::AnswerLost, Failure::Unavailable]);

    let order = shop.placed(with("SPRING", shop.cart(&[("A-1", 1)]))).await;

    assert_eq!((order.total, shop.uses(&code.promo_code_id).await), (uah("90.00"), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_customer_is_known_by_card_phone_or_email() {
    let shop = Shop::open().await;
    shop.promo_code("MINE", |code| code.uses_per_customer_max = 1).await;
    let by = |name: &str, phone: &str, email: &str| pb::PlaceOrderRequest {
        contact: Some(pb::Contact {
            name: name.to_owned(),
            phone: phone.to_owned(),
            email: email.to_owned(),
        }),
        ..with("MINE", shop.cart(&[("WRAP", 1)]))
    };

    shop.placed(by("A", "+380671234567", "a@example.com")).await;
    for again in [by("B", "067 123-45-67", ""), by("C", "", "A@Example.com")] {
        assert_eq!(refusal(shop.place(again).await).reason, "PROMO_CODE_USED");
    }
    shop.placed(by("D", "+380670000000", "d@example.com")).await;

    // Nothing of them is kept with the code.
    let kept = "SELECT count(*) FROM promo_uses WHERE encode(phone_digest, 'escape') LIKE '%7654321%'";
    assert_eq!(shop.count(kept).await, 0);
    let _ = contact();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_takes_off_at_most_what_there_is() {
    let shop = Shop::open().await;
    shop.promo_code("BIG", |code| code.value = Some(Value::Amount(uah("50.00").unwrap()))).await;

    let cheap = shop.placed(with("BIG", shop.cart(&[("WRAP", 1)]))).await;
    let dear = shop.placed(with("BIG", shop.cart(&[("A-1", 1)]))).await;

    assert_eq!((cheap.total, cheap.payment_id.as_str()), (uah("0.00"), ""));
    assert_eq!(dear.total, uah("50.00"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_total_that_the_buyer_saw_is_that_with_the_code() {
    let shop = Shop::open().await;
    let code = shop.promo_code("SPRING", |_| {}).await;
    let seen = |amount: &str| pb::PlaceOrderRequest {
        expected_total: uah(amount),
        ..with("SPRING", shop.cart(&[("A-1", 1)]))
    };

    let answer = shop.place(seen("100.00")).await;
    assert_eq!(crate::shop::refusal(&answer).reason, "PRICE_CHANGED");
    assert_eq!(facts(&answer)["actual"], "90.00 UAH");
    assert_eq!(shop.uses(&code.promo_code_id).await, 0);
    shop.placed(seen("90.00")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_spelled_once_whatever_their_case() {
    let shop = Shop::open().await;
    let first = shop.promo_code("Summer", |_| {}).await;
    let second = pb::CreatePromoCodeRequest {
        promo_code: Some(pb::PromoCode { code: "SUMMER".to_owned(), ..first.clone() }),
        idempotency_key: shop.key(),
    };

    let taken = refusal(shop.promo_codes().create_promo_code(second.clone()).await);
    let archived =
        update(&shop, pb::PromoCode { archived: true, ..first.clone() }, &["archived"]).await.unwrap();
    let fresh = shop.promo_codes().create_promo_code(second).await.unwrap().into_inner();
    let back = update(&shop, pb::PromoCode { archived: false, ..archived }, &["archived"]).await;

    assert_eq!((taken.code, taken.reason.as_str()), (Code::AlreadyExists, "PROMO_CODE_TAKEN"));
    assert_eq!(refusal(back.map(tonic::Response::new)).reason, "PROMO_CODE_TAKEN");
    let request = pb::ListPromoCodesRequest { code_prefix: "sum".to_owned(), ..Default::default() };
    let listed = shop.promo_codes().list_promo_codes(request.clone()).await.unwrap().into_inner();
    assert_eq!(listed.promo_codes, std::slice::from_ref(&fresh));
    let all = pb::ListPromoCodesRequest { include_archived: true, page_size: 1, ..request };
    let page = shop.promo_codes().list_promo_codes(all.clone()).await.unwrap().into_inner();
    let next = pb::ListPromoCodesRequest { page_token: page.next_page_token.clone(), ..all };
    let next = shop.promo_codes().list_promo_codes(next).await.unwrap().into_inner();
    let ids = |page: &pb::ListPromoCodesResponse| page.promo_codes[0].promo_code_id.clone();
    assert_eq!((ids(&page), ids(&next)), (fresh.promo_code_id, first.promo_code_id));
    assert_eq!(next.next_page_token, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_need_the_etag_and_leave_history() {
    let shop = Shop::open().await;
    let code = shop.promo_code("SPRING", |_| {}).await;

    let changed = pb::PromoCode { uses_max: 3, title: "May".to_owned(), ..code.clone() };
    let changed = update(&shop, changed, &["uses_max", "title"]).await.unwrap();
    let stale = update(&shop, pb::PromoCode { uses_max: 4, ..code.clone() }, &["uses_max"]).await;
    let closed =
        pb::PromoCode { start_time: in_hours(&shop, 2), end_time: in_hours(&shop, 1), ..changed.clone() };
    let closed = update(&shop, closed, &["start_time", "end_time"]).await;
    let fixed = update(&shop, changed.clone(), &["code"]).await;

    assert_eq!((changed.uses_max, changed.title.as_str(), changed.etag.as_str()), (3, "May", "2"));
    assert_eq!(refusal(stale.map(tonic::Response::new)).reason, "ETAG_MISMATCH");
    assert_eq!(refusal(closed.map(tonic::Response::new)).fields, ["promo_code.end_time"]);
    assert_eq!(refusal(fixed.map(tonic::Response::new)).fields, ["update_mask"]);
    assert_eq!(
        shop.actions(&code.promo_code_id).await,
        ["orders.create_promo_code", "orders.update_promo_code"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_of_one_shop_makes_codes_of_that_shop_only() {
    let shop = Shop::open().await;
    let (foreign, _) = shop.add_shop();
    let theirs = shop.promo_code("THEIRS", |code| code.shop_ids = vec![foreign.to_string()]).await;
    let partner = World::partner(&[shop.shop_id], &["orders.promo_codes", "orders.read"]);
    let channel = shop.world.channel_as("orders", partner);
    let mut client = proto::orders::v1::promo_code_service_client::PromoCodeServiceClient::new(channel);
    let mut create = async |code: &str, shops: Vec<String>| {
        let promo_code =
            pb::PromoCode { code: code.to_owned(), shop_ids: shops, etag: String::new(), ..theirs.clone() };
        let request =
            pb::CreatePromoCodeRequest { promo_code: Some(promo_code), idempotency_key: shop.key() };
        client.create_promo_code(request).await
    };

    create("OURS", vec![shop.shop_id.to_string()]).await.unwrap();
    assert_eq!(refusal(create("ALL", Vec::new()).await).reason, "SHOP_NOT_FOUND");
    assert_eq!(refusal(create("ALIEN", vec![foreign.to_string()]).await).reason, "SHOP_NOT_FOUND");
    let request = pb::GetPromoCodeRequest { promo_code_id: theirs.promo_code_id };
    assert_eq!(refusal(client.get_promo_code(request).await).reason, "PROMO_CODE_NOT_FOUND");
    let listed = client.list_promo_codes(pb::ListPromoCodesRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.promo_codes.len(), 1);
}

async fn update(
    shop: &Shop,
    promo_code: pb::PromoCode,
    mask: &[&str],
) -> Result<pb::PromoCode, tonic::Status> {
    let paths = mask.iter().map(|path| (*path).to_owned()).collect();
    let request = pb::UpdatePromoCodeRequest {
        promo_code: Some(promo_code),
        update_mask: Some(prost_types::FieldMask { paths }),
    };
    Ok(shop.promo_codes().update_promo_code(request).await?.into_inner())
}
