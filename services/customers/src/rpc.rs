//! The RPCs of customers, one file each.

mod get_customer;
mod identify_customer;
mod list_customer_history;
mod list_customers;
mod recount_purchases;
mod update_customer;

use ::rpc::open;
use proto::customers::v1 as pb;
use proto::customers::v1::customer_service_server::CustomerService;
use proto::customers::v1::purchase_repair_service_server::PurchaseRepairService;
use tonic::{Request, Response, Status};

use crate::Customers;

pub(crate) use identify_customer::{Identifier, identifier};

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl CustomerService for Customers {
    async fn identify_customer(
        &self,
        request: Request<pb::IdentifyCustomerRequest>,
    ) -> Answer<pb::IdentifyCustomerResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(identify_customer::handle(self, &call, request).await?))
    }

    async fn get_customer(&self, request: Request<pb::GetCustomerRequest>) -> Answer<pb::Customer> {
        let (call, request) = open(request)?;
        Ok(Response::new(get_customer::handle(self, &call, request).await?))
    }

    async fn list_customers(
        &self,
        request: Request<pb::ListCustomersRequest>,
    ) -> Answer<pb::ListCustomersResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_customers::handle(self, &call, request).await?))
    }

    async fn update_customer(&self, request: Request<pb::UpdateCustomerRequest>) -> Answer<pb::Customer> {
        let (call, request) = open(request)?;
        Ok(Response::new(update_customer::handle(self, &call, request).await?))
    }

    async fn list_customer_history(
        &self,
        request: Request<pb::ListCustomerHistoryRequest>,
    ) -> Answer<pb::ListCustomerHistoryResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_customer_history::handle(self, &call, request).await?))
    }
}

#[tonic::async_trait]
impl PurchaseRepairService for Customers {
    async fn recount_purchases(
        &self,
        request: Request<pb::RecountPurchasesRequest>,
    ) -> Answer<pb::RecountPurchasesResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(recount_purchases::handle(self, &call, request).await?))
    }
}
