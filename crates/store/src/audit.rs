//! Rows of history: who, what, when, old and new.

use std::io::Write as _;

use diesel::pg::Pg;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Text;
use rpc::Call;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// One mutation of one resource, written with the transaction that made it.
#[derive(Debug, Clone)]
pub struct Audit {
    action: &'static str,
    resource_id: String,
    shop_id: Option<Uuid>,
    changes: Changes,
    personal: Vec<PersonalValue>,
}

#[derive(Debug, Clone)]
pub(crate) struct PersonalValue {
    pub(crate) person_id: String,
    pub(crate) digest: String,
    pub(crate) value: String,
}

pub(crate) struct AuditRow {
    pub(crate) actor: String,
    pub(crate) action: &'static str,
    pub(crate) resource_id: String,
    pub(crate) shop_id: Option<Uuid>,
    pub(crate) changes: Changes,
    pub(crate) trace_id: String,
    pub(crate) personal: Vec<PersonalValue>,
}

impl Audit {
    /// `action` is the operation, such as `orders.cancel_order`; `resource_id` what it changed.
    pub fn new(action: &'static str, resource_id: impl ToString) -> Self {
        Self {
            action,
            resource_id: resource_id.to_string(),
            shop_id: None,
            changes: Changes::default(),
            personal: Vec::new(),
        }
    }

    /// The shop the resource belongs to.
    #[must_use]
    pub fn shop(mut self, shop_id: Uuid) -> Self {
        self.shop_id = Some(shop_id);
        self
    }

    /// A field before and after; the same value twice is left out.
    #[must_use]
    pub fn change<T: Serialize>(mut self, field: &str, old: T, new: T) -> Self {
        let (old, new) = (json!(old), json!(new));
        if old != new {
            self.changes.push(field, &old, &new);
        }
        self
    }

    /// A field that was set when the resource was made.
    #[must_use]
    pub fn set<T: Serialize>(mut self, field: &str, new: T) -> Self {
        self.changes.push(field, &Value::Null, &new);
        self
    }

    /// A personal field before and after: the row keeps digests, the values go to a side table keyed by the person, so
    /// that erasing the person leaves the fact.
    #[must_use]
    pub fn personal(mut self, person_id: &str, field: &str, old: &str, new: &str) -> Self {
        if old != new {
            let (old, new) = (self.digest(person_id, old), self.digest(person_id, new));
            self.changes.push(field, &old, &new);
        }
        self
    }

    fn digest(&mut self, person_id: &str, value: &str) -> Value {
        if value.is_empty() {
            return Value::Null;
        }
        // The person's id salts the digest: the same phone on two cards has two digests.
        let hash = Sha256::new().chain_update(person_id).chain_update([0]).chain_update(value).finalize();
        let digest =
            format!("sha256:{}", hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>());
        let person_id = person_id.to_owned();
        self.personal.push(PersonalValue { person_id, digest: digest.clone(), value: value.to_owned() });
        Value::String(digest)
    }

    pub(crate) fn into_row(self, call: &Call) -> AuditRow {
        AuditRow {
            actor: call.caller.who(),
            action: self.action,
            resource_id: self.resource_id,
            shop_id: self.shop_id,
            changes: self.changes,
            trace_id: call.trace.trace_id(),
            personal: self.personal,
        }
    }
}

/// `{"field":…,"old":…,"new":…}` for each field, with commas between: written as JSON at once, because every change of anything is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes(Vec<u8>);

#[derive(Serialize)]
struct Change<'c, O, N> {
    field: &'c str,
    old: &'c O,
    new: &'c N,
}

impl Changes {
    #[allow(clippy::expect_used)]
    fn push<O: Serialize, N: Serialize>(&mut self, field: &str, old: &O, new: &N) {
        if !self.0.is_empty() {
            self.0.push(b',');
        }
        serde_json::to_writer(&mut self.0, &Change { field, old, new }).expect("a field's value is JSON");
    }
}

impl ToSql<Text, Pg> for Changes {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(b"[")?;
        out.write_all(&self.0)?;
        out.write_all(b"]")?;
        Ok(IsNull::No)
    }
}
