//! Who takes care of what went wrong: listing, changing, correspondence.

use proto::delivery::v1::{self as pb, ShipmentState};
use testing::refusal;
use tonic::Code;
use types::{IncidentId, ShipmentId, ShopId};

use crate::Answer;
use crate::outside::Outside;

async fn broken(outside: &Outside) -> (pb::Shipment, pb::Incident) {
    let mut wish = outside.wish();
    wish.recipient_phone = "1".to_owned();
    let parcel = outside.book_wish(&wish).await;
    let failed = outside.until_state(&parcel, ShipmentState::BookingFailed).await;
    let incident = failed.incidents[0].clone();
    (failed, incident)
}

async fn update(outside: &Outside, incident: pb::Incident, paths: &[&str]) -> Answer<pb::Incident> {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    let update_mask = Some(prost_types::FieldMask { paths });
    let request = pb::UpdateIncidentRequest { incident: Some(incident), update_mask };
    outside.yard.delivery().update_incident(request).await
}

async fn list(outside: &Outside, request: pb::ListIncidentsRequest) -> Vec<pb::IncidentCase> {
    outside.yard.delivery().list_incidents(request).await.expect("lists").into_inner().incidents
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_has_an_owner_a_next_step_and_a_correspondence() {
    let outside = Outside::parcel().await;
    let (parcel, incident) = broken(&outside).await;
    let mut wanted = incident.clone();
    wanted.assignee = "user:olena".to_owned();
    wanted.next_action_time = incident.due_time;
    let taken =
        update(&outside, wanted, &["assignee", "next_action_time"]).await.expect("is taken").into_inner();
    assert_eq!((taken.assignee.as_str(), taken.next_action_time), ("user:olena", incident.due_time));

    let note = pb::AddIncidentNoteRequest {
        incident_id: incident.incident_id.clone(),
        text: "Запитали перевізника".to_owned(),
        idempotency_key: "n-1".to_owned(),
    };
    let case = outside.yard.delivery().add_incident_note(note.clone()).await.expect("notes").into_inner();
    assert_eq!(
        outside.yard.delivery().add_incident_note(note.clone()).await.expect("repeats").into_inner(),
        case
    );
    assert_eq!((case.notes.len(), case.notes[0].text.as_str()), (1, "Запитали перевізника"));
    assert_eq!(case.order_id, parcel.order_id);

    let mine = pb::ListIncidentsRequest { assignee: "user:olena".to_owned(), ..Default::default() };
    assert_eq!(list(&outside, mine.clone()).await, [case]);
    let closed = pb::Incident { closed: true, ..taken };
    let closed = update(&outside, closed, &["closed"]).await.expect("closes").into_inner();
    assert!(closed.closed && closed.close_time.is_some());
    assert!(list(&outside, mine.clone()).await.is_empty());
    let all = pb::ListIncidentsRequest { include_closed: true, reason: "data_invalid".to_owned(), ..mine };
    assert_eq!(list(&outside, all).await.len(), 1);
    let history = outside.yard.history_of(&incident.incident_id).await;
    assert_eq!(
        history,
        [
            "delivery.open_incident",
            "delivery.update_incident",
            "delivery.add_incident_note",
            "delivery.update_incident"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn incidents_come_by_due_time_in_pages() {
    let outside = Outside::parcel().await;
    let (first, _) = broken(&outside).await;
    let (second, _) = broken(&outside).await;
    let request = pb::ListIncidentsRequest { page_size: 1, ..Default::default() };
    let page = outside.yard.delivery().list_incidents(request.clone()).await.expect("lists").into_inner();
    assert_eq!(page.incidents[0].order_id, first.order_id);
    let next = pb::ListIncidentsRequest { page_token: page.next_page_token, ..request };
    let page = outside.yard.delivery().list_incidents(next).await.expect("lists").into_inner();
    assert_eq!(
        (page.incidents[0].order_id.as_str(), page.next_page_token.as_str()),
        (second.order_id.as_str(), "")
    );
    let of = pb::ListIncidentsRequest {
        shipment_id: second.shipment_id,
        shop_id: second.shop_id,
        ..Default::default()
    };
    assert_eq!(list(&outside, of).await.len(), 1);
    let unknown = pb::ListIncidentsRequest { reason: "bad_mood".to_owned(), ..Default::default() };
    assert_eq!(refusal(outside.yard.delivery().list_incidents(unknown).await).fields, ["reason"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_incident_is_like_none() {
    let outside = Outside::parcel().await;
    let (_, incident) = broken(&outside).await;
    let mut stranger = outside.yard.partner_of(ShopId::new());
    let page =
        stranger.list_incidents(pb::ListIncidentsRequest::default()).await.expect("lists").into_inner();
    assert!(page.incidents.is_empty());
    let note = pb::AddIncidentNoteRequest {
        incident_id: incident.incident_id.clone(),
        text: "?".to_owned(),
        idempotency_key: ShipmentId::new().to_string(),
    };
    let refused = refusal(stranger.add_incident_note(note).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "INCIDENT_NOT_FOUND"));
    let absent = pb::Incident { incident_id: IncidentId::new().to_string(), ..incident.clone() };
    assert_eq!(refusal(update(&outside, absent, &["closed"]).await).reason, "INCIDENT_NOT_FOUND");
    let stale = pb::Incident { etag: "9".to_owned(), ..incident.clone() };
    assert_eq!(refusal(update(&outside, stale, &["closed"]).await).reason, "ETAG_MISMATCH");
    assert_eq!(refusal(update(&outside, incident, &["reason"]).await).fields, ["update_mask"]);
}
