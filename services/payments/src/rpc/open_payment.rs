//! Opens the intent of an order; concurrent orders are committed together.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use proto::payments::v1 as pb;
use rpc::{Call, Caller, Fields};
use store::{Audit, Begun, Store, Tx, cached_sql};
use types::PaymentId;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::account::{Kind, Purpose};
use crate::model::ledger::{self, Posting};
use crate::model::payment::{Method, Opened, Payment, Terms};
use crate::model::payment_rows::{self, Stored};
use crate::model::receipt_line::{self, ReceiptLine};
use crate::rpc::receipt_lines;
use crate::{Payments, wire};

/// How long a batch may take.
const BATCH_PATIENCE: Duration = Duration::from_secs(10);

/// One request of a batch.
#[derive(Debug, Clone)]
pub struct Opening {
    call: Call,
    terms: Terms,
    opened: Opened,
}

pub async fn handle(
    payments: &Payments,
    call: &Call,
    request: pb::OpenPaymentRequest,
) -> Result<pb::Payment> {
    let (terms, lines) = parse(&request)?;

    let opened = Opened { instructions: payments.providers.instructions(&terms), lines };

    let payment = payments.openings.submit(Opening { call: call.clone(), terms, opened }).await?;
    Ok(wire::payment(&payment))
}

fn parse(request: &pb::OpenPaymentRequest) -> Result<(Terms, Vec<ReceiptLine>)> {
    let mut fields = Fields::new();
    let payment_id = fields.parse("payment_id", &request.payment_id);
    let order_id = fields.parse("order_id", &request.order_id);
    let shop_id = fields.parse("shop_id", &request.shop_id);
    let legal_entity_id = fields.parse_optional("legal_entity_id", &request.legal_entity_id);
    let method = match pb::PaymentMethod::try_from(request.method) {
        Ok(pb::PaymentMethod::CashOnDelivery) => Some(Method::CashOnDelivery),
        Ok(pb::PaymentMethod::BankTransfer) => Some(Method::BankTransfer),
        Ok(pb::PaymentMethod::Card) => Some(Method::Card),
        Ok(pb::PaymentMethod::Unspecified) => {
            fields.refuse("method", "REQUIRED", "is required");
            None
        }
        Err(_) => {
            fields.refuse("method", "UNKNOWN_VALUE", "is not a payment method");
            None
        }
    };
    let amount = fields.money("amount", request.amount.as_ref());
    let negative = amount.is_some_and(types::Money::is_negative);
    fields.check(!negative, "amount.amount", "OUT_OF_RANGE", "must not be negative");
    let lines = receipt_lines::parse(&mut fields, &request.receipt_lines, amount);
    let terms = (|| {
        Some(Terms {
            payment_id: payment_id?,
            order_id: order_id?,
            shop_id: shop_id?,
            legal_entity_id,
            method: method?,
            amount: amount?,
        })
    })();
    Ok((fields.finish_with(terms)?, lines))
}

/// Answers a batch in the transaction that has begun; when that fails as a whole, each request alone, so that none spoils
/// the others.
pub async fn run(store: Store, begun: store::Result<Begun>, batch: Vec<Opening>) -> Vec<Result<Payment>> {
    match open_together(&store, begun, &batch).await {
        Ok(answers) => answers,
        Err(error) if batch.len() == 1 => vec![Err(error)],
        Err(Error::Store(error @ (store::Error::Unreachable(_) | store::Error::PoolExhausted))) => {
            let unavailable = || store::Error::Unreachable(error.to_string().into());
            batch.iter().map(|_| Err(unavailable().into())).collect()
        }
        Err(error) => {
            tracing::warn!(%error, size = batch.len(), "a batch of payments failed; each is opened alone");
            let mut answers = Vec::with_capacity(batch.len());
            for opening in batch {
                let begun = store.begin_ahead().await;
                let alone = open_together(&store, begun, &[opening]).await;
                answers
                    .push(alone.and_then(|mut answers| answers.pop().unwrap_or(Err(Error::PaymentNotFound))));
            }
            answers
        }
    }
}

async fn open_together(
    store: &Store,
    begun: store::Result<Begun>,
    batch: &[Opening],
) -> Result<Vec<Result<Payment>>> {
    let call = Call::begin(Caller::service("payments"), BATCH_PATIENCE);
    store
        .transaction_in(begun?, &call, async |tx: &mut Tx| {
            // An id that comes twice in one batch is opened by the first and found by the second.
            let mut first = HashSet::new();
            let wanted = batch.iter().filter(|opening| first.insert(opening.terms.payment_id));
            let now = tx.now();
            let wanted: Vec<_> = wanted
                .map(|opening| (opening, Payment::open(opening.terms.clone(), opened(opening), now)))
                .collect();

            let inserted = insert(tx, &wanted).await?;
            let new: Vec<_> = wanted
                .into_iter()
                .filter(|(opening, _)| inserted.contains(&opening.terms.payment_id))
                .collect();
            let postings: Vec<(&Terms, &Posting)> = new
                .iter()
                .flat_map(|(opening, (_, postings))| postings.iter().map(|posting| (&opening.terms, posting)))
                .collect();
            ledger::post(tx, &postings).await?;
            let mut found = known(tx, batch, &inserted).await?;

            for (opening, (payment, _)) in &new {
                tell(tx, &opening.call, payment);
            }
            found.extend(new.into_iter().map(|(opening, (payment, _))| {
                (opening.terms.payment_id, Stored::Payment(Box::new(payment)))
            }));
            Ok(batch.iter().map(|opening| answer(opening, &found)).collect())
        })
        .await
}

