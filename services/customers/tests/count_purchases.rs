//! What people have bought, counted exactly: once per order, whatever comes twice, late or out of order.

use prost::{Message, Name};
use proto::events::v1::Event;
use proto::orders::v1::{
    OrderCancelled, OrderChanged, OrderPlaced, OrderRejected, OrderSnapshot, OrderState,
};
use proto::r#type::v1::Money;
use testing::eventually;
use types::{OrderId, ShopId};
use uuid::Uuid;

use crate::desk::{Desk, nobody, sighting};

/// An order as its events tell it.
#[derive(Clone)]
struct Order {
    id: OrderId,
    shop: ShopId,
    customer: String,
    total: String,
    currency: &'static str,
    time: i64,
}

impl Order {
    fn of(customer: &str, shop: ShopId, total: &str) -> Self {
        let (customer, total) = (customer.to_owned(), total.to_owned());
        Self { id: OrderId::new(), shop, customer, total, currency: "UAH", time: 1_800_000_000 }
    }

    fn snapshot(&self, state: OrderState) -> Option<OrderSnapshot> {
        Some(OrderSnapshot {
            order_id: self.id.into(),
            shop_id: self.shop.into(),
            state: state.into(),
            customer_id: self.customer.clone(),
            total: Some(Money { amount: self.total.clone(), currency_code: self.currency.to_owned() }),
            create_time: Some(prost_types::Timestamp { seconds: self.time, nanos: 0 }),
            ..Default::default()
        })
    }

    fn placed(&self, version: i64) -> Event {
        self.event(version, &OrderPlaced { order: self.snapshot(OrderState::New) })
    }

    fn changed(&self, version: i64) -> Event {
        self.event(
            version,
            &OrderChanged { order: self.snapshot(OrderState::Assembling), ..Default::default() },
        )
    }

    fn cancelled(&self, version: i64) -> Event {
        self.event(
            version,
            &OrderCancelled { order: self.snapshot(OrderState::Cancelled), ..Default::default() },
        )
    }

    /// A rejected order may have no total yet.
    fn rejected(&self, version: i64) -> Event {
        let order = self.snapshot(OrderState::Rejected).map(|order| OrderSnapshot { total: None, ..order });
        self.event(version, &OrderRejected { order, reason: "OUT_OF_STOCK".to_owned() })
    }

    fn event<E: Message + Name>(&self, version: i64, event: &E) -> Event {
        Event {
            event_id: Uuid::new_v4().to_string(),
            aggregate_id: self.id.to_string(),
            aggregate_version: version,
            r#type: E::full_name(),
            body: event.encode_to_vec().into(),
            shop_id: self.shop.to_string(),
            actor: "service:orders".to_owned(),
            create_time: Some(prost_types::Timestamp { seconds: self.time, nanos: 0 }),
            ..Default::default()
        }
    }
}

impl Desk {
    async fn tell(&self, events: impl IntoIterator<Item = Event>) {
        events.into_iter().for_each(|event| self.orders.append(event));
        let told = self.orders.last_position();
        let sql = "SELECT coalesce(max(position), 0) FROM event_cursors";
        eventually("the events are applied", || async { (self.count(sql).await >= told).then_some(()) })
            .await;
    }

    /// The number of orders and their sums.
    async fn bought(&self, customer_id: &str) -> (i32, Vec<String>) {
        let card = self.card(customer_id).await;
        let sums = card.order_totals.into_iter().map(|sum| format!("{} {}", sum.amount, sum.currency_code));
        (card.order_count, sums.collect())
    }
}

