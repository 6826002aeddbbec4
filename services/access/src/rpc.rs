//! The RPCs of access, one file each.

mod authenticate_key;
mod create_api_key;
mod create_channel_account;
mod create_legal_entity;
mod create_shop;
mod get_channel_account;
mod get_organization;
mod get_shop;
mod list_api_keys;
mod list_channel_accounts;
mod list_legal_entities;
mod list_shops;
mod record_decision;
mod revoke_api_key;
mod rotate_api_key;
mod update_organization;
mod update_shop;

use ::rpc::open;
use proto::access::v1 as pb;
use proto::access::v1::access_service_server::AccessService;
use proto::access::v1::decision_service_server::DecisionService;
use tonic::{Request, Response, Status};

use crate::Access;

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl AccessService for Access {
    async fn get_organization(
        &self,
        request: Request<pb::GetOrganizationRequest>,
    ) -> Answer<pb::Organization> {
        open(request)?;
        Ok(Response::new(get_organization::handle(self).await?))
    }

    async fn update_organization(
        &self,
        request: Request<pb::UpdateOrganizationRequest>,
    ) -> Answer<pb::Organization> {
        let (call, request) = open(request)?;
        Ok(Response::new(update_organization::handle(self, &call, request).await?))
    }

    async fn create_legal_entity(
        &self,
        request: Request<pb::CreateLegalEntityRequest>,
    ) -> Answer<pb::LegalEntity> {
        let (call, request) = open(request)?;
        Ok(Response::new(create_legal_entity::handle(self, &call, request).await?))
    }

    async fn list_legal_entities(
        &self,
        request: Request<pb::ListLegalEntitiesRequest>,
    ) -> Answer<pb::ListLegalEntitiesResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_legal_entities::handle(self, &call, request).await?))
    }

    async fn create_shop(&self, request: Request<pb::CreateShopRequest>) -> Answer<pb::Shop> {
        let (call, request) = open(request)?;
        Ok(Response::new(create_shop::handle(self, &call, request).await?))
    }

    async fn get_shop(&self, request: Request<pb::GetShopRequest>) -> Answer<pb::Shop> {
        let (call, request) = open(request)?;
        Ok(Response::new(get_shop::handle(self, &call, request).await?))
    }

    async fn list_shops(&self, request: Request<pb::ListShopsRequest>) -> Answer<pb::ListShopsResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_shops::handle(self, &call, request).await?))
    }

    async fn update_shop(&self, request: Request<pb::UpdateShopRequest>) -> Answer<pb::Shop> {
        let (call, request) = open(request)?;
        Ok(Response::new(update_shop::handle(self, &call, request).await?))
    }

    async fn create_channel_account(
        &self,
        request: Request<pb::CreateChannelAccountRequest>,
    ) -> Answer<pb::ChannelAccount> {
        let (call, request) = open(request)?;
        Ok(Response::new(create_channel_account::handle(self, &call, request).await?))
    }

    async fn get_channel_account(
        &self,
        request: Request<pb::GetChannelAccountRequest>,
    ) -> Answer<pb::ChannelAccount> {
        let (call, request) = open(request)?;
        Ok(Response::new(get_channel_account::handle(self, &call, request).await?))
    }

    async fn list_channel_accounts(
        &self,
        request: Request<pb::ListChannelAccountsRequest>,
    ) -> Answer<pb::ListChannelAccountsResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_channel_accounts::handle(self, &call, request).await?))
    }

    async fn create_api_key(
        &self,
        request: Request<pb::CreateApiKeyRequest>,
    ) -> Answer<pb::CreateApiKeyResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(create_api_key::handle(self, &call, request).await?))
    }

    async fn list_api_keys(
        &self,
        request: Request<pb::ListApiKeysRequest>,
    ) -> Answer<pb::ListApiKeysResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_api_keys::handle(self, &call, request).await?))
    }

    async fn rotate_api_key(
        &self,
        request: Request<pb::RotateApiKeyRequest>,
    ) -> Answer<pb::RotateApiKeyResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(rotate_api_key::handle(self, &call, request).await?))
    }

    async fn revoke_api_key(&self, request: Request<pb::RevokeApiKeyRequest>) -> Answer<pb::ApiKey> {
        let (call, request) = open(request)?;
        Ok(Response::new(revoke_api_key::handle(self, &call, request).await?))
    }

    async fn authenticate_key(&self, request: Request<pb::AuthenticateKeyRequest>) -> Answer<pb::ApiKey> {
        let (_, request) = open(request)?;
        Ok(Response::new(authenticate_key::handle(self, request).await?))
    }
}

#[tonic::async_trait]
impl DecisionService for Access {
    async fn record_decision(
        &self,
        request: Request<pb::RecordDecisionRequest>,
    ) -> Answer<pb::RecordDecisionResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(record_decision::handle(self, &call, request).await?))
    }
}
