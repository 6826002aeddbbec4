//! Lists cards, newest first, by phone, e-mail or words of the name.

use ::rpc::{Call, Fields};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use prost::Message;
use proto::customers::v1 as pb;
use store::Page;
use uuid::Uuid;

use crate::error::Result;
use crate::model::{Card, Country, Email, Identity, Phone, name_words};
use crate::schema::{customer_identities, customer_shops, customers};
use crate::{Customers, wire};

const TEXT_LENGTH_MAX: usize = 200;

/// Which cards are asked for.
struct Filter {
    identities: Vec<Identity>,
    words: Vec<String>,
    shops: Option<Vec<Uuid>>,
}

pub(crate) async fn handle(
    customers: &Customers,
    call: &Call,
    request: pb::ListCustomersRequest,
) -> Result<pb::ListCustomersResponse> {
    let country = customers.shop_countries.of_caller(call).await;
    let filter = Filter::parse(&request, country, call)?;
    let unpaged = pb::ListCustomersRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let page =
        Page::parse(&customers.store, request.page_size, &request.page_token, &unpaged.encode_to_vec())?;

    let mut connection = customers.store.connection().await?;
    let ids = filter.select(&mut connection, page.after, page.limit()).await?;
    let (ids, next_page_token) = page.cut(&customers.store, ids, |id| *id);
    let cards = Card::load(&mut connection, &ids, filter.shops).await?;

    Ok(pb::ListCustomersResponse {
        customers: cards.into_iter().map(wire::customer).collect(),
        next_page_token,
    })
}

impl Filter {
    fn parse(request: &pb::ListCustomersRequest, country: Option<Country>, call: &Call) -> Result<Self> {
        let mut fields = Fields::new();
        let mut identities = Vec::new();
        fields.text("phone", &request.phone, TEXT_LENGTH_MAX);
        if !request.phone.trim().is_empty() {
            match Phone::read(&request.phone, country) {
                Some(phone) => identities.push(Identity::Phone(phone)),
                None => fields.refuse("phone", "PHONE_UNREADABLE", "not a phone number"),
            }
        }
        fields.text("email", &request.email, TEXT_LENGTH_MAX);
        if !request.email.trim().is_empty() {
            match Email::read(&request.email) {
                Some(email) => identities.push(Identity::Email(email)),
                None => fields.refuse("email", "EMAIL_UNREADABLE", "not an e-mail address"),
            }
        }
        let words = name_words(&fields.text("text", &request.text, TEXT_LENGTH_MAX));
        fields.finish()?;
        Ok(Self { identities, words, shops: call.caller.shops.filter() })
    }

    async fn select(
        &self,
        connection: &mut AsyncPgConnection,
        before: Option<Uuid>,
        limit: i64,
    ) -> QueryResult<Vec<Uuid>> {
        let mut query = customers::table
            .select(customers::customer_id)
            .order(customers::customer_id.desc())
            .limit(limit)
            .into_boxed();
        if let Some(before) = before {
            query = query.filter(customers::customer_id.lt(before));
        }
        for identity in &self.identities {
            let owner = customer_identities::table.find((identity.kind(), identity.value()));
            query =
                query.filter(customers::customer_id.eq_any(owner.select(customer_identities::customer_id)));
        }
        if !self.words.is_empty() {
            query = query.filter(customers::name_words.contains(&self.words));
        }
        if let Some(shops) = &self.shops {
            let seen = customer_shops::table
                .filter(customer_shops::customer_id.eq(customers::customer_id))
                .filter(customer_shops::shop_id.eq_any(shops));
            query = query.filter(exists(seen));
        }
        query.load(connection).await
    }
}
