//! Methods, plans and parcels as the contract writes them.

use proto::delivery::v1 as pb;
use proto::r#type::v1 as pb_type;
use rpc::wire::{money, time};
use types::DeliveryPlanId;

use crate::carriers::{PickupPoint, ServicePrice};
use crate::model::address::Address;
use crate::model::carrier_account::{CarrierAccount, CarrierKind};
use crate::model::consignment::Item;
use crate::model::delivery_method::{DeliveryMethod, Kind};
use crate::model::delivery_plan::DeliveryPlan;
use crate::model::incident::Incident;
use crate::model::incident_rows::Note;
use crate::model::piece_size::PieceSize;
use crate::model::return_pickup::ReturnPickup;
use crate::model::schedule::{Schedule, Slot, Window};
use crate::model::shipment::{Shipment, TrackingEvent};
use crate::model::shipment_state::ShipmentState;
use crate::model::tariff::Tariff;
use crate::model::tracking_status::TrackingStatus;
use crate::model::unmapped_code_rows::UnmappedCodeRow;

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
        carrier_account_id: method.account_id.map(String::from).unwrap_or_default(),
        carrier_service: method.service.clone(),
        schedule: method.schedule.as_ref().map(schedule),
        asks_for_code: method.asks_for_code,
        size_max: method.size_max.map(piece_size),
    }
}

fn schedule(schedule: &Schedule) -> pb::DeliverySchedule {
    let window = |window: &Window| pb::DeliveryWindow {
        weekday: window.weekday,
        from: clock_time(window.from_minute),
        until: clock_time(window.until_minute),
        capacity: window.capacity,
        cut_off_minutes: window.cut_off_minutes,
    };
    pb::DeliverySchedule {
        time_zone: schedule.time_zone.name().to_owned(),
        windows: schedule.windows.iter().map(window).collect(),
        closed_dates: schedule.closed_dates.iter().map(ToString::to_string).collect(),
        days_ahead: schedule.days_ahead,
        slot_required: schedule.slot_required,
    }
}

