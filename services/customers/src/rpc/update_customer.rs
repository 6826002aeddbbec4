//! Changes a card by hand: its name, note, phones or e-mails.

mod contacts;

use ::rpc::{Call, Fields, Invalid, TEXT_LENGTH_MAX};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use proto::customers::v1 as pb;
use store::{Audit, Tx};
use types::CustomerId;

use crate::error::{Error, Result};
use crate::model::{Card, Country, Email, Etag, Identity, Phone, name_words};
use crate::schema::customers;
use crate::{Customers, wire};

const METHOD: &str = "customers.update_customer";
const FIELDS: [&str; 4] = ["name", "phones", "emails", "note"];
const NAME_LENGTH_MAX: usize = 200;
const CONTACTS_MAX: usize = 20;

/// What is wanted of a card; `None` stays as it is.
struct Wanted {
    id: CustomerId,
    etag: Etag,
    name: Option<String>,
    note: Option<String>,
    phones: Option<Vec<Identity>>,
    emails: Option<Vec<Identity>>,
}

pub(crate) async fn handle(
    customers: &Customers,
    call: &Call,
    request: pb::UpdateCustomerRequest,
) -> Result<pb::Customer> {
    let country = customers.shop_countries.of_caller(call).await;
    let wanted = Wanted::parse(request, country)?;

    let card = customers.store.transaction(call, async |tx: &mut Tx| {
        let shops = call.caller.shops.filter();
        let card = Card::lock(tx.conn(), wanted.id, shops.clone()).await?;
        let old = card.ok_or(Error::CustomerNotFound(wanted.id))?;

        let mut new = wanted.applied_to(old.clone());
        let changed_fields = changed_fields(&old, &new);
        if changed_fields.is_empty() {
            return Ok(old);
        }
        wanted.etag.check(old.version)?;
        new.version += 1;

        save(tx, &new).await?;
        for (field, identities) in [("phones", &wanted.phones), ("emails", &wanted.emails)] {
            if let Some(identities) =
                identities.as_ref().filter(|_| changed_fields.iter().any(|name| name == field))
            {
                contacts::replace(tx, new.id, field, identities, shops.clone()).await?;
            }
        }

        tx.audit(audit(&old, &new));
        events::append(
            tx,
            new.id,
            new.version,
            None,
            &pb::CustomerChanged { customer_id: new.id.into(), changed_fields },
        );
        Ok::<_, Error>(new)
    });
    Ok(wire::customer(card.await?))
}

impl Wanted {
    fn parse(request: pb::UpdateCustomerRequest, country: Option<Country>) -> Result<Self, Invalid> {
        let mut fields = Fields::new();
        let mask = fields.update_mask(request.update_mask.as_ref(), &FIELDS);
        let Some(customer) = fields.present("customer", request.customer) else {
            return fields.finish_with(None);
        };
        let masked = |field: &str| mask.contains(&field);
        let id = fields.parse("customer.customer_id", &customer.customer_id);
        let etag = Etag::parse(&mut fields, "customer.etag", &customer.etag);
        let name =
            masked("name").then(|| fields.text("customer.name", customer.name.trim(), NAME_LENGTH_MAX));
        let note = masked("note").then(|| fields.text("customer.note", &customer.note, TEXT_LENGTH_MAX));
        let phone = |text: &str| Phone::read(text, country).map(Identity::Phone);
        let email = |text: &str| Email::read(text).map(Identity::Email);
        let phones = masked("phones")
            .then(|| contacts(&mut fields, "customer.phones", "PHONE_UNREADABLE", &customer.phones, phone));
        let emails = masked("emails")
            .then(|| contacts(&mut fields, "customer.emails", "EMAIL_UNREADABLE", &customer.emails, email));
        let parts = id.zip(etag);
        fields.finish_with(parts.map(|(id, etag)| Self { id, etag, name, note, phones, emails }))
    }

    fn applied_to(&self, mut card: Card) -> Card {
        let values = |identities: &Vec<Identity>| {
            identities.iter().map(|identity| identity.value().to_owned()).collect()
        };
        card.name = self.name.clone().unwrap_or(card.name);
        card.note = self.note.clone().unwrap_or(card.note);
        card.phones = self.phones.as_ref().map_or(card.phones, values);
        card.emails = self.emails.as_ref().map_or(card.emails, values);
        card
    }
}

/// Readable contacts, each once, in the caller's order.
fn contacts(
    fields: &mut Fields,
    field: &str,
    reason: &'static str,
    texts: &[String],
    read: impl Fn(&str) -> Option<Identity>,
) -> Vec<Identity> {
    if texts.len() > CONTACTS_MAX {
        fields.list_length(field, texts.len(), CONTACTS_MAX);
        return Vec::new();
    }
    let mut identities = Vec::with_capacity(texts.len());
    for (at, text) in texts.iter().enumerate() {
        match read(text) {
            Some(identity) if identities.contains(&identity) => {
                fields.refuse(format!("{field}[{at}]"), "DUPLICATE", "is named twice");
            }
            Some(identity) => identities.push(identity),
            None => fields.refuse(format!("{field}[{at}]"), reason, "cannot be read"),
        }
    }
    identities
}

fn changed_fields(old: &Card, new: &Card) -> Vec<String> {
    let changed = [
        ("name", old.name != new.name),
        ("phones", old.phones != new.phones),
        ("emails", old.emails != new.emails),
        ("note", old.note != new.note),
    ];
    changed.into_iter().filter(|(_, changed)| *changed).map(|(field, _)| field.to_owned()).collect()
}

async fn save(tx: &mut Tx, card: &Card) -> Result<()> {
    diesel::update(customers::table.find(card.id.uuid()))
        .set((
            customers::name.eq(&card.name),
            customers::name_words.eq(name_words(&card.name)),
            customers::note.eq(&card.note),
            customers::version.eq(card.version),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

fn audit(old: &Card, new: &Card) -> Audit {
    let person = new.id.to_string();
    Audit::new(METHOD, new.id)
        .personal(&person, "name", &old.name, &new.name)
        .personal(&person, "phones", &old.phones.join(", "), &new.phones.join(", "))
        .personal(&person, "emails", &old.emails.join(", "), &new.emails.join(", "))
        .personal(&person, "note", &old.note, &new.note)
}
