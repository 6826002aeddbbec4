//! What carriers outside must know of a parcel before they are asked: a refusal that comes late costs a day.

use rpc::Fields;

use crate::model::consignment::Consignment;

/// The recipient: a name and a phone that rings.
pub fn recipient(parcel: &Consignment, fields: &mut Fields) {
    let name = parcel.recipient.name.trim();
    fields.check(!name.is_empty(), "recipient_name", "REQUIRED", "the carrier hands over to a person");
    let letters = name.is_empty() || name.chars().filter(|letter| letter.is_alphabetic()).count() >= 2;
    fields.check(letters, "recipient_name", "MALFORMED", "is not a name");
    let phone = parcel.recipient.phone.trim();
    fields.check(!phone.is_empty(), "recipient_phone", "REQUIRED", "the carrier calls the recipient");
    let known = phone.chars().all(|sign| sign.is_ascii_digit() || "+-() ".contains(sign));
    let rings = phone.is_empty() || (known && (10..=15).contains(&digits(phone).len()));
    fields.check(rings, "recipient_phone", "MALFORMED", "is not a phone number with its country");
}

/// Where it goes: a branch, or a city and a street.
pub fn destination(parcel: &Consignment, fields: &mut Fields) {
    let address = &parcel.address;
    fields.check(!address.city.trim().is_empty(), "address.city", "REQUIRED", "the carrier needs the city");
    if parcel.to_pickup_point() {
        return;
    }
    fields.check(
        !address.line.trim().is_empty(),
        "address.line",
        "REQUIRED",
        "the carrier needs street and house",
    );
}

/// A branch, for services that end there.
pub fn pickup_point(parcel: &Consignment, fields: &mut Fields) {
    let problem = "the service ends at a branch: name it";
    fields.check(parcel.to_pickup_point(), "address.pickup_point_code", "REQUIRED", problem);
}

/// How heavy it is.
pub fn weight(parcel: &Consignment, weight_grams_max: i32, fields: &mut Fields) {
    let fits = (1..=weight_grams_max).contains(&parcel.weight_grams);
    fields.check(fits, "weight_grams", "OUT_OF_RANGE", "is not a weight this carrier takes");
}

/// The digits of a phone.
pub fn digits(phone: &str) -> String {
    phone.chars().filter(char::is_ascii_digit).collect()
}