fn opened(opening: &Opening) -> Opened {
    opening.opened.clone()
}

/// The same terms find the intent; other terms, or a tombstone, are refused.
fn answer(opening: &Opening, found: &HashMap<PaymentId, Stored>) -> Result<Payment> {
    match found.get(&opening.terms.payment_id) {
        Some(Stored::Payment(payment)) if payment.terms != opening.terms => Err(Error::PaymentMismatch),
        Some(Stored::Payment(payment)) if payment.is_voided() => Err(Error::PaymentVoided),
        Some(Stored::Payment(payment)) => Ok(Payment::clone(payment)),
        Some(Stored::Tombstone) => Err(Error::PaymentVoided),
        None => Err(Error::PaymentNotFound),
    }
}

/// The payments of the batch that were there before.
async fn known(
    tx: &mut Tx,
    batch: &[Opening],
    inserted: &HashSet<PaymentId>,
) -> Result<HashMap<PaymentId, Stored>> {
    let ids = batch.iter().map(|opening| opening.terms.payment_id);
    let ids: Vec<_> = ids.filter(|id| !inserted.contains(id)).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    payment_rows::find_all(tx.conn(), &ids).await
}

/// Inserts all that are not there yet and answers which those were. What receipts say is kept only for shops that have a
/// registrar: most have none.
async fn insert(tx: &mut Tx, wanted: &[(&Opening, (Payment, Vec<Posting>))]) -> Result<HashSet<PaymentId>> {
    let now = tx.now();
    let payments = || wanted.iter().map(|(_, (payment, _))| payment);
    let uuids = |pick: fn(&Terms) -> Uuid| payments().map(|payment| pick(&payment.terms)).collect::<Vec<_>>();
    let text = |pick: fn(&Payment) -> String| payments().map(pick).collect::<Vec<_>>();
    let registrars = Kind::ALL.into_iter().filter(|kind| kind.purpose() == Purpose::Receipts);
    let entities = payments().map(|payment| payment.terms.legal_entity_id.map(|id| id.uuid()));
    let rows: Vec<(Uuid,)> = cached_sql(
        "INSERT INTO payments (payment_id, order_id, shop_id, legal_entity_id, method, state, currency, amount,
                               instructions, receipt_lines, create_time)
         SELECT u.payment_id, u.order_id, u.shop_id, u.legal_entity_id, u.method, u.state, u.currency, u.amount,
                u.instructions,
                CASE WHEN EXISTS (SELECT FROM payment_accounts AS a
                                  WHERE a.shop_id = u.shop_id AND a.enabled AND a.kind = ANY ($12))
                     THEN u.receipt_lines ELSE '[]' END,
                $11
         FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
              AS u (payment_id, order_id, shop_id, legal_entity_id, method, state, currency, amount, instructions,
                    receipt_lines)
         ORDER BY u.payment_id
         ON CONFLICT (payment_id) DO NOTHING
         RETURNING payment_id",
    )
    .bind::<Array<SqlUuid>, _>(uuids(|terms| terms.payment_id.uuid()))
    .bind::<Array<SqlUuid>, _>(uuids(|terms| terms.order_id.uuid()))
    .bind::<Array<SqlUuid>, _>(uuids(|terms| terms.shop_id.uuid()))
    .bind::<Array<Nullable<SqlUuid>>, _>(entities.collect::<Vec<_>>())
    .bind::<Array<Text>, _>(text(|payment| payment.terms.method.as_str().to_owned()))
    .bind::<Array<Text>, _>(text(|payment| payment.state.as_str().to_owned()))
    .bind::<Array<Text>, _>(text(|payment| payment.terms.amount.currency().code().to_owned()))
    .bind::<Array<BigInt>, _>(payments().map(|payment| payment.terms.amount.minor()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(text(|payment| payment.instructions.clone()))
    .bind::<Array<Text>, _>(text(|payment| receipt_line::write(&payment.lines)))
    .bind::<Timestamptz, _>(now)
    .bind::<Array<Text>, _>(registrars.map(Kind::as_str).collect::<Vec<_>>())
    .returns::<(SqlUuid,)>()
    .load(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|(id,)| PaymentId::from_uuid(id)).collect())
}

fn tell(tx: &mut Tx, call: &Call, payment: &Payment) {
    let terms = &payment.terms;
    let audit = Audit::new("payments.open_payment", terms.payment_id)
        .shop(terms.shop_id.uuid())
        .set("order_id", terms.order_id.to_string())
        .set("method", terms.method.as_str())
        .set("amount", terms.amount.to_string())
        .set("state", payment.state.as_str());
    tx.audit_for(call, audit);
    let event = pb::PaymentOpened { payment: Some(wire::snapshot(payment)) };
    events::append_for(tx, call, terms.payment_id, payment.version, Some(terms.shop_id), &event);
}
