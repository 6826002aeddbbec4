//! Reads what several verbs take about an order: buyer, delivery, sums.

use proto::orders::v1 as pb;
use rpc::Fields;
use types::{DeliveryMethodId, Money};

use crate::model::buyer::{Address, Buyer};
use crate::model::order::Delivery;
use crate::model::origin::PaymentMethod;

/// Who holds it may say what things cost: a marketplace has sold already.
pub(super) const SCOPE_PRICE: &str = "orders.price";

pub(super) const LINE_NAME_LENGTH_MAX: usize = 500;
pub(super) const COMMENT_LENGTH_MAX: usize = rpc::TEXT_LENGTH_MAX;
const NAME_LENGTH_MAX: usize = 200;
const PHONE_LENGTH_MAX: usize = 40;
const EMAIL_LENGTH_MAX: usize = 254;
const ADDRESS_LENGTH_MAX: usize = 300;

/// Who buys; somebody who may price need not say whom to call.
pub(super) fn buyer(
    fields: &mut Fields,
    contact: Option<&pb::Contact>,
    comment: &str,
    may_price: bool,
) -> Buyer {
    let nobody = pb::Contact::default();
    let contact = contact.unwrap_or(&nobody);
    let buyer = Buyer {
        name: fields.text("contact.name", &contact.name, NAME_LENGTH_MAX),
        phone: fields.text("contact.phone", contact.phone.trim(), PHONE_LENGTH_MAX),
        email: fields.text("contact.email", contact.email.trim(), EMAIL_LENGTH_MAX),
        comment: fields.text("comment", comment, COMMENT_LENGTH_MAX),
    };
    let reachable = buyer.is_identifiable() || may_price;
    fields.check(reachable, "contact", "REQUIRED", "a phone or an e-mail is required");
    let is_email = buyer.email.is_empty()
        || buyer.email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    fields.check(is_email, "contact.email", "MALFORMED", "expected an e-mail such as name@example.com");
    buyer
}

/// How it is delivered, and for how much when it was sold already.
pub(super) fn delivery(
    fields: &mut Fields,
    delivery: Option<&pb::NewDelivery>,
    may_price: bool,
) -> Option<(Delivery, Option<Money>)> {
    let delivery = delivery?;
    let method_id: Option<DeliveryMethodId> =
        fields.parse("delivery.delivery_method_id", &delivery.delivery_method_id);
    let address = delivery.address.as_ref().map(|given| address(fields, given));
    let price = amount(fields, "delivery.price", delivery.price.as_ref());
    if delivery.price.is_some() {
        check_scope(fields, "delivery.price", may_price);
    }
    let delivery =
        Delivery { method_id: method_id?, method_name: String::new(), address, price_fixed: price.is_some() };
    Some((delivery, price))
}

/// Where to.
pub(super) fn address(fields: &mut Fields, given: &proto::r#type::v1::Address) -> Address {
    let code = given.country_code.as_str();
    let is_code = code.is_empty() || (code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()));
    fields.check(is_code, "delivery.address.country_code", "MALFORMED", "two capital letters such as UA");
    let mut text =
        |name: &str, text: &str| fields.text(&format!("delivery.address.{name}"), text, ADDRESS_LENGTH_MAX);
    Address {
        country_code: code.to_owned(),
        region: text("region", &given.region),
        city: text("city", &given.city),
        postal_code: text("postal_code", &given.postal_code),
        line: text("line", &given.line),
        pickup_point_code: text("pickup_point_code", &given.pickup_point_code),
        comment: text("comment", &given.comment),
    }
}

/// How it is paid.
pub(super) fn payment_method(fields: &mut Fields, name: &str) -> PaymentMethod {
    fields.parse_optional("payment_method", name).unwrap_or(PaymentMethod::CashOnDelivery)
}

/// A sum that is not negative.
pub(super) fn amount(
    fields: &mut Fields,
    field: &str,
    money: Option<&proto::r#type::v1::Money>,
) -> Option<Money> {
    let money = fields.money_optional(field, money)?;
    fields.check(!money.is_negative(), field, "OUT_OF_RANGE", "must not be negative");
    Some(money)
}

/// Refuses a price from somebody who may not set it.
pub(super) fn check_scope(fields: &mut Fields, field: &str, may_price: bool) {
    fields.check(may_price, field, "PRICE_NOT_ALLOWED", "the scope orders.price is needed to set it");
}
