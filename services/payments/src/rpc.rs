//! The RPCs, one verb per file.

mod get_payment;
mod list_ledger_entries;
mod list_payments;
pub(crate) mod open_payment;
mod record_payment;
mod refund_payment;
mod void_payment;

use proto::payments::v1 as pb;
use proto::payments::v1::payment_service_server::PaymentService;
use rpc::open;
use tonic::{Request, Response, Status};

use crate::Payments;

#[tonic::async_trait]
impl PaymentService for Payments {
    async fn open_payment(
        &self,
        request: Request<pb::OpenPaymentRequest>,
    ) -> Result<Response<pb::Payment>, Status> {
        let (call, request) = open(request)?;
        Ok(Response::new(open_payment::handle(self, &call, request).await?))
    }

    async fn void_payment(
        &self,
        request: Request<pb::VoidPaymentRequest>,
    ) -> Result<Response<pb::Payment>, Status> {
        let (call, request) = open(request)?;
        Ok(Response::new(void_payment::handle(self, &call, request).await?))
    }

    async fn get_payment(
        &self,
        request: Request<pb::GetPaymentRequest>,
    ) -> Result<Response<pb::Payment>, Status> {
        let (call, request) = open(request)?;
        Ok(Response::new(get_payment::handle(self, &call, request).await?))
    }

    async fn list_payments(
        &self,
        request: Request<pb::ListPaymentsRequest>,
    ) -> Result<Response<pb::ListPaymentsResponse>, Status> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_payments::handle(self, &call, request).await?))
    }

    async fn record_payment(
        &self,
        request: Request<pb::RecordPaymentRequest>,
    ) -> Result<Response<pb::Payment>, Status> {
        let (call, request) = open(request)?;
        Ok(Response::new(record_payment::handle(self, &call, request).await?))
    }

    async fn refund_payment(
        &self,
        request: Request<pb::RefundPaymentRequest>,
    ) -> Result<Response<pb::Payment>, Status> {
        let (call, request) = open(request)?;
        Ok(Response::new(refund_payment::handle(self, &call, request).await?))
    }

    async fn list_ledger_entries(
        &self,
        request: Request<pb::ListLedgerEntriesRequest>,
    ) -> Result<Response<pb::ListLedgerEntriesResponse>, Status> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_ledger_entries::handle(self, &call, request).await?))
    }

    async fn confirm_payment(
        &self,
        _: Request<pb::ConfirmPaymentRequest>,
    ) -> Result<Response<pb::Payment>, Status> {
        Err(Status::unimplemented("not served yet"))
    }

    async fn capture_payment(
        &self,
        _: Request<pb::CapturePaymentRequest>,
    ) -> Result<Response<pb::Payment>, Status> {
        Err(Status::unimplemented("not served yet"))
    }

    async fn change_payment_amount(
        &self,
        _: Request<pb::ChangePaymentAmountRequest>,
    ) -> Result<Response<pb::Payment>, Status> {
        Err(Status::unimplemented("not served yet"))
    }

    async fn create_payment_account(
        &self,
        _: Request<pb::CreatePaymentAccountRequest>,
    ) -> Result<Response<pb::PaymentAccount>, Status> {
        Err(Status::unimplemented("not served yet"))
    }

    async fn list_payment_accounts(
        &self,
        _: Request<pb::ListPaymentAccountsRequest>,
    ) -> Result<Response<pb::ListPaymentAccountsResponse>, Status> {
        Err(Status::unimplemented("not served yet"))
    }

    async fn update_payment_account(
        &self,
        _: Request<pb::UpdatePaymentAccountRequest>,
    ) -> Result<Response<pb::PaymentAccount>, Status> {
        Err(Status::unimplemented("not served yet"))
    }

    async fn receive_provider_webhook(
        &self,
        _: Request<pb::ReceiveProviderWebhookRequest>,
    ) -> Result<Response<pb::ReceiveProviderWebhookResponse>, Status> {
        Err(Status::unimplemented("not served yet"))
    }

    async fn list_provider_notifications(
        &self,
        _: Request<pb::ListProviderNotificationsRequest>,
    ) -> Result<Response<pb::ListProviderNotificationsResponse>, Status> {
        Err(Status::unimplemented("not served yet"))
    }

    async fn replay_provider_notification(
        &self,
        _: Request<pb::ReplayProviderNotificationRequest>,
    ) -> Result<Response<pb::ProviderNotification>, Status> {
        Err(Status::unimplemented("not served yet"))
    }

    async fn list_receipts(
        &self,
        _: Request<pb::ListReceiptsRequest>,
    ) -> Result<Response<pb::ListReceiptsResponse>, Status> {
        Err(Status::unimplemented("not served yet"))
    }

    async fn retry_receipt(
        &self,
        _: Request<pb::RetryReceiptRequest>,
    ) -> Result<Response<pb::Receipt>, Status> {
        Err(Status::unimplemented("not served yet"))
    }
}
