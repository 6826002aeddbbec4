//! Quotes as the contract shows them.

use chrono::{DateTime, Utc};
use proto::orders::v1 as pb;
use rpc::wire::{money, time};
use types::Money;

use crate::model::order_line::OrderLine;
use crate::model::quote::{Choice, Quote, QuoteState};
use crate::wire::{adjustment, text};

/// A quote at `now`.
pub fn quote(quote: &Quote, now: DateTime<Utc>) -> pb::Quote {
    let state = quote.seen(now);
    let taken = quote.lines.iter().flat_map(|line| &line.adjustments).map(|one| one.amount.minor());
    pb::Quote {
        quote_id: quote.quote_id.to_string(),
        shop_id: quote.shop_id.to_string(),
        source_id: quote.source_id.to_string(),
        channel: quote.channel.clone(),
        state: state_number(state).into(),
        currency_code: quote.currency.code().to_owned(),
        lines: quote.lines.iter().map(line).collect(),
        goods_total: Some(money(quote.goods_total)),
        discount_total: Some(money(Money::new(quote.currency, -taken.sum::<i64>()))),
        promo_code: quote.promo_code.clone(),
        delivery_choices: quote.choices.iter().map(|choice| delivery_choice(quote, choice)).collect(),
        delivery_method_id: text(quote.delivery_method_id),
        delivery_total: quote.chosen().map(|choice| money(choice.price)),
        total: Some(money(quote.total())),
        expire_time: Some(time(quote.expire_time)),
        hold_reservation_id: text(quote.reservation_id()),
        hold_expire_time: quote.holds_stock.then(|| time(quote.expire_time)),
        order_id: if state == QuoteState::Placed { quote.order_id().to_string() } else { String::new() },
        create_time: Some(time(quote.create_time)),
        payment_method: quote.payment_method.name().to_owned(),
    }
}

fn state_number(state: QuoteState) -> pb::QuoteState {
    match state {
        QuoteState::Reserving => pb::QuoteState::Unspecified,
        QuoteState::Open => pb::QuoteState::Open,
        QuoteState::Placed => pb::QuoteState::Placed,
        QuoteState::Releasing | QuoteState::Expired => pb::QuoteState::Expired,
    }
}

fn line(line: &OrderLine) -> pb::QuoteLine {
    pb::QuoteLine {
        sku: line.sku.to_string(),
        quantity: line.ordered,
        variant_id: text(line.variant_id),
        name: line.name.clone(),
        kind: line.kind.name().to_owned(),
        unit_price: line.unit_price.money().map(money),
        price_quantity: line.price_quantity,
        total: Some(money(line.total)),
        adjustments: line.adjustments.iter().map(adjustment).collect(),
    }
}

fn delivery_choice(quote: &Quote, choice: &Choice) -> pb::DeliveryChoice {
    pb::DeliveryChoice {
        delivery_method_id: choice.method_id.to_string(),
        name: choice.name.clone(),
        price: Some(money(choice.price)),
        days_min: choice.days_min,
        days_max: choice.days_max,
        total: Some(money(quote.total_with(choice))),
    }
}
