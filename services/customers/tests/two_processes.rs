//! Two processes of the service on one database: still one card per person.

use std::collections::HashSet;

use futures_util::future::join_all;
use korob_customers::Customers;
use proto::customers::v1::customer_service_client::CustomerServiceClient;
use rpc::{Call, Caller, CallerKeys, Directory};

use crate::desk::{Desk, sighting};

#[tokio::test(flavor = "multi_thread")]
async fn racing_processes_make_one_card_per_person() {
    let desk = Desk::open().await;
    let other = Directory::in_process(["access", "customers", "orders"], CallerKeys::random());
    let mut settings = store::Settings::at(desk.world.database("customers").url());
    settings.pool_wait_ms = 10_000;
    let clock = desk.world.clock.clone();
    let running =
        service::launch::<Customers>(&settings, &other, clock, b"a secret of tests only").await.unwrap();

    // Twenty people, each seen ten times, by both processes, with contacts that overlap in every way.
    let sightings = (0..200_usize).map(|at| {
        let person = at % 20;
        let (phone, email) = (format!("067000{person:04}"), format!("buyer{person}@example.com"));
        let (phone, email) =
            [(phone.as_str(), email.as_str()), (phone.as_str(), ""), ("", email.as_str())][at / 20 % 3];
        let seen = sighting(if at < 100 { desk.site } else { desk.market }, "Покупець", phone, email);
        let directory = if at / 20 % 2 == 0 { &desk.world.directory } else { &other };
        let call = Call::begin(Caller::service("orders"), std::time::Duration::from_secs(20));
        let mut client = CustomerServiceClient::new(directory.channel("customers").bind(&call));
        async move { client.identify_customer(seen).await.unwrap().into_inner().customer_id }
    });
    let cards: HashSet<_> = join_all(sightings).await.into_iter().collect();
    running.drain().await;

    // A phone and an e-mail that were first seen apart lead to two cards; nothing leads to more.
    assert!((20..=40).contains(&cards.len()), "{} cards", cards.len());
    assert_eq!(desk.count("SELECT count(*) FROM customers").await, cards.len() as i64);
    let owners = "SELECT count(DISTINCT customer_id) FROM customer_identities";
    assert_eq!(desk.count("SELECT count(*) FROM customer_identities").await, 40);
    assert_eq!(
        desk.count(owners).await,
        desk.count("SELECT count(*) FROM customers").await,
        "no card without a contact"
    );
    assert_eq!(
        desk.count("SELECT count(*) FROM event_log WHERE type LIKE '%Created'").await,
        desk.count(owners).await
    );
    let versions = "SELECT count(*) FROM customers c WHERE version <> (SELECT max(version) FROM event_log e
                    WHERE e.aggregate_id = 'cus_' || replace(c.customer_id::text, '-', ''))";
    assert_eq!(desk.count(versions).await, 0, "the last event has the version of the card");
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_processes_agree_on_a_phone() {
    let desk = Desk::open().await;
    let other = Directory::in_process(["access", "customers", "orders"], CallerKeys::random());
    let settings = store::Settings::at(desk.world.database("customers").url());
    let clock = desk.world.clock.clone();
    let running =
        service::launch::<Customers>(&settings, &other, clock, b"a secret of tests only").await.unwrap();

    for person in 0..40 {
        let phone = format!("050000{person:04}");
        let answers = join_all([&desk.world.directory, &other].map(|directory| {
            let call = Call::begin(Caller::service("orders"), std::time::Duration::from_secs(20));
            let mut client = CustomerServiceClient::new(directory.channel("customers").bind(&call));
            let seen = sighting(desk.site, "Покупець", &phone, "");
            async move { client.identify_customer(seen).await.unwrap().into_inner() }
        }))
        .await;
        assert_eq!(answers[0].customer_id, answers[1].customer_id);
        assert_eq!(answers.iter().filter(|answer| answer.created).count(), 1);
    }
    running.drain().await;
    assert_eq!(desk.count("SELECT count(*) FROM customers").await, 40);
}
