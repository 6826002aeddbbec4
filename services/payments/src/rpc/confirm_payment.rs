//! Begins an attempt to pay by card, and goes on to the next account when one surely did nothing.
//!
//! The attempt is stored and committed before its provider is called. Whoever dies in between, or hangs up, leaves an
//! attempt whose outcome is not known; the job asks for it under the attempt's own key.

use diesel::ExpressionMethods;
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::payments::v1 as pb;
use rpc::{Call, Fields};
use store::{Once, Tx};
use types::{AttemptId, PaymentAccountId, PaymentId};

use super::get_payment::find_visible;
use crate::error::{Error, Result};
use crate::model::account::{self, Account, Purpose};
use crate::model::attempt::Outcome;
use crate::model::payment::{Method, Payment};
use crate::model::payment_card::Route;
use crate::news::Turn;
use crate::providers::Buyer;
use crate::schema::payments as rows;
use crate::settlement;
use crate::{Payments, keeping, wire};

const METHOD: &str = "payments.confirm_payment";
/// Accounts that are tried for one confirmation.
const ACCOUNTS_TRIED_MAX: usize = 3;
const TOKEN_LENGTH_MAX: usize = 4096;
const URL_LENGTH_MAX: usize = 2048;
const CONTACT_LENGTH_MAX: usize = 254;
/// How long the providers of one confirmation may take together.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(40);

struct Wanted {
    id: PaymentId,
    account: Option<PaymentAccountId>,
    buyer: Buyer,
    contact: String,
    key: String,
}

pub async fn handle(
    payments: &Payments,
    call: &Call,
    request: pb::ConfirmPaymentRequest,
) -> Result<pb::Payment> {
    let wanted = parse(&request)?;
    let known = find_visible(payments, call, wanted.id).await?;
    if known.terms.method != Method::Card {
        return Err(Error::NotByCard);
    }
    let routes = routes(payments, &known, &wanted).await?;

    let attempt = AttemptId::new();
    let answer = match begin(payments, call, &request, &known, &wanted, &routes, attempt).await {
        // The buyer came back without paying there: what waits for him is released first.
        Err(Error::AttemptInProgress { attempt: waiting }) if waits_for_buyer(&known, waiting) => {
            abandon(payments, call, wanted.id, waiting).await?;
            begin(payments, call, &request, &known, &wanted, &routes, attempt).await?
        }
        answer => answer?,
    };
    if !answer.attempts.iter().any(|one| one.attempt_id == attempt.to_string()) {
        return Ok(answer); // A repeat: this is the first one's answer.
    }

    let scope = known.terms.shop_id.to_string();
    in_its_own_task(payments, call, move |payments, call| async move {
        let once = Once { scope: &scope, method: METHOD, key: &wanted.key };
        pursue(&payments, &call, &wanted, &routes, attempt, once).await
    })
    .await
}

/// Runs to its end although the caller may hang up: money moves.
pub async fn in_its_own_task<R, F, Fut>(payments: &Payments, call: &Call, task: F) -> Result<R>
where
    F: FnOnce(Payments, Call) -> Fut,
    Fut: Future<Output = Result<R>> + Send + 'static,
    R: Send + 'static,
{
    let running = tokio::spawn(task(payments.clone(), call.continued_by("payments", PATIENCE)));
    running.await.unwrap_or_else(|_panicked| {
        Err(store::Error::Unreachable("the provider's answer was not handled".into()).into())
    })
}

/// What a buyer's contact is sealed for.
pub fn contact_context(id: PaymentId) -> String {
    format!("receipt contact of {id}")
}

fn parse(request: &pb::ConfirmPaymentRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let id = fields.parse("payment_id", &request.payment_id);
    let account = fields.parse_optional("provider_account_id", &request.provider_account_id);
    let token = fields.text("payment_token", &request.payment_token, TOKEN_LENGTH_MAX);
    let return_url = fields.text("return_url", &request.return_url, URL_LENGTH_MAX);
    fields.check(is_web_page(&return_url), "return_url", "MALFORMED", "a full http or https URL");
    let contact = fields.text("receipt_contact", &request.receipt_contact, CONTACT_LENGTH_MAX);
    let key = fields.idempotency_key(&request.idempotency_key);
    let some = |text: String| (!text.is_empty()).then_some(text);
    let buyer = Buyer { token: some(token), return_url: some(return_url) };
    Ok(fields.finish_with(id.map(|id| Wanted { id, account, buyer, contact, key }))?)
}

fn is_web_page(url: &str) -> bool {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    url.is_empty() || host.is_some_and(|host| !host.is_empty() && url.is_ascii() && !url.contains(' '))
}

