//! Cancels intents and gives back what they took; an unknown id is remembered, so that a late open is refused.
//!
//! Nobody outside is asked here: what a provider holds or may still take is released and given back by the jobs. What was
//! decided for a cancellation that is to void nothing but untouched intents is remembered, a refusal too: its caller goes by
//! the first answer, so a copy of the request that arrives later must not get another one.

use std::collections::BTreeSet;

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::payments::v1 as pb;
use rpc::{Call, Fields, TEXT_LENGTH_MAX};
use store::{Audit, Claim, Once, Tx, fingerprint};
use types::PaymentId;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::payment::Payment;
use crate::model::payment_rows::{self, Stored};
use crate::model::payment_state::State;
use crate::schema::payments as rows;
use crate::{Payments, keeping, wire};

const METHOD: &str = "payments.void_payment";

/// Decisions belong to payments alone: nobody else names cancellations here.
const SCOPE: &str = "org";

/// Voided beside the first, at once.
const ALSO_MAX: usize = 100;

const CANCELLATION_LENGTH_MAX: usize = 128;

struct Wanted {
    id: PaymentId,
    /// With `id`; in one order for everybody, so that no two wait for each other.
    all: BTreeSet<PaymentId>,
    reason: String,
    /// The cancellation that must not void what somebody has begun to pay.
    only_untouched: Option<String>,
}

/// One of them, locked.
enum Locked {
    Payment(Box<Payment>),
    /// Voided before it was opened, and before this call.
    Tombstone,
    /// Unknown until this call.
    Buried(PaymentId),
}

/// What was decided for a cancellation, as it is stored.
#[derive(Clone, PartialEq, prost::Message)]
struct Decision {
    /// Where an intent stood that was not voided; empty when all were.
    #[prost(string, tag = "1")]
    touched: String,
}

pub async fn handle(
    payments: &Payments,
    call: &Call,
    request: pb::VoidPaymentRequest,
) -> Result<pb::Payment> {
    let wanted = parse(&request)?;

    let decided = payments.store.transaction(call, async |tx: &mut Tx| match &wanted.only_untouched {
        Some(cancellation) => void_untouched(tx, &wanted, cancellation, &fingerprint(&request)).await,
        None => void_all(tx, &wanted).await.map(Ok),
    });
    let voided = decided.await??;
    payments.nudge.notify_waiters();
    Ok(voided)
}

fn parse(request: &pb::VoidPaymentRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let id = fields.parse("payment_id", &request.payment_id);
    let also = &request.also_payment_ids;
    fields.check(also.len() <= ALSO_MAX, "also_payment_ids", "TOO_MANY", &format!("at most {ALSO_MAX}"));
    let also = also.iter().take(ALSO_MAX).enumerate();
    let also = also.filter_map(|(at, also)| fields.parse(&format!("also_payment_ids[{at}]"), also));
    let mut all: BTreeSet<PaymentId> = also.collect();
    all.extend(id);
    let reason = fields.text("reason", &request.reason, TEXT_LENGTH_MAX);
    let only_untouched = request.only_untouched.then(|| cancellation(&mut fields, &request.cancellation_id));
    let wanted = id.map(|id| Wanted { id, all, reason, only_untouched });
    Ok(fields.finish_with(wanted)?)
}

fn cancellation(fields: &mut Fields, id: &str) -> String {
    let visible = id.len() <= CANCELLATION_LENGTH_MAX && id.bytes().all(|byte| byte.is_ascii_graphic());
    fields.check(!id.is_empty(), "cancellation_id", "REQUIRED", "is required with only_untouched");
    fields.check(visible, "cancellation_id", "MALFORMED", "1 to 128 visible ASCII characters");
    id.to_owned()
}

/// The outer error rolls back; the inner one is an answer, and kept.
async fn void_untouched(
    tx: &mut Tx,
    wanted: &Wanted,
    cancellation: &str,
    fingerprint: &[u8],
) -> Result<Result<pb::Payment>> {
    let once = Once { scope: SCOPE, method: METHOD, key: cancellation };
    if let Claim::Done(answer) = tx.claim(once, fingerprint).await? {
        return match Decision::read(&answer)? {
            Some(state) => Ok(Err(Error::PaymentTouched { state: state.as_str() })),
            None => void_all(tx, wanted).await.map(Ok), // They are; this reads the answer.
        };
    }

    let locked = lock(tx, wanted).await?;
    let touched = locked.iter().find_map(Locked::touched).map(State::as_str);
    let decision = Decision { touched: touched.unwrap_or_default().to_owned() };
    tx.fulfil(once, &decision.encode_to_vec()).await?;
    match touched {
        None => void(tx, wanted, locked).await.map(Ok),
        Some(state) => {
            exhume(tx, &locked).await?;
            Ok(Err(Error::PaymentTouched { state }))
        }
    }
}