fn sums(sums: &[&str]) -> Vec<String> {
    sums.iter().map(|sum| (*sum).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn placed_orders_count_and_cancelled_ones_are_taken_back() {
    let desk = Desk::open().await;
    let olha = desk.seen("Ольга", "0671234567", "").await;
    let (kept, dropped, refused) = (
        Order::of(&olha, desk.site, "100.50"),
        Order::of(&olha, desk.site, "40.00"),
        Order::of(&olha, desk.site, "7"),
    );
    let abroad = Order { currency: "EUR", time: 1_900_000_000, ..Order::of(&olha, desk.site, "9.99") };

    desk.tell([kept.placed(1), dropped.placed(1), refused.rejected(1), abroad.placed(1)]).await;
    assert_eq!(desk.bought(&olha).await, (3, sums(&["9.99 EUR", "140.50 UAH"])));
    assert_eq!(desk.card(&olha).await.last_order_time.unwrap().seconds, 1_900_000_000);

    desk.tell([dropped.cancelled(2), abroad.cancelled(2)]).await;
    assert_eq!(desk.bought(&olha).await, (1, sums(&["100.50 UAH"])));
    assert_eq!(desk.card(&olha).await.last_order_time.unwrap().seconds, 1_800_000_000);
    assert_eq!(desk.card(&olha).await.etag, "1", "what is bought does not change the card");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_counts_twice_when_events_come_again() {
    let desk = Desk::open().await;
    let olha = desk.seen("Ольга", "0671234567", "").await;
    let (one, two) = (Order::of(&olha, desk.site, "10.00"), Order::of(&olha, desk.site, "5.00"));
    let events = [one.placed(1), two.placed(1), one.changed(2), two.cancelled(2)];

    for _ in 0..3 {
        desk.tell(events.clone()).await;
    }

    assert_eq!(desk.bought(&olha).await, (1, sums(&["10.00 UAH"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_event_does_not_undo_a_newer_one() {
    let desk = Desk::open().await;
    let (olha, ivan) =
        (desk.seen("Ольга", "0671234567", "").await, desk.seen("Іван", "0501234567", "").await);
    let cancelled = Order::of(&olha, desk.site, "10.00");
    let moved = Order::of(&olha, desk.site, "5.00");
    let to_ivan = Order { customer: ivan.clone(), ..moved.clone() };

    desk.tell([cancelled.cancelled(3), cancelled.changed(2), cancelled.placed(1)]).await;
    desk.tell([to_ivan.changed(4), moved.changed(3), moved.placed(1), to_ivan.changed(2)]).await;

    assert_eq!(desk.bought(&olha).await, (0, Vec::new()));
    assert_eq!(desk.bought(&ivan).await, (1, sums(&["5.00 UAH"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_identified_late_gets_the_order_and_another_total_replaces_the_first() {
    let desk = Desk::open().await;
    let (olha, ivan) =
        (desk.seen("Ольга", "0671234567", "").await, desk.seen("Іван", "0501234567", "").await);
    let unknown = Order::of("", desk.site, "10.00");
    let of_olha = Order { customer: olha.clone(), ..unknown.clone() };
    let enlarged = Order { total: "25.00".to_owned(), ..of_olha.clone() };
    let of_ivan = Order { customer: ivan.clone(), ..enlarged.clone() };

    desk.tell([unknown.placed(1)]).await;
    assert_eq!(desk.bought(&olha).await.0, 0);
    desk.tell([of_olha.changed(2)]).await;
    assert_eq!(desk.bought(&olha).await, (1, sums(&["10.00 UAH"])));
    desk.tell([enlarged.changed(3)]).await;
    assert_eq!(desk.bought(&olha).await, (1, sums(&["25.00 UAH"])));
    desk.tell([of_ivan.changed(4)]).await;
    assert_eq!(
        (desk.bought(&olha).await, desk.bought(&ivan).await),
        ((0, vec![]), (1, sums(&["25.00 UAH"])))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_is_told_of_its_own_orders_only() {
    let desk = Desk::open().await;
    let olha = desk.seen("Ольга", "0671234567", "").await;
    desk.identify(sighting(desk.market, "", "0671234567", "")).await;
    let late = Order { time: 1_900_000_000, ..Order::of(&olha, desk.market, "7.00") };
    desk.tell([Order::of(&olha, desk.site, "10.00").placed(1), late.placed(1)]).await;

    let request = proto::customers::v1::GetCustomerRequest { customer_id: olha.clone() };
    let seen = desk.partner(desk.site).get_customer(request).await.unwrap().into_inner();
    assert_eq!((seen.order_count, seen.order_totals[0].amount.as_str()), (1, "10.00"));
    assert_eq!(seen.last_order_time.unwrap().seconds, 1_800_000_000);
    assert_eq!(desk.bought(&olha).await, (2, sums(&["17.00 UAH"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_a_card_that_is_not_here_stops_nobody() {
    let desk = Desk::open().await;
    let olha = desk.seen("Ольга", "0671234567", "").await;
    let lost = Order::of(&nobody(), desk.site, "3.00");
    desk.tell([lost.placed(1), lost.cancelled(2), Order::of(&olha, desk.site, "10.00").placed(1)]).await;
    assert_eq!(desk.bought(&olha).await.0, 1);
    assert_eq!(desk.count("SELECT count(*) FROM parked_events").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_read_is_parked_and_the_rest_goes_on() {
    let desk = Desk::open().await;
    let olha = desk.seen("Ольга", "0671234567", "").await;
    let broken = Order::of(&olha, desk.site, "a lot").placed(1);
    desk.tell([broken, Order::of(&olha, desk.site, "10.00").placed(1)]).await;
    assert_eq!(desk.bought(&olha).await.0, 1);
    assert_eq!(desk.count("SELECT count(*) FROM parked_events").await, 1);
}
