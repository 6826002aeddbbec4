//! Finds the card of a phone or e-mail, or makes exactly one.
//!
//! Asked for every order: concurrent calls share their statements. Most buyers are known: then one statement is all, and
//! nothing is written.

mod batch;

use ::rpc::{Call, Fields, Invalid};
use proto::customers::v1 as pb;
use types::{CustomerId, ShopId};

use crate::Customers;
use crate::error::Result;
use crate::model::{Country, Email, Phone, Sighting};

pub(crate) use batch::{Identifier, identifier};

const NAME_LENGTH_MAX: usize = 200;
/// Enough for a phone with a remark; what is longer is no contact.
const CONTACT_LENGTH_MAX: usize = 400;

/// Which card a person has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identified {
    pub(crate) card: CustomerId,
    pub(crate) created: bool,
}

struct Seen {
    shop: ShopId,
    name: String,
    phone: String,
    email: String,
    country: Option<Country>,
}

pub(crate) async fn handle(
    customers: &Customers,
    call: &Call,
    request: pb::IdentifyCustomerRequest,
) -> Result<pb::IdentifyCustomerResponse> {
    let seen = Seen::parse(request)?;
    let country = match seen.country {
        Some(country) => Some(country),
        None => customers.shop_countries.of(call, seen.shop).await,
    };
    let phone = Phone::read(&seen.phone, country);
    let email = Email::read(&seen.email);
    let phone_unreadable = phone.is_none() && !seen.phone.is_empty();
    let email_unreadable = email.is_none() && !seen.email.is_empty();
    if phone.is_none() && email.is_none() {
        return Err(
            Invalid::field("phone", "CONTACT_REQUIRED", "a readable phone or e-mail is required").into()
        );
    }
    let sighting = Sighting { call: call.clone(), shop: seen.shop, name: seen.name, phone, email };

    let identified = customers.identifier.submit(sighting).await?;

    Ok(pb::IdentifyCustomerResponse {
        customer_id: identified.card.into(),
        created: identified.created,
        phone_unreadable,
        email_unreadable,
    })
}

impl Seen {
    fn parse(request: pb::IdentifyCustomerRequest) -> Result<Self, Invalid> {
        let mut fields = Fields::new();
        let shop = fields.parse("shop_id", &request.shop_id);
        let name = fields.text("name", request.name.trim(), NAME_LENGTH_MAX);
        let phone = fields.text("phone", request.phone.trim(), CONTACT_LENGTH_MAX);
        let email = fields.text("email", request.email.trim(), CONTACT_LENGTH_MAX);
        let code = request.country_code;
        let shaped =
            code.is_empty() || code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_uppercase());
        fields.check(
            shaped,
            "country_code",
            "MALFORMED",
            "two capital letters of ISO 3166-1, such as \"UA\"",
        );
        let country = Country::of_code(&code);
        fields.finish_with(shop.map(|shop| Self { shop, name, phone, email, country }))
    }
}
