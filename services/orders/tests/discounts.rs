//! Discounts: exact to the minor unit, frozen on the lines, given only by who may price.

use korob_orders::model::discount::{Percent, spread};
use proptest::prelude::*;
use proto::orders::v1 as pb;
use proto::orders::v1::new_discount::Value;
use testing::refusal;

use crate::shop::{Shop, uah};

fn percent(share: &str) -> pb::NewDiscount {
    pb::NewDiscount {
        value: Some(Value::Percent(share.to_owned())),
        reason: "loyal".to_owned(),
        code: "LOYAL".to_owned(),
    }
}

fn amount(sum: &str) -> pb::NewDiscount {
    pb::NewDiscount {
        value: uah(sum).map(Value::Amount),
        reason: "scratched".to_owned(),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_lines_first_then_of_the_goods_one_after_the_other() {
    let shop = Shop::open().await;
    let mut request = shop.parcel(&[("A-1", 1), ("B-1", 2)]);
    request.lines[0].discount = Some(percent("12.5"));
    request.discounts = vec![amount("10.00"), percent("50")];

    let order = shop.placed(request).await;

    // 100.00 − 12.50 and 61.00: 148.50; less 5.89 and 4.11: 81.61 and 56.89; half of 138.50 is 69.25: 28.45 off the
    // second line, and the largest has the rest.
    let totals: Vec<_> = order.lines.iter().map(|line| line.total.clone()).collect();
    assert_eq!(totals, [uah("40.81"), uah("28.44")]);
    assert_eq!((order.goods_total, order.discount_total), (uah("69.25"), uah("91.75")));
    assert_eq!(order.total, uah("119.25"));
    let reasons: Vec<_> = order.lines[0].adjustments.iter().map(|one| one.reason.as_str()).collect();
    assert_eq!(reasons, ["loyal", "scratched", "loyal"]);
    assert_eq!(order.lines[0].adjustments[0].code, "LOYAL");
    assert_eq!(order.lines[0].unit_price, uah("100.00"), "the price itself stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_price_gives_discounts() {
    let shop = Shop::open().await;
    let mut partner = shop.partner(&[shop.shop_id], &["orders.write"]);
    let mut request = shop.cart(&[("A-1", 1)]);
    request.lines[0].discount = Some(percent("1"));
    request.discounts = vec![amount("1.00")];

    let refused = refusal(partner.place_order(request.clone()).await);
    assert_eq!(refused.reason, "PRICE_NOT_ALLOWED");
    assert_eq!(refused.fields, ["lines[0].discount", "discounts[0]"]);
    let mut partner = shop.partner(&[shop.shop_id], &["orders.write", "orders.price"]);
    partner.place_order(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_discounts_are_named() {
    let shop = Shop::open().await;
    for share in ["0", "100.01", "12.345", "-5", "1e1", "", "5.", ".5", "٥"] {
        let request = pb::PlaceOrderRequest { discounts: vec![percent(share)], ..shop.cart(&[("A-1", 1)]) };
        assert_eq!(refusal(shop.place(request).await).fields, ["discounts[0].percent"], "{share}");
    }
    let dollars = proto::r#type::v1::Money { amount: "1.00".to_owned(), currency_code: "USD".to_owned() };
    let foreign = pb::NewDiscount { value: Some(Value::Amount(dollars)), ..amount("1.00") };
    for (discount, field) in [
        (pb::NewDiscount { reason: " ".to_owned(), ..percent("5") }, "discounts[0].reason"),
        (pb::NewDiscount { code: "no code".to_owned(), ..percent("5") }, "discounts[0].code"),
        (pb::NewDiscount { value: None, ..percent("5") }, "discounts[0]"),
        (amount("0.00"), "discounts[0].amount"),
        (foreign, "discounts[0].amount"),
    ] {
        let request = pb::PlaceOrderRequest { discounts: vec![discount], ..shop.cart(&[("A-1", 1)]) };
        assert_eq!(refusal(shop.place(request).await).fields, [field]);
    }
    let many = pb::PlaceOrderRequest { discounts: vec![percent("1"); 11], ..shop.cart(&[("A-1", 1)]) };
    assert_eq!(refusal(shop.place(many).await).reason, "TOO_MANY");
}

#[test]
fn percentages_read_as_they_are_written() {
    for (text, hundredths, shown) in [
        ("12.5", 1250, "12.5"),
        ("7.05", 705, "7.05"),
        ("100", 10_000, "100"),
        ("0.01", 1, "0.01"),
        ("5.00", 500, "5"),
    ] {
        let percent: Percent = text.parse().unwrap();
        assert_eq!((percent.hundredths(), percent.to_string().as_str()), (hundredths, shown));
    }
}

#[test]
fn what_rounding_leaves_over_is_the_largest_lines() {
    assert_eq!(spread(100, &[333, 333, 334]), [33, 33, 34]);
    assert_eq!(spread(10, &[100, 100, 100]), [4, 3, 3]);
    // Half a unit each: rounding up would take twice as much as there is to take.
    assert_eq!(spread(2, &[1, 1, 1, 1]).iter().sum::<i64>(), 2);
    assert_eq!(spread(499, &[1; 1000]).iter().max(), Some(&1));
}

proptest! {
    #[test]
    fn shares_add_up_and_no_line_falls_below_zero(
        totals in proptest::collection::vec(prop_oneof![0_i64..5, 0_i64..100_000, 0_i64..1_000_000_000_000], 1..60),
        part in 0_u32..=10_000,
    ) {
        let sum: i64 = totals.iter().sum();
        let taken = (i128::from(sum) * i128::from(part) / 10_000) as i64;

        let shares = spread(taken, &totals);

        prop_assert_eq!(shares.iter().sum::<i64>(), taken);
        for (share, total) in shares.iter().zip(&totals) {
            prop_assert!((0..=*total).contains(share));
        }
        // Beside the largest line each share is the exact one, rounded half up, unless the remainder does not fit there.
        let largest = totals.iter().max().copied().unwrap_or_default();
        if largest > totals.len() as i64 && taken > 0 {
            let first = totals.iter().position(|total| *total == largest);
            for (at, (share, total)) in shares.iter().zip(&totals).enumerate() {
                let exact = (i128::from(taken) * i128::from(*total) * 2 + i128::from(sum)) / (i128::from(sum) * 2);
                let left = totals[first.unwrap()] - shares[first.unwrap()];
                if Some(at) != first && left > 0 && shares[first.unwrap()] > 0 {
                    prop_assert_eq!(i128::from(*share), exact);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_hears_what_receipts_say_the_goods_and_their_delivery() {
    let shop = Shop::open().await;
    let mut request = shop.parcel(&[("A-1", 1), ("B-1", 2)]);
    request.lines[0].discount = Some(percent("12.5"));
    request.discounts = vec![amount("10.00"), percent("50")];

    let order = shop.placed(request).await;

    let said = shop.them.state().payments[&order.payment_id].receipt_lines.clone();
    let said: Vec<_> = said.into_iter().map(|line| (line.name, line.quantity, line.amount)).collect();
    let line = |name: &str, quantity, sum| (name.to_owned(), quantity, uah(sum));
    assert_eq!(
        said,
        [line("Product A-1", 1, "40.81"), line("Product B-1", 2, "28.44"), line("Courier", 1, "50.00")]
    );
}
