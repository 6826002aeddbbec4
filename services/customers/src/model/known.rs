//! What is known of the contacts of some sightings: whose they are, and who has seen their owners.

use std::collections::{HashMap, HashSet};

use diesel::QueryResult;
use diesel::sql_types::{Array, Bool, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::cached_sql;
use types::{CustomerId, ShopId};
use uuid::Uuid;

use crate::model::{Identity, Sighting};

/// The cards that contacts lead to.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) owners: HashMap<Identity, CustomerId>,
    /// Cards without a name.
    pub(crate) unnamed: HashSet<CustomerId>,
    /// Which shop has seen which person.
    pub(crate) links: HashSet<(CustomerId, ShopId)>,
}

type Row = (String, String, Uuid, bool, Vec<Uuid>);

impl Known {
    /// One cached statement, however many sightings.
    pub(crate) async fn load(
        connection: &mut AsyncPgConnection,
        sightings: &[Sighting],
    ) -> QueryResult<Self> {
        let identities: Vec<Identity> = sightings.iter().flat_map(Sighting::identities).collect();
        let rows: Vec<Row> = cached_sql(
            "SELECT i.kind, i.value, i.customer_id, c.name = '',
                    ARRAY(SELECT s.shop_id FROM customer_shops s
                          WHERE s.customer_id = i.customer_id AND s.shop_id = ANY($3))
             FROM unnest($1, $2) AS seen (kind, value)
             JOIN customer_identities i ON i.kind = seen.kind AND i.value = seen.value
             JOIN customers c ON c.customer_id = i.customer_id",
        )
        .bind::<Array<Text>, _>(identities.iter().map(Identity::kind).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(identities.iter().map(Identity::value).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(sightings.iter().map(|sighting| sighting.shop.uuid()).collect::<Vec<_>>())
        .returns::<(Text, Text, SqlUuid, Bool, Array<SqlUuid>)>()
        .load(connection)
        .await?;
        Ok(Self::of(&identities, &rows))
    }

    fn of(identities: &[Identity], rows: &[Row]) -> Self {
        let mut known = Self::default();
        let mut owner_of: HashMap<(&str, &str), CustomerId> = HashMap::new();
        for (kind, value, card, unnamed, shops) in rows {
            let card = CustomerId::from_uuid(*card);
            owner_of.insert((kind, value), card);
            known.links.extend(shops.iter().map(|shop| (card, ShopId::from_uuid(*shop))));
            if *unnamed {
                known.unnamed.insert(card);
            }
        }
        let owned = identities.iter().filter_map(|identity| {
            let owner = owner_of.get(&(identity.kind(), identity.value()))?;
            Some((identity.clone(), *owner))
        });
        known.owners.extend(owned);
        known
    }
}
