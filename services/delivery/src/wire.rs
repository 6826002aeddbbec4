//! Methods, plans and parcels as the contract writes them.

use proto::delivery::v1 as pb;
use proto::r#type::v1 as pb_type;
use rpc::wire::{money, time};
use types::DeliveryPlanId;

use crate::model::address::Address;
use crate::model::delivery_method::{DeliveryMethod, Kind};
use crate::model::delivery_plan::DeliveryPlan;
use crate::model::shipment::{Shipment, TrackingEvent};
use crate::model::tariff::Tariff;
use crate::model::tracking_status::TrackingStatus;

/// A way to deliver.
pub fn delivery_method(method: &DeliveryMethod) -> pb::DeliveryMethod {
    pb::DeliveryMethod {
        delivery_method_id: method.id.to_string(),
        shop_id: method.shop_id.map(String::from).unwrap_or_default(),
        kind: kind(method.kind).into(),
        name: method.name.clone(),
        tariffs: method.tariffs.iter().map(tariff).collect(),
        cash_on_delivery: method.cash_on_delivery,
        archived: method.archived,
        sort_order: method.sort_order,
        etag: method.version.to_string(),
    }
}

/// One line of a quote.
pub fn delivery_option(method: &DeliveryMethod, tariff: &Tariff) -> pb::DeliveryOption {
    pb::DeliveryOption {
        delivery_method_id: method.id.to_string(),
        name: method.name.clone(),
        kind: kind(method.kind).into(),
        price: Some(money(tariff.price)),
        days_min: tariff.days_min,
        days_max: tariff.days_max,
    }
}

/// A plan, with its personal fields.
pub fn delivery_plan(plan: &DeliveryPlan) -> pb::DeliveryPlan {
    let wish = &plan.wish;
    pb::DeliveryPlan {
        delivery_plan_id: wish.plan_id.to_string(),
        order_id: wish.order_id.to_string(),
        shop_id: wish.shop_id.to_string(),
        delivery_method_id: wish.method_id.to_string(),
        method_name: plan.method_name.clone(),
        price: Some(money(plan.price)),
        address: wish.address.as_ref().map(address),
        recipient_name: wish.recipient.name.clone(),
        recipient_phone: wish.recipient.phone.clone(),
        weight_grams: wish.weight_grams,
        cancelled: plan.cancelled,
    }
}

/// What is known of a plan that was cancelled before it was made.
pub fn tombstone(id: DeliveryPlanId) -> pb::DeliveryPlan {
    pb::DeliveryPlan { delivery_plan_id: id.to_string(), cancelled: true, ..Default::default() }
}

/// A parcel.
pub fn shipment(shipment: &Shipment) -> pb::Shipment {
    pb::Shipment {
        shipment_id: shipment.id.to_string(),
        delivery_plan_id: shipment.plan_id.to_string(),
        order_id: shipment.order_id.to_string(),
        shop_id: shipment.shop_id.to_string(),
        carrier: shipment.carrier.clone(),
        tracking_number: shipment.tracking_number.clone(),
        status: tracking_status(shipment.status).into(),
        events: shipment.events.iter().map(tracking_event).collect(),
        etag: shipment.version.to_string(),
        create_time: Some(time(shipment.create_time)),
    }
}

/// A parcel for events: what couriers write in their own words may name people and places, so it stays here.
pub fn shipment_without_words(parcel: &Shipment) -> pb::Shipment {
    let mut told = shipment(parcel);
    for event in &mut told.events {
        event.description.clear();
        event.location.clear();
    }
    told
}

/// The status of an event or a filter.
pub const fn tracking_status(status: TrackingStatus) -> pb::TrackingStatus {
    match status {
        TrackingStatus::Pending => pb::TrackingStatus::Pending,
        TrackingStatus::PickedUp => pb::TrackingStatus::PickedUp,
        TrackingStatus::InTransit => pb::TrackingStatus::InTransit,
        TrackingStatus::OutForDelivery => pb::TrackingStatus::OutForDelivery,
        TrackingStatus::ReadyForPickup => pb::TrackingStatus::ReadyForPickup,
        TrackingStatus::OnHold => pb::TrackingStatus::OnHold,
        TrackingStatus::DeliveryDelayed => pb::TrackingStatus::DeliveryDelayed,
        TrackingStatus::DeliveryFailed => pb::TrackingStatus::DeliveryFailed,
        TrackingStatus::Delivered => pb::TrackingStatus::Delivered,
        TrackingStatus::ReturnToSender => pb::TrackingStatus::ReturnToSender,
        TrackingStatus::Cancelled => pb::TrackingStatus::Cancelled,
        TrackingStatus::Unknown => pb::TrackingStatus::Unknown,
    }
}

/// The status a caller means; unspecified is none.
pub const fn read_tracking_status(status: pb::TrackingStatus) -> Option<TrackingStatus> {
    match status {
        pb::TrackingStatus::Unspecified => None,
        pb::TrackingStatus::Pending => Some(TrackingStatus::Pending),
        pb::TrackingStatus::PickedUp => Some(TrackingStatus::PickedUp),
        pb::TrackingStatus::InTransit => Some(TrackingStatus::InTransit),
        pb::TrackingStatus::OutForDelivery => Some(TrackingStatus::OutForDelivery),
        pb::TrackingStatus::ReadyForPickup => Some(TrackingStatus::ReadyForPickup),
        pb::TrackingStatus::OnHold => Some(TrackingStatus::OnHold),
        pb::TrackingStatus::DeliveryDelayed => Some(TrackingStatus::DeliveryDelayed),
        pb::TrackingStatus::DeliveryFailed => Some(TrackingStatus::DeliveryFailed),
        pb::TrackingStatus::Delivered => Some(TrackingStatus::Delivered),
        pb::TrackingStatus::ReturnToSender => Some(TrackingStatus::ReturnToSender),
        pb::TrackingStatus::Cancelled => Some(TrackingStatus::Cancelled),
        pb::TrackingStatus::Unknown => Some(TrackingStatus::Unknown),
    }
}

const fn kind(kind: Kind) -> pb::DeliveryKind {
    match kind {
        Kind::Courier => pb::DeliveryKind::Courier,
        Kind::Pickup => pb::DeliveryKind::Pickup,
    }
}

fn tariff(tariff: &Tariff) -> pb::Tariff {
    pb::Tariff {
        country_code: tariff.country_code.clone(),
        cities: tariff.cities.clone(),
        postal_prefixes: tariff.postal_prefixes.clone(),
        weight_grams_max: tariff.weight_grams_max,
        goods_total_min: tariff.goods_total_min.map(money),
        price: Some(money(tariff.price)),
        days_min: tariff.days_min,
        days_max: tariff.days_max,
    }
}

fn address(address: &Address) -> pb_type::Address {
    pb_type::Address {
        country_code: address.country_code.clone(),
        region: address.region.clone(),
        city: address.city.clone(),
        postal_code: address.postal_code.clone(),
        line: address.line.clone(),
        pickup_point_code: address.pickup_point_code.clone(),
        comment: address.comment.clone(),
    }
}

fn tracking_event(event: &TrackingEvent) -> pb::TrackingEvent {
    pb::TrackingEvent {
        status: tracking_status(event.status).into(),
        occur_time: Some(time(event.occur_time)),
        description: event.description.clone(),
        location: event.location.clone(),
        incident_reason: event.incident_reason.clone(),
    }
}
