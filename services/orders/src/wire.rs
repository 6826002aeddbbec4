//! Orders as the contract shows them.

pub mod returns;

mod buyer_order;
mod cart;
mod promo_code;
mod quote;
mod receipt_lines;

pub use buyer_order::buyer_order;
pub use cart::{cart, cart_snapshot};
pub use promo_code::promo_code;
pub use quote::quote;
pub use receipt_lines::{receipt_line, receipt_lines};

use proto::orders::v1 as pb;
use proto::r#type::v1 as types_pb;
use rpc::wire::{money, time};
use types::LineId;

use crate::model::adjustment::Adjustment;
use crate::model::buyer::Address;
use crate::model::fulfilment::{Fulfilment, FulfilmentLine, FulfilmentState};
use crate::model::fulfilment_status::FulfilmentStatus;
use crate::model::missing_item::MissingItem;
use crate::model::order::{Delivery, Order};
use crate::model::order_filter::OrderSummary;
use crate::model::order_line::{LineComponent, OrderLine};
use crate::model::order_state::OrderState;
use crate::model::origin::OrderMethod;
use crate::model::payment_status::PaymentStatus;
use crate::model::rejection::Rejection;

/// The whole order.
pub fn order(order: &Order) -> pb::Order {
    pb::Order {
        order_id: order.order_id.to_string(),
        number: order.number.clone(),
        shop_id: order.shop_id.to_string(),
        legal_entity_id: text(order.legal_entity_id),
        state: state(order.state).into(),
        status: order.status.clone(),
        payment_status: payment_status(order.payment_status()).into(),
        fulfilment_status: fulfilment_status(order.fulfilment_status()).into(),
        source_id: order.source_id.to_string(),
        channel: order.channel.clone(),
        method: method(order.method).into(),
        external_ids: order
            .external_ids
            .iter()
            .map(|(source_id, id)| external_id(source_id.to_string(), id))
            .collect(),
        customer_id: text(order.customer_id),
        contact: Some(pb::Contact {
            name: order.buyer.name.clone(),
            phone: order.buyer.phone.clone(),
            email: order.buyer.email.clone(),
        }),
        lines: lines(order),
        delivery: order.delivery.as_ref().map(delivery),
        goods_total: Some(money(order.goods_total)),
        delivery_total: Some(money(order.delivery_total)),
        total: Some(money(order.total)),
        paid: Some(money(order.paid)),
        refunded: Some(money(order.refunded)),
        payment: Some(pb::PaymentTerms { method: order.payment_method.name().to_owned() }),
        comment: order.buyer.comment.clone(),
        rejection: order.rejection.as_ref().map(rejection),
        cancel_reason: order.cancel_reason.map(|reason| reason.to_string()).unwrap_or_default(),
        etag: etag(order),
        create_time: Some(time(order.create_time)),
        update_time: Some(time(order.update_time)),
        reservation_id: text(order.reservation_id),
        payment_id: text(order.payment_id),
        delivery_plan_id: text(order.delivery_plan_id),
        shipment_ids: order.shipment_ids.iter().map(ToString::to_string).collect(),
        shortages: order.shortages.iter().flatten().map(missing_item).collect(),
        balance: Some(money(order.balance())),
        payment_ids: payment_ids(order),
        fulfilments: order.fulfilments.iter().map(|part| fulfilment(order, part)).collect(),
        pay_by_time: order.deadlines.pay_by.map(time),
        ship_by_time: order.deadlines.ship_by.map(time),
        returned_total: Some(money(order.returned_total)),
        quote_id: text(order.offer.quote_id),
        promo_code: order.offer.promo_code.clone(),
        promo_code_id: text(order.offer.promo_code_id),
        cart_id: order.offer.cart_id.clone(),
        discount_total: Some(money(order.discount_total())),
    }
}

/// What changes whenever the order does.
pub fn etag(order: &Order) -> String {
    order.version.to_string()
}

