//! Delivery against a real PostgreSQL, in the words of a shop.

mod book_shipment;
mod cancel_delivery;
mod cancel_shipment;
mod carriers_conformance;
mod cdek_cancel;
mod cdek_token;
mod cdek_webhooks;
mod code_maps;
mod create_carrier_account;
mod create_delivery_method;
mod get_shipment;
mod get_tracker;
mod handover;
mod incidents;
mod killed;
mod list_carrier_accounts;
mod list_delivery_methods;
mod list_late_shipments;
mod list_pickup_points;
mod list_shipments;
mod list_unmapped_codes;
mod nova_poshta;
mod outside;
mod plan_delivery;
mod print_labels;
mod quote_carriers;
mod quote_delivery;
mod receive_carrier_webhook;
mod record_cod_transfer;
mod record_tracking_event;
mod retry_booking;
mod return_pickups;
mod slots;
mod tariffs;
mod tracking_status;
mod update_carrier_account;
mod update_delivery_method;
mod waybill;
mod weights;

use chrono::{DateTime, Utc};
use korob_delivery::Delivery;
use proto::delivery::v1::delivery_service_client::DeliveryServiceClient;
use proto::delivery::v1::{self as pb, DeliveryKind, TrackingStatus};
use proto::r#type::v1::{Address, Money};
use rpc::BoundChannel;
use testing::World;
use tonic::{Response, Status};
use types::{DeliveryPlanId, OrderId, ShipmentId, ShopId};

/// A Wednesday; Kyiv is two hours ahead.
const MORNING: &str = "2027-01-13T06:00:00Z";

pub type Answer<T> = Result<Response<T>, Status>;

/// A shop that sends parcels.
pub struct Yard {
    pub world: World,
    pub shop: ShopId,
}

impl Yard {
    pub async fn open() -> Self {
        Self { world: World::new().await.start::<Delivery>().await, shop: ShopId::new() }
    }

    /// At eight in the morning in Kyiv, whatever the machine's clock says: an hour before the first cut-off of the day, so that
    /// no slot comes or goes while a test looks.
    pub async fn in_the_morning() -> Self {
        let world = World::new().await;
        let (morning, now) = (utc(MORNING), world.clock.now());
        match (morning - now).to_std() {
            Ok(later) => world.clock.advance(later),
            Err(_) => world.clock.rewind((now - morning).to_std().expect("earlier")),
        }
        Self { world: world.start::<Delivery>().await, shop: ShopId::new() }
    }

    /// Where nothing may be called but the public internet.
    pub async fn behind_walls() -> Self {
        let world = World::new().await.reaching(outbound::Reach::default());
        Self { world: world.start::<Delivery>().await, shop: ShopId::new() }
    }

    /// The suite itself.
    pub fn delivery(&self) -> DeliveryServiceClient<BoundChannel> {
        DeliveryServiceClient::new(self.world.channel("delivery"))
    }

    /// A partner of these shops with every delivery scope.
    pub fn partner_of(&self, shop: ShopId) -> DeliveryServiceClient<BoundChannel> {
        let caller = World::partner(&[shop], &["delivery.read", "delivery.write"]);
        DeliveryServiceClient::new(self.world.channel_as("delivery", caller))
    }

    pub async fn offer(&self, method: pb::DeliveryMethod) -> pb::DeliveryMethod {
        let idempotency_key = ShipmentId::new().to_string();
        let request = pb::CreateDeliveryMethodRequest { delivery_method: Some(method), idempotency_key };
        self.delivery().create_delivery_method(request).await.expect("creates").into_inner()
    }

    /// A courier of every shop who takes cash and costs 50.00 UAH anywhere.
    pub async fn offer_courier(&self) -> pb::DeliveryMethod {
        self.offer(courier("Courier", vec![tariff("50.00", "UAH")])).await
    }

    /// A request to deliver a new order with `method`.
    pub fn wish(&self, method: &pb::DeliveryMethod) -> pb::PlanDeliveryRequest {
        pb::PlanDeliveryRequest {
            delivery_plan_id: DeliveryPlanId::new().to_string(),
            order_id: OrderId::new().to_string(),
            shop_id: self.shop.to_string(),
            delivery_method_id: method.delivery_method_id.clone(),
            address: Some(kyiv()),
            recipient_name: "Olena Petrenko".to_owned(),
            recipient_phone: "+380501234567".to_owned(),
            weight_grams: 1200,
            goods_total: Some(money("1040.00", "UAH")),
            cash_on_delivery: true,
            ..Default::default()
        }
    }

