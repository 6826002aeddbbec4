//! What operators decide about things that cannot be true.

use proto::access::v1 as pb;
use proto::access::v1::decision_service_client::DecisionServiceClient;
use tonic::Code;

use crate::office::{Office, WRITE};

fn decision(note: &str) -> pb::RecordDecisionRequest {
    pb::RecordDecisionRequest {
        check: "payment-orders".to_owned(),
        subject: "payment_id=pay_1".to_owned(),
        expected: "an order".to_owned(),
        found: "none".to_owned(),
        note: note.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_written_once_and_another_one_after_it() {
    let office = Office::open().await;
    let mut desk = DecisionServiceClient::new(office.world.channel("access"));
    for note in ["given back by hand", "given back by hand", "it was a gift"] {
        desk.record_decision(decision(note)).await.unwrap();
    }
    let client = office.world.database("access").client().await;
    let kept =
        "SELECT changes::text FROM audit_log WHERE action = 'access.record_decision' ORDER BY sequence";
    let kept: Vec<String> = client.query(kept, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(kept[0].contains("given back by hand") && kept[1].contains("it was a gift"), "{kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_has_a_reason_and_is_no_affair_of_partners() {
    let office = Office::open().await;
    let mut desk = DecisionServiceClient::new(office.world.channel("access"));
    let refused = testing::refusal(desk.record_decision(decision("")).await);
    assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec!["note".to_owned()]));
    let partner = testing::World::partner(&[], &[WRITE]);
    let mut desk = DecisionServiceClient::new(office.world.channel_as("access", partner));
    let refused = testing::refusal(desk.record_decision(decision("mine")).await);
    assert_eq!(refused.code, Code::PermissionDenied);
}