/// The order for other services: nothing personal.
pub fn snapshot(order: &Order) -> pb::OrderSnapshot {
    pb::OrderSnapshot {
        order_id: order.order_id.to_string(),
        number: order.number.clone(),
        shop_id: order.shop_id.to_string(),
        state: state(order.state).into(),
        status: order.status.clone(),
        source_id: order.source_id.to_string(),
        channel: order.channel.clone(),
        method: method(order.method).into(),
        customer_id: text(order.customer_id),
        lines: lines(order),
        goods_total: Some(money(order.goods_total)),
        delivery_total: Some(money(order.delivery_total)),
        total: Some(money(order.total)),
        create_time: Some(time(order.create_time)),
        balance: Some(money(order.balance())),
        payment_ids: payment_ids(order),
        pay_by_time: order.deadlines.pay_by.map(time),
        ship_by_time: order.deadlines.ship_by.map(time),
        returned_total: Some(money(order.returned_total)),
        fulfilments: order.fulfilments.iter().map(|part| part_snapshot(order, part)).collect(),
        quote_id: text(order.offer.quote_id),
        promo_code_id: text(order.offer.promo_code_id),
        cart_id: order.offer.cart_id.clone(),
        discount_total: Some(money(order.discount_total())),
    }
}

/// What whoever placed the order is told, now and whenever he repeats the call.
pub fn receipt(order: &Order, existing: bool) -> pb::PlaceOrderResponse {
    let placed = order.state.was_placed();
    pb::PlaceOrderResponse {
        order_id: order.order_id.to_string(),
        number: order.number.clone(),
        state: if placed { pb::OrderState::New } else { state(order.state) }.into(),
        total: placed.then(|| money(order.total)),
        payment_id: text(order.payment_id),
        create_time: Some(time(order.create_time)),
        existing,
    }
}

/// A row of a list.
pub fn summary(summary: OrderSummary) -> pb::OrderSummary {
    pb::OrderSummary {
        order_id: summary.order_id.to_string(),
        number: summary.number,
        shop_id: summary.shop_id.to_string(),
        state: state(summary.state).into(),
        status: summary.status,
        source_id: summary.source_id.to_string(),
        channel: summary.channel,
        method: method(summary.method).into(),
        customer_id: text(summary.customer_id),
        total: Some(money(summary.total)),
        payment_status: payment_status(summary.payment_status).into(),
        fulfilment_status: fulfilment_status(summary.fulfilment_status).into(),
        line_count: summary.line_count,
        create_time: Some(time(summary.create_time)),
        contact_name: summary.contact_name,
        pay_by_time: summary.deadlines.pay_by.map(time),
        ship_by_time: summary.deadlines.ship_by.map(time),
    }
}

/// An address.
pub fn address(address: Address) -> types_pb::Address {
    types_pb::Address {
        country_code: address.country_code,
        region: address.region,
        city: address.city,
        postal_code: address.postal_code,
        line: address.line,
        pickup_point_code: address.pickup_point_code,
        comment: address.comment,
    }
}

/// A state of the contract; `None` for none.
pub fn read_state(state: pb::OrderState) -> Option<OrderState> {
    match state {
        pb::OrderState::Unspecified => None,
        pb::OrderState::Placing => Some(OrderState::Placing),
        pb::OrderState::New => Some(OrderState::New),
        pb::OrderState::Approval => Some(OrderState::Approval),
        pb::OrderState::Assembling => Some(OrderState::Assembling),
        pb::OrderState::Delivery => Some(OrderState::Delivery),
        pb::OrderState::Complete => Some(OrderState::Complete),
        pb::OrderState::Cancelled => Some(OrderState::Cancelled),
        pb::OrderState::Rejected => Some(OrderState::Rejected),
    }
}

