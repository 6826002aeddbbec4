//! A buyer's token opens what is that buyer's, for as long as it says, in the installation that made it.

use std::time::Duration;

use chrono::DurationRound as _;
use chrono::TimeDelta;
use proptest::prelude::*;
use proto::api::v1::{Access, Criticality, Idempotency};
use rpc::buyer_token::PREFIX;
use rpc::{Actor, BUYER_SCOPE, Buyer, BuyerTokenError, BuyerTokens, Caller, CallerKeys, MethodPolicy, Shops};
use types::{Clock, CustomerId, KeyId, ShopId};
use uuid::Uuid;

const SECRET: [u8; 32] = *b"one secret of an installation..!";

fn buyer(clock: &Clock, life: Duration) -> Buyer {
    let expire_time = clock.now() + life;
    let expire_time = expire_time.duration_trunc(TimeDelta::seconds(1)).expect("a time of today");
    Buyer { shop: ShopId::new(), customer: CustomerId::new(), expire_time }
}

#[test]
fn a_token_says_who_where_and_until_when() {
    let clock = Clock::system();
    let issuer = BuyerTokens::new(&CallerKeys::new(SECRET), clock.clone());
    let verifier = BuyerTokens::new(&CallerKeys::new(SECRET), clock.clone());
    let buyer = buyer(&clock, Duration::from_secs(600));
    let token = issuer.issue(&buyer);

    assert!(token.starts_with("kbt_") && token.len() < 120, "{token}");
    assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{token}");
    assert_eq!(verifier.verify(&token), Ok(buyer));
    let caller = buyer.caller();
    assert_eq!(caller.actor.to_string(), format!("buyer:{}", buyer.customer));
    assert_eq!(caller.actor.to_string().parse(), Ok(caller.actor.clone()));
    assert_eq!(
        (caller.shops.single(), caller.as_buyer()),
        (Some(buyer.shop), Some((buyer.customer, buyer.shop)))
    );
    assert_eq!(caller.scopes, [BUYER_SCOPE]);
}

#[test]
fn an_expired_token_is_refused_from_its_second_on() {
    let clock = Clock::system();
    let tokens = BuyerTokens::new(&CallerKeys::new(SECRET), clock.clone());
    let buyer = buyer(&clock, Duration::from_secs(60));
    let token = tokens.issue(&buyer);
    let left = (buyer.expire_time - clock.now()).to_std().expect("the future");

    clock.advance(left - Duration::from_millis(500));
    assert_eq!(tokens.verify(&token), Ok(buyer));
    clock.advance(Duration::from_millis(500));
    assert_eq!(tokens.verify(&token), Err(BuyerTokenError::Expired));
}

#[test]
fn a_forged_or_altered_token_is_refused() {
    let clock = Clock::system();
    let tokens = BuyerTokens::new(&CallerKeys::new(SECRET), clock.clone());
    let token = tokens.issue(&buyer(&clock, Duration::from_secs(60)));
    for at in 0..token.len() {
        for letter in [b'A', b'z', b'_', b'='] {
            let mut altered = token.clone().into_bytes();
            if altered[at] == letter {
                continue;
            }
            altered[at] = letter;
            let altered = String::from_utf8(altered).expect("ASCII");
            assert_eq!(tokens.verify(&altered), Err(BuyerTokenError::Forged), "letter {at}: {altered}");
        }
    }
    for length in 0..token.len() {
        assert_eq!(tokens.verify(&token[..length]), Err(BuyerTokenError::Forged), "{length} letters");
    }
    for longer in [format!("{token}A"), format!("{token}AAAA"), format!("{token}="), format!(" {token}")] {
        assert_eq!(tokens.verify(&longer), Err(BuyerTokenError::Forged), "{longer}");
    }
}

#[test]
fn another_installation_is_not_believed() {
    let clock = Clock::system();
    let theirs = BuyerTokens::new(&CallerKeys::random(), clock.clone());
    let token = theirs.issue(&buyer(&clock, Duration::from_secs(60)));
    let ours = BuyerTokens::new(&CallerKeys::new(SECRET), clock);
    assert_eq!(ours.verify(&token), Err(BuyerTokenError::Forged));
}

