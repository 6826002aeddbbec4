//! The card provider: its own ledger, buyers who act or do not, and webhooks that come late, twice and out of order.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use korob_payments::model::attempt::{ChargeStatus, Report};
use korob_payments::model::refund::{RefundReport, RefundStatus};
use korob_payments::providers::{Answer, Trouble};
use tokio::time::sleep;
use types::{AttemptId, Money, PaymentId};

use crate::money_tables::Notice;
use crate::world::World;

/// How long a charge may still be made under its key.
const VALID: TimeDelta = TimeDelta::seconds(20);
/// Tries to deliver a webhook.
const DELIVERIES_MAX: usize = 8;

/// A charge to make.
#[derive(Debug, Clone)]
pub struct ChargeOrder {
    pub key: AttemptId,
    pub payment: PaymentId,
    pub amount: Money,
    pub automatic: bool,
    pub begin_time: DateTime<Utc>,
}

/// What truly happened with one card.
#[derive(Debug, Clone)]
pub struct Charge {
    pub key: AttemptId,
    pub payment: PaymentId,
    pub amount: Money,
    pub automatic: bool,
    pub status: ChargeStatus,
    pub refunded: i64,
}

/// The provider's books.
#[derive(Debug, Default)]
pub struct CardDesk {
    pub charges: Vec<Charge>,
    /// By key: which charge, how much, and whether the buyer has it.
    refunds: BTreeMap<String, (usize, RefundStatus)>,
    events: u64,
}

impl ChargeOrder {
    pub fn valid_until(&self) -> DateTime<Utc> {
        self.begin_time + VALID
    }
}

impl Charge {
    pub const fn is_released(&self) -> bool {
        matches!(self.status, ChargeStatus::Released)
    }

    /// What was taken, in minor units.
    pub fn captured(&self) -> i64 {
        match self.status {
            ChargeStatus::Captured(amount) => amount.minor(),
            _ => 0,
        }
    }
}

impl CardDesk {
    /// Charges a card, once under one key.
    pub fn charge(&mut self, world: &Arc<World>, order: &ChargeOrder) -> Answer<Report> {
        if let Some(report) = self.find(order.key) {
            return Ok(report);
        }
        if world.now() > order.valid_until() {
            return Err(Trouble::Refused { code: "expired".to_owned() });
        }
        let dice = world.chance.number();
        let status = match dice {
            dice if dice < 0.12 => ChargeStatus::Failed { code: "declined".to_owned() },
            dice if dice < 0.35 => ChargeStatus::RequiresAction { redirect_url: "https://3ds".to_owned() },
            dice if dice < 0.45 => ChargeStatus::Processing,
            _ => approved(order.automatic, order.amount),
        };
        let waits = matches!(status, ChargeStatus::RequiresAction { .. } | ChargeStatus::Processing);
        self.charges.push(Charge {
            key: order.key,
            payment: order.payment,
            amount: order.amount,
            automatic: order.automatic,
            status,
            refunded: 0,
        });
        let at = self.charges.len() - 1;
        self.told(world, at);
        // One buyer in ten never comes back.
        if waits && !world.chance.likely(0.1) {
            let (world, time) = (world.clone(), world.chance.millis(200, 9_000));
            tokio::spawn(async move {
                sleep(time).await;
                world.cards.lock().decide(&world, at);
            });
        }
        Ok(self.report(at))
    }

    /// The bank has decided, unless it was told to forget about it.
    fn decide(&mut self, world: &Arc<World>, at: usize) {
        let charge = &mut self.charges[at];
        if matches!(charge.status, ChargeStatus::RequiresAction { .. } | ChargeStatus::Processing) {
            charge.status = match world.chance.likely(0.85) {
                true => approved(charge.automatic, charge.amount),
                false => ChargeStatus::Failed { code: "declined".to_owned() },
            };
            self.told(world, at);
        }
    }

    pub fn find(&self, key: AttemptId) -> Option<Report> {
        self.charges.iter().position(|charge| charge.key == key).map(|at| self.report(at))
    }

    pub fn look(&self, reference: &str) -> Answer<Report> {
        self.at(reference).map(|at| self.report(at))
    }

