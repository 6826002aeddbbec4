//! What buyers are told, and whom a signature or a network proves.

use std::collections::BTreeMap;
use std::net::IpAddr;

use chrono::TimeDelta;
use hmac::{Hmac, Mac};
use korob_payments::model::account::{Access, Kind};
use korob_payments::model::payment::{Method, Terms};
use korob_payments::providers::{
    BankAccount, Providers, Settings, Trouble, Untrusted, Webhook, peer, stripe,
};
use sha2::Sha256;
use types::{Clock, LegalEntityId, Money, OrderId, PaymentId, ShopId};

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

fn providers(settings: Settings) -> Providers {
    Providers::new(
        settings,
        outbound::Client::new(outbound::Reach::with(&["127.0.0.0/8"])).expect("a client"),
    )
}

#[test]
fn a_transfer_names_the_account_of_the_legal_entity() {
    let terms = terms(Method::BankTransfer);
    let mut settings = Settings::default();
    settings.bank_transfer.account = account("UA00");
    let told = providers(settings.clone()).instructions(&terms);
    let reference = terms.order_id;
    let expected = format!(
        "Amount: 123.45 UAH\nBeneficiary: Shop Ltd\nAccount: UA00\nBank: First Bank\nReference: {reference}"
    );
    assert_eq!(told, expected);

    let entity = terms.legal_entity_id.expect("an entity").to_string();
    settings.bank_transfer.accounts.insert(entity, account("UA11"));
    assert!(providers(settings).instructions(&terms).contains("UA11"));
}

#[test]
fn without_an_account_the_seller_sends_it() {
    let told = providers(Settings::default()).instructions(&terms(Method::BankTransfer));
    assert!(told.starts_with("Transfer 123.45 UAH; the seller sends the bank details."));
}

#[test]
fn only_cards_go_through_a_provider() {
    assert!(Method::CashOnDelivery.by_hand().is_some() && Method::BankTransfer.by_hand().is_some());
    assert!(Method::Card.by_hand().is_none());
    assert_eq!(providers(Settings::default()).instructions(&terms(Method::Card)), "");
}

#[test]
fn stripe_counts_each_currency_in_its_own_way() {
    let money = |amount: &str, currency: &str| {
        Money::parse(amount, currency.parse().expect("a currency")).expect("an amount")
    };
    for (amount, currency, units) in [
        ("10.40", "EUR", 1040),
        ("500", "JPY", 500),
        ("500", "ISK", 50_000),
        ("500", "UGX", 50_000),
        ("1.230", "KWD", 1230),
        ("7.00", "MGA", 7),
    ] {
        let amount = money(amount, currency);
        assert_eq!(stripe::units(amount), Ok(units), "{amount}");
        assert_eq!(stripe::amount_of(units, amount.currency()), Some(amount), "{amount}");
    }
    let refused = Err(Trouble::Refused { code: "amount_too_fine".to_owned() });
    assert_eq!(stripe::units(money("1.234", "KWD")), refused);
    assert_eq!(stripe::units(money("7.50", "MGA")), refused);
    assert_eq!(stripe::amount_of(50_050, "ISK".parse().expect("a currency")), None);
}

