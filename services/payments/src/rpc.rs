//! The RPCs, one verb per file.

mod account_details;
mod capture_payment;
mod change_payment_amount;
pub(crate) mod confirm_payment;
mod create_payment_account;
mod get_payment;
mod list_ledger_entries;
mod list_payment_accounts;
mod list_payments;
mod list_provider_notifications;
mod list_receipts;
pub(crate) mod open_payment;
mod receipt_lines;
mod receive_provider_webhook;
mod record_payment;
mod refund_payment;
mod replay_provider_notification;
mod retry_receipt;
mod update_payment_account;
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
        request: Request<pb::ConfirmPaymentRequest>,
    ) -> Result<Response<pb::Payment>, Status> {
        let (call, request) = open(request)?;
        Ok(Response::new(confirm_payment::handle(self, &call, request).await?))
    }

    async fn capture_payment(
        &self,
        request: Request<pb::CapturePaymentRequest>,
    ) -> Result<Response<pb::Payment>, Status> {
        let (call, request) = open(request)?;
        Ok(Response::new(capture_payment::handle(self, &call, request).await?))
    }

    async fn change_payment_amount(
        &self,
        request: Request<pb::ChangePaymentAmountRequest>,
    ) -> Result<Response<pb::Payment>, Status> {
        let (call, request) = open(request)?;
        Ok(Response::new(change_payment_amount::handle(self, &call, request).await?))
    }

    async fn create_payment_account(
        &self,
        request: Request<pb::CreatePaymentAccountRequest>,
    ) -> Result<Response<pb::PaymentAccount>, Status> {
        let (call, request) = open(request)?;
        Ok(Response::new(create_payment_account::handle(self, &call, request).await?))
    }

    async fn list_payment_accounts(
        &self,
        request: Request<pb::ListPaymentAccountsRequest>,
    ) -> Result<Response<pb::ListPaymentAccountsResponse>, Status> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_payment_accounts::handle(self, &call, request).await?))
    }

    async fn update_payment_account(
        &self,
        request: Request<pb::UpdatePaymentAccountRequest>,
    ) -> Result<Response<pb::PaymentAccount>, Status> {
        let (call, request) = open(request)?;
        Ok(Response::new(update_payment_account::handle(self, &call, request).await?))
    }

    async fn receive_provider_webhook(
        &self,
        request: Request<pb::ReceiveProviderWebhookRequest>,
    ) -> Result<Response<pb::ReceiveProviderWebhookResponse>, Status> {
        let (call, request) = open(request)?;
        Ok(Response::new(receive_provider_webhook::handle(self, &call, request).await?))
    }

    async fn list_provider_notifications(
        &self,
        request: Request<pb::ListProviderNotificationsRequest>,
    ) -> Result<Response<pb::ListProviderNotificationsResponse>, Status> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_provider_notifications::handle(self, &call, request).await?))
    }

    async fn replay_provider_notification(
        &self,
        request: Request<pb::ReplayProviderNotificationRequest>,
    ) -> Result<Response<pb::ProviderNotification>, Status> {
        let (call, request) = open(request)?;
        Ok(Response::new(replay_provider_notification::handle(self, &call, request).await?))
    }

    async fn list_receipts(
        &self,
        request: Request<pb::ListReceiptsRequest>,
    ) -> Result<Response<pb::ListReceiptsResponse>, Status> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_receipts::handle(self, &call, request).await?))
    }

    async fn retry_receipt(
        &self,
        request: Request<pb::RetryReceiptRequest>,
    ) -> Result<Response<pb::Receipt>, Status> {
        let (call, request) = open(request)?;
        Ok(Response::new(retry_receipt::handle(self, &call, request).await?))
    }
}