    pub fn capture(&mut self, world: &Arc<World>, reference: &str, amount: Money) -> Answer<Report> {
        let at = self.at(reference)?;
        match self.charges[at].status {
            ChargeStatus::Authorized => {
                self.charges[at].status = ChargeStatus::Captured(amount);
                self.told(world, at);
            }
            ChargeStatus::Captured(taken) if taken == amount => {}
            _ => return Err(Trouble::Refused { code: "not_authorized".to_owned() }),
        }
        Ok(self.report(at))
    }

    pub fn release(&mut self, world: &Arc<World>, reference: &str) -> Answer<Report> {
        let at = self.at(reference)?;
        match self.charges[at].status {
            ChargeStatus::Captured(_) => return Err(Trouble::Refused { code: "captured".to_owned() }),
            ChargeStatus::Failed { .. } | ChargeStatus::Released => {}
            ChargeStatus::Processing | ChargeStatus::RequiresAction { .. } | ChargeStatus::Authorized => {
                self.charges[at].status = ChargeStatus::Released;
                self.told(world, at);
            }
        }
        Ok(self.report(at))
    }

    /// Gives money back, once under one key.
    pub fn refund(
        &mut self,
        world: &Arc<World>,
        key: &str,
        charge: &str,
        amount: Money,
    ) -> Answer<RefundReport> {
        if !self.refunds.contains_key(key) {
            let at = self.at(charge)?;
            let charge = &mut self.charges[at];
            if charge.captured() - charge.refunded < amount.minor() {
                return Err(Trouble::Refused { code: "too_much".to_owned() });
            }
            charge.refunded += amount.minor();
            let slow = world.chance.likely(0.3);
            let status = if slow { RefundStatus::Pending } else { RefundStatus::Succeeded };
            self.refunds.insert(key.to_owned(), (at, status));
            if slow {
                let (world, key, time) = (world.clone(), key.to_owned(), world.chance.millis(500, 8_000));
                tokio::spawn(async move {
                    sleep(time).await;
                    if let Some((_, status)) = world.cards.lock().refunds.get_mut(&key) {
                        *status = RefundStatus::Succeeded;
                    }
                });
            }
        }
        self.look_refund(key)
    }

    pub fn look_refund(&self, key: &str) -> Answer<RefundReport> {
        let (_, status) = self.refunds.get(key).ok_or_else(|| Trouble::unknown("no such refund"))?;
        Ok(RefundReport { reference: key.to_owned(), status: status.clone() })
    }

    fn at(&self, reference: &str) -> Answer<usize> {
        let at = reference.strip_prefix("ch-").and_then(|number| number.parse().ok());
        at.filter(|at| *at < self.charges.len()).ok_or_else(|| Trouble::unknown("no such charge"))
    }

    fn report(&self, at: usize) -> Report {
        Report { reference: format!("ch-{at}"), status: self.charges[at].status.clone() }
    }

    /// Tells by webhook that something is new.
    fn told(&mut self, world: &Arc<World>, at: usize) {
        self.events += 1;
        let charge = &self.charges[at];
        world.note(format_args!("card provider: charge {at} is {:?}", charge.status));
        let notice = Notice { attempt: charge.key, reference: format!("ch-{at}") };
        tokio::spawn(deliver(world.clone(), self.events, notice));
    }
}

fn approved(automatic: bool, amount: Money) -> ChargeStatus {
    if automatic { ChargeStatus::Captured(amount) } else { ChargeStatus::Authorized }
}

/// Until payments has it, and sometimes again.
async fn deliver(world: Arc<World>, event: u64, notice: Notice) {
    for _ in 0..DELIVERIES_MAX {
        sleep(world.chance.millis(1, 4_000)).await;
        let reaches = world.cashier.lock().is_some() && !world.chance.likely(world.weather().lost);
        world.note(format_args!("webhook {event} of {}: {reaches}", notice.reference));
        if reaches {
            let mut money = world.money.lock();
            if money.noticed.insert(event) {
                money.notices.insert(event, notice.clone());
            }
        }
        if reaches && !world.chance.likely(world.weather().unheard + world.weather().doubled) {
            return;
        }
    }
}
