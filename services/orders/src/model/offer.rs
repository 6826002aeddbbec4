//! What an order was placed with: a quote, a promo code, a cart. Most orders have none of them.

use types::{PromoCodeId, QuoteId};

/// All three; empty for none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// Its prices are those of this quote.
    pub quote_id: Option<QuoteId>,
    /// Known once the code was redeemed.
    pub promo_code_id: Option<PromoCodeId>,
    /// As the shop spells it, once it was redeemed; as the buyer typed it before.
    pub promo_code: String,
    /// The shop's own id of the cart.
    pub cart_id: String,
}

impl Offer {
    /// Whether there is anything to keep.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
