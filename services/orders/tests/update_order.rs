//! Changing orders: everything that was asked for, or nothing.

use proto::orders::v1 as pb;
use serde_json::json;
use tonic::Code;

use crate::neighbours::Failure;
use crate::shop::{Shop, facts, refusal, uah};

/// The steps of an edit that may be refused, for an order that is delivered and not paid.
const STEPS: [&str; 3] = ["PlanDelivery", "ChangePaymentAmount", "ChangeReservation"];

fn new_line(sku: &str, ordered: i32) -> pb::OrderLine {
    pb::OrderLine { sku: sku.to_owned(), ordered, ..Default::default() }
}

/// An edit with other lines.
fn with_lines(shop: &Shop, order: &pb::Order, lines: Vec<pb::OrderLine>) -> pb::UpdateOrderRequest {
    let order = pb::Order { lines, ..order.clone() };
    shop.edit(&order, &["lines"])
}

fn resized(line: &pb::OrderLine, ordered: i32) -> pb::OrderLine {
    pb::OrderLine { ordered, ..line.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_added_removed_and_resized() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 2), ("B-1", 1)])).await;
    // The catalog's price of A-1 changes: what was agreed stays.
    shop.them.state().products.get_mut("A-1").unwrap().price = Some("999.00");

    let lines = vec![resized(&order.lines[0], 3), new_line("WRAP", 1), new_line("KIT", 1)];
    let edited = shop.update(with_lines(&shop, &order, lines)).await.unwrap().into_inner();

    let seen: Vec<_> =
        edited.lines.iter().map(|line| (line.sku.as_str(), line.ordered, line.reserved)).collect();
    assert_eq!(seen, [("A-1", 3, 3), ("WRAP", 1, 0), ("KIT", 1, 1)]);
    assert_eq!(
        (edited.lines[0].unit_price.clone(), edited.lines[0].total.clone()),
        (uah("100.00"), uah("300.00"))
    );
    assert_eq!((edited.goods_total.clone(), edited.total.clone()), (uah("355.00"), uah("405.00")));
    assert_eq!(edited.balance, uah("405.00"));
    assert_ne!(edited.lines[1].line_id, order.lines[1].line_id, "a removed line's id is not given again");
    {
        let state = shop.them.state();
        assert_eq!((state.stock["A-1"], state.stock["B-1"], state.stock["C-1"]), (7, 5, 8));
        let payment = &state.payments[&order.payment_id];
        assert_eq!(payment.amount, 40_500);
        let said = payment.receipt_lines.iter().map(|line| (line.name.as_str(), line.amount.clone()));
        let goods =
            [("Product A-1", uah("300.00")), ("Product WRAP", uah("15.00")), ("Product KIT", uah("40.00"))];
        let all: Vec<_> = goods.into_iter().chain([("Courier", uah("50.00"))]).collect();
        assert_eq!(said.collect::<Vec<_>>(), all, "receipts say what is sold now");
        assert!(state.plans[&order.delivery_plan_id].cancelled, "what was planned before is given up");
        let plan = &state.plans[&edited.delivery_plan_id];
        assert_eq!((plan.cancelled, plan.request.weight_grams), (false, 300 + 100 + 300));
    }
    assert_eq!((order.etag.as_str(), edited.etag.as_str()), ("1", "2"));
    assert_eq!(shop.order(&order.order_id).await, edited);
    assert_eq!(shop.events(&order.order_id).await, ["OrderPlaced", "OrderChanged"]);
    assert_eq!(shop.count("SELECT count(*) FROM order_edits").await, 0);

    let changes = shop.last_changes(&order.order_id, "orders.update_order").await;
    let find =
        |field: &str| changes.iter().find(|change| change.0 == field).map(|c| (c.1.clone(), c.2.clone()));
    assert_eq!(find("lines[0].ordered"), Some((json!(2), json!(3))));
    assert_eq!(find("lines[1].sku"), Some((json!("B-1"), json!(null))));
    assert_eq!(find("lines[3].sku"), Some((json!(null), json!("KIT"))));
    assert_eq!(find("total"), Some((json!("280.50"), json!("405.00"))));
    assert_eq!(find("lines[0].sku"), None, "what stays is not told");
}

