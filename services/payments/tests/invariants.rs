//! Whatever happens to an intent, in whatever order, the sums and the books stay right.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use korob_payments::Error;
use korob_payments::model::attempt::{ChargeStatus, Outcome, Report};
use korob_payments::model::change::Change;
use korob_payments::model::ledger::{Account, Posting};
use korob_payments::model::payment::{Method, Movement, Opened, Payment, Terms};
use korob_payments::model::payment_card::Route;
use korob_payments::model::payment_state::State;
use korob_payments::model::refund::{RefundReport, RefundState, RefundStatus};
use proptest::prelude::*;
use types::{AttemptId, Clock, Money, OrderId, PaymentAccountId, PaymentId, ShopId};

#[derive(Debug, Clone)]
enum Step {
    Record(i64),
    Refund(i64),
    Change(i64),
    Attempt(bool),
    Abandon,
    Capture(i64),
    RefuseCapture,
    /// What the provider says of one of the attempts, in any order.
    Report(usize, Told),
    ReportRefund(usize, RefundStatus),
    Void,
}

#[derive(Debug, Clone)]
enum Told {
    Processing,
    RequiresAction,
    Authorized,
    /// This much of the attempt's amount.
    Captured(i64),
    Failed,
    Released,
}

fn step() -> impl Strategy<Value = Step> {
    let told = prop_oneof![
        1 => Just(Told::Processing),
        1 => Just(Told::RequiresAction),
        3 => Just(Told::Authorized),
        4 => prop_oneof![Just(i64::MAX), 1_i64..200].prop_map(Told::Captured),
        1 => Just(Told::Failed),
        1 => Just(Told::Released),
    ];
    let refund = prop_oneof![
        1 => Just(RefundStatus::Pending),
        3 => Just(RefundStatus::Succeeded),
        1 => Just(RefundStatus::Failed { code: "no".to_owned() }),
    ];
    prop_oneof![
        4 => (1_i64..80).prop_map(Step::Record),
        4 => (1_i64..80).prop_map(Step::Refund),
        3 => (0_i64..250).prop_map(Step::Change),
        5 => any::<bool>().prop_map(Step::Attempt),
        1 => Just(Step::Abandon),
        3 => prop_oneof![Just(0_i64), 1_i64..200].prop_map(Step::Capture),
        1 => Just(Step::RefuseCapture),
        10 => (0_usize..4, told).prop_map(|(at, told)| Step::Report(at, told)),
        5 => (0_usize..6, refund).prop_map(|(at, status)| Step::ReportRefund(at, status)),
        1 => Just(Step::Void),
    ]
}

/// Debits minus credits of each account.
#[derive(Default)]
struct Books(BTreeMap<Account, i64>);

impl Books {
    fn post(&mut self, postings: &[Posting]) {
        for posting in postings {
            assert!(posting.amount.minor() > 0, "nothing is not posted");
            *self.0.entry(posting.debit).or_default() += posting.amount.minor();
            *self.0.entry(posting.credit).or_default() -= posting.amount.minor();
        }
    }

    fn of(&self, account: Account) -> i64 {
        self.0.get(&account).copied().unwrap_or_default()
    }
}

fn movement(amount: Money) -> Movement {
    Movement { amount, note: String::new(), lines: Vec::new() }
}

fn opened(method: Method, amount: Money, now: DateTime<Utc>) -> (Payment, Vec<Posting>) {
    let terms = Terms {
        payment_id: PaymentId::new(),
        order_id: OrderId::new(),
        shop_id: ShopId::new(),
        legal_entity_id: None,
        method,
        amount,
    };
    Payment::open(terms, Opened { instructions: String::new(), lines: Vec::new() }, now)
}

