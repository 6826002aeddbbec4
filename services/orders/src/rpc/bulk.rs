//! One action on many orders: each row by itself, none of them twice.
//!
//! Every row has a key of its own that follows from the whole call's, so a repeat finds what is done and goes on with the
//! rest. The whole call's answer is stored once every row has one that will not change.

use std::collections::HashSet;
use std::time::Duration;

use diesel::OptionalExtension;
use diesel::sql_types::{Binary, Nullable, Text};
use diesel_async::RunQueryDsl;
use futures_util::{StreamExt, stream};
use prost::Message;
use proto::orders::v1 as pb;
use rpc::{Call, Fields, is_unknown_outcome, reason};
use store::{Claim, Once, Tx, cached_sql, fingerprint};
use tonic::{Code, Status};
use types::OrderId;

use crate::Orders;
use crate::error::{Error, Result};
use crate::model::order::Order;
use crate::wire;

/// Orders of one call.
const ORDERS_MAX: usize = 200;
/// Orders that are worked on at the same time: a call of many leaves room for the calls of one.
const AT_ONCE: usize = 8;
/// A row is not begun with less time than this.
const ROW_TIME: Duration = Duration::from_secs(1);

/// Whether anything is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    /// It is told what would happen.
    Dry,
    /// It happens.
    Real,
}

/// The rows of a call, and under which key.
pub(super) struct Rows {
    rows: Vec<Row>,
    key: String,
    pub(super) run: Run,
}

/// One row.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// The order.
    pub(super) order_id: OrderId,
    /// As read; empty skips the check.
    pub(super) etag: String,
    /// The row's own.
    pub(super) key: String,
}

/// Where an order stands after its row.
pub(super) struct Done {
    /// Its state.
    pub(super) state: pb::OrderState,
    /// Its etag.
    pub(super) etag: String,
}

impl Rows {
    /// Reads the orders of a call, each once.
    pub(super) fn parse(fields: &mut Fields, orders: &[pb::BulkOrder], key: &str, run: Run) -> Self {
        fields.list_length("orders", orders.len(), ORDERS_MAX);
        let mut seen = HashSet::new();
        let mut rows = Vec::with_capacity(orders.len().min(ORDERS_MAX));
        for (at, order) in orders.iter().take(ORDERS_MAX).enumerate() {
            let field = format!("orders[{at}].order_id");
            let Some(order_id) = fields.parse::<OrderId>(&field, &order.order_id) else { continue };
            if !seen.insert(order_id) {
                fields.refuse(field, "DUPLICATE", "each order once");
            }
            rows.push(Row { order_id, etag: order.etag.clone(), key: String::new() });
        }
        Self { rows, key: fields.idempotency_key(key), run }
    }

    /// Does `each` row, or tells what it would come to. Answers in the order of the request.
    pub(super) async fn run<F, Fut>(
        self,
        orders: &Orders,
        call: &Call,
        method: &'static str,
        request: &impl Message,
        each: F,
    ) -> Result<Vec<pb::BulkOrderResult>>
    where
        F: Fn(Row) -> Fut,
        Fut: Future<Output = Result<Done>>,
    {
        // Keys of callers of one shop meet only those of that shop.
        let scope = call.caller.shops.single().map_or_else(|| "org".to_owned(), |shop| shop.to_string());
        let once = Once { scope: &scope, method, key: &self.key };
        if self.run == Run::Dry {
            return Ok(each_of(call, self.rows, each).await.0);
        }
        if let Some(answer) = begin(orders, call, once, request).await? {
            return Ok(answer.results);
        }

        let rows = self.rows.into_iter().map(|row| Row { key: key_of(once, row.order_id), ..row });
        let (results, last) = each_of(call, rows.collect(), each).await;

        let answer = pb::ChangeOrderStatesResponse { results };
        match last {
            Last::Final => Ok(end(orders, call, once, answer).await?.results),
            // A repeat goes on with what is missing.
            Last::Open => Ok(answer.results),
        }
    }
}

impl Done {
    /// Of an order as it was answered.
    pub(super) fn of(order: &pb::Order) -> Self {
        Self { state: order.state(), etag: order.etag.clone() }
    }

    /// Of an order as it would be.
    pub(super) fn preview(order: &Order) -> Self {
        Self { state: wire::state(order.state), etag: wire::etag(order) }
    }
}

