//! The same promises in-process and over the network.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use proto::customers::v1::{IdentifyCustomerRequest, ListCustomersRequest};
use rpc::{Actor, Call, Caller, Shops};
use tonic::Code;
use types::{KeyId, ShopId};

use crate::desk::{asking, everywhere, operator};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_arrives_with_who_until_when_why_and_in_which_trace() {
    for desk in everywhere().await {
        let shop = ShopId::new();
        let key = Actor::Key(KeyId::new());
        let caller = Caller {
            actor: key.clone(),
            on_behalf_of: None,
            shops: Shops::Only(vec![shop]),
            scopes: vec!["customers.read".to_owned()],
        };
        let mut call = Call::begin(caller, Duration::from_secs(3));
        call.causation = Some("an event".to_owned());
        let answer =
            desk.client_of(&call).get_customer(asking("anybody")).await.expect(desk.place).into_inner();

        assert_eq!(answer.customer_id, key.to_string(), "{}", desk.place);
        let remaining: u64 = answer.name.parse().expect("milliseconds");
        assert!((2_000..=3_000).contains(&remaining), "{}: {remaining} ms are left", desk.place);
        assert_eq!(answer.note, call.trace.trace_id(), "{}", desk.place);
        assert_eq!(answer.etag, "an event", "{}", desk.place);
        assert_eq!(answer.phones, ["customers.read"], "{}", desk.place);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_calls_without_saying_who() {
    for desk in everywhere().await {
        let refused = desk.anonymous().get_customer(asking("anybody")).await.expect_err(desk.place);
        assert_eq!(refused.code(), Code::Unauthenticated, "{}", desk.place);
        assert_eq!(rpc::reason(&refused).as_deref(), Some("CALLER_UNKNOWN"), "{}", desk.place);

        let refused = desk.impostor().get_customer(asking("anybody")).await.expect_err(desk.place);
        assert_eq!(refused.code(), Code::Unauthenticated, "{}", desk.place);

        let refused = desk.misdirected().get_customer(asking("anybody")).await.expect_err(desk.place);
        assert_eq!(
            refused.code(),
            Code::Unauthenticated,
            "{}: a statement for orders opens no other door",
            desk.place
        );
        assert_eq!(desk.seen.begun.load(Ordering::SeqCst), 0, "{}", desk.place);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_does_what_its_scopes_allow_and_nothing_internal() {
    for desk in everywhere().await {
        let partner = |scopes: &[&str]| Caller {
            actor: Actor::Key(KeyId::new()),
            on_behalf_of: None,
            shops: Shops::All,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        };
        let patience = Duration::from_secs(5);
        let reader = partner(&["customers.read"]);
        desk.client(reader.clone(), patience)
            .list_customers(ListCustomersRequest::default())
            .await
            .expect(desk.place);

        let stranger = partner(&["orders.read", "customers.write", "customers", "customers.readers"]);
        let refused =
            desk.client(stranger, patience).get_customer(asking("anybody")).await.expect_err(desk.place);
        assert_eq!(refused.code(), Code::PermissionDenied, "{}", desk.place);
        assert_eq!(rpc::reason(&refused).as_deref(), Some("SCOPE_MISSING"), "{}", desk.place);

        // Even a key that holds the scope, even one that holds every scope.
        for scopes in [&["customers.identify"][..], &["*"]] {
            let inside = IdentifyCustomerRequest::default();
            let refused =
                desk.client(partner(scopes), patience).identify_customer(inside).await.expect_err(desk.place);
            assert_eq!(refused.code(), Code::PermissionDenied, "{}", desk.place);
            assert_eq!(rpc::reason(&refused).as_deref(), Some("INTERNAL_METHOD"), "{}", desk.place);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_outlives_its_deadline() {
    for desk in everywhere().await {
        let started = Instant::now();
        let impatient = desk.client(Caller::operator("test"), Duration::from_millis(200));
        let late = { impatient }.get_customer(asking("slow")).await.expect_err(desk.place);

        assert_eq!(late.code(), Code::DeadlineExceeded, "{}", desk.place);
        assert!(started.elapsed() < Duration::from_millis(1_200), "{}: {:?}", desk.place, started.elapsed());
        tokio::time::sleep(Duration::from_millis(3_500)).await;
        assert_eq!(desk.seen.ended.load(Ordering::SeqCst), 0, "{}: the handler was stopped, too", desk.place);

        let nothing_left = desk.client(Caller::operator("test"), Duration::ZERO);
        let late = { nothing_left }.get_customer(asking("anybody")).await.expect_err(desk.place);
        assert_eq!(late.code(), Code::DeadlineExceeded, "{}", desk.place);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hop_has_less_time_than_the_one_before() {
    for desk in everywhere().await {
        let mut patience_ms = 1_000;
        for hop in 1..=5 {
            let caller = desk.client(Caller::operator("test"), Duration::from_millis(patience_ms));
            let answer = { caller }.get_customer(asking("anybody")).await.expect(desk.place).into_inner();
            // What the handler has left is what it hands on.
            let remaining_ms: u64 = answer.name.parse().expect("milliseconds");
            assert!(remaining_ms < patience_ms, "{}, hop {hop}: {remaining_ms} ms", desk.place);
            patience_ms = remaining_ms;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_more_time_than_the_method_allows() {
    for desk in everywhere().await {
        let patient = desk.client(Caller::operator("test"), Duration::from_secs(3600));
        let answer = { patient }.get_customer(asking("anybody")).await.expect(desk.place).into_inner();
        let remaining: u64 = answer.name.parse().expect("milliseconds");
        assert!(remaining <= 5_000, "{}: {remaining} ms", desk.place);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_panics_answers_and_the_next_call_is_served() {
    for desk in everywhere().await {
        let broken = operator(&desk).get_customer(asking("panic")).await.expect_err(desk.place);
        assert_eq!(broken.code(), Code::Internal, "{}", desk.place);
        assert!(!broken.message().contains("bug"), "{}: nothing internal leaks", desk.place);

        operator(&desk).get_customer(asking("anybody")).await.expect(desk.place);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_arrive_with_reason_and_facts() {
    for desk in everywhere().await {
        let refused = operator(&desk).get_customer(asking("refuse")).await.expect_err(desk.place);
        assert_eq!(refused.code(), Code::NotFound, "{}", desk.place);
        assert_eq!(rpc::reason(&refused).as_deref(), Some("CUSTOMER_NOT_FOUND"), "{}", desk.place);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_have_a_size() {
    for desk in everywhere().await {
        let asked = operator(&desk).get_customer(asking(&"x".repeat(5 << 20))).await.expect_err(desk.place);
        assert_eq!(asked.code(), Code::OutOfRange, "{}", desk.place);
        let answered = operator(&desk).get_customer(asking("large")).await.expect_err(desk.place);
        assert_eq!(answered.code(), Code::OutOfRange, "{}", desk.place);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_calls_at_once_are_refused_at_once() {
    for desk in everywhere().await {
        let calls = rpc::IN_FLIGHT_MAX + 200;
        let waiting: Vec<_> = (0..calls)
            .map(|_| {
                let mut client = operator(&desk);
                tokio::spawn(async move { client.get_customer(asking("slow")).await })
            })
            .collect();
        let (mut served, mut refused) = (0, 0);
        for call in waiting {
            match call.await.expect("no panic") {
                Ok(_) => served += 1,
                Err(status) if status.code() == Code::ResourceExhausted => refused += 1,
                Err(other) => panic!("{}: {other}", desk.place),
            }
        }
        assert_eq!(served + refused, calls, "{}", desk.place);
        // Who only looks gets half of the places.
        assert!(served >= rpc::IN_FLIGHT_MAX / 2, "{}: {served} were served", desk.place);
        assert!(refused > 0, "{}", desk.place);
        operator(&desk).get_customer(asking("anybody")).await.expect(desk.place);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_there_is_unavailable() {
    let keys = crate::desk::keys();
    let nowhere = rpc::Directory::remote(
        [("customers", "http://127.0.0.1:1")],
        keys.clone(),
        rpc::RemoteSettings::default(),
    );
    let starting = rpc::Directory::in_process(["customers"], keys.clone());
    let unknown = rpc::Directory::in_process([], keys);
    for directory in [nowhere.expect("a valid address"), starting, unknown] {
        let call = Call::begin(Caller::operator("test"), Duration::from_secs(3));
        let channel = directory.channel("customers").bind(&call);
        let mut client = proto::customers::v1::customer_service_client::CustomerServiceClient::new(channel);
        let refused = client.get_customer(asking("anybody")).await.expect_err("nobody is there");
        assert_eq!(refused.code(), Code::Unavailable);
    }
}
