//! The RPCs of webhooks, one file each.

mod create_webhook_endpoint;
mod delete_webhook_endpoint;
mod disable_webhook_endpoint;
mod enable_webhook_endpoint;
mod feed_fields;
mod get_webhook_delivery;
mod get_webhook_endpoint;
mod list_event_types;
mod list_webhook_attempts;
mod list_webhook_deliveries;
mod list_webhook_endpoints;
mod ping_webhook_endpoint;
mod read_feed;
mod replay_webhook_delivery;
mod replay_webhook_events;
mod retry_dead_webhook_deliveries;
mod rotate_webhook_secret;
mod update_webhook_endpoint;
mod watch_feed;

use ::rpc::open;
use proto::webhooks::v1 as pb;
use proto::webhooks::v1::feed_service_server::FeedService;
use proto::webhooks::v1::webhook_service_server::WebhookService;
use tonic::{Request, Response, Status};

use crate::Webhooks;

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl FeedService for Webhooks {
    async fn read_feed(&self, request: Request<pb::ReadFeedRequest>) -> Answer<pb::ReadFeedResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(read_feed::handle(self, &call, request).await?))
    }

    type WatchFeedStream = watch_feed::Changes;

    async fn watch_feed(&self, request: Request<pb::WatchFeedRequest>) -> Answer<Self::WatchFeedStream> {
        let (call, request) = open(request)?;
        Ok(Response::new(watch_feed::handle(self, &call, request).await?))
    }

    async fn list_event_types(
        &self,
        request: Request<pb::ListEventTypesRequest>,
    ) -> Answer<pb::ListEventTypesResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_event_types::handle(self, &call, request).await?))
    }
}

#[tonic::async_trait]
impl WebhookService for Webhooks {
    async fn create_webhook_endpoint(
        &self,
        request: Request<pb::CreateWebhookEndpointRequest>,
    ) -> Answer<pb::CreateWebhookEndpointResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(create_webhook_endpoint::handle(self, &call, request).await?))
    }

    async fn get_webhook_endpoint(
        &self,
        request: Request<pb::GetWebhookEndpointRequest>,
    ) -> Answer<pb::WebhookEndpoint> {
        let (call, request) = open(request)?;
        Ok(Response::new(get_webhook_endpoint::handle(self, &call, request).await?))
    }

    async fn list_webhook_endpoints(
        &self,
        request: Request<pb::ListWebhookEndpointsRequest>,
    ) -> Answer<pb::ListWebhookEndpointsResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_webhook_endpoints::handle(self, &call, request).await?))
    }

    async fn update_webhook_endpoint(
        &self,
        request: Request<pb::UpdateWebhookEndpointRequest>,
    ) -> Answer<pb::WebhookEndpoint> {
        let (call, request) = open(request)?;
        Ok(Response::new(update_webhook_endpoint::handle(self, &call, request).await?))
    }

    async fn delete_webhook_endpoint(
        &self,
        request: Request<pb::DeleteWebhookEndpointRequest>,
    ) -> Answer<pb::WebhookEndpoint> {
        let (call, request) = open(request)?;
        Ok(Response::new(delete_webhook_endpoint::handle(self, &call, request).await?))
    }

    async fn disable_webhook_endpoint(
        &self,
        request: Request<pb::DisableWebhookEndpointRequest>,
    ) -> Answer<pb::WebhookEndpoint> {
        let (call, request) = open(request)?;
        Ok(Response::new(disable_webhook_endpoint::handle(self, &call, request).await?))
    }

    async fn enable_webhook_endpoint(
        &self,
        request: Request<pb::EnableWebhookEndpointRequest>,
    ) -> Answer<pb::WebhookEndpoint> {
        let (call, request) = open(request)?;
        Ok(Response::new(enable_webhook_endpoint::handle(self, &call, request).await?))
    }

    async fn rotate_webhook_secret(
        &self,
        request: Request<pb::RotateWebhookSecretRequest>,
    ) -> Answer<pb::RotateWebhookSecretResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(rotate_webhook_secret::handle(self, &call, request).await?))
    }

    async fn ping_webhook_endpoint(
        &self,
        request: Request<pb::PingWebhookEndpointRequest>,
    ) -> Answer<pb::WebhookDelivery> {
        let (call, request) = open(request)?;
        Ok(Response::new(ping_webhook_endpoint::handle(self, &call, request).await?))
    }

    async fn list_webhook_deliveries(
        &self,
        request: Request<pb::ListWebhookDeliveriesRequest>,
    ) -> Answer<pb::ListWebhookDeliveriesResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_webhook_deliveries::handle(self, &call, request).await?))
    }

    async fn get_webhook_delivery(
        &self,
        request: Request<pb::GetWebhookDeliveryRequest>,
    ) -> Answer<pb::WebhookDelivery> {
        let (call, request) = open(request)?;
        Ok(Response::new(get_webhook_delivery::handle(self, &call, request).await?))
    }

    async fn list_webhook_attempts(
        &self,
        request: Request<pb::ListWebhookAttemptsRequest>,
    ) -> Answer<pb::ListWebhookAttemptsResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_webhook_attempts::handle(self, &call, request).await?))
    }

    async fn replay_webhook_delivery(
        &self,
        request: Request<pb::ReplayWebhookDeliveryRequest>,
    ) -> Answer<pb::WebhookDelivery> {
        let (call, request) = open(request)?;
        Ok(Response::new(replay_webhook_delivery::handle(self, &call, request).await?))
    }

    async fn retry_dead_webhook_deliveries(
        &self,
        request: Request<pb::RetryDeadWebhookDeliveriesRequest>,
    ) -> Answer<pb::RetryDeadWebhookDeliveriesResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(retry_dead_webhook_deliveries::handle(self, &call, request).await?))
    }

    async fn replay_webhook_events(
        &self,
        request: Request<pb::ReplayWebhookEventsRequest>,
    ) -> Answer<pb::WebhookReplay> {
        let (call, request) = open(request)?;
        Ok(Response::new(replay_webhook_events::handle(self, &call, request).await?))
    }
}
