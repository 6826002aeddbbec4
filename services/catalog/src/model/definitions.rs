//! All definitions of characteristics: stored, and applied to what variants say.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rpc::{Fields, Invalid};
use serde_json::{Value, json};
use store::cached_sql;
use uuid::Uuid;

use super::characteristic::choices_as_json;
use crate::error::{Error, Result};
use crate::model::{
    Characteristic, CharacteristicDetails, Choice, ProductDetails, TypedValue, ValueKind, Variant, folded,
};

/// The definitions in force, by code.
#[derive(Debug, Clone, Default)]
pub(crate) struct Definitions(BTreeMap<String, CharacteristicDetails>);

/// Definitions of one installation.
const DEFINITIONS_MAX: usize = 1000;
/// Values that are indexed together.
const VALUES_MAX: usize = 5000;

type Row = (String, Value, String, String, Value, (bool, bool, bool), i64, DateTime<Utc>);
type Columns = (Text, Jsonb, Text, Text, Jsonb, (Bool, Bool, Bool), BigInt, Timestamptz);

impl Definitions {
    /// Those in force.
    pub(crate) async fn load(connection: &mut AsyncPgConnection) -> Result<Self> {
        let all = Characteristic::list(connection, false, None, i64::MAX).await?;
        Ok(Self(all.into_iter().map(|one| (one.details.code.clone(), one.details)).collect()))
    }

    /// Those in force until the transaction ends: a definition that comes meanwhile waits, and then sees every value.
    pub(crate) async fn hold(connection: &mut AsyncPgConnection) -> Result<Self> {
        cached_sql("SELECT pg_advisory_xact_lock_shared(7203)").execute(connection).await?;
        Self::load(connection).await
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, code: &str) -> Option<&CharacteristicDetails> {
        self.0.get(code)
    }

    /// Brings what variants newly say into the form of its definition; refuses what is none of it, and variants of one
    /// product that no axis tells apart.
    pub(crate) fn apply(
        &self,
        new: &mut ProductDetails,
        old: Option<&ProductDetails>,
    ) -> Result<(), Invalid> {
        let mut fields = Fields::new();
        for (at, variant) in new.variants.iter_mut().enumerate() {
            let before = old.and_then(|old| old.variants.iter().find(|known| known.sku == variant.sku));
            for (code, value) in &mut variant.characteristics {
                let Some(definition) = self.0.get(code) else { continue };
                // What was there before its definition does not stand in the way of other changes.
                if before.is_some_and(|before| before.characteristics.get(code) == Some(value)) {
                    continue;
                }
                match definition.read(value) {
                    Ok(typed) => *value = typed.text,
                    Err(problem) => {
                        fields.refuse(
                            format!("product.variants[{at}].characteristics.{code}"),
                            "MALFORMED",
                            problem,
                        );
                    }
                }
            }
        }
        if let Some(at) = self.first_twin(new, old) {
            let problem = format!("another variant has the same {}", self.axes().join(", "));
            fields.refuse(format!("product.variants[{at}].characteristics"), "AXIS_TWIN", problem);
        }
        fields.finish()
    }

    /// The first variant on sale that says the same on every axis as one before it; nothing when no axis is used, or when
    /// it was so before.
    pub(crate) fn first_twin(&self, new: &ProductDetails, old: Option<&ProductDetails>) -> Option<usize> {
        let axes = self.axes();
        let places = |details: &ProductDetails| -> Vec<Option<Vec<Option<String>>>> {
            let place = |variant: &Variant| {
                let says = |axis: &&str| variant.characteristics.get(*axis).cloned();
                (!variant.archived).then(|| axes.iter().map(says).collect::<Vec<_>>())
            };
            details.variants.iter().map(place).collect()
        };
        let places_now = places(new);
        let used = places_now.iter().flatten().flatten().any(Option::is_some);
        if !used || old.is_some_and(|old| places(old) == places_now) {
            return None;
        }
        let mut seen = HashSet::new();
        places_now.iter().position(|place| place.as_ref().is_some_and(|place| !seen.insert(place)))
    }

    fn axes(&self) -> Vec<&str> {
        let axes = self.0.values().filter(|definition| definition.variant_axis);
        axes.map(|definition| definition.code.as_str()).collect()
    }

