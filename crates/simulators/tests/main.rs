//! The simulators, examined over HTTP as their users see them.

mod card;
mod cdek;
mod client;
mod concurrency;
mod control;
mod faults;
mod fiscal;
mod nova_poshta;
mod parcel;
mod readme;
mod receiver;
mod stripe;
mod webhooks;
mod yookassa;