fn clock_time(minute: i32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn piece_size(size: PieceSize) -> pb::PieceSize {
    pb::PieceSize { length_mm: size.length_mm, width_mm: size.width_mm, height_mm: size.height_mm }
}

/// A slot, of which so much is taken.
pub fn delivery_slot(slot: &Slot, taken: i32) -> pb::DeliverySlot {
    pb::DeliverySlot {
        start_time: Some(time(slot.time.start)),
        end_time: Some(time(slot.time.end)),
        cut_off_time: Some(time(slot.cut_off)),
        capacity: slot.capacity,
        free: (slot.capacity - taken).max(0),
    }
}

/// A return that is fetched, with its personal fields.
pub fn return_pickup(pickup: &ReturnPickup) -> pb::ReturnPickup {
    pb::ReturnPickup {
        return_id: pickup.return_id.to_string(),
        shop_id: pickup.shop_id.to_string(),
        delivery_method_id: pickup.method_id.to_string(),
        slot_start_time: Some(time(pickup.slot.start)),
        slot_end_time: Some(time(pickup.slot.end)),
        address: Some(address(&pickup.address)),
        contact_name: pickup.contact.name.clone(),
        contact_phone: pickup.contact.phone.clone(),
        cancelled: pickup.cancelled,
        create_time: Some(time(pickup.create_time)),
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
        estimate: false,
        carrier: String::new(),
        ..Default::default()
    }
}

/// One line of a quote, at the carrier's price.
pub fn carrier_option(method: &DeliveryMethod, price: &ServicePrice) -> pb::DeliveryOption {
    pb::DeliveryOption {
        delivery_method_id: method.id.to_string(),
        name: method.name.clone(),
        kind: kind(method.kind).into(),
        price: Some(money(price.price)),
        days_min: price.days_min,
        days_max: price.days_max,
        estimate: false,
        carrier: String::new(),
        ..Default::default()
    }
}

/// An account with a carrier; its credentials stay where they are.
pub fn carrier_account(account: &CarrierAccount) -> pb::CarrierAccount {
    let settings = account.settings.0.iter().map(|(name, value)| (name.clone(), value.clone()));
    pb::CarrierAccount {
        carrier_account_id: account.id.to_string(),
        shop_id: account.shop_id.map(String::from).unwrap_or_default(),
        kind: carrier_kind(account.kind).into(),
        name: account.name.clone(),
        base_url: account.base_url.clone(),
        credentials: Default::default(),
        settings: settings.collect(),
        webhook_url: account.webhook_url.clone(),
        enabled: account.enabled,
        etag: account.version.to_string(),
        create_time: Some(time(account.create_time)),
    }
}

const fn carrier_kind(kind: CarrierKind) -> pb::CarrierKind {
    match kind {
        CarrierKind::Parcel => pb::CarrierKind::Parcel,
        CarrierKind::NovaPoshta => pb::CarrierKind::NovaPoshta,
        CarrierKind::Cdek => pb::CarrierKind::Cdek,
    }
}

/// The dialect a caller means; unspecified is none.
pub const fn read_carrier_kind(kind: pb::CarrierKind) -> Option<CarrierKind> {
    match kind {
        pb::CarrierKind::Unspecified => None,
        pb::CarrierKind::Parcel => Some(CarrierKind::Parcel),
        pb::CarrierKind::NovaPoshta => Some(CarrierKind::NovaPoshta),
        pb::CarrierKind::Cdek => Some(CarrierKind::Cdek),
    }
}

/// A branch or a locker.
pub fn pickup_point(point: &PickupPoint) -> pb::PickupPoint {
    let kind = if point.locker { pb::PickupPointKind::Locker } else { pb::PickupPointKind::Branch };
    pb::PickupPoint {
        code: point.code.clone(),
        kind: kind.into(),
        name: point.name.clone(),
        country_code: point.country_code.clone(),
        city: point.city.clone(),
        postal_code: point.postal_code.clone(),
        street: point.street.clone(),
        weight_grams_max: point.weight_grams_max,
        cash_on_delivery: point.cash_on_delivery,
        opening_hours: point.opening_hours.clone(),
        latitude: point.latitude.clone(),
        longitude: point.longitude.clone(),
    }
}

/// A status without a canonical one.
pub fn unmapped_code(row: &UnmappedCodeRow) -> pb::UnmappedCode {
    pb::UnmappedCode {
        carrier: row.carrier.clone(),
        code: row.code.clone(),
        count: row.count,
        first_seen_time: Some(time(row.first_seen_time)),
        last_seen_time: Some(time(row.last_seen_time)),
        shipment_id: types::ShipmentId::from_uuid(row.last_shipment_id).to_string(),
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
        items: wish.items.iter().map(item).collect(),
        cash_on_delivery_amount: plan.cash().map(money),
        order_number: wish.order_number.clone(),
        carrier_account_id: plan.account_id.map(String::from).unwrap_or_default(),
        carrier_service: plan.service.clone(),
        slot_start_time: plan.slot.map(|slot| time(slot.start)),
        slot_end_time: plan.slot.map(|slot| time(slot.end)),
    }
}

fn item(item: &Item) -> pb::PlannedItem {
    pb::PlannedItem {
        sku: item.sku.clone(),
        name: item.name.clone(),
        quantity: item.quantity,
        unit_price: Some(money(item.unit_price)),
        weight_grams: item.weight_grams,
        piece_size: item.piece_size.map(piece_size),
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
        state: shipment_state(shipment.state).into(),
        incidents: shipment.incidents.iter().map(incident).collect(),
        has_label: shipment.has_label,
        carrier_account_id: shipment.account_id.map(String::from).unwrap_or_default(),
        carrier_service: shipment.service.clone(),
        cash_on_delivery_amount: shipment.cash.map(|cash| money(cash.expected)),
        cash_collected: shipment.cash.and_then(|cash| cash.collected).map(money),
        cash_received: shipment.cash.and_then(|cash| cash.received).map(money),
        book_time: shipment.book_time.map(time),
        storage_end_time: shipment.times.storage_end.map(time),
        carrier_price: shipment.carrier_price.map(money),
        tracker_code: shipment.tracker_code.simple().to_string(),
        slot_start_time: shipment.handover.slot.map(|slot| time(slot.start)),
        slot_end_time: shipment.handover.slot.map(|slot| time(slot.end)),
        asks_for_code: shipment.handover.asks_for_code,
        has_proof: shipment.handover.has_proof,
        declared_weight_grams: shipment.weight.declared_grams,
        weighed_grams: shipment.weight.weighed_grams,
    }
}

/// Something that went wrong.
pub fn incident(incident: &Incident) -> pb::Incident {
    pb::Incident {
        incident_id: incident.id.to_string(),
        shipment_id: incident.shipment_id.to_string(),
        reason: incident.reason.clone(),
        field: incident.field.clone(),
        carrier_words: incident.carrier_words.clone(),
        closed: !incident.is_open(),
        assignee: incident.assignee.clone(),
        due_time: Some(time(incident.due_time)),
        next_action_time: incident.next_action_time.map(time),
        open_time: Some(time(incident.open_time)),
        close_time: incident.close_time.map(time),
        etag: incident.version.to_string(),
        occurrences: incident.occurrences,
    }
}

/// An incident for events: what carriers write in their own words may name people, so it stays here.
pub fn incident_without_words(told: &Incident) -> pb::Incident {
    pb::Incident { carrier_words: String::new(), ..incident(told) }
}

/// An incident with what was said about it.
pub fn incident_case(told: &Incident, notes: &[Note]) -> pb::IncidentCase {
    let note = |note: &Note| pb::IncidentNote {
        author: note.author.clone(),
        text: note.text.clone(),
        create_time: Some(time(note.create_time)),
    };
    pb::IncidentCase {
        incident: Some(incident(told)),
        order_id: told.order_id.to_string(),
        shop_id: told.shop_id.to_string(),
        notes: notes.iter().map(note).collect(),
    }
}

/// What anybody may see of a parcel: moves and times, nobody's words.
pub fn tracker(parcel: &Shipment) -> pb::Tracker {
    let told = parcel.events.iter().filter(|event| event.status != TrackingStatus::Unknown);
    let step = |event: &TrackingEvent| pb::TrackerStep {
        status: tracking_status(event.status).into(),
        occur_time: Some(time(event.occur_time)),
    };
    pb::Tracker {
        carrier: parcel.carrier.clone(),
        tracking_number: parcel.tracking_number.clone(),
        status: tracking_status(parcel.status).into(),
        steps: told.map(step).collect(),
        storage_end_time: parcel.times.storage_end.map(time),
        shop_id: parcel.shop_id.to_string(),
    }
}

const fn shipment_state(state: ShipmentState) -> pb::ShipmentState {
    match state {
        ShipmentState::Booking => pb::ShipmentState::Booking,
        ShipmentState::Booked => pb::ShipmentState::Booked,
        ShipmentState::BookingFailed => pb::ShipmentState::BookingFailed,
        ShipmentState::Cancelling => pb::ShipmentState::Cancelling,
        ShipmentState::Cancelled => pb::ShipmentState::Cancelled,
    }
}

/// The state a caller means; unspecified is none.
pub const fn read_shipment_state(state: pb::ShipmentState) -> Option<ShipmentState> {
    match state {
        pb::ShipmentState::Unspecified => None,
        pb::ShipmentState::Booking => Some(ShipmentState::Booking),
        pb::ShipmentState::Booked => Some(ShipmentState::Booked),
        pb::ShipmentState::BookingFailed => Some(ShipmentState::BookingFailed),
        pb::ShipmentState::Cancelling => Some(ShipmentState::Cancelling),
        pb::ShipmentState::Cancelled => Some(ShipmentState::Cancelled),
    }
}

/// A parcel for events: what couriers write in their own words may name people and places, so it stays here.
pub fn shipment_without_words(parcel: &Shipment) -> pb::Shipment {
    let mut told = shipment(parcel);
    for event in &mut told.events {
        event.description.clear();
        event.location.clear();
    }
    for incident in &mut told.incidents {
        incident.carrier_words.clear();
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
        Kind::Parcel => pb::DeliveryKind::Parcel,
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
        carrier_code: event.carrier_code.clone(),
        code_map_version: event.code_map_version,
    }
}
