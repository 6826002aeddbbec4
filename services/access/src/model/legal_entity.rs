//! A company or sole trader that sells.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use types::LegalEntityId;
use uuid::Uuid;

use crate::model::Fact;
use crate::schema::legal_entities;

/// A legal entity.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = legal_entities, check_for_backend(diesel::pg::Pg))]
pub(crate) struct LegalEntity {
    legal_entity_id: Uuid,
    pub(crate) name: String,
    pub(crate) tax_id: String,
    pub(crate) bank_details: String,
    version: i64,
    pub(crate) create_time: DateTime<Utc>,
}

impl LegalEntity {
    pub(crate) fn new(
        name: String,
        tax_id: String,
        bank_details: String,
        create_time: DateTime<Utc>,
    ) -> Self {
        let legal_entity_id = LegalEntityId::new().uuid();
        Self { legal_entity_id, name, tax_id, bank_details, version: 1, create_time }
    }

    pub(crate) fn id(&self) -> LegalEntityId {
        LegalEntityId::from_uuid(self.legal_entity_id)
    }

    pub(crate) fn facts(&self) -> [Fact; 3] {
        [
            ("name", json!(self.name)),
            ("tax_id", json!(self.tax_id)),
            ("bank_details", json!(self.bank_details)),
        ]
    }

    pub(crate) async fn exists(connection: &mut AsyncPgConnection, id: LegalEntityId) -> QueryResult<bool> {
        diesel::select(diesel::dsl::exists(legal_entities::table.find(id.uuid())))
            .get_result(connection)
            .await
    }

    pub(crate) async fn insert(&self, connection: &mut AsyncPgConnection) -> QueryResult<()> {
        diesel::insert_into(legal_entities::table).values(self).execute(connection).await?;
        Ok(())
    }
}
