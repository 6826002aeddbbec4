//! The steps that only orders with an offer take: frozen prices of a quote, a promo code that is redeemed.

use rpc::Call;
use store::{Store, Tx};
use tonic::Status;
use types::{OrderId, QuoteId};

use crate::error::{Error, Result};
use crate::model::order::{Identified, Order};
use crate::model::placement::Priced;
use crate::model::promo_code::{PromoCode, PromoRefusal};
use crate::model::promo_use::{self, Redeemer, Use};
use crate::model::quote::Quote;

/// Quotes and promo codes of this service's own database.
pub struct Offers {
    store: Store,
}

/// Since when the prices of an order hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PricesHold {
    /// A quote froze them, with what its code takes off.
    SinceTheQuote,
    /// The catalog has just said them.
    FromNowOn,
}

/// What an order costs with its code.
pub struct Redeemed {
    /// With the code's adjustments.
    pub priced: Priced,
    /// The code.
    pub code: PromoCode,
}

impl Offers {
    /// Those in `store`.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// The frozen prices of a quote.
    pub async fn priced(&self, quote_id: QuoteId) -> Result<Priced, Status> {
        let mut connection = self.store.connection().await.map_err(|error| error.fault())?;
        let quote = Quote::load(&mut connection, quote_id).await.map_err(|error| error.fault())?;
        quote
            .map(|quote| quote.priced())
            .ok_or_else(|| Status::internal("the quote of an order that is being placed is gone"))
    }

    /// Takes the code for the order, once however often it is asked. With a quote the prices have it already, and so,
    /// since then, has the order.
    pub async fn redeem(
        &self,
        call: &Call,
        order: &Order,
        prices: PricesHold,
        typed: &str,
        customer: Identified,
        priced: Priced,
    ) -> Result<Redeemed, Status> {
        let customer_id = match customer {
            Identified::Customer(customer_id) => Some(customer_id),
            Identified::Nobody | Identified::Later => None,
        };
        let redeemer = Redeemer::of(&order.buyer, customer_id);
        let quoted = prices == PricesHold::SinceTheQuote;
        let code = self.store.transaction(call, async |tx: &mut Tx| {
            let code = PromoCode::lock_typed(tx, typed).await?;
            let known = promo_use::of_order(tx, order.order_id).await?;
            match (code, known) {
                (_, Some(Use::GivenBack)) => Err(PromoRefusal::GivenBack.into()),
                (None, _) => Err(PromoRefusal::Unknown.into()),
                (Some(code), Some(Use::Taken)) if quoted => {
                    promo_use::note_redeemer(tx, &code, order.order_id, &redeemer).await??;
                    Ok(code)
                }
                (Some(code), Some(Use::Taken)) => Ok(code),
                (Some(code), None) => {
                    code.check(order.shop_id, tx.now(), priced.goods_total)?;
                    promo_use::take(tx, &code, order.order_id, &redeemer).await??;
                    Ok::<_, Error>(code)
                }
            }
        });
        let code = code.await?;
        let priced = if quoted { priced } else { priced.discounted(&code.discounts())? };
        Ok(Redeemed { priced, code })
    }

    /// Gives back the code that an order has taken, or sees to it that it never takes one.
    pub async fn give_back(&self, call: &Call, order_id: OrderId) -> Result<(), Status> {
        let given = self
            .store
            .transaction(call, async |tx: &mut Tx| Ok::<_, Error>(promo_use::give_back(tx, order_id).await?));
        Ok(given.await?)
    }
}
