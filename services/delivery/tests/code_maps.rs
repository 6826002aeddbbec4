//! What carriers' codes mean, as golden tables: a change here is a change of the version.

use korob_delivery::carriers::{CDEK_CODES, CodeMap, Meaning, NOVA_POSHTA_CODES, PARCEL_CODES};
use korob_delivery::model::incident_reason::is_incident_reason;

fn table(map: &CodeMap) -> String {
    let line = |(code, meaning): &(&str, Meaning)| match meaning {
        Meaning::NoMovement => format!("{code} -\n"),
        Meaning::Status(status) => format!("{code} {}\n", status.as_str()),
        Meaning::Trouble(status, why) => format!("{code} {} {why}\n", status.as_str()),
    };
    map.entries.iter().map(line).collect()
}

#[test]
fn every_code_has_one_meaning_and_every_trouble_a_canonical_reason() {
    for map in [&PARCEL_CODES, &NOVA_POSHTA_CODES, &CDEK_CODES] {
        let mut codes: Vec<&str> = map.entries.iter().map(|(code, _)| *code).collect();
        codes.sort_unstable();
        assert!(codes.is_sorted_by(|one, other| one < other), "a code stands twice");
        for (code, meaning) in map.entries {
            if let Meaning::Trouble(status, why) = meaning {
                assert!(status.may_have_incident() && is_incident_reason(why), "{code}");
            }
            if let Meaning::Status(status) = meaning {
                assert_ne!(status.as_str(), "delivery_failed", "{code}: a failure has a reason");
            }
        }
    }
}

#[test]
fn nova_poshta() {
    assert_eq!(NOVA_POSHTA_CODES.version, 1);
    assert_eq!(
        table(&NOVA_POSHTA_CODES),
        "\
1 pending
2 cancelled
3 -
4 in_transit
41 in_transit
5 in_transit
6 in_transit
7 ready_for_pickup
8 ready_for_pickup
9 delivered
10 delivered
11 delivered
12 picked_up
101 out_for_delivery
102 return_to_sender consignee_refused
103 delivery_failed consignee_refused
104 in_transit
105 on_hold delivery_exception_undeliverable
106 delivered
111 delivery_failed consignee_not_available
112 delivery_delayed consignee_not_available
124 delivery_failed carrier_parcel_lost
"
    );
}

#[test]
fn cdek() {
    assert_eq!(CDEK_CODES.version, 1);
    assert_eq!(
        table(&CDEK_CODES),
        "\
ACCEPTED pending
CREATED pending
REMOVED cancelled
RECEIVED_AT_SENDER_WAREHOUSE picked_up
READY_FOR_SHIPMENT_IN_SENDER_CITY in_transit
RETURNED_TO_SENDER_CITY_WAREHOUSE delivery_delayed carrier_sorting_error
TAKEN_BY_TRANSPORTER_FROM_SENDER_CITY in_transit
SENT_TO_TRANSIT_CITY in_transit
ACCEPTED_IN_TRANSIT_CITY in_transit
ACCEPTED_AT_TRANSIT_WAREHOUSE in_transit
SENT_TO_RECIPIENT_CITY in_transit
ACCEPTED_IN_RECIPIENT_CITY in_transit
ACCEPTED_AT_RECIPIENT_CITY_WAREHOUSE in_transit
ACCEPTED_AT_PICK_UP_POINT ready_for_pickup
TAKEN_BY_COURIER out_for_delivery
RETURNED_TO_RECIPIENT_CITY_WAREHOUSE delivery_failed consignee_not_available
DELIVERED delivered
NOT_DELIVERED return_to_sender consignee_refused
"
    );
}

#[test]
fn the_parcel_contract() {
    assert_eq!(PARCEL_CODES.version, 1);
    // The contract's own document has the same table.
    let document = include_str!("../src/carriers/parcel.md");
    for (code, meaning) in PARCEL_CODES.entries {
        let line = document.lines().find(|line| line.starts_with(&format!("| `{code}` |")));
        let line = line.unwrap_or_else(|| panic!("{code} is not in the document"));
        let status = match meaning {
            Meaning::NoMovement => "none".to_owned(),
            Meaning::Status(status) | Meaning::Trouble(status, _) => status.as_str().to_uppercase(),
        };
        assert!(line.rsplit('|').nth(1).is_some_and(|told| told.trim().starts_with(&status)), "{line}");
    }
    assert_eq!(PARCEL_CODES.entries.len(), 17);
}
