//! Whatever happens to an intent, in whatever order, the sums and the books stay right.

use std::collections::BTreeMap;

use korob_payments::Error;
use korob_payments::model::ledger::{Account, Posting};
use korob_payments::model::payment::{Method, Movement, Opened, Outcome, Payment, Payout, Terms};
use korob_payments::model::payment_state::State;
use proptest::prelude::*;
use types::{Clock, Money, OrderId, PaymentId, ShopId};

#[derive(Debug, Clone)]
enum Step {
    Record(i64, Outcome),
    Refund(i64, Payout),
    Void,
}

fn step() -> impl Strategy<Value = Step> {
    let outcome =
        prop_oneof![3 => Just(Outcome::Succeeded), 1 => Just(Outcome::Failed), 1 => Just(Outcome::Unknown)];
    prop_oneof![
        5 => (1_i64..80, outcome).prop_map(|(amount, outcome)| Step::Record(amount, outcome)),
        5 => (1_i64..80, prop_oneof![Just(Payout::Done), Just(Payout::Later)])
            .prop_map(|(amount, payout)| Step::Refund(amount, payout)),
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

fn movement(money: Money) -> Movement {
    Movement { amount: money, account: Account::Bank, provider: "bank-transfer", note: String::new() }
}

proptest! {
    #[test]
    fn sums_and_books_agree(amount in 0_i64..200, currency in prop_oneof!["JPY", "KWD", "EUR"],
                            steps in prop::collection::vec(step(), 0..40)) {
        let currency = currency.parse().expect("a currency");
        let now = Clock::system().now();
        let terms = Terms {
            payment_id: PaymentId::new(),
            order_id: OrderId::new(),
            shop_id: ShopId::new(),
            legal_entity_id: None,
            method: Method::BankTransfer,
            amount: Money::new(currency, amount),
        };
        let opened = Opened { state: State::RequiresPayment, instructions: String::new() };
        let (mut payment, postings) = Payment::open(terms, opened, now);
        let mut books = Books::default();
        books.post(&postings);
        let mut owed_back = 0;

        for step in steps {
            let before = payment.clone();
            let answer = match step {
                Step::Record(minor, outcome) => payment.record(movement(Money::new(currency, minor)), outcome, now),
                Step::Refund(minor, payout) => {
                    let answer = payment.refund(movement(Money::new(currency, minor)), payout, now);
                    if answer.is_ok() && payout == Payout::Later {
                        owed_back += minor;
                    }
                    answer
                }
                Step::Void if payment.is_voided() => continue,
                Step::Void => {
                    let rest = payment.refundable().expect("refundable");
                    if !rest.is_zero() {
                        books.post(&payment.refund(movement(rest), Payout::Done, now).expect("refunds the rest"));
                    }
                    payment.void()
                }
            };
            match answer {
                Ok(postings) => {
                    books.post(&postings);
                    prop_assert!(payment.version > before.version);
                }
                Err(Error::AmountExceedsDue { .. } | Error::RefundExceedsCaptured { .. } | Error::PaymentVoided) => {
                    prop_assert_eq!(&payment, &before, "a refusal changes nothing");
                }
                Err(other) => prop_assert!(false, "unexpected: {other}"),
            }
            check(&payment, &books, owed_back)?;
        }
    }
}

fn check(payment: &Payment, books: &Books, owed_back: i64) -> Result<(), TestCaseError> {
    let (amount, captured, refunded) =
        (payment.terms.amount.minor(), payment.captured.minor(), payment.refunded.minor());
    prop_assert!(0 <= refunded && refunded <= captured && captured <= amount);
    let succeeded = payment.attempts.iter().filter(|attempt| attempt.outcome == Outcome::Succeeded);
    prop_assert_eq!(captured, succeeded.map(|attempt| attempt.amount.minor()).sum::<i64>());
    prop_assert_eq!(refunded, payment.refunds.iter().map(|refund| refund.amount.minor()).sum::<i64>());

    let voided = payment.is_voided();
    prop_assert_eq!(books.of(Account::Receivable), if voided { 0 } else { amount - captured });
    prop_assert_eq!(books.of(Account::Revenue), if voided { 0 } else { refunded - amount });
    prop_assert_eq!(books.of(Account::RefundsPayable), -owed_back);
    prop_assert_eq!(books.of(Account::Bank), captured - refunded + owed_back);
    prop_assert_eq!(books.0.values().sum::<i64>(), 0);

    let expected = match payment.state {
        State::Canceled => captured == refunded,
        State::Succeeded => captured == amount,
        State::PartiallyPaid => 0 < captured && captured < amount,
        State::RequiresPayment => captured == 0,
        State::RequiresAction | State::Processing => false,
    };
    prop_assert!(expected, "{:?}", payment.state);
    Ok(())
}