#[tokio::test(flavor = "multi_thread")]
async fn contact_address_and_comment_are_changed_and_kept_out_of_history() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 1)])).await;
    let mut wish = order.clone();
    wish.contact = Some(pb::Contact {
        name: "Ігор".to_owned(),
        phone: "+380501112233".to_owned(),
        ..Default::default()
    });
    wish.comment = "дзвонити двічі".to_owned();
    wish.delivery.as_mut().unwrap().address.as_mut().unwrap().city = "Львів".to_owned();

    let edited =
        shop.update(shop.edit(&wish, &["contact", "comment", "delivery"])).await.unwrap().into_inner();

    assert_eq!((edited.contact.clone(), edited.comment.as_str()), (wish.contact, "дзвонити двічі"));
    assert_eq!(edited.delivery.clone().unwrap().address.unwrap().city, "Львів");
    assert_eq!(edited.delivery.unwrap().method_name, "Courier");
    let plan = shop.them.state().plans[&edited.delivery_plan_id].request.clone();
    assert_eq!((plan.address.unwrap().city.as_str(), plan.recipient_name.as_str()), ("Львів", "Ігор"));
    for told in ["Львів", "Ігор", "двічі", "0501112233"] {
        let leaks = format!("SELECT count(*) FROM audit_log WHERE changes::text LIKE '%{told}%'");
        assert_eq!(shop.count(&leaks).await, 0, "{told}");
        assert_eq!(shop.rows_with("sagas", "input", told).await, 0, "{told}");
        assert_eq!(shop.rows_with("event_log", "body", told).await, 0, "{told}");
    }
    let fields: Vec<_> = shop
        .last_changes(&order.order_id, "orders.update_order")
        .await
        .into_iter()
        .map(|change| change.0)
        .collect();
    for field in ["contact.name", "contact.phone", "comment", "delivery.address"] {
        assert!(fields.iter().any(|known| known == field), "{field} in {fields:?}");
    }
    // The new phone is another buyer's: a job finds out whose.
    shop.eventually(&order.order_id, "the buyer is identified", |now| now.customer_id != order.customer_id)
        .await;
    let search = pb::ListOrdersRequest { text: "2233".to_owned(), ..Default::default() };
    let found = shop.client().list_orders(search).await.unwrap().into_inner();
    assert_eq!(found.orders.len(), 1, "searches find the new phone");
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_is_taken_out_and_put_in() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 1)])).await;

    let none = pb::Order { delivery: None, ..order.clone() };
    let fetched = shop.update(shop.edit(&none, &["delivery"])).await.unwrap().into_inner();
    let back = pb::Order { etag: fetched.etag.clone(), ..order.clone() };
    let sent = shop.update(shop.edit(&back, &["delivery"])).await.unwrap().into_inner();

    assert_eq!((fetched.delivery.is_none(), fetched.total.clone()), (true, uah("100.00")));
    assert_eq!((sent.delivery_total.clone(), sent.total.clone()), (uah("50.00"), uah("150.00")));
    let state = shop.them.state();
    assert!(state.plans[&order.delivery_plan_id].cancelled && !state.plans[&sent.delivery_plan_id].cancelled);
    assert_eq!(state.payments[&order.payment_id].amount, 15_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixed_price_needs_the_scope_and_outlives_edits() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 1)])).await;
    let mut wish = pb::Order { delivery_total: uah("12.00"), ..order.clone() };
    wish.lines.push(pb::OrderLine { unit_price: uah("7.00"), ..new_line("B-1", 2) });
    let request = shop.edit(&wish, &["lines", "delivery_total"]);

    let mut partner = shop.partner(&[shop.shop_id], &["orders.write"]);
    let refused = testing::refusal(partner.update_order(request.clone()).await);
    assert_eq!(refused.fields, ["order.lines[1].unit_price", "order.delivery_total"]);
    let edited = shop.update(request).await.unwrap().into_inner();
    assert_eq!((edited.goods_total.clone(), edited.total.clone()), (uah("114.00"), uah("126.00")));

    let more =
        shop.update(with_lines(&shop, &edited, vec![resized(&edited.lines[0], 2), edited.lines[1].clone()]));
    let more = more.await.unwrap().into_inner();
    assert_eq!((more.delivery_total.clone(), more.total.clone()), (uah("12.00"), uah("226.00")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_step_changes_nothing() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 1)])).await;
    let lines = vec![resized(&order.lines[0], 4)];
    for step in STEPS {
        // Done once without our hearing of it, then refused.
        shop.them.fail(step, [Failure::AnswerLost, Failure::Refuse("NOT_TODAY")]);
        let request = with_lines(&shop, &order, lines.clone());

        let refused = testing::refusal(shop.update(request.clone()).await);

        assert_eq!(refused.reason, "NOT_TODAY", "{step}");
        let now = shop.order(&order.order_id).await;
        assert_eq!(now, order, "{step}");
        {
            let state = shop.them.state();
            assert_eq!(state.stock["A-1"], 9, "{step}");
            assert_eq!(state.payments[&order.payment_id].amount, 15_000, "{step}");
            let live = state.plans.values().filter(|plan| !plan.cancelled).count();
            assert_eq!((live, state.plans[&order.delivery_plan_id].cancelled), (1, false), "{step}");
        }
        assert_eq!(shop.count("SELECT count(*) FROM order_edits").await, 0, "{step}");
        // The cause is gone, and the same call succeeds; then all is put back for the next step.
        if step == "ChangeReservation" {
            let edited = shop.update(request).await.unwrap().into_inner();
            assert_eq!((edited.lines[0].reserved, edited.total.clone()), (4, uah("450.00")));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn past_the_old_plan_an_edit_goes_forward_only() {
    for step in STEPS {
        let shop = Shop::open().await;
        let order = shop.placed(shop.parcel(&[("A-1", 1)])).await;
        // The first attempt gives the old plan up, and does not hear of it; the second is refused on its way there.
        shop.them.fail("CancelDelivery", [Failure::AnswerLost]);
        shop.them.fail(step, [Failure::Pass, Failure::Refuse("NOT_TODAY"), Failure::Refuse("NOR_NOW")]);

        let lines = vec![resized(&order.lines[0], 4)];
        let edited = shop.update(with_lines(&shop, &order, lines)).await.unwrap().into_inner();

        assert_eq!((edited.lines[0].reserved, edited.total.clone()), (4, uah("450.00")), "{step}");
        assert_eq!(shop.them.calls(step), attempts_of(step), "{step} was asked again");
        let state = shop.them.state();
        let live: Vec<_> =
            state.plans.iter().filter(|(_, plan)| !plan.cancelled).map(|plan| plan.0).collect();
        assert_eq!(live, [&edited.delivery_plan_id], "{step}");
        assert_eq!(state.payments[&order.payment_id].amount, 45_000, "{step}");
    }
}

/// Four attempts, and for the plan the one that placed the order.
fn attempts_of(step: &str) -> usize {
    if step == "PlanDelivery" { 5 } else { 4 }
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_comes_in_meanwhile_makes_no_attempt_differ() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 2)])).await;
    shop.them.fail("ChangeReservation", std::iter::repeat_n(Failure::Unavailable, 3));
    let (mut client, request) = (shop.client(), with_lines(&shop, &order, vec![resized(&order.lines[0], 3)]));
    let editing = tokio::spawn(async move { client.update_order(request).await });
    testing::eventually("the first attempt is over", async || {
        (shop.them.calls("ChangeReservation") > 0).then_some(())
    })
    .await;

    shop.pay(&order.payment_id, 10_000);
    let edited = editing.await.unwrap().unwrap().into_inner();

    assert_eq!(edited.total, uah("350.00"));
    let now =
        shop.eventually(&order.order_id, "the money is seen", |order| order.paid == uah("100.00")).await;
    assert_eq!(
        (now.balance.clone(), now.payment_status()),
        (uah("250.00"), pb::PaymentStatus::PartiallyPaid)
    );
    assert_eq!(shop.them.state().payments[&order.payment_id].amount, 35_000);
    assert_eq!(now.payment_ids, [order.payment_id], "what is open is what is owed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_is_refused_late_restores_what_was_to_be_paid_before() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 2)])).await;
    let late =
        [Failure::Unavailable, Failure::Unavailable, Failure::Unavailable, Failure::Refuse("NOT_TODAY")];
    shop.them.fail("ChangeReservation", late);
    let (mut client, request) = (shop.client(), with_lines(&shop, &order, vec![resized(&order.lines[0], 3)]));
    let editing = tokio::spawn(async move { client.update_order(request).await });
    testing::eventually("the first attempt is over", async || {
        (shop.them.calls("ChangeReservation") > 0).then_some(())
    })
    .await;
    // What is told of the payment has the edit's amount.
    shop.pay(&order.payment_id, 5_000);

    let refused = testing::refusal(editing.await.unwrap());

    assert_eq!(refused.reason, "NOT_TODAY");
    assert_eq!(shop.them.state().payments[&order.payment_id].amount, 20_000);
    let now = shop.eventually(&order.order_id, "the money is seen", |order| order.paid == uah("50.00")).await;
    assert_eq!((now.total.clone(), now.balance.clone()), (uah("200.00"), uah("150.00")));
    // What is open is known as it is: the next edit opens the difference only.
    let more =
        shop.update(with_lines(&shop, &now, vec![resized(&now.lines[0], 3)])).await.unwrap().into_inner();
    assert_eq!((more.balance.clone(), more.payment_ids.len()), (uah("250.00"), 2));
    assert_eq!(shop.them.state().payments[&more.payment_ids[1]].amount, 10_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_short_refuses_the_edit_and_a_preview_shows_it() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.parcel(&[("A-1", 1)])).await;
    let mut request = with_lines(&shop, &order, vec![resized(&order.lines[0], 12), new_line("KIT", 1)]);
    request.dry_run = true;

    let preview = shop.update(request.clone()).await.unwrap().into_inner();
    assert_eq!(shop.them.calls("ChangeReservation"), 0, "a preview asks nobody to hold anything");
    request.dry_run = false;
    let answer = shop.update(request).await;

    let lacks: Vec<_> =
        preview.shortages.iter().map(|short| (short.sku.as_str(), short.wanted, short.available)).collect();
    assert_eq!(lacks, [("A-1", 12, 10)]);
    assert_eq!((preview.total.clone(), preview.balance.clone()), (uah("1290.00"), uah("1290.00")));
    assert_eq!((refusal(&answer).reason.as_str(), facts(&answer)["A-1"].as_str()), ("OUT_OF_STOCK", "12/10"));
    assert_eq!(shop.order(&order.order_id).await, order, "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paid_stays_and_the_difference_is_opened_or_owed() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 2)])).await;
    shop.pay(&order.payment_id, 20_000);
    let paid = shop.eventually(&order.order_id, "it is paid", |order| order.balance == uah("0.00")).await;

    let more =
        shop.update(with_lines(&shop, &paid, vec![resized(&paid.lines[0], 3)])).await.unwrap().into_inner();
    assert_eq!(
        (more.balance.clone(), more.payment_status()),
        (uah("100.00"), pb::PaymentStatus::PartiallyPaid)
    );
    assert_eq!(more.payment_ids.len(), 2);
    let extra = more.payment_ids[1].clone();
    assert_eq!(shop.them.state().payments[&extra].amount, 10_000);

    // Less again, before it was paid: what was opened besides is smaller, then not needed.
    let lines = vec![resized(&more.lines[0], 2), new_line("B-1", 1)];
    let less = shop.update(with_lines(&shop, &more, lines)).await.unwrap().into_inner();
    assert_eq!((less.balance.clone(), shop.them.state().payments[&extra].amount), (uah("30.50"), 3_050));
    let one =
        shop.update(with_lines(&shop, &less, vec![resized(&less.lines[0], 1)])).await.unwrap().into_inner();
    assert_eq!((one.balance.clone(), one.payment_status()), (uah("-100.00"), pb::PaymentStatus::Overpaid));
    {
        let state = shop.them.state();
        assert!(state.payments[&extra].voided);
        assert_eq!(state.payments[&order.payment_id].refunded, 0, "given back only when asked for");
    }

    // What is told of the payment that was given up does not open it again.
    shop.tell_refunded(&extra);
    // The second payment is another of the order's: what comes in for it counts.
    let again = vec![resized(&one.lines[0], 4)];
    let again = shop.update(with_lines(&shop, &one, again)).await.unwrap().into_inner();
    assert_eq!((again.balance.clone(), again.payment_ids.len()), (uah("200.00"), 3));
    shop.pay(&again.payment_ids[2], 20_000);
    let settled = shop.eventually(&order.order_id, "it is paid", |order| order.balance == uah("0.00")).await;
    assert_eq!((settled.paid, settled.payment_status), (uah("400.00"), pb::PaymentStatus::Paid as i32));
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_are_held_for_an_order_that_had_none() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("WRAP", 1)])).await;
    assert_eq!(order.reservation_id, "");

    let lines = vec![order.lines[0].clone(), new_line("A-1", 2)];
    let edited = shop.update(with_lines(&shop, &order, lines)).await.unwrap().into_inner();
    let fewer =
        shop.update(with_lines(&shop, &edited, vec![edited.lines[0].clone()])).await.unwrap().into_inner();

    assert_eq!((edited.lines[1].reserved, edited.reservation_id.is_empty()), (2, false));
    assert_eq!((fewer.lines.len(), shop.them.state().stock["A-1"]), (1, 10));
    assert_eq!(fewer.total, uah("15.00"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_changed_is_not_overwritten() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    shop.change_state(&order.order_id, pb::OrderState::Approval).await.unwrap();

    let answer = shop.update(with_lines(&shop, &order, vec![resized(&order.lines[0], 2)])).await;

    let refused = refusal(&answer);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    let fresh = pb::Order { etag: facts(&answer)["current_etag"].clone(), ..order.clone() };
    shop.update(with_lines(&shop, &fresh, vec![resized(&order.lines[0], 2)])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_the_same_answer() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    let request = with_lines(&shop, &order, vec![resized(&order.lines[0], 2)]);

    let first = shop.update(request.clone()).await.unwrap().into_inner();
    shop.change_state(&order.order_id, pb::OrderState::Approval).await.unwrap();
    let second = shop.update(request.clone()).await.unwrap().into_inner();

    assert_eq!(first, second);
    assert_eq!(shop.them.calls("ChangeReservation"), 1);
    let mut other = request;
    other.order.as_mut().unwrap().lines[0].ordered = 3;
    assert_eq!(testing::refusal(shop.update(other).await).reason, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_is_edited_nothing_else_changes_it() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    shop.them.fail("ChangeReservation", std::iter::repeat_n(Failure::Unavailable, 4));
    let (mut client, request) = (shop.client(), with_lines(&shop, &order, vec![resized(&order.lines[0], 2)]));
    let editing = tokio::spawn(async move { client.update_order(request).await });
    testing::eventually("the edit runs", async || (shop.them.calls("ChangeReservation") > 0).then_some(()))
        .await;

    let moved = testing::refusal(shop.change_state(&order.order_id, pb::OrderState::Approval).await);
    let cancelled = testing::refusal(shop.cancel(&order.order_id).await);
    let edited = testing::refusal(shop.update(shop.edit(&order, &["comment"])).await);

    for refused in [moved, cancelled, edited] {
        assert_eq!((refused.code, refused.reason.as_str()), (Code::Aborted, "ORDER_BUSY"));
    }
    assert_eq!(editing.await.unwrap().unwrap().into_inner().lines[0].ordered, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_left_or_ended_are_refused() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    shop.change_state(&order.order_id, pb::OrderState::Assembling).await.unwrap();
    let left = shop.change_state(&order.order_id, pb::OrderState::Delivery).await.unwrap().into_inner();

    let answer = shop.update(shop.edit(&left, &["comment"])).await;

    assert_eq!(refusal(&answer).reason, "ORDER_STATE");
    assert_eq!(facts(&answer)["allowed"], "new,approval,assembling");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_are_refused() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    let fields = async |request| testing::refusal(shop.update(request).await).fields;

    assert_eq!(fields(shop.edit(&order, &[])).await, ["update_mask"]);
    assert_eq!(fields(shop.edit(&order, &["state"])).await, ["update_mask"]);
    let none = with_lines(&shop, &order, Vec::new());
    assert_eq!(fields(none).await, ["order.lines"]);
    let twice = with_lines(&shop, &order, vec![order.lines[0].clone(), order.lines[0].clone()]);
    assert_eq!(fields(twice).await, ["order.lines[1].line_id"]);
    let zero = with_lines(&shop, &order, vec![resized(&order.lines[0], 0), new_line("", 1)]);
    assert_eq!(fields(zero).await, ["order.lines[0].ordered", "order.lines[1].sku"]);
    let unreachable = pb::Order { contact: None, ..order.clone() };
    let mut partner = shop.partner(&[shop.shop_id], &["orders.write"]);
    let refused = testing::refusal(partner.update_order(shop.edit(&unreachable, &["contact"])).await);
    assert_eq!(refused.fields, ["contact"]);

    let stranger = pb::OrderLine { line_id: types::LineId::new().to_string(), ..order.lines[0].clone() };
    let unknown = shop.update(with_lines(&shop, &order, vec![stranger])).await;
    assert_eq!(refusal(&unknown).reason, "LINE_NOT_FOUND");
    let unpriced = shop.update(with_lines(&shop, &order, vec![new_line("NO-PRICE", 1)])).await;
    assert_eq!(refusal(&unpriced).reason, "NO_PRICE");
    let (other_shop, _) = shop.add_shop();
    let mut stranger = shop.partner(&[other_shop], &["orders.write"]);
    let foreign = testing::refusal(stranger.update_order(shop.edit(&order, &["comment"])).await);
    assert_eq!(foreign.reason, "ORDER_NOT_FOUND");
}
