//! The one organisation of the installation.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use store::Error;
use types::{Currency, OrganizationId};
use uuid::Uuid;

use crate::model::Fact;
use crate::schema::organization;

/// The organisation.
#[derive(Debug, Clone)]
pub(crate) struct Organization {
    pub(crate) id: OrganizationId,
    pub(crate) details: OrganizationDetails,
    pub(crate) version: i64,
}

/// What a caller may set.
#[derive(Debug, Clone)]
pub(crate) struct OrganizationDetails {
    pub(crate) name: String,
    pub(crate) base_currency: Currency,
}

impl OrganizationDetails {
    pub(crate) const FIELDS: [&str; 2] = ["name", "base_currency_code"];

    pub(crate) fn facts(&self) -> [Fact; 2] {
        [("name", json!(self.name)), ("base_currency_code", json!(self.base_currency.code()))]
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = organization, check_for_backend(diesel::pg::Pg))]
struct Row {
    organization_id: Uuid,
    name: String,
    base_currency: String,
    version: i64,
}

impl TryFrom<Row> for Organization {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let base_currency =
            row.base_currency.parse().map_err(|_| Error::Corrupt("a base currency".to_owned()))?;
        Ok(Self {
            id: OrganizationId::from_uuid(row.organization_id),
            details: OrganizationDetails { name: row.name, base_currency },
            version: row.version,
        })
    }
}

impl Organization {
    pub(crate) async fn load(connection: &mut AsyncPgConnection) -> Result<Self, Error> {
        let row: Row = organization::table.select(Row::as_select()).first(connection).await?;
        row.try_into()
    }

    pub(crate) async fn lock(connection: &mut AsyncPgConnection) -> Result<Self, Error> {
        let row: Row = organization::table.select(Row::as_select()).for_update().first(connection).await?;
        row.try_into()
    }

    pub(crate) async fn save(&self, connection: &mut AsyncPgConnection) -> Result<(), Error> {
        diesel::update(organization::table)
            .set((
                organization::name.eq(&self.details.name),
                organization::base_currency.eq(self.details.base_currency.code()),
                organization::version.eq(self.version),
            ))
            .execute(connection)
            .await?;
        Ok(())
    }
}
