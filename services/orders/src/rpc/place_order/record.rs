//! Records a new order and starts what places it.

use chrono::TimeDelta;
use rpc::Call;
use saga::Runner;
use tokio::sync::watch;
use tonic::Status;
use tracing::Instrument as _;
use types::OrderId;

use crate::Orders;
use crate::batches::commit_orders::Commits;
use crate::batches::record_orders::{NewOrder, Verdict};
use crate::error::{Error, Result};
use crate::model::order::Order;
use crate::sagas::neighbours::Neighbours as _;
use crate::sagas::place_order::{PATIENCE, PlaceOrder, Settled};
use crate::sagas::placements::Quotes;

/// Where a request for a new order leads.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The order.
    pub order_id: OrderId,
    /// Whether it was there already, under its external id.
    pub existing: bool,
    /// Tells how it ends, when this request has begun it.
    pub outcome: Option<watch::Receiver<Option<Settled>>>,
}

/// In a task of its own: a client that hangs up stops nothing.
pub(super) async fn record(orders: &Orders, new: NewOrder) -> Result<Recorded> {
    let begin = begin(orders.commits.clone(), orders.placements.clone(), new);
    let begun = tokio::spawn(begin.in_current_span()).await;
    begun.unwrap_or_else(|_panic| Err(Error::Answered(Status::internal("an order could not be recorded"))))
}

async fn begin(commits: Commits, runner: Runner<PlaceOrder>, new: NewOrder) -> Result<Recorded> {
    let (order, call, terms) = (new.order.clone(), new.call.clone(), new.terms.clone());
    let pay_by_minutes = new.pay_by_minutes;
    // The catalog's answer is there when the saga begins.
    let quotes = new.quote_id().is_none().then(|| ask_prices(&runner, &call, order.clone()));

    let verdict = commits.record(new).await?;

    failpoint::hit!("orders.place.recorded");
    let order_id = order.order_id;
    match verdict {
        Verdict::New { number, time } => {
            let mut order = Order { number, create_time: time, update_time: time, ..order };
            order.deadlines.pay_by = pay_by_minutes.map(|minutes| time + TimeDelta::minutes(minutes.into()));
            runner.definition().placements().remember(order, quotes);
            let outcome = runner.start(order_id.uuid(), &call, terms);
            Ok(Recorded { order_id, existing: false, outcome: Some(outcome) })
        }
        Verdict::Known { order_id, existing } => Ok(Recorded { order_id, existing, outcome: None }),
        Verdict::Refused(error) => Err(error),
    }
}

/// As the saga would: buyers and partners may not ask the catalog for this.
fn ask_prices(runner: &Runner<PlaceOrder>, call: &Call, order: Order) -> Quotes {
    let (runner, call) = (runner.clone(), call.continued_by("orders", PATIENCE));
    tokio::spawn(async move { runner.definition().neighbours().quote(&call, &order).await })
}
