//! Times one order in, one order out and one page of fifty: `cargo bench -p transcode`.

use std::hint::black_box;
use std::time::Instant;

use http::Method;
use prost::Message as _;
use proto::orders::v1::{ListOrdersResponse, Order, OrderLine, OrderSummary};
use proto::r#type::v1::Money;
use transcode::{Api, Inbound};

const ORDER: &[u8] = br#"{"sourceId": "src_019212d0-7b1e-7cc3-9d7a-3f6d0a4f0a11", "method": "ORDER_METHOD_CART",
    "externalId": "A-100042", "contact": {"name": "Olena Koval", "phone": "+380501234567", "email": "o@example.com"},
    "lines": [{"sku": "TEA-GREEN-100", "quantity": 2}, {"sku": "MUG-WHITE", "quantity": 1}],
    "delivery": {"deliveryMethodId": "dlm_1", "address": {"countryCode": "UA", "city": "Kyiv", "line": "Khreshchatyk 1"}},
    "paymentMethod": "cash_on_delivery", "expectedTotal": {"amount": "1040.00", "currencyCode": "UAH"}}"#;

fn main() {
    let api = Api::suite();
    let place = api.find(&Method::POST, "/v1/orders").expect("a route");
    let get = api.find(&Method::GET, "/v1/orders/o").expect("a route");
    let list = api.find(&Method::GET, "/v1/orders").expect("a route");
    let (order, page) = (order().encode_to_vec(), page().encode_to_vec());

    time("read an order of 2 lines", 200_000, || {
        let mut wire = Vec::with_capacity(1024);
        let inbound = Inbound { body: ORDER, idempotency_key: Some("k-1"), ..Inbound::default() };
        api.read_request(&place, inbound, &mut wire).expect("a valid order");
        wire
    });
    time("find a route", 200_000, || api.find(&Method::POST, "/v1/orders/ord_1/cancel"));
    time("write an order of 2 lines", 200_000, || {
        let mut json = Vec::with_capacity(4096);
        api.write_response(get.route, &order, &mut json).expect("a valid order");
        json
    });
    time("write a page of 50 orders", 5_000, || {
        let mut json = Vec::with_capacity(64 * 1024);
        api.write_response(list.route, &page, &mut json).expect("a valid page");
        json
    });
}

fn time<T>(what: &str, rounds: u32, work: impl Fn() -> T) {
    for _ in 0..rounds / 10 {
        black_box(work());
    }
    let started = Instant::now();
    for _ in 0..rounds {
        black_box(work());
    }
    println!("{what}: {:.2} us", started.elapsed().as_secs_f64() * 1e6 / f64::from(rounds));
}

fn money() -> Option<Money> {
    Some(Money { amount: "520.00".into(), currency_code: "UAH".into() })
}

fn order() -> Order {
    let line = OrderLine {
        line_id: "lin_1".into(),
        sku: "TEA-GREEN-100".into(),
        name: "Green tea".into(),
        ordered: 2,
        reserved: 2,
        unit_price: money(),
        total: money(),
        ..OrderLine::default()
    };
    Order {
        order_id: "ord_019212d0-7b1e-7cc3-9d7a-3f6d0a4f0a11".into(),
        number: "A-100042".into(),
        state: 2,
        lines: vec![line.clone(), line],
        total: money(),
        goods_total: money(),
        ..Order::default()
    }
}

fn page() -> ListOrdersResponse {
    let one = OrderSummary {
        order_id: "ord_1".into(),
        number: "A-1".into(),
        total: money(),
        ..OrderSummary::default()
    };
    ListOrdersResponse { orders: vec![one; 50], ..ListOrdersResponse::default() }
}