/// A method of the contract; `None` for none.
pub fn read_method(method: pb::OrderMethod) -> Option<OrderMethod> {
    match method {
        pb::OrderMethod::Unspecified => None,
        pb::OrderMethod::Cart => Some(OrderMethod::Cart),
        pb::OrderMethod::OneClick => Some(OrderMethod::OneClick),
        pb::OrderMethod::Call => Some(OrderMethod::Call),
        pb::OrderMethod::Chat => Some(OrderMethod::Chat),
        pb::OrderMethod::Landing => Some(OrderMethod::Landing),
        pb::OrderMethod::Marketplace => Some(OrderMethod::Marketplace),
        pb::OrderMethod::Offline => Some(OrderMethod::Offline),
    }
}

/// A state as the contract names it.
pub fn state(state: OrderState) -> pb::OrderState {
    match state {
        OrderState::Placing => pb::OrderState::Placing,
        OrderState::New => pb::OrderState::New,
        OrderState::Approval => pb::OrderState::Approval,
        OrderState::Assembling => pb::OrderState::Assembling,
        OrderState::Delivery => pb::OrderState::Delivery,
        OrderState::Complete => pb::OrderState::Complete,
        OrderState::Cancelled => pb::OrderState::Cancelled,
        OrderState::Rejected => pb::OrderState::Rejected,
    }
}

fn method(method: OrderMethod) -> pb::OrderMethod {
    match method {
        OrderMethod::Cart => pb::OrderMethod::Cart,
        OrderMethod::OneClick => pb::OrderMethod::OneClick,
        OrderMethod::Call => pb::OrderMethod::Call,
        OrderMethod::Chat => pb::OrderMethod::Chat,
        OrderMethod::Landing => pb::OrderMethod::Landing,
        OrderMethod::Marketplace => pb::OrderMethod::Marketplace,
        OrderMethod::Offline => pb::OrderMethod::Offline,
    }
}

fn payment_status(status: PaymentStatus) -> pb::PaymentStatus {
    match status {
        PaymentStatus::Unpaid => pb::PaymentStatus::Unpaid,
        PaymentStatus::PartiallyPaid => pb::PaymentStatus::PartiallyPaid,
        PaymentStatus::Paid => pb::PaymentStatus::Paid,
        PaymentStatus::Overpaid => pb::PaymentStatus::Overpaid,
        PaymentStatus::Refunded => pb::PaymentStatus::Refunded,
    }
}

fn fulfilment_status(status: FulfilmentStatus) -> pb::FulfilmentStatus {
    match status {
        FulfilmentStatus::Unfulfilled => pb::FulfilmentStatus::Unfulfilled,
        FulfilmentStatus::PartiallyShipped => pb::FulfilmentStatus::PartiallyShipped,
        FulfilmentStatus::Shipped => pb::FulfilmentStatus::Shipped,
        FulfilmentStatus::Delivered => pb::FulfilmentStatus::Delivered,
    }
}

fn lines(order: &Order) -> Vec<pb::OrderLine> {
    order.lines.iter().map(|line| order_line(order, line)).collect()
}

fn order_line(order: &Order, line: &OrderLine) -> pb::OrderLine {
    let tax =
        pb::Tax { category: line.tax_category.clone(), rate: String::new(), included: true, amount: None };
    pb::OrderLine {
        line_id: line.line_id(order.order_id).to_string(),
        sku: line.sku.to_string(),
        variant_id: text(line.variant_id),
        name: line.name.clone(),
        kind: line.kind.name().to_owned(),
        ordered: line.ordered,
        reserved: line.reserved,
        shipped: line.shipped,
        delivered: line.delivered,
        cancelled: line.cancelled,
        returned: line.returned,
        unit_price: line.unit_price.money().map(money),
        total: Some(money(line.total)),
        adjustments: line.adjustments.iter().map(adjustment).collect(),
        taxes: if line.tax_category.is_empty() { Vec::new() } else { vec![tax] },
        price_quantity: line.price_quantity,
        components: line.components.iter().map(component).collect(),
        weight_grams: line.weight_grams,
    }
}

fn component(component: &LineComponent) -> pb::LineComponent {
    pb::LineComponent {
        sku: component.sku.to_string(),
        quantity: component.quantity,
        name: component.name.clone(),
        weight_grams: component.weight_grams,
    }
}

