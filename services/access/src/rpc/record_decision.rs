//! Writes down what an operator decided about something that cannot be true.

use ::rpc::{Call, Fields};
use diesel::OptionalExtension;
use diesel::sql_types::{Jsonb, Text};
use diesel_async::RunQueryDsl;
use proto::access::v1 as pb;
use serde_json::Value;
use store::{Audit, Tx, cached_sql};

use crate::Access;
use crate::error::{Error, Result};

/// `korob check` knows decisions by it.
const METHOD: &str = "access.record_decision";

const CHECK_LENGTH_MAX: usize = 100;
const SUBJECT_LENGTH_MAX: usize = 500;
const TEXT_LENGTH_MAX: usize = 1000;

pub(crate) async fn handle(
    access: &Access,
    call: &Call,
    request: pb::RecordDecisionRequest,
) -> Result<pb::RecordDecisionResponse> {
    let mut fields = Fields::new();
    let check = fields.required_text("check", &request.check, CHECK_LENGTH_MAX);
    let subject = fields.required_text("subject", &request.subject, SUBJECT_LENGTH_MAX);
    let expected = fields.text("expected", &request.expected, TEXT_LENGTH_MAX);
    let found = fields.text("found", &request.found, TEXT_LENGTH_MAX);
    let note = fields.required_text("note", &request.note, TEXT_LENGTH_MAX);
    fields.finish()?;

    let resource_id = format!("{check} {subject}");
    let changes = [("expected", expected), ("found", found), ("note", note)];
    let decided = access.store.transaction(call, async |tx: &mut Tx| {
        let audit = changes
            .iter()
            .fold(Audit::new(METHOD, &resource_id), |audit, (field, value)| audit.set(field, value));
        // A repeat of the newest decision says nothing new.
        if last_values(tx, &resource_id).await?.as_deref()
            == Some(&changes.each_ref().map(|(_, value)| value.clone()))
        {
            return Ok(());
        }
        tx.audit(audit);
        Ok::<_, Error>(())
    });
    decided.await?;
    Ok(pb::RecordDecisionResponse {})
}

/// What the newest decision about it says, in the order in which it was written.
async fn last_values(tx: &mut Tx, resource_id: &str) -> Result<Option<Vec<String>>> {
    let last: Option<(Value,)> = cached_sql(
        "SELECT changes::jsonb FROM audit_log WHERE resource_id = $1 AND action = $2 ORDER BY sequence DESC LIMIT 1",
    )
    .bind::<Text, _>(resource_id)
    .bind::<Text, _>(METHOD)
    .returns::<(Jsonb,)>()
    .get_result(tx.conn())
    .await
    .optional()?;
    let values = |changes: &Value| -> Vec<String> {
        let new = |change: &Value| change["new"].as_str().unwrap_or_default().to_owned();
        changes.as_array().into_iter().flatten().map(new).collect()
    };
    Ok(last.map(|(changes,)| values(&changes)))
}
