//! What buyers are told, and what a provider decides.

use korob_payments::model::ledger::Account;
use korob_payments::model::payment::{Method, Outcome, Payout, Terms};
use korob_payments::model::payment_state::State;
use korob_payments::providers::{BankAccount, Providers, Settings, Transfer};
use types::{LegalEntityId, Money, OrderId, PaymentId, ShopId};

fn terms(method: Method) -> Terms {
    Terms {
        payment_id: PaymentId::new(),
        order_id: OrderId::new(),
        shop_id: ShopId::new(),
        legal_entity_id: Some(LegalEntityId::new()),
        method,
        amount: Money::new("UAH".parse().expect("a currency"), 12_345),
    }
}

fn account(number: &str) -> BankAccount {
    BankAccount {
        beneficiary: "Shop Ltd".to_owned(),
        number: number.to_owned(),
        bank: "First Bank".to_owned(),
    }
}

#[tokio::test]
async fn a_transfer_names_the_account_of_the_legal_entity() {
    let terms = terms(Method::BankTransfer);
    let mut settings = Settings::default();
    settings.bank_transfer.account = account("UA00");
    let opened = Providers::new(settings.clone()).of(terms.method).open(&terms).await;
    assert_eq!(opened.state, State::RequiresPayment);
    let reference = terms.order_id;
    let told = format!(
        "Amount: 123.45 UAH\nBeneficiary: Shop Ltd\nAccount: UA00\nBank: First Bank\nReference: {reference}"
    );
    assert_eq!(opened.instructions, told);

    let entity = terms.legal_entity_id.expect("an entity").to_string();
    settings.bank_transfer.accounts.insert(entity, account("UA11"));
    let opened = Providers::new(settings).of(terms.method).open(&terms).await;
    assert!(opened.instructions.contains("UA11"));
}

#[tokio::test]
async fn without_an_account_the_seller_sends_it() {
    let terms = terms(Method::BankTransfer);
    let opened = Providers::new(Settings::default()).of(terms.method).open(&terms).await;
    assert!(opened.instructions.starts_with("Transfer 123.45 UAH; the seller sends the bank details."));
}

#[tokio::test]
async fn cash_and_transfers_are_recorded_by_people() {
    let providers = Providers::new(Settings::default());
    for (method, account) in
        [(Method::CashOnDelivery, Account::CashOnDelivery), (Method::BankTransfer, Account::Bank)]
    {
        let (provider, terms) = (providers.of(method), terms(method));
        let transfer = Transfer { terms: &terms, amount: terms.amount, idempotency_key: "k" };
        assert!(provider.recorded_by_hand());
        assert_eq!(provider.account(), account);
        assert_eq!(provider.capture(transfer).await, Outcome::Succeeded);
        assert_eq!(provider.refund(transfer).await, Payout::Done);
    }
}
