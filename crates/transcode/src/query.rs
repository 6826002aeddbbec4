//! Query parameters → wire bytes: `states=A&states=B&createdFromTime=…&filter.name=x`.

use std::collections::HashSet;

use crate::field_path::FieldPath;
use crate::percent::{self, Plus};
use crate::scalar;
use crate::tables::{MessageId, Tables};
use crate::violation::{Reason, Result, Violation};

/// Reads all parameters into a message. `bound` are the fields that the path gives already.
pub(crate) fn read(
    tables: &Tables,
    message: MessageId,
    query: &str,
    bound: &[FieldPath],
    out: &mut Vec<u8>,
) -> Result<()> {
    let mut seen: HashSet<Vec<u32>> = HashSet::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = percent::decode(name, Plus::Space)?;
        let field = FieldPath::resolve(tables, message, &name)
            .filter(|field| bound.iter().all(|other| other.numbers != field.numbers));
        let Some(field) = field else {
            return Err(Violation::new(Reason::UnknownParameter, "there is no such parameter").under(&name));
        };
        if !seen.insert(field.numbers.clone()) && !field.is_list() {
            return Err(Violation::new(Reason::DuplicateField, "is given twice").under(&field.json_path));
        }
        let value = percent::decode(value, Plus::Space)
            .and_then(|value| scalar::from_text(tables, field.kind, value))
            .map_err(|violation| violation.under(&field.json_path))?;
        field.put(&value, out);
    }
    Ok(())
}

/// Refuses any parameter by name: everything is in the body.
pub(crate) fn refuse(query: &str) -> Result<()> {
    let Some(pair) = query.split('&').find(|pair| !pair.is_empty()) else { return Ok(()) };
    let name = percent::decode(pair.split('=').next().unwrap_or(pair), Plus::Space)?;
    Err(Violation::new(Reason::UnknownParameter, "the method takes no parameters").under(&name))
}
