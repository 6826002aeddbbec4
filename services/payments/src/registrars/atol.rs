//! ATOL Online's protocol of version 4: a token for a day, receipts by external id, their state by asking.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use outbound::{Client, Request};
use serde::Deserialize;
use serde_json::{Value, json};
use types::{Money, PaymentAccountId};

use super::Registrar;
use crate::model::account::Access;
use crate::model::receipt::{Fiscal, Receipt, ReceiptKind, ReceiptReport};
use crate::model::receipt_line::ReceiptLine;
use crate::providers::{Answer, EFFECT_DEADLINE, QUESTION_DEADLINE, Trouble};

/// How long a token is used; it is valid for a day.
const TOKEN_HOURS: i64 = 20;
/// The receipt with this external id is known already.
const CODE_KNOWN: i64 = 33;
/// Lines of one receipt there.
const LINES_MAX: usize = 100;
/// Its times are those of Moscow, without a zone.
const MOSCOW_HOURS: i64 = 3;
/// The longest name of a line.
const NAME_LENGTH_MAX: usize = 128;
/// The tax of lines that say none, unless the account does.
const TAX_CODE: &str = "none";
const TAX_SYSTEM: &str = "osn";

/// The adapter, with the tokens it has.
pub struct Atol {
    client: Client,
    tokens: Mutex<HashMap<PaymentAccountId, (String, DateTime<Utc>)>>,
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    error: Option<Problem>,
}

#[derive(Deserialize)]
struct Told {
    uuid: Option<String>,
    #[serde(default)]
    status: String,
    error: Option<Problem>,
    payload: Option<Payload>,
}

#[derive(Deserialize)]
struct Problem {
    code: i64,
    #[serde(default)]
    r#type: String,
}

#[derive(Deserialize)]
struct Payload {
    fn_number: Value,
    fiscal_document_number: Value,
    fiscal_document_attribute: Value,
}

impl Atol {
    /// Over `client`.
    pub fn new(client: Client) -> Self {
        Self { client, tokens: Mutex::new(HashMap::new()) }
    }

    async fn token(&self, access: &Access, now: DateTime<Utc>) -> Answer<String> {
        let known = self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(&access.id).cloned();
        if let Some((token, _)) = known.filter(|(_, until)| now < *until) {
            return Ok(token);
        }
        let body = json!({"login": access.credential("login"), "pass": access.credential("password")});
        let request = Request::post(access.url("/getToken")).json(&body).within(QUESTION_DEADLINE);
        let answer = self.client.send(request).await.map_err(|failure| Trouble::of(&failure))?;
        let told: Token = answer.json().map_err(Trouble::unknown)?;
        let token = told.token.filter(|token| !token.is_empty()).ok_or_else(|| Trouble::NotDone {
            code: told
                .error
                .map_or_else(|| "no_token".to_owned(), |problem| format!("token_{}", problem.code)),
        })?;
        let until = now + TimeDelta::hours(TOKEN_HOURS);
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert(access.id, (token.clone(), until));
        Ok(token)
    }

    /// The answer with its status.
    async fn call(&self, access: &Access, request: Request, now: DateTime<Utc>) -> Answer<(u16, Told)> {
        let token = self.token(access, now).await?;
        let answer = self
            .client
            .send(request.header("Token", &token))
            .await
            .map_err(|failure| Trouble::of(&failure))?;
        if answer.status.as_u16() == 401 {
            self.tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(&access.id);
            return Err(Trouble::NotDone { code: "token_refused".to_owned() });
        }
        if answer.status.as_u16() == 429 {
            return Err(Trouble::NotDone { code: "limit_exceeded".to_owned() });
        }
        let status = answer.status.as_u16();
        // Errors of content come as JSON, whatever the status.
        let told = answer.json().map_err(|_| Trouble::unknown(format!("status {status}")))?;
        Ok((status, told))
    }
}

