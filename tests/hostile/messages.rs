//! Messages of every method that look like real ones, made from the descriptors.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

/// Deeper than this nothing of a message is filled in.
const DEPTH_MAX: usize = 5;

/// How ids begin, by the ending of their names.
const PREFIXES: [(&str, &str); 34] = [
    ("attempt_id", "att"),
    ("brand_id", "brd"),
    ("carrier_account_id", "cac"),
    ("category_id", "cat"),
    ("customer_id", "cus"),
    ("delivery_id", "whd"),
    ("delivery_method_id", "dlm"),
    ("delivery_plan_id", "dlp"),
    ("document_id", "std"),
    ("endpoint_id", "whe"),
    ("fulfilment_id", "ful"),
    ("import_mapping_id", "imp"),
    ("incident_id", "inc"),
    ("key_id", "key"),
    ("legal_entity_id", "ent"),
    ("line_id", "lin"),
    ("notification_id", "ntf"),
    ("order_id", "ord"),
    ("parent_id", "cat"),
    ("payment_id", "pay"),
    ("posting_id", "rpo"),
    ("price_list_id", "prl"),
    ("product_id", "prd"),
    ("promo_code_id", "prm"),
    ("provider_account_id", "pac"),
    ("quote_id", "quo"),
    ("receipt_id", "rcp"),
    ("reservation_id", "res"),
    ("return_id", "ret"),
    ("shipment_id", "shm"),
    ("shop_id", "shp"),
    ("shortage_id", "sht"),
    ("source_id", "src"),
    ("warehouse_id", "whs"),
];

/// A message in which every field says something believable.
pub fn believable(message: &MessageDescriptor) -> DynamicMessage {
    filled(message, 0, &mut believable_value)
}

/// The same with other scalars: `scalar` makes one of a field.
pub fn with_scalars(
    message: &MessageDescriptor,
    mut scalar: impl FnMut(&FieldDescriptor) -> Option<Value>,
) -> DynamicMessage {
    filled(message, 0, &mut |field| scalar(field).or_else(|| believable_value(field)))
}

fn filled(
    descriptor: &MessageDescriptor,
    depth: usize,
    scalar: &mut dyn FnMut(&FieldDescriptor) -> Option<Value>,
) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields() {
        // Of alternatives the first.
        let first = field.containing_oneof().is_none_or(|one| one.fields().next().as_ref() == Some(&field));
        if !first {
            continue;
        }
        let one = match field.kind() {
            Kind::Message(inner) if field.is_map() => {
                let text = Value::String("value".to_owned());
                let plain = matches!(inner.map_entry_value_field().kind(), Kind::String);
                let entries =
                    plain.then(|| [(MapKey::String("name".to_owned()), text)].into_iter().collect());
                if let Some(entries) = entries {
                    message.set_field(&field, Value::Map(entries));
                }
                continue;
            }
            Kind::Message(inner) if depth < DEPTH_MAX => {
                Some(Value::Message(filled(&inner, depth + 1, scalar)))
            }
            Kind::Message(_) => None,
            _ => scalar(&field),
        };
        let Some(one) = one else { continue };
        message.set_field(&field, if field.is_list() { Value::List(vec![one]) } else { one });
    }
    message
}

fn believable_value(field: &FieldDescriptor) -> Option<Value> {
    let value = match field.kind() {
        Kind::String => Value::String(believable_text(field)),
        Kind::Bool => Value::Bool(true),
        Kind::Bytes => Value::Bytes(vec![7; 32].into()),
        Kind::Enum(of) => Value::EnumNumber(of.values().nth(1).map_or(0, |value| value.number())),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(1),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(1),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(1),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(1),
        Kind::Double => Value::F64(1.0),
        Kind::Float => Value::F32(1.0),
        Kind::Message(_) => return None,
    };
    Some(value)
}

fn believable_text(field: &FieldDescriptor) -> String {
    let text = match field.name() {
        "amount" => "1.00",
        "currency_code" => "UAH",
        "country_code" => "UA",
        "phone" | "recipient_phone" | "contact_phone" => "+380671234567",
        "email" => "buyer@shop.example",
        "sku" => "MUG",
        "time_zone" => "Europe/Kyiv",
        "locale" => "uk-UA",
        "percent" => "5",
        "page_token" | "etag" => "",
        "return_url" | "base_url" | "webhook_url" => "https://shop.example/",
        "paths" => "name",
        "event_id" => "0192f0a1-b2c3-4d4e-8f60-718293a4b5c6",
        "idempotency_key" => return uuid::Uuid::new_v4().to_string(),
        name => match PREFIXES.iter().find(|(ending, _)| name.trim_end_matches('s').ends_with(ending)) {
            Some((_, prefix)) => return format!("{prefix}_0192f0a1b2c3d4e5f60718293a4b5c6d"),
            None => "text",
        },
    };
    text.to_owned()
}