/// The accounts to try, in order; none when there is none. A named account is the only one; a token is of no use to
/// another kind of provider.
async fn routes(payments: &Payments, payment: &Payment, wanted: &Wanted) -> Result<Vec<Account>> {
    let mut connection = payments.store.connection().await?;
    let (shop, currency) = (payment.terms.shop_id, payment.amount.currency());
    if let Some(id) = wanted.account {
        let named = account::find(&mut connection, id).await?;
        let usable = named.filter(|account| {
            account.shop == shop
                && account.enabled
                && account.kind.purpose() == Purpose::Cards
                && account.takes(currency)
        });
        return Ok(usable.into_iter().collect());
    }
    let mut found = account::choices(&mut connection, shop, Purpose::Cards, currency).await?;
    if let ([first, ..], Some(_)) = (found.as_slice(), &wanted.buyer.token) {
        let kind = first.kind;
        found.retain(|account| account.kind == kind);
    }
    found.truncate(ACCOUNTS_TRIED_MAX);
    Ok(found)
}

/// Stores the attempt under the caller's key, and commits.
async fn begin(
    payments: &Payments,
    call: &Call,
    request: &pb::ConfirmPaymentRequest,
    known: &Payment,
    wanted: &Wanted,
    routes: &[Account],
    attempt: AttemptId,
) -> Result<pb::Payment> {
    let scope = known.terms.shop_id.to_string();
    let once = Once { scope: &scope, method: METHOD, key: &wanted.key };
    payments
        .store
        .once(call, once, request, async |tx: &mut Tx| {
            let first = routes.first().ok_or_else(|| nowhere(known, wanted))?;
            first.open(&payments.store)?; // What cannot be called is not begun.
            keep_contact(payments, tx, wanted).await?;
            let payment = store_attempt(payments, tx, wanted, first, attempt).await?;
            Ok(wire::payment(&payment))
        })
        .await
}

fn nowhere(payment: &Payment, wanted: &Wanted) -> Error {
    match wanted.account {
        Some(_) => Error::PaymentAccountNotFound,
        None => Error::NoPaymentAccount { currency: payment.amount.currency() },
    }
}

async fn store_attempt(
    payments: &Payments,
    tx: &mut Tx,
    wanted: &Wanted,
    account: &Account,
    attempt: AttemptId,
) -> Result<Payment> {
    let before = keeping::lock(tx, wanted.id).await?;

    let mut payment = before.clone();
    let route = Route { account: account.id, provider: account.kind.as_str(), automatic: account.automatic };
    let change = payment.attempt(attempt, route, tx.now())?;

    keeping::keep(tx, METHOD, &before, &payment, &change).await?;
    settlement::remember_buyer(payments, tx, attempt, &wanted.buyer).await?;
    Ok(payment)
}

async fn keep_contact(payments: &Payments, tx: &mut Tx, wanted: &Wanted) -> Result<()> {
    if wanted.contact.is_empty() {
        return Ok(());
    }
    let sealed = payments.store.seal(wanted.contact.as_bytes(), &contact_context(wanted.id));
    diesel::update(rows::table)
        .filter(rows::payment_id.eq(wanted.id.uuid()))
        .set(rows::contact_sealed.eq(sealed))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Calls the providers in turn until one has done something, and stores the answer of the key.
async fn pursue(
    payments: &Payments,
    call: &Call,
    wanted: &Wanted,
    routes: &[Account],
    attempt: AttemptId,
    once: Once<'_>,
) -> Result<pb::Payment> {
    let mut heard = settlement::settle_attempt(payments, call, attempt, Turn::First).await?;
    for next in routes.iter().skip(1) {
        if !heard.may_go_elsewhere || heard.payment.is_voided() {
            break;
        }
        let attempt = AttemptId::new();
        payments
            .store
            .transaction(call, async |tx: &mut Tx| store_attempt(payments, tx, wanted, next, attempt).await)
            .await?;
        heard = settlement::settle_attempt(payments, call, attempt, Turn::First).await?;
    }
    let answer = wire::payment(&heard.payment);
    let bytes = answer.encode_to_vec();
    payments
        .store
        .transaction(call, async |tx: &mut Tx| Ok::<_, Error>(tx.fulfil(once, &bytes).await?))
        .await?;
    Ok(answer)
}

fn waits_for_buyer(payment: &Payment, id: AttemptId) -> bool {
    payment.attempts.iter().any(|attempt| attempt.id == id && attempt.outcome == Outcome::RequiresAction)
}

async fn abandon(payments: &Payments, call: &Call, id: PaymentId, waiting: AttemptId) -> Result<()> {
    payments
        .store
        .transaction(call, async |tx: &mut Tx| {
            let before = keeping::lock(tx, id).await?;
            let mut payment = before.clone();
            let change = payment.abandon(tx.now())?;
            keeping::keep(tx, METHOD, &before, &payment, &change).await
        })
        .await?;
    in_its_own_task(payments, call, move |payments, call| async move {
        settlement::settle_attempt(&payments, &call, waiting, Turn::Later).await
    })
    .await?;
    Ok(())
}