fn delivery(delivery: &Delivery) -> pb::Delivery {
    pb::Delivery {
        delivery_method_id: delivery.method_id.to_string(),
        address: delivery.address.clone().map(address),
        method_name: delivery.method_name.clone(),
    }
}

fn payment_ids(order: &Order) -> Vec<String> {
    order.payment_ids().iter().map(ToString::to_string).collect()
}

fn fulfilment(order: &Order, part: &Fulfilment) -> pb::Fulfilment {
    pb::Fulfilment {
        fulfilment_id: part.fulfilment_id.to_string(),
        state: fulfilment_state(part.state).into(),
        lines: part_lines(order, part),
        delivery: part.delivery.as_ref().map(delivery),
        delivery_plan_id: text(part.delivery_plan_id),
        shipment_id: text(part.shipment_id),
        carrier: part.carrier.clone(),
        tracking_number: part.tracking_number.clone(),
        incident: part.incident.clone(),
        goods_total: part.goods_total().ok().map(money),
        delivery_total: Some(money(part.delivery_total)),
        cash_on_delivery_amount: Some(money(part.cash_on_delivery)),
        create_time: Some(time(part.create_time)),
        update_time: Some(time(part.update_time)),
    }
}

fn part_snapshot(order: &Order, part: &Fulfilment) -> pb::FulfilmentSnapshot {
    pb::FulfilmentSnapshot {
        fulfilment_id: part.fulfilment_id.to_string(),
        state: fulfilment_state(part.state).into(),
        lines: part_lines(order, part),
        shipment_id: text(part.shipment_id),
        carrier: part.carrier.clone(),
        tracking_number: part.tracking_number.clone(),
    }
}

fn part_lines(order: &Order, part: &Fulfilment) -> Vec<pb::FulfilmentLine> {
    let line = |line: &FulfilmentLine| pb::FulfilmentLine {
        line_id: LineId::derived(order.order_id.uuid(), line.position.unsigned_abs()).to_string(),
        quantity: line.quantity,
        shipped: line.shipped,
        total: Some(money(line.total)),
    };
    part.lines.iter().map(line).collect()
}

fn fulfilment_state(state: FulfilmentState) -> pb::FulfilmentState {
    match state {
        FulfilmentState::Planning => pb::FulfilmentState::Planning,
        FulfilmentState::Open => pb::FulfilmentState::Open,
        FulfilmentState::Booking => pb::FulfilmentState::Booking,
        FulfilmentState::Booked => pb::FulfilmentState::Booked,
        FulfilmentState::BookingFailed => pb::FulfilmentState::BookingFailed,
        FulfilmentState::Shipped => pb::FulfilmentState::Shipped,
        FulfilmentState::Delivered => pb::FulfilmentState::Delivered,
        FulfilmentState::Cancelled => pb::FulfilmentState::Cancelled,
    }
}

/// Why a line's total differs from price × quantity.
pub fn adjustment(adjustment: &Adjustment) -> pb::Adjustment {
    pb::Adjustment {
        reason: adjustment.reason.clone(),
        amount: Some(money(adjustment.amount)),
        code: adjustment.code.clone(),
    }
}

fn rejection(rejection: &Rejection) -> pb::Rejection {
    pb::Rejection {
        reason: rejection.reason.clone(),
        message: rejection.message.clone(),
        missing_items: rejection.missing_items.iter().map(missing_item).collect(),
    }
}

fn missing_item(item: &MissingItem) -> pb::MissingItem {
    pb::MissingItem { sku: item.sku.clone(), wanted: item.wanted, available: item.available }
}

fn external_id(source_id: String, id: &str) -> pb::ExternalId {
    pb::ExternalId { source_id, id: id.to_owned() }
}

/// An id that may be absent: absent is empty.
pub(crate) fn text<K: types::Kind>(id: Option<types::Id<K>>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}
