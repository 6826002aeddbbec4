//! Orders as their buyers see them.

use proto::orders::v1 as pb;
use rpc::wire::{money, time};

use crate::model::fulfilment::{Fulfilment, FulfilmentState};
use crate::model::order::Order;
use crate::model::order_line::OrderLine;
use crate::wire::{payment_status, state};

/// The order; its state goes by the name that the shop gives it.
pub fn buyer_order(order: &Order, status_name: String) -> pb::BuyerOrder {
    let delivery = order.delivery.as_ref();
    pb::BuyerOrder {
        order_id: order.order_id.to_string(),
        number: order.number.clone(),
        state: state(order.state).into(),
        status_name,
        payment_status: payment_status(order.payment_status()).into(),
        lines: order.lines.iter().map(line).collect(),
        goods_total: Some(money(order.goods_total)),
        discount_total: Some(money(order.discount_total())),
        delivery_total: Some(money(order.delivery_total)),
        total: Some(money(order.total)),
        paid: Some(money(order.paid)),
        delivery_method_name: delivery.map(|delivery| delivery.method_name.clone()).unwrap_or_default(),
        parcels: order.fulfilments.iter().filter_map(parcel).collect(),
        create_time: Some(time(order.create_time)),
    }
}

fn line(line: &OrderLine) -> pb::BuyerOrderLine {
    pb::BuyerOrderLine {
        sku: line.sku.to_string(),
        name: line.name.clone(),
        quantity: line.ordered - line.cancelled,
        unit_price: line.unit_price.money().map(money),
        price_quantity: line.price_quantity,
        total: Some(money(line.total)),
    }
}

/// A part that was given up is the desk's business.
fn parcel(part: &Fulfilment) -> Option<pb::BuyerParcel> {
    let status = match part.state {
        FulfilmentState::Planning
        | FulfilmentState::Open
        | FulfilmentState::Booking
        | FulfilmentState::Booked
        | FulfilmentState::BookingFailed => "pending",
        FulfilmentState::Shipped => "in_transit",
        FulfilmentState::Delivered => "delivered",
        FulfilmentState::Cancelled => return None,
    };
    Some(pb::BuyerParcel {
        carrier: part.carrier.clone(),
        tracking_number: part.tracking_number.clone(),
        status: status.to_owned(),
        update_time: Some(time(part.update_time)),
    })
}