/// Whether all results stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Final,
    Open,
}

async fn each_of<F, Fut>(call: &Call, rows: Vec<Row>, each: F) -> (Vec<pb::BulkOrderResult>, Last)
where
    F: Fn(Row) -> Fut,
    Fut: Future<Output = Result<Done>>,
{
    let each = &each;
    let one = |row: Row| async move {
        let order_id = row.order_id;
        let done = match call.remaining() > ROW_TIME {
            true => each(row).await,
            false => Err(Error::NotBegun),
        };
        result(order_id, done)
    };
    let results: Vec<(pb::BulkOrderResult, Last)> =
        stream::iter(rows).map(one).buffered(AT_ONCE).collect().await;
    let open = results.iter().any(|(_, last)| *last == Last::Open);
    let last = if open { Last::Open } else { Last::Final };
    (results.into_iter().map(|(result, _)| result).collect(), last)
}

fn result(order_id: OrderId, done: Result<Done>) -> (pb::BulkOrderResult, Last) {
    let order_id = order_id.to_string();
    match done {
        Ok(done) => {
            let state = done.state.into();
            (
                pb::BulkOrderResult { order_id, ok: true, state, etag: done.etag, ..Default::default() },
                Last::Final,
            )
        }
        Err(error) => {
            let changed = matches!(error, Error::EtagMismatch { .. });
            let status = Status::from(error);
            let last = if is_unknown_outcome(&status) && !changed { Last::Open } else { Last::Final };
            let result = pb::BulkOrderResult {
                order_id,
                code: name_of(status.code()).to_owned(),
                reason: reason(&status).unwrap_or_default(),
                message: status.message().to_owned(),
                ..Default::default()
            };
            (result, last)
        }
    }
}

/// Claims the key of the whole call. A call that was left half-way is gone on with: its rows tell what is done.
async fn begin(
    orders: &Orders,
    call: &Call,
    once: Once<'_>,
    request: &impl Message,
) -> Result<Option<pb::ChangeOrderStatesResponse>> {
    let fingerprint = fingerprint(request);
    let claimed =
        orders.store.transaction(call, async |tx: &mut Tx| match tx.claim(once, &fingerprint).await {
            Ok(Claim::New) | Err(store::Error::KeyInUse) => Ok(None),
            Ok(Claim::Done(answer)) => read(&answer).map(Some),
            Err(error) => Err(error.into()),
        });
    claimed.await
}

/// Stores the answer, unless another call with the key has stored its own.
async fn end(
    orders: &Orders,
    call: &Call,
    once: Once<'_>,
    answer: pb::ChangeOrderStatesResponse,
) -> Result<pb::ChangeOrderStatesResponse> {
    let (scope, method, key) = (once.scope.to_owned(), once.method, once.key.to_owned());
    let ended = orders.store.transaction(call, async |tx: &mut Tx| {
        let stored: Option<(Option<Vec<u8>>,)> = cached_sql(
            "SELECT response FROM idempotency_keys WHERE scope = $1 AND method = $2 AND key = $3 FOR UPDATE",
        )
        .bind::<Text, _>(&scope)
        .bind::<Text, _>(method)
        .bind::<Text, _>(&key)
        .returns::<(Nullable<Binary>,)>()
        .get_result(tx.conn())
        .await
        .optional()?;
        if let Some((Some(first),)) = stored {
            return read(&first);
        }
        tx.fulfil(Once { scope: &scope, method, key: &key }, &answer.encode_to_vec()).await?;
        Ok(answer)
    });
    ended.await
}

/// Both methods answer a list of results under the same number.
fn read(answer: &[u8]) -> Result<pb::ChangeOrderStatesResponse> {
    pb::ChangeOrderStatesResponse::decode(answer)
        .map_err(|error| store::Error::Corrupt(error.to_string()).into())
}

/// The key of one row: no key that a caller gives looks like it, and two calls never share one.
fn key_of(once: Once<'_>, order_id: OrderId) -> String {
    let whole = pb::GetOrderRequest { order_id: format!("{} {} {}", once.scope, once.method, once.key) };
    let digest: String = fingerprint(&whole).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("bulk:{digest}:{order_id}")
}

const fn name_of(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
