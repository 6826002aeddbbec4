//! What an order is placed with beside its lines, as its saga keeps it: quote, discounts, promo code, cart.

use types::{Currency, Money, QuoteId};

use crate::model::discount::{Discount, Discounts, Percent, Reduction};
use crate::model::offer::Offer;

/// Absent for most orders. Holds nothing personal.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OfferTerms {
    /// Whose prices hold; empty for none.
    #[prost(string, tag = "1")]
    pub quote_id: String,
    /// As the buyer typed it; empty for none.
    #[prost(string, tag = "2")]
    pub promo_code: String,
    /// On lines and on the goods as a whole, in this order.
    #[prost(message, repeated, tag = "3")]
    pub discounts: Vec<DiscountTerms>,
    /// The shop's own id of the cart; empty for none.
    #[prost(string, tag = "4")]
    pub cart_id: String,
}

/// One discount.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DiscountTerms {
    /// Of a line; absent for the goods as a whole.
    #[prost(int32, optional, tag = "1")]
    pub position: Option<i32>,
    /// A share in hundredths of a percent; absent for an amount.
    #[prost(int64, optional, tag = "2")]
    pub percent_hundredths: Option<i64>,
    /// An amount in minor units.
    #[prost(int64, tag = "3")]
    pub amount_minor: i64,
    /// Shown to people.
    #[prost(string, tag = "4")]
    pub reason: String,
    /// The shop's own code of the reason.
    #[prost(string, tag = "5")]
    pub code: String,
}

impl OfferTerms {
    /// The quote whose prices hold.
    pub fn quote_id(&self) -> Option<QuoteId> {
        self.quote_id.parse().ok()
    }

    /// The code that is to be redeemed.
    pub fn promo_code(&self) -> Option<&str> {
        Some(self.promo_code.as_str()).filter(|code| !code.is_empty())
    }

    /// Keeps the discounts.
    pub fn set_discounts(&mut self, discounts: &Discounts) {
        let of_lines = discounts.of_lines.iter().map(|(position, discount)| kept(Some(*position), discount));
        self.discounts =
            of_lines.chain(discounts.of_goods.iter().map(|discount| kept(None, discount))).collect();
    }

    /// The discounts of an order in `currency`.
    pub fn discounts(&self, currency: Currency) -> Discounts {
        let mut discounts = Discounts::default();
        for terms in &self.discounts {
            let percent = terms.percent_hundredths.and_then(|share| Percent::of_hundredths(share).ok());
            let amount = Reduction::Amount(Money::new(currency, terms.amount_minor));
            let discount = Discount {
                reduction: percent.map_or(amount, Reduction::Percent),
                reason: terms.reason.clone(),
                code: terms.code.clone(),
            };
            match terms.position {
                Some(position) => discounts.of_lines.push((position, discount)),
                None => discounts.of_goods.push(discount),
            }
        }
        discounts
    }

    /// What the order shows of it before anything was redeemed.
    pub fn offer(&self) -> Offer {
        Offer {
            quote_id: self.quote_id(),
            promo_code_id: None,
            promo_code: self.promo_code.clone(),
            cart_id: self.cart_id.clone(),
        }
    }
}

fn kept(position: Option<i32>, discount: &Discount) -> DiscountTerms {
    let (percent_hundredths, amount_minor) = match discount.reduction {
        Reduction::Percent(percent) => (Some(percent.hundredths()), 0),
        Reduction::Amount(amount) => (None, amount.minor()),
    };
    DiscountTerms {
        position,
        percent_hundredths,
        amount_minor,
        reason: discount.reason.clone(),
        code: discount.code.clone(),
    }
}