fn take(payment: &mut Payment, step: Step, now: DateTime<Utc>) -> Option<Result<Change, Error>> {
    let money = |minor: i64| Money::new(payment.amount.currency(), minor);
    Some(match step {
        Step::Record(minor) => payment.record(movement(money(minor)), now),
        Step::Refund(minor) => payment.refund(movement(money(minor)), now),
        Step::Change(minor) => {
            let (revision, amount) = (payment.amount_revision + 1, money(minor));
            payment.change_amount(revision, amount, Vec::new(), now)
        }
        Step::Attempt(automatic) => {
            let route = Route { account: PaymentAccountId::new(), provider: "korob_card", automatic };
            payment.attempt(AttemptId::new(), route, now)
        }
        Step::Abandon => payment.abandon(now),
        Step::Capture(minor) => payment.capture((minor > 0).then_some(money(minor)), now),
        Step::RefuseCapture => {
            let id = payment.attempts.last()?.id;
            Ok(payment.refuse_capture(id, "no", now))
        }
        Step::Report(at, told) => {
            let attempt = payment.attempts.get(at)?;
            let status = match told {
                Told::Processing => ChargeStatus::Processing,
                Told::RequiresAction => {
                    ChargeStatus::RequiresAction { redirect_url: "https://bank.example/".to_owned() }
                }
                Told::Authorized => ChargeStatus::Authorized,
                Told::Captured(minor) => ChargeStatus::Captured(money(minor.min(attempt.amount.minor()))),
                Told::Failed => ChargeStatus::Failed { code: "declined".to_owned() },
                Told::Released => ChargeStatus::Released,
            };
            let (id, report) = (attempt.id, Report { reference: "chg_1".to_owned(), status });
            payment.follow(id, &report, now)
        }
        Step::ReportRefund(at, status) => {
            let id = payment.refunds.get(at)?.id;
            payment.follow_refund(id, &RefundReport { reference: "crf_1".to_owned(), status }, now)
        }
        Step::Void if payment.is_voided() => return None,
        Step::Void => payment.void("cancelled", now),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn sums_and_books_agree(amount in 0_i64..200, currency in prop_oneof!["JPY", "KWD", "EUR"],
                            method in prop_oneof![1 => Just(Method::BankTransfer), 3 => Just(Method::Card)],
                            steps in prop::collection::vec(step(), 0..60)) {
        let currency = currency.parse().expect("a currency");
        let now = Clock::system().now();
        let (mut payment, postings) = opened(method, Money::new(currency, amount), now);
        let mut books = Books::default();
        books.post(&postings);

        for step in steps {
            let before = payment.clone();
            match take(&mut payment, step, now) {
                None => continue,
                Some(Ok(change)) => {
                    books.post(&change.postings);
                    prop_assert_eq!(payment.version - before.version, change.told.len() as i64);
                    prop_assert!(change.postings.is_empty() || !change.told.is_empty(), "told when booked");
                }
                Some(Err(Error::Store(error))) => prop_assert!(false, "unexpected: {error}"),
                Some(Err(_refused)) => prop_assert_eq!(&payment, &before, "a refusal changes nothing"),
            }
            check(&payment, &books)?;
        }
    }

    /// However often and in whatever order a provider tells the states of one charge, the end is that of the last one.
    #[test]
    fn reports_in_any_order_end_alike(mut at in prop::collection::vec(0_usize..4, 0..12), automatic: bool) {
        at.push(3);
        let now = Clock::system().now();
        let amount = Money::new("EUR".parse().expect("a currency"), 10_000);
        let (mut payment, _) = opened(Method::Card, amount, now);
        let id = AttemptId::new();
        let route = Route { account: PaymentAccountId::new(), provider: "korob_card", automatic };
        payment.attempt(id, route, now).expect("begins");
        let way = [
            ChargeStatus::RequiresAction { redirect_url: "https://bank.example/".to_owned() },
            ChargeStatus::Processing,
            ChargeStatus::Authorized,
            ChargeStatus::Captured(amount),
        ];
        let mut recorded = 0;
        for at in at {
            let report = Report { reference: "chg_1".to_owned(), status: way[at].clone() };
            let change = payment.follow(id, &report, now).expect("follows");
            recorded += change.receipts.len();
        }
        prop_assert_eq!(recorded, 1, "captured once");
        prop_assert_eq!((payment.state, payment.captured), (State::Succeeded, amount));
    }
}

/// Nothing is due for a moment, so what is reserved is to be released. Until that is sure nobody is asked to pay anew.
#[test]
fn an_amount_that_comes_back_waits_for_the_attempt_that_is_released() {
    let now = Clock::system().now();
    let amount = Money::new("EUR".parse().expect("a currency"), 10_000);
    let (mut payment, _) = opened(Method::Card, amount, now);
    let id = AttemptId::new();
    let route = Route { account: PaymentAccountId::new(), provider: "korob_card", automatic: false };
    payment.attempt(id, route, now).expect("begins");
    let told = |status| Report { reference: "chg_1".to_owned(), status };
    payment.follow(id, &told(ChargeStatus::Authorized), now).expect("follows");
    for (revision, minor, state) in [(1, 0, State::Succeeded), (2, 5_000, State::Authorized)] {
        let changed = Money::new(amount.currency(), minor);
        payment.change_amount(revision, changed, Vec::new(), now).expect("changes");
        assert_eq!(payment.state, state, "{changed:?}");
    }
    assert!(matches!(payment.capture(None, now), Err(Error::NotAuthorized)), "it is being released");
    payment.follow(id, &told(ChargeStatus::Released), now).expect("follows");
    assert_eq!(payment.state, State::RequiresPayment);
}

fn check(payment: &Payment, books: &Books) -> Result<(), TestCaseError> {
    let sum = |amounts: &mut dyn Iterator<Item = i64>| amounts.sum::<i64>();
    let (amount, captured, refunded) =
        (payment.amount.minor(), payment.captured.minor(), payment.refunded.minor());
    prop_assert!(0 <= refunded && refunded <= captured && captured <= amount);
    if payment.terms.method == Method::Card {
        prop_assert!(captured <= payment.authorized.minor());
        let succeeded = payment.attempts.iter().filter(|attempt| attempt.outcome == Outcome::Succeeded);
        prop_assert!(succeeded.count() <= 1, "captured at most once");
        prop_assert!(payment.attempts.iter().filter(|attempt| attempt.is_live()).count() <= 1);
    }
    prop_assert_eq!(captured, sum(&mut payment.attempts.iter().map(|attempt| attempt.captured.minor())));
    let counted =
        payment.refunds.iter().filter(|refund| !refund.surplus && refund.state != RefundState::Failed);
    prop_assert_eq!(refunded, sum(&mut counted.map(|refund| refund.amount.minor())));

    let voided = payment.is_voided();
    prop_assert_eq!(books.of(Account::Receivable), if voided { 0 } else { amount - captured });
    prop_assert_eq!(books.of(Account::Revenue), if voided { 0 } else { refunded - amount });
    let waiting = payment.refunds.iter().filter(|refund| refund.state == RefundState::Pending);
    let owed_back = sum(&mut waiting.map(|refund| refund.amount.minor()));
    prop_assert_eq!(books.of(Account::RefundsPayable), -owed_back);
    prop_assert_eq!(books.of(Account::Bank) + books.of(Account::Acquirer), captured - refunded + owed_back);
    prop_assert_eq!(books.0.values().sum::<i64>(), 0);

    let live = payment.live_attempt().map(|attempt| attempt.outcome);
    let expected = match payment.state {
        State::Canceled => captured == refunded,
        State::Succeeded => captured == amount,
        State::PartiallyPaid => 0 < captured && captured < amount,
        State::RequiresPayment => captured == 0 && live.is_none(),
        State::RequiresAction => live == Some(Outcome::RequiresAction),
        State::Processing => matches!(live, Some(Outcome::Unknown | Outcome::Processing)),
        State::Authorized => live == Some(Outcome::Authorized),
    };
    prop_assert!(expected, "{:?} with {:?}", payment.state, live);
    Ok(())
}
