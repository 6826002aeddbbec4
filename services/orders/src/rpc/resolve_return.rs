//! Ends a return whose goods were received: what was paid for them is given back.

use proto::orders::v1 as pb;
use rpc::{Call, Fields, Invalid};
use store::Tx;
use types::{Money, ReturnId};

use crate::Orders;
use crate::error::{Error, Result};
use crate::model::order::Order;
use crate::model::return_state::{ReturnMover, ReturnState};
use crate::model::returns::Return;
use crate::rpc::keyed::{self, Begun};
use crate::rpc::return_desk::{check, load, visible};
use crate::sagas::keyed::Key;
use crate::sagas::receive_return::order_of;
use crate::sagas::resolve_return::{METHOD, Resolution};

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::ResolveReturnRequest,
) -> Result<pb::Return> {
    let wanted = Wanted::parse(&request)?;

    let shop_id = load(orders, call, wanted.return_id).await?.shop_id;
    let key = Key { scope: shop_id.to_string(), key: wanted.key.clone() };
    let begun = orders.store.transaction(call, async |tx: &mut Tx| -> Result<Begun<Resolution>> {
        let order = order_of(tx, wanted.return_id).await?;
        let mut one = visible(call, Return::lock(tx, wanted.return_id).await?)?;
        if let Some(begun) = keyed::claim(tx, key.once(METHOD), &request, one.working).await? {
            return Ok(begun);
        }

        check(&one, Some(&request.etag))?;
        one.state.check(ReturnState::Resolved, ReturnMover::Resolution).map_err(Error::ReturnForbidden)?;
        let others = match &order {
            Some(order) => Return::of_order(tx.conn(), order.order_id).await?,
            None => Vec::new(),
        };
        wanted.credit(&mut one, order.as_ref(), &others)?;

        let refunds = order.map(|order| order.refunds(one.credited_total, one.given_back()));
        let (saga_id, input) =
            Resolution::record(tx, &mut one, refunds.unwrap_or_default(), key.clone()).await?;
        Ok(Begun::Now(saga_id, input))
    });
    keyed::conclude(&orders.resolutions, call, begun.await?, orders.patience(call)).await
}

struct Wanted {
    return_id: ReturnId,
    amount: Option<Money>,
    delivery: DeliveryRefund,
    key: String,
}

/// Whether what delivery cost is given back, too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DeliveryRefund {
    Asked,
    None,
}

impl Wanted {
    fn parse(request: &pb::ResolveReturnRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let return_id = fields.parse("return_id", &request.return_id);
        let amount = fields.money_optional("amount", request.amount.as_ref());
        let counts = amount.is_none_or(|amount| !amount.is_negative());
        fields.check(counts, "amount", "OUT_OF_RANGE", "must not be negative");
        let delivery = if request.refund_delivery { DeliveryRefund::Asked } else { DeliveryRefund::None };
        let key = fields.idempotency_key(&request.idempotency_key);
        let wanted = return_id.map(|return_id| Self { return_id, amount, delivery, key });
        Ok(fields.finish_with(wanted)?)
    }

    /// What is credited; delivery once, whatever comes back.
    fn credit(&self, one: &mut Return, order: Option<&Order>, others: &[Return]) -> Result<()> {
        if self.amount.is_some_and(|amount| amount.currency() != one.currency) {
            let problem = format!("the return is in {}", one.currency);
            return Err(Invalid::field("amount", "CURRENCY_MISMATCH", problem).into());
        }
        let delivery = match (order, self.delivery) {
            (Some(order), DeliveryRefund::Asked) => order.delivery_to_credit(others),
            (None, DeliveryRefund::Asked) => {
                let problem = "nothing is known of a delivery without an order";
                return Err(Invalid::field("refund_delivery", "NOT_ALLOWED", problem).into());
            }
            (_, DeliveryRefund::None) => Money::zero(one.currency),
        };
        Ok(one.credit(self.amount, delivery)?)
    }
}