#[test]
fn a_signature_proves_the_body_for_five_minutes() {
    let now = Clock::system().now();
    let sign = |secret: &str, time: i64, body: &str| {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(secret.as_bytes()).expect("a key");
        mac.update(format!("{time}.{body}").as_bytes());
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let providers = providers(Settings::default());
    let access = Access::to("http://nobody", &[("webhook_secret", "s3cret")], &[]);
    let check = |kind: Kind, headers: &[(&str, String)], body: &str| {
        let headers: BTreeMap<String, String> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let webhook = Webhook { headers: &headers, body: body.as_bytes(), peer: None };
        providers.of(kind).expect("a provider").verify(&access, &webhook, now)
    };
    let time = now.timestamp();
    let stripe = |time: i64, signature: String| {
        vec![("stripe-signature", format!("t={time},v1=00ff,v1={signature},v0=x"))]
    };
    assert_eq!(check(Kind::Stripe, &stripe(time, sign("s3cret", time, "{}")), "{}"), Ok(()));
    assert_eq!(check(Kind::Stripe, &stripe(time, sign("s3cret", time, "{}")), "{ }"), Err(Untrusted));
    assert_eq!(check(Kind::Stripe, &stripe(time, sign("other", time, "{}")), "{}"), Err(Untrusted));
    for (distance, expected) in [(299, Ok(())), (301, Err(Untrusted)), (-301, Err(Untrusted))] {
        let time = (now - TimeDelta::seconds(distance)).timestamp();
        assert_eq!(
            check(Kind::Stripe, &stripe(time, sign("s3cret", time, "{}")), "{}"),
            expected,
            "{distance}"
        );
    }
    let card = |signature: &str| {
        vec![("card-timestamp", time.to_string()), ("card-signature", format!("v1={signature}"))]
    };
    assert_eq!(check(Kind::KorobCard, &card(&sign("s3cret", time, "{}")), "{}"), Ok(()));
    assert_eq!(check(Kind::KorobCard, &card("not hexadecimal"), "{}"), Err(Untrusted));
    assert_eq!(check(Kind::KorobCard, &[], "{}"), Err(Untrusted));
}

#[test]
fn without_a_secret_nothing_is_proved() {
    let access = Access::to("http://nobody", &[], &[]);
    let now = Clock::system().now();
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(b"").expect("a key");
    mac.update(format!("{}.{{}}", now.timestamp()).as_bytes());
    let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let header = format!("t={},v1={signature}", now.timestamp());
    let headers = BTreeMap::from([("stripe-signature".to_owned(), header)]);
    let webhook = Webhook { headers: &headers, body: b"{}", peer: None };
    let providers = providers(Settings::default());
    let stripe = providers.of(Kind::Stripe).expect("a provider");
    assert_eq!(stripe.verify(&access, &webhook, now), Err(Untrusted));
}

#[test]
fn unsigned_webhooks_come_from_known_networks_only() {
    let check = |peer: Option<&str>, settings: &[(&str, &str)]| {
        let access = Access::to("http://nobody", &[], settings);
        let peer = peer.map(|peer| peer.parse::<IpAddr>().expect("an address"));
        let webhook = Webhook { headers: &BTreeMap::new(), body: b"{}", peer };
        let providers = providers(Settings::default());
        providers.of(Kind::Yookassa).expect("a provider").verify(&access, &webhook, Clock::system().now())
    };
    for known in ["185.71.76.1", "77.75.153.127", "77.75.156.35", "2a02:5180::7", "::ffff:185.71.76.1"] {
        assert_eq!(check(Some(known), &[]), Ok(()), "{known}");
    }
    for foreign in ["185.71.76.32", "77.75.153.128", "127.0.0.1", "2a02:5181::7"] {
        assert_eq!(check(Some(foreign), &[]), Err(Untrusted), "{foreign}");
    }
    assert_eq!(check(None, &[]), Err(Untrusted));
    assert_eq!(check(Some("127.0.0.1"), &[("webhook_networks", "127.0.0.0/8")]), Ok(()));
    assert_eq!(check(Some("185.71.76.1"), &[("webhook_networks", "127.0.0.0/8")]), Err(Untrusted));
}

#[test]
fn networks_that_cannot_be_read_hold_nobody() {
    let peer: IpAddr = "10.0.0.1".parse().expect("an address");
    for networks in ["", "10.0.0.0/33", "10.0.0.0/-1", "ten", "::/0"] {
        assert!(!peer::is_within(peer, networks), "{networks}");
    }
    assert!(peer::is_within(peer, "nonsense, 0.0.0.0/0"));
}
