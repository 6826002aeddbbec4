//! What delivery has planned.

use std::collections::BTreeMap;

use rpc::Fault;
use tonic::{Code, Status};
use types::DeliveryPlanId;

/// The plans by id.
#[derive(Debug, Default)]
pub struct Plans(pub BTreeMap<DeliveryPlanId, Plan>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    Open,
    /// Its parcel has left: it cannot be given up.
    Left,
    /// Given up, perhaps before it was made.
    Cancelled,
}

impl Plans {
    pub fn plan(&mut self, id: DeliveryPlanId) -> Result<(), Status> {
        match self.0.entry(id).or_insert(Plan::Open) {
            Plan::Open | Plan::Left => Ok(()),
            Plan::Cancelled => Err(refused("DELIVERY_CANCELED")),
        }
    }

    pub fn cancel(&mut self, id: DeliveryPlanId) -> Result<(), Status> {
        let plan = self.0.entry(id).or_insert(Plan::Cancelled);
        if *plan == Plan::Left {
            return Err(refused("SHIPMENT_HANDED_OVER"));
        }
        *plan = Plan::Cancelled;
        Ok(())
    }

    /// A courier takes the parcel, if it is there to be taken.
    pub fn hand_over(&mut self, id: DeliveryPlanId) {
        if let Some(plan) = self.0.get_mut(&id).filter(|plan| **plan == Plan::Open) {
            *plan = Plan::Left;
        }
    }
}

/// A refusal for good.
pub fn refused(reason: &'static str) -> Status {
    Fault::new(Code::FailedPrecondition, reason, reason).into()
}
