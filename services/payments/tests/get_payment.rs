//! Reading one payment.

use proto::payments::v1::GetPaymentRequest;
use testing::{World, refusal};
use tonic::Code;
use types::{PaymentId, ShopId};

use crate::Till;

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_payment_answers_like_an_absent_one() {
    let till = Till::open().await;
    let payment = till.bill_opened("10.00", "EUR").await;
    let request = GetPaymentRequest { payment_id: payment.payment_id.clone() };
    assert_eq!(
        till.partner_of(till.shop).get_payment(request.clone()).await.expect("reads").into_inner(),
        payment
    );

    let foreign = till.partner_of(ShopId::new()).get_payment(request).await.expect_err("foreign");
    let absent = GetPaymentRequest { payment_id: PaymentId::new().to_string() };
    let absent = till.partner_of(till.shop).get_payment(absent).await.expect_err("absent");
    assert_eq!((foreign.code(), foreign.message()), (absent.code(), absent.message()));
    assert_eq!(foreign.code(), Code::NotFound);
    assert_eq!(rpc::reason(&foreign), rpc::reason(&absent));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_is_needed() {
    let till = Till::open().await;
    let channel = till.world.channel_as("payments", World::partner(&[till.shop], &["payments.write"]));
    let mut partner = proto::payments::v1::payment_service_client::PaymentServiceClient::new(channel);
    assert_eq!(refusal(partner.get_payment(GetPaymentRequest::default()).await).reason, "SCOPE_MISSING");
    assert_eq!(refusal(till.get("pay_x").await).fields, ["payment_id"]);
}
