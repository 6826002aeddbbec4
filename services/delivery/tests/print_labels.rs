//! Labels: one by one and many at once.

use proto::delivery::v1::{GetShipmentLabelRequest, PrintLabelsRequest, ShipmentState};
use testing::refusal;
use tonic::Code;
use types::ShipmentId;

use crate::outside::Outside;

async fn label(outside: &Outside, shipment_id: &str) -> Vec<u8> {
    let request = GetShipmentLabelRequest { shipment_id: shipment_id.to_owned() };
    let label = outside.yard.delivery().get_shipment_label(request).await.expect("prints").into_inner();
    assert_eq!(label.content_type, "application/pdf");
    label.content
}

fn text_of(document: &[u8], page: u32) -> String {
    lopdf::Document::load_mem(document).expect("a document").extract_text(&[page]).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_label_of_our_own_courier_says_it_in_cyrillic() {
    let outside = Outside::parcel().await;
    let method = outside.yard.offer_courier().await;
    let mut wish = outside.yard.wish(&method);
    wish.recipient_name = "Олена Петренко".to_owned();
    wish.address.as_mut().expect("an address").line = "вул. Хрещатик, 1, кв. 5 ґ".to_owned();
    let plan = outside.plan(&wish).await;
    let parcel = outside.yard.book(&plan, ShipmentId::new()).await.expect("books").into_inner();
    assert!(parcel.has_label);

    let first = label(&outside, &parcel.shipment_id).await;
    assert_eq!(label(&outside, &parcel.shipment_id).await, first, "the same bytes on every print");
    let text = text_of(&first, 1);
    for told in
        [parcel.tracking_number.as_str(), "Олена Петренко", "Хрещатик", "ґ", "Київ", "COD 1090.00 UAH"]
    {
        assert!(text.contains(told), "{told} is not on the label: {text}");
    }
    assert!(first.len() < 100_000, "{} bytes", first.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_of_several_carriers_are_one_document() {
    let outside = Outside::parcel().await;
    let own = outside.yard.booked().await;
    let theirs = outside.booked().await;
    let shipment_ids = vec![theirs.shipment_id.clone(), own.shipment_id.clone()];
    let request = PrintLabelsRequest { shipment_ids };
    let printed = outside.yard.delivery().print_labels(request.clone()).await.expect("prints").into_inner();
    let document = lopdf::Document::load_mem(&printed.content).expect("a document");
    assert_eq!(document.get_pages().len(), 2);
    assert!(text_of(&printed.content, 1).contains(&theirs.tracking_number));
    assert!(text_of(&printed.content, 2).contains(&own.tracking_number));
    let again = outside.yard.delivery().print_labels(request).await.expect("prints").into_inner();
    assert_eq!(again.content, printed.content);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_label_is_said() {
    let outside = Outside::parcel().await;
    let mut wish = outside.wish();
    wish.recipient_phone = String::new();
    let parcel = outside.book_wish(&wish).await;
    outside.until_state(&parcel, ShipmentState::BookingFailed).await;
    let request = GetShipmentLabelRequest { shipment_id: parcel.shipment_id.clone() };
    let refused = refusal(outside.yard.delivery().get_shipment_label(request.clone()).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "LABEL_NOT_READY"));
    let own = outside.yard.booked().await;
    let both = PrintLabelsRequest { shipment_ids: vec![own.shipment_id.clone(), parcel.shipment_id] };
    assert_eq!(refusal(outside.yard.delivery().print_labels(both).await).reason, "LABEL_NOT_READY");

    let absent = PrintLabelsRequest { shipment_ids: vec![ShipmentId::new().to_string()] };
    assert_eq!(refusal(outside.yard.delivery().print_labels(absent).await).reason, "SHIPMENT_NOT_FOUND");
    let twice = PrintLabelsRequest { shipment_ids: vec![own.shipment_id.clone(), own.shipment_id.clone()] };
    assert_eq!(refusal(outside.yard.delivery().print_labels(twice).await).fields, ["shipment_ids"]);
    let nothing = PrintLabelsRequest::default();
    assert_eq!(refusal(outside.yard.delivery().print_labels(nothing).await).fields, ["shipment_ids"]);
}
