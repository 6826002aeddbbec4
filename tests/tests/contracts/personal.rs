//! A field that tells of a person is declared PERSONAL, so that it stays out of logs, events and error texts.

use prost_reflect::{FieldDescriptor, Kind};
use proto::api::v1::DataClass;

use crate::nothing_wrong;
use crate::suite::{data_class, fields};

/// A field with one of these words in its name tells of a person.
const PERSONAL_WORDS: [&str; 16] = [
    "phone",
    "phones",
    "email",
    "emails",
    "address",
    "addresses",
    "recipient",
    "contact",
    "buyer",
    "comment",
    "note",
    "birthday",
    "passport",
    "surname",
    "nickname",
    "login",
];

/// Fields that sound personal and are not, each with its reason.
const NOT_PERSONAL: [(&str, &str); 14] = [
    (
        "korob.access.v1.RecordDecisionRequest.note",
        "written by an operator about ids and sums; shown by `korob check`",
    ),
    ("korob.inventory.v1.ReceiveStockRequest.note", "written by the warehouse about goods"),
    ("korob.inventory.v1.AdjustStockRequest.note", "written by the warehouse about goods"),
    ("korob.inventory.v1.ReleaseReservationRequest.note", "written by the suite: why units came back"),
    ("korob.inventory.v1.LedgerEntry.note", "written by the warehouse about goods"),
    ("korob.inventory.v1.WriteOffStockRequest.note", "written by the warehouse about goods"),
    ("korob.inventory.v1.ChangeConditionRequest.note", "written by the warehouse about goods"),
    ("korob.inventory.v1.ReverseDocumentRequest.note", "written by the warehouse about goods"),
    ("korob.inventory.v1.DispatchTransferRequest.note", "written by the warehouse about goods"),
    ("korob.inventory.v1.ReceiveTransferRequest.note", "written by the warehouse about goods"),
    ("korob.inventory.v1.CloseTransferRequest.note", "written by the warehouse about goods"),
    ("korob.inventory.v1.CancelTransferRequest.note", "written by the warehouse about goods"),
    ("korob.inventory.v1.ReturnedQuantity.note", "written by the warehouse about goods"),
    ("korob.inventory.v1.StockDocument.note", "written by the warehouse about goods"),
];

/// Where a secret may be: shown once, or asked for by digest.
const SECRETS: [&str; 9] = [
    "korob.orders.v1.CreateBuyerTokenResponse.token",
    "korob.delivery.v1.CarrierAccount.credentials",
    "korob.access.v1.CreateApiKeyResponse.secret",
    "korob.access.v1.RotateApiKeyResponse.secret",
    "korob.access.v1.AuthenticateKeyRequest.secret_sha256",
    "korob.payments.v1.PaymentAccount.credentials",
    "korob.payments.v1.ConfirmPaymentRequest.payment_token",
    "korob.webhooks.v1.CreateWebhookEndpointResponse.secret",
    "korob.webhooks.v1.RotateWebhookSecretResponse.secret",
];

#[test]
fn what_tells_of_a_person_is_declared_personal() {
    let mut problems = Vec::new();
    for field in fields() {
        let excused = NOT_PERSONAL.iter().any(|(name, _)| *name == field.full_name());
        let declared = data_class(&field) == DataClass::Personal;
        match (sounds_personal(&field), declared, excused) {
            (true, false, false) => problems.push(format!(
                "{}: declare data_class DATA_CLASS_PERSONAL, or add it to NOT_PERSONAL with the reason",
                field.full_name()
            )),
            (_, true, true) => problems
                .push(format!("{}: is declared personal; remove it from NOT_PERSONAL", field.full_name())),
            _ => {}
        }
    }
    nothing_wrong(problems);
}

#[test]
fn exceptions_name_fields_that_exist() {
    let known: Vec<String> = fields().map(|field| field.full_name().to_owned()).collect();
    let named = NOT_PERSONAL.iter().map(|(name, _)| *name).chain(SECRETS);
    let gone = named.filter(|name| !known.iter().any(|known| known == name));
    nothing_wrong(
        gone.map(|name| format!("{name}: does not exist any more; remove the exception")).collect(),
    );
}

#[test]
fn secrets_are_declared_and_rare() {
    let mut problems = Vec::new();
    for field in fields() {
        let named =
            field.name().split('_').any(|word| ["secret", "password", "token", "credential"].contains(&word));
        // A page token opens nothing, and the name of a secret is none.
        let is_harmless = field.name().ends_with("page_token") || field.name() == "credential_names";
        match (data_class(&field), SECRETS.contains(&field.full_name())) {
            (DataClass::Secret, false) => {
                problems.push(format!("{}: why does this leave the service?", field.full_name()))
            }
            (DataClass::Secret, true) => {}
            _ if named && !is_harmless => {
                problems.push(format!("{}: declare DATA_CLASS_SECRET", field.full_name()))
            }
            _ => {}
        }
    }
    nothing_wrong(problems);
}

fn sounds_personal(field: &FieldDescriptor) -> bool {
    let by_word = field.name().split('_').any(|word| PERSONAL_WORDS.contains(&word));
    // A name beside a phone is a person's name.
    let siblings = field.parent_message();
    let beside_a_phone =
        ["phone", "phones", "email", "emails"].iter().any(|name| siblings.get_field_by_name(name).is_some());
    // Yes or no tells nobody's phone.
    let tells = field.kind() != Kind::Bool;
    tells && by_word || (field.name() == "name" && beside_a_phone)
}
