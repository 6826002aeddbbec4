//! A parcel on its way.

use chrono::{DateTime, Utc};
use types::{DeliveryPlanId, OrderId, ShipmentId, ShopId};

use crate::error::{Error, Result};
use crate::model::tracking_status::{Effect, TrackingStatus};

/// A parcel with everything that happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    pub id: ShipmentId,
    pub plan_id: DeliveryPlanId,
    pub order_id: OrderId,
    pub shop_id: ShopId,
    /// Who carries it.
    pub carrier: String,
    /// The waybill number.
    pub tracking_number: String,
    pub status: TrackingStatus,
    /// When the event that gave the status happened; `None` before the first.
    pub status_time: Option<DateTime<Utc>>,
    /// Grows by one with every move of the status.
    pub version: i64,
    pub create_time: DateTime<Utc>,
    /// By the time they happened.
    pub events: Vec<TrackingEvent>,
}

/// What happened to a parcel, and when.
#[derive(Clone, PartialEq, Eq)]
pub struct TrackingEvent {
    pub status: TrackingStatus,
    pub occur_time: DateTime<Utc>,
    /// The carrier's own words; may name people.
    pub description: String,
    pub location: String,
    /// From the closed list, or empty.
    pub incident_reason: String,
}

impl std::fmt::Debug for TrackingEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TrackingEvent({} at {})", self.status.as_str(), self.occur_time)
    }
}

impl Shipment {
    /// Notes an event. Answers the status before when it moved; an older event never moves it.
    pub fn track(&mut self, event: TrackingEvent) -> Result<Option<TrackingStatus>> {
        let (from, to) = (self.status, event.status);
        let late = self.status_time.is_some_and(|time| event.occur_time < time);
        let effect = if late { Effect::Stays } else { from.then(to) };
        let moved = match effect {
            Effect::Final => return Err(Error::ShipmentFinal { status: from }),
            Effect::Refused => return Err(Error::MoveNotAllowed { from, to }),
            Effect::Stays => None,
            Effect::Moves => {
                self.status = to;
                self.status_time = Some(event.occur_time);
                self.version += 1;
                Some(from)
            }
        };
        let later = self.events.partition_point(|known| known.occur_time <= event.occur_time);
        self.events.insert(later, event);
        Ok(moved)
    }

    /// Whether it stands for the plan: another is booked only once it was cancelled or came back.
    pub fn is_live(&self) -> bool {
        !matches!(self.status, TrackingStatus::Cancelled | TrackingStatus::ReturnToSender)
    }

    /// Cancels a parcel that has not left. Answers whether there was something to cancel.
    pub fn cancel(&mut self, now: DateTime<Utc>) -> Result<bool> {
        match self.status {
            TrackingStatus::Cancelled => Ok(false),
            TrackingStatus::Pending => {
                let status = TrackingStatus::Cancelled;
                let (description, location, incident_reason) = (String::new(), String::new(), String::new());
                let event = TrackingEvent { status, occur_time: now, description, location, incident_reason };
                Ok(self.track(event)?.is_some())
            }
            status => Err(Error::ShipmentLeft { shipment_id: self.id, status }),
        }
    }
}