async fn void_all(tx: &mut Tx, wanted: &Wanted) -> Result<pb::Payment> {
    let locked = lock(tx, wanted).await?;
    void(tx, wanted, locked).await
}

/// Locks all; what is not known is buried.
async fn lock(tx: &mut Tx, wanted: &Wanted) -> Result<Vec<Locked>> {
    let mut locked = Vec::with_capacity(wanted.all.len());
    for id in &wanted.all {
        locked.push(match bury(tx, *id, &wanted.reason).await? {
            true => Locked::Buried(*id),
            false => match payment_rows::lock(tx, *id).await? {
                Some(Stored::Payment(payment)) => Locked::Payment(payment),
                Some(Stored::Tombstone) => Locked::Tombstone,
                None => return Err(Error::PaymentNotFound),
            },
        });
    }
    Ok(locked)
}

/// Voids all; answers the one that the request names first.
async fn void(tx: &mut Tx, wanted: &Wanted, locked: Vec<Locked>) -> Result<pb::Payment> {
    let mut answer = wire::tombstone(wanted.id);
    for one in locked {
        match one {
            Locked::Tombstone => {}
            Locked::Buried(id) => {
                let audit = Audit::new(METHOD, id).set("state", "canceled");
                tx.audit(audit.set("reason", wanted.reason.as_str()));
            }
            Locked::Payment(before) => {
                let voided = void_one(tx, *before, &wanted.reason).await?;
                if voided.terms.payment_id == wanted.id {
                    answer = wire::payment(&voided);
                }
            }
        }
    }
    Ok(answer)
}

async fn void_one(tx: &mut Tx, before: Payment, reason: &str) -> Result<Payment> {
    if before.is_voided() {
        return Ok(before);
    }
    let mut payment = before.clone();
    let change = payment.void(reason, tx.now())?;

    keeping::keep(tx, METHOD, &before, &payment, &change).await?;
    diesel::update(rows::table)
        .filter(rows::payment_id.eq(payment.terms.payment_id.uuid()))
        .set(rows::void_reason.eq(reason))
        .execute(tx.conn())
        .await?;
    Ok(payment)
}

/// Leaves a tombstone unless the id is known; waits for a concurrent open to be committed or rolled back.
async fn bury(tx: &mut Tx, id: PaymentId, reason: &str) -> Result<bool> {
    let now = tx.now();
    let inserted = diesel::insert_into(rows::table)
        .values((
            rows::payment_id.eq(id.uuid()),
            rows::state.eq("canceled"),
            rows::currency.eq(""),
            rows::amount.eq(0_i64),
            rows::void_reason.eq(reason),
            rows::create_time.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn())
        .await?;
    Ok(inserted == 1)
}

/// Nothing is voided after all: what was buried by this call may be opened.
async fn exhume(tx: &mut Tx, locked: &[Locked]) -> Result<()> {
    let buried = locked.iter().filter_map(|one| match one {
        Locked::Buried(id) => Some(id.uuid()),
        Locked::Payment(_) | Locked::Tombstone => None,
    });
    let buried: Vec<Uuid> = buried.collect();
    if !buried.is_empty() {
        diesel::delete(rows::table.filter(rows::payment_id.eq_any(buried))).execute(tx.conn()).await?;
    }
    Ok(())
}

impl Locked {
    /// Where it stands, if somebody has begun to pay it.
    fn touched(&self) -> Option<State> {
        match self {
            Self::Payment(payment) if !payment.is_voided() && payment.is_touched() => Some(payment.state),
            Self::Payment(_) | Self::Tombstone | Self::Buried(_) => None,
        }
    }
}

impl Decision {
    /// Where an intent stood that was not voided.
    fn read(answer: &[u8]) -> Result<Option<State>> {
        let decision = Self::decode(answer).map_err(|error| store::Error::Corrupt(error.to_string()))?;
        let touched = Some(decision.touched).filter(|word| !word.is_empty());
        Ok(touched.map(|word| State::stored(&word)).transpose()?)
    }
}
