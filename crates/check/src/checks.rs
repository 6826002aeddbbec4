//! The checks, area by area: each is a name, a sentence and SQL.

mod access;
mod customers;
mod delivery;
mod events;
mod inventory;
mod orders;
mod orders_and_delivery;
mod orders_and_inventory;
mod orders_and_payments;
mod outside;
mod payments;

use crate::check::Check;

/// All of them, in the order in which they are made.
pub fn all() -> impl Iterator<Item = &'static Check> {
    let areas: [&'static [Check]; 11] = [
        events::CHECKS,
        orders::CHECKS,
        inventory::CHECKS,
        payments::CHECKS,
        delivery::CHECKS,
        orders_and_inventory::CHECKS,
        orders_and_payments::CHECKS,
        orders_and_delivery::CHECKS,
        customers::CHECKS,
        access::CHECKS,
        outside::CHECKS,
    ];
    areas.into_iter().flatten()
}
