//! Places an order at the prices of a quote, when it is what was quoted.

use types::Money;

use crate::Orders;
use crate::batches::record_orders::NewOrder;
use crate::error::{Error, Result};
use crate::model::placement::PriceRefusal;
use crate::model::quote::{Mismatch, Quote, QuoteState};
use crate::rpc::place_order::wanted::Wanted;

/// A quote, and what the request says of it. Whether it is still open is decided when the order is recorded.
pub(super) struct Quoted {
    quote: Quote,
    extras: Option<Vec<u8>>,
    destination: Option<Vec<u8>>,
}

impl Quoted {
    /// The quote that the request names.
    pub(super) async fn load(orders: &Orders, wanted: &Wanted) -> Result<Option<Self>> {
        let Some(quote_id) = wanted.offer.quote_id else { return Ok(None) };
        let mut connection = orders.store.connection().await?;
        let quote = Quote::load(&mut connection, quote_id).await?;
        let known = |quote: &Quote| quote.shop_id == wanted.shop_id && quote.state != QuoteState::Reserving;
        let quote = quote.filter(known).ok_or(Error::QuoteNotFound)?;
        let (extras, destination) = (wanted.offer.extras.clone(), wanted.offer.destination.clone());
        Ok(Some(Self { quote, extras, destination }))
    }

    /// The order as the quote has it.
    pub(super) fn freeze(self, mut new: NewOrder) -> Result<NewOrder> {
        let quote = self.quote;
        let order = &mut new.order;
        quote.agrees_with(order)?;
        let differs = |field| Err(Mismatch { field }.into());
        if self.extras.is_some_and(|extras| extras != quote.extras) {
            return differs("promo_code");
        }
        if order.delivery.is_some() && self.destination != quote.destination {
            return differs("delivery.address");
        }
        let choice = order.delivery.as_ref().and_then(|delivery| quote.choice(delivery.method_id));
        let total = choice.map_or(quote.goods_total, |choice| quote.total_with(choice));
        if let Some(expected) = new.terms.expected_total_minor.filter(|minor| *minor != total.minor()) {
            let expected = Money::new(quote.currency, expected);
            return Err(Error::Answered(PriceRefusal::PriceChanged { expected, actual: total }.into()));
        }

        order.order_id = quote.order_id();
        new.terms.order_id = order.order_id.to_string();
        new.terms.expected_total_minor = Some(total.minor());
        new.terms.delivery_price_minor = choice.map(|choice| choice.price.minor());
        if let Some(delivery) = &mut order.delivery {
            // An edit of other things keeps it.
            delivery.price_fixed = true;
        }
        // Whoever may not price sells what somebody has quoted who may.
        new.terms.accept_unmatched = true;
        if let Some(offer) = &mut new.terms.offer {
            offer.discounts.clear();
            offer.promo_code.clone_from(&quote.promo_code);
        }
        Ok(new)
    }
}