impl Registrar for Atol {
    fn send<'a>(
        &'a self,
        access: &'a Access,
        receipt: &'a Receipt,
        contact: &'a str,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Answer<ReceiptReport>> {
        async move {
            let verb = match receipt.kind {
                ReceiptKind::Sale => "sell",
                ReceiptKind::Refund => "sell_refund",
            };
            let group = access.setting("group_code").unwrap_or_default();
            let request = Request::post(access.url(&format!("/{group}/{verb}")))
                .bytes("application/json; charset=utf-8", body(access, receipt, contact))
                .within(EFFECT_DEADLINE);
            let (status, told) = self.call(access, request, now).await?;
            let known = told.error.as_ref().is_none_or(|problem| problem.code == CODE_KNOWN);
            match (told.uuid.filter(|uuid| !uuid.is_empty()), told.error) {
                (Some(reference), _) if known => Ok(ReceiptReport::Accepted { reference }),
                // What it says of a request it could not read is final; all else passes by.
                (_, Some(problem)) if status == 400 => Ok(ReceiptReport::Failed { code: problem.word() }),
                (_, Some(problem)) => Err(Trouble::unknown(problem.word())),
                (_, None) => Err(Trouble::unknown("neither an id nor an error")),
            }
        }
        .boxed()
    }

    fn look<'a>(
        &'a self,
        access: &'a Access,
        receipt: &'a Receipt,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Answer<ReceiptReport>> {
        async move {
            let group = access.setting("group_code").unwrap_or_default();
            let url = access.url(&format!("/{group}/report/{}", receipt.reference));
            let (_, told) = self.call(access, Request::get(url).within(QUESTION_DEADLINE), now).await?;
            if told.uuid.as_deref() != Some(receipt.reference.as_str()) {
                let word = told.error.map(|problem| problem.word()).unwrap_or_default();
                return Err(Trouble::unknown(format!("the answer tells of another receipt: {word}")));
            }
            match (told.status.as_str(), told.payload, told.error) {
                ("done", Some(payload), _) => Ok(ReceiptReport::Done(Fiscal {
                    storage: text(&payload.fn_number),
                    document: text(&payload.fiscal_document_number),
                    sign: text(&payload.fiscal_document_attribute),
                })),
                ("wait", _, _) => Ok(ReceiptReport::Accepted { reference: receipt.reference.clone() }),
                ("fail", _, Some(problem)) => Ok(ReceiptReport::Failed { code: problem.word() }),
                ("fail", _, None) => Ok(ReceiptReport::Failed { code: "failed".to_owned() }),
                (other, _, _) => Err(Trouble::unknown(format!("the receipt is {other:?}"))),
            }
        }
        .boxed()
    }
}

impl Problem {
    /// Such as `driver_3823`.
    fn word(&self) -> String {
        let kind = if self.r#type.is_empty() { "error" } else { &self.r#type };
        format!("{kind}_{}", self.code)
    }
}

/// Sums are JSON numbers there. They are written from whole minor units, so that no binary fraction touches them.
fn body(access: &Access, receipt: &Receipt, contact: &str) -> String {
    let quote = |text: &str| Value::String(text.to_owned()).to_string();
    let setting = |name: &str| access.setting(name).unwrap_or_default();
    let client = if contact.contains('@') { "email" } else { "phone" };
    let items: Vec<String> = within_limit(receipt).iter().map(|line| item(access, line)).collect();
    let (total, moscow) = (receipt.amount.amount(), receipt.create_time + TimeDelta::hours(MOSCOW_HOURS));
    format!(
        r#"{{"external_id":{external_id},"receipt":{{"client":{{"{client}":{contact}}},"company":{{"email":{mailbox},"sno":{system},"inn":{number},"payment_address":{place}}},"items":[{items}],"payments":[{{"type":1,"sum":{total}}}],"total":{total}}},"timestamp":{timestamp}}}"#,
        external_id = quote(&receipt.external_id()),
        contact = quote(contact),
        mailbox = quote(setting("seller_mailbox")),
        system = quote(access.setting("tax_system").unwrap_or(TAX_SYSTEM)),
        number = quote(setting("tax_number")),
        place = quote(setting("payment_place")),
        items = items.join(","),
        timestamp = quote(&moscow.format("%d.%m.%Y %H:%M:%S").to_string()),
    )
}

/// The lines; what does not fit is one line more.
fn within_limit(receipt: &Receipt) -> Vec<ReceiptLine> {
    if receipt.lines.len() <= LINES_MAX {
        return receipt.lines.clone();
    }
    let (kept, rest) = receipt.lines.split_at(LINES_MAX - 1);
    let minor = rest.iter().map(|line| line.amount.minor()).sum();
    let others = ReceiptLine {
        name: format!("Other goods, {} lines", rest.len()),
        quantity: 1,
        amount: Money::new(receipt.amount.currency(), minor),
        tax_code: rest.first().map(|line| line.tax_code.clone()).unwrap_or_default(),
    };
    kept.iter().cloned().chain([others]).collect()
}

/// One line. A sum that does not divide into equal prices is one unit that names how many there were.
fn item(access: &Access, line: &ReceiptLine) -> String {
    let quote = |text: &str| Value::String(text.to_owned()).to_string();
    let quantity = i64::from(line.quantity.max(1));
    let divides = line.amount.minor() % quantity == 0;
    let (name, quantity) = match divides {
        true => (line.name.clone(), quantity),
        false => (format!("{} × {quantity}", line.name), 1),
    };
    let price = Money::new(line.amount.currency(), line.amount.minor() / quantity);
    let tax = if line.tax_code.is_empty() {
        access.setting("tax_code").unwrap_or(TAX_CODE)
    } else {
        &line.tax_code
    };
    format!(
        r#"{{"name":{name},"price":{price},"quantity":{quantity},"sum":{sum},"payment_method":"full_payment","payment_object":"commodity","vat":{{"type":{tax}}}}}"#,
        name = quote(&name.chars().take(NAME_LENGTH_MAX).collect::<String>()),
        price = price.amount(),
        sum = line.amount.amount(),
        tax = quote(tax),
    )
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
