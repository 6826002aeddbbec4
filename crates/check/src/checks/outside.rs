//! What clients were told, and what providers and carriers have written down.

use crate::check::{Charges, Check, Look, Told, Waybills};

pub(super) const CHECKS: &[Check] = &[
    Check::looking("history-lost", "Every acknowledged order is there.", Look::History(Told::Lost)),
    Check::looking(
        "history-doubled",
        "What was asked once, under one key or external id, is one order at most.",
        Look::History(Told::Doubled),
    ),
    Check::looking(
        "history-altered",
        "An acknowledged order has the total that was acknowledged.",
        Look::History(Told::Altered),
    ),
    Check::looking("history-refused", "What was refused is no order.", Look::History(Told::Refused)),
    Check::looking(
        "charges-once",
        "A card provider has captured no attempt twice, and no payment by two attempts.",
        Look::Charges(Charges::Once),
    ),
    Check::looking(
        "charges-known",
        "What a card provider has captured is what we know, to the minor unit.",
        Look::Charges(Charges::Captured),
    ),
    Check::looking(
        "refunds-known",
        "What a card provider has given back is what we know, to the minor unit.",
        Look::Charges(Charges::Refunded),
    ),
    Check::looking(
        "waybills-once",
        "A parcel has one live waybill with its carrier.",
        Look::Waybills(Waybills::Once),
    ),
    Check::looking(
        "waybills-known",
        "Every live waybill of a carrier is a parcel of ours, and every booked parcel has one.",
        Look::Waybills(Waybills::Known),
    ),
];
