//! The simulators, examined over HTTP as their users see them.

mod card;
mod client;
mod control;
mod faults;
mod parcel;
mod receiver;
mod stripe;
mod webhooks;
mod yookassa;