    pub async fn plan(&self, request: &pb::PlanDeliveryRequest) -> Answer<pb::DeliveryPlan> {
        self.delivery().plan_delivery(request.clone()).await
    }

    pub async fn planned(&self) -> pb::DeliveryPlan {
        let method = self.offer_courier().await;
        self.plan(&self.wish(&method)).await.expect("plans").into_inner()
    }

    pub async fn cancel(&self, delivery_plan_id: &str) -> Answer<pb::DeliveryPlan> {
        let delivery_plan_id = delivery_plan_id.to_owned();
        let reason = "the order was cancelled".to_owned();
        self.delivery().cancel_delivery(pb::CancelDeliveryRequest { delivery_plan_id, reason }).await
    }

    pub async fn book(&self, plan: &pb::DeliveryPlan, shipment_id: ShipmentId) -> Answer<pb::Shipment> {
        let (delivery_plan_id, shipment_id) = (plan.delivery_plan_id.clone(), shipment_id.to_string());
        self.delivery().book_shipment(pb::BookShipmentRequest { delivery_plan_id, shipment_id }).await
    }

    pub async fn booked(&self) -> pb::Shipment {
        let plan = self.planned().await;
        self.book(&plan, ShipmentId::new()).await.expect("books").into_inner()
    }

    /// Reports `status`, `seconds` after the parcel was booked.
    pub async fn track(
        &self,
        parcel: &pb::Shipment,
        status: TrackingStatus,
        seconds: i64,
    ) -> Answer<pb::Shipment> {
        let key = ShipmentId::new().to_string();
        self.delivery().record_tracking_event(report(parcel, status, seconds, &key)).await
    }

    /// `version type` of the events of an aggregate in order.
    pub async fn events_of(&self, id: &str) -> Vec<String> {
        let sql = "SELECT version || ' ' || split_part(type, '.', 4) FROM event_log
                   WHERE aggregate_id = $1 ORDER BY position";
        self.texts(sql, id).await
    }

    /// The actions on a resource in order.
    pub async fn history_of(&self, id: &str) -> Vec<String> {
        self.texts("SELECT action FROM audit_log WHERE resource_id = $1 ORDER BY sequence", id).await
    }

    async fn texts(&self, sql: &str, id: &str) -> Vec<String> {
        let client = self.world.database("delivery").client().await;
        let rows = client.query(sql, &[&id]).await.expect("looks");
        rows.iter().map(|row| row.get(0)).collect()
    }
}

pub fn utc(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

pub fn money(amount: &str, currency: &str) -> Money {
    Money { amount: amount.to_owned(), currency_code: currency.to_owned() }
}

pub fn kyiv() -> Address {
    Address {
        country_code: "UA".to_owned(),
        city: "Київ".to_owned(),
        postal_code: "01001".to_owned(),
        line: "Khreshchatyk 1, 5".to_owned(),
        ..Default::default()
    }
}

/// A price for anywhere, any weight and any value.
pub fn tariff(amount: &str, currency: &str) -> pb::Tariff {
    pb::Tariff { price: Some(money(amount, currency)), days_min: 1, days_max: 3, ..Default::default() }
}

pub fn courier(name: &str, tariffs: Vec<pb::Tariff>) -> pb::DeliveryMethod {
    pb::DeliveryMethod {
        kind: DeliveryKind::Courier.into(),
        name: name.to_owned(),
        tariffs,
        cash_on_delivery: true,
        ..Default::default()
    }
}

pub fn report(
    parcel: &pb::Shipment,
    status: TrackingStatus,
    seconds: i64,
    key: &str,
) -> pb::RecordTrackingEventRequest {
    let mut occur_time = parcel.create_time.expect("a time");
    occur_time.seconds += seconds;
    let failed = status == TrackingStatus::DeliveryFailed;
    let event = pb::TrackingEvent {
        status: status.into(),
        occur_time: Some(occur_time),
        description: "Left with the neighbour Ivan".to_owned(),
        location: "Kyiv".to_owned(),
        incident_reason: if failed { "consignee_not_home".to_owned() } else { String::new() },
        ..Default::default()
    };
    pb::RecordTrackingEventRequest {
        shipment_id: parcel.shipment_id.clone(),
        event: Some(event),
        idempotency_key: key.to_owned(),
        ..Default::default()
    }
}