    /// What a file says, by code where it is defined; the name of what cannot be understood is the error.
    pub(crate) fn understand(
        &self,
        said: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, (String, String)> {
        let understood = said.iter().map(|(name, value)| {
            match self.0.values().find(|definition| definition.is_called(name)) {
                Some(definition) => match definition.understand(value) {
                    Ok(typed) => Ok((definition.code.clone(), typed.text)),
                    Err(problem) => Err((name.clone(), problem)),
                },
                None => Ok((name.clone(), value.clone())),
            }
        });
        understood.collect()
    }

    /// The values of a variant that are defined.
    fn values<'a>(&'a self, variant: &'a Variant) -> impl Iterator<Item = (&'a str, TypedValue)> {
        variant.characteristics.iter().filter_map(|(code, value)| {
            let definition = self.0.get(code)?;
            Some((definition.code.as_str(), definition.read(value).ok()?))
        })
    }

    /// Writes the values of variants, which are stored.
    pub(crate) async fn index(
        &self,
        connection: &mut AsyncPgConnection,
        variants: &[&Variant],
    ) -> Result<()> {
        if self.is_empty() || variants.is_empty() {
            return Ok(());
        }
        cached_sql("DELETE FROM variant_values WHERE variant_id = ANY($1)")
            .bind::<Array<SqlUuid>, _>(variants.iter().map(|variant| variant.id.uuid()).collect::<Vec<_>>())
            .execute(connection)
            .await?;
        let values = variants.iter().flat_map(|variant| {
            self.values(variant).map(|(code, value)| (variant.id.uuid(), code.to_owned(), value))
        });
        insert_values(connection, &values.collect::<Vec<_>>()).await
    }
}

impl Characteristic {
    /// One definition, locked until the transaction ends; no variant is written meanwhile.
    pub(crate) async fn lock(connection: &mut AsyncPgConnection, code: &str) -> Result<Option<Self>> {
        lock_definitions(connection).await?;
        Ok(Self::load(connection, &[code]).await?.pop())
    }

    /// Refuses a code that is defined, a name that another definition has, and too many definitions.
    pub(crate) async fn refuse_taken(&self, connection: &mut AsyncPgConnection) -> Result<()> {
        lock_definitions(connection).await?;
        let own = &self.details;
        let is_new = self.version == 1;
        if is_new && !Self::load(connection, &[&own.code]).await?.is_empty() {
            return Err(Error::CharacteristicExists(own.code.clone()));
        }
        let others = Definitions::load(connection).await?.0;
        if is_new && others.len() >= DEFINITIONS_MAX {
            let problem = format!("at most {DEFINITIONS_MAX} characteristics");
            return Err(Invalid::field("characteristic.code", "TOO_MANY", problem).into());
        }
        let others: HashMap<String, &str> = others
            .values()
            .filter(|other| other.code != own.code)
            .flat_map(|other| other.names.values().map(|name| (folded(name), other.code.as_str())))
            .collect();
        for (language, name) in &own.names {
            if let Some(other) = others.get(&folded(name)).filter(|_| !own.archived) {
                let problem = format!("the characteristic {other} is called so");
                return Err(
                    Invalid::field(format!("characteristic.names.{language}"), "DUPLICATE", problem).into()
                );
            }
        }
        Ok(())
    }

    /// Definitions after a code.
    pub(crate) async fn list(
        connection: &mut AsyncPgConnection,
        include_archived: bool,
        after: Option<String>,
        limit: i64,
    ) -> Result<Vec<Self>> {
        let rows: Vec<Row> = cached_sql(
            "SELECT code, names, type, unit, choices, filterable, variant_axis, archived, version, create_time
             FROM characteristics WHERE ($1 OR NOT archived) AND code > $2 ORDER BY code LIMIT $3",
        )
        .bind::<Bool, _>(include_archived)
        .bind::<Text, _>(after.unwrap_or_default())
        .bind::<BigInt, _>(limit)
        .returns::<Columns>()
        .load(connection)
        .await?;
        rows.into_iter().map(Self::of).collect()
    }

    async fn load(connection: &mut AsyncPgConnection, codes: &[&str]) -> Result<Vec<Self>> {
        let rows: Vec<Row> = cached_sql(
            "SELECT code, names, type, unit, choices, filterable, variant_axis, archived, version, create_time
             FROM characteristics WHERE code = ANY($1)",
        )
        .bind::<Array<Text>, _>(codes)
        .returns::<Columns>()
        .load(connection)
        .await?;
        rows.into_iter().map(Self::of).collect()
    }