#[test]
fn a_statement_between_services_is_no_token_and_a_token_no_statement() {
    let clock = Clock::system();
    let keys = CallerKeys::new(SECRET);
    let tokens = BuyerTokens::new(&keys, clock.clone());
    let statement = keys.sign(&Caller::operator("olga"), "gateway", "orders");
    assert_eq!(tokens.verify(&format!("{PREFIX}{statement}")), Err(BuyerTokenError::Forged));
    let token = tokens.issue(&buyer(&clock, Duration::from_secs(60)));
    assert!(keys.verify(&token, "orders").is_err());
}

#[test]
fn each_kind_of_caller_gets_through_its_own_doors() {
    let key = |scopes: &[&str]| Caller {
        actor: Actor::Key(KeyId::new()),
        on_behalf_of: None,
        shops: Shops::All,
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
    };
    let buyer = Caller::buyer(CustomerId::new(), ShopId::new());
    let greedy_buyer = Caller { scopes: vec!["*".to_owned()], ..buyer.clone() };
    let outcome = |access: Access, scope: &str, caller: &Caller| {
        policy(access, scope).admit(caller).map_err(|fault| fault.reason())
    };

    assert_eq!(outcome(Access::Buyer, BUYER_SCOPE, &buyer), Ok(()));
    assert_eq!(outcome(Access::Buyer, BUYER_SCOPE, &Caller::service("orders")), Ok(()));
    assert_eq!(outcome(Access::Key, "orders.read", &key(&["orders.read"])), Ok(()));
    // Whatever it holds, a key is no buyer and a buyer no key.
    assert_eq!(outcome(Access::Buyer, BUYER_SCOPE, &key(&[BUYER_SCOPE, "*"])), Err("BUYER_METHOD"));
    for caller in [&buyer, &greedy_buyer] {
        assert_eq!(outcome(Access::Key, "orders.read", caller), Err("KEY_METHOD"));
        assert_eq!(outcome(Access::Internal, "", caller), Err("INTERNAL_METHOD"));
        assert_eq!(outcome(Access::Unspecified, "", caller), Err("INTERNAL_METHOD"));
    }
    assert_eq!(outcome(Access::Buyer, "buyer.write", &buyer), Err("SCOPE_MISSING"));
    assert!(!rpc::known_scopes().contains(BUYER_SCOPE), "no key can be given the scope of buyers");
}

fn policy(access: Access, scope: &str) -> MethodPolicy {
    MethodPolicy {
        operation: "orders.get_buyer_order",
        service: "korob.orders.v1.BuyerService",
        method: "GetBuyerOrder",
        access,
        scope: scope.to_owned(),
        idempotency: Idempotency::Read,
        audited: false,
        client_streams: false,
        criticality: Criticality::Normal,
        deadline_max: Duration::from_secs(5),
        no_http_reason: String::new(),
    }
}

proptest! {
    #[test]
    fn every_buyer_reads_back(shop: u128, customer: u128, seconds in 1_i64..200_000_000_000) {
        let tokens = BuyerTokens::new(&CallerKeys::new(SECRET), Clock::system());
        let expire_time = Clock::system().now().duration_trunc(TimeDelta::seconds(1)).expect("today");
        let buyer = Buyer {
            shop: ShopId::from_uuid(Uuid::from_u128(shop)),
            customer: CustomerId::from_uuid(Uuid::from_u128(customer)),
            expire_time: expire_time + TimeDelta::seconds(seconds + 1),
        };
        prop_assert_eq!(tokens.verify(&tokens.issue(&buyer)), Ok(buyer));
    }

    #[test]
    fn no_text_is_a_token_by_accident(text in "\\PC{0,200}", letters in "[A-Za-z0-9_-]{0,120}") {
        let tokens = BuyerTokens::new(&CallerKeys::new(SECRET), Clock::system());
        prop_assert_eq!(tokens.verify(&text), Err(BuyerTokenError::Forged));
        prop_assert_eq!(tokens.verify(&format!("{PREFIX}{letters}")), Err(BuyerTokenError::Forged));
    }
}