    pub(crate) async fn insert(&self, connection: &mut AsyncPgConnection) -> Result<()> {
        self.save(connection, self.create_time).await
    }

    pub(crate) async fn save(&self, connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<()> {
        let details = &self.details;
        cached_sql(
            "INSERT INTO characteristics (code, names, type, unit, choices, filterable, variant_axis, archived, version,
                                          create_time, update_time)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT (code) DO UPDATE SET names = excluded.names, unit = excluded.unit, choices = excluded.choices,
                filterable = excluded.filterable, variant_axis = excluded.variant_axis, archived = excluded.archived,
                version = excluded.version, update_time = excluded.update_time",
        )
        .bind::<Text, _>(&details.code)
        .bind::<Jsonb, _>(json!(details.names))
        .bind::<Text, _>(details.kind.code())
        .bind::<Text, _>(&details.unit)
        .bind::<Jsonb, _>(choices_as_json(&details.choices))
        .bind::<Bool, _>(details.filterable)
        .bind::<Bool, _>(details.variant_axis)
        .bind::<Bool, _>(details.archived)
        .bind::<BigInt, _>(self.version)
        .bind::<Timestamptz, _>(self.create_time)
        .bind::<Timestamptz, _>(now)
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Indexes what variants say already, as the definition, which is stored, understands it now.
    pub(crate) async fn index_values(&self, connection: &mut AsyncPgConnection) -> Result<()> {
        let details = &self.details;
        cached_sql("DELETE FROM variant_values WHERE code = $1")
            .bind::<Text, _>(&details.code)
            .execute(connection)
            .await?;
        if details.archived {
            return Ok(());
        }
        let said: Vec<(Uuid, String)> = cached_sql(
            "SELECT variant_id, characteristics ->> $1 FROM variants WHERE characteristics ->> $1 IS NOT NULL",
        )
        .bind::<Text, _>(&details.code)
        .returns::<(SqlUuid, Text)>()
        .load(connection)
        .await?;
        let read = |(id, value): (Uuid, String)| Some((id, details.code.clone(), details.read(&value).ok()?));
        let values: Vec<(Uuid, String, TypedValue)> = said.into_iter().filter_map(read).collect();
        for values in values.chunks(VALUES_MAX) {
            insert_values(connection, values).await?;
        }
        Ok(())
    }

    fn of(row: Row) -> Result<Self> {
        let (code, names, kind, unit, choices, (filterable, variant_axis, archived), version, create_time) =
            row;
        let corrupt = || store::Error::Corrupt(format!("characteristic {code}"));
        let choice = |entry: &Value| {
            let code = entry["code"].as_str().ok_or_else(corrupt)?.to_owned();
            let names = serde_json::from_value(entry["names"].clone()).map_err(|_| corrupt())?;
            Ok::<_, store::Error>(Choice { code, names })
        };
        let choices = choices.as_array().ok_or_else(corrupt)?.iter().map(choice).collect::<Result<_, _>>()?;
        let kind = ValueKind::ALL.into_iter().find(|known| known.code() == kind).ok_or_else(corrupt)?;
        let names = serde_json::from_value(names).map_err(|_| corrupt())?;
        let details =
            CharacteristicDetails { code, names, kind, unit, choices, filterable, variant_axis, archived };
        Ok(Self { details, version, create_time })
    }
}

/// Makes this transaction the only one that changes definitions, and waits for those that write variants by them.
async fn lock_definitions(connection: &mut AsyncPgConnection) -> Result<()> {
    cached_sql("SELECT pg_advisory_xact_lock(7203)").execute(connection).await?;
    Ok(())
}

async fn insert_values(
    connection: &mut AsyncPgConnection,
    values: &[(Uuid, String, TypedValue)],
) -> Result<()> {
    if values.is_empty() {
        return Ok(());
    }
    cached_sql(
        "INSERT INTO variant_values (variant_id, code, value, millionths) SELECT * FROM unnest($1, $2, $3, $4)",
    )
    .bind::<Array<SqlUuid>, _>(values.iter().map(|one| one.0).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(values.iter().map(|one| one.1.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(values.iter().map(|one| one.2.text.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<BigInt>>, _>(values.iter().map(|one| one.2.millionths).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}
