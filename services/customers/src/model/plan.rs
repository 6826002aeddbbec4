//! Decides which card each sighting leads to, and what is to be written for that.
//!
//! The phone's card wins. A contact that nobody has is added to the card; a contact of another card stays where it is:
//! two cards are never merged on their own, because a typing error must not show one person's orders to another.

#[cfg(test)]
mod tests;

use types::CustomerId;

use crate::model::{Identity, Known, Sighting};

/// What each of some sightings changes, in their order.
#[derive(Debug)]
pub(crate) struct Plan(pub(crate) Vec<Change>);

/// What one sighting leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) card: CustomerId,
    /// The card is new.
    pub(crate) created: bool,
    /// The name the card gets: that of a new card, or the first one of a card without.
    pub(crate) name: Option<String>,
    /// Contacts that lead to the card from now on.
    pub(crate) identities: Vec<Identity>,
    /// The shop has not seen the person before.
    pub(crate) linked: bool,
}

impl Plan {
    /// The same as if the sightings came one after another. `fresh` gives the ids of new cards.
    pub(crate) fn of(
        mut known: Known,
        sightings: &[Sighting],
        mut fresh: impl FnMut() -> CustomerId,
    ) -> Self {
        Self(sightings.iter().map(|sighting| known.change(sighting, &mut fresh)).collect())
    }

    /// Whether nothing is to be written.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|change| !change.created && !change.linked && !change.touches())
    }
}

impl Change {
    /// Whether a card that was there before looks different now.
    pub(crate) fn touches(&self) -> bool {
        !self.created && (self.name.is_some() || !self.identities.is_empty())
    }
}

impl Known {
    fn change(&mut self, sighting: &Sighting, fresh: &mut impl FnMut() -> CustomerId) -> Change {
        let owner = sighting.identities().find_map(|identity| self.owners.get(&identity).copied());
        let card = owner.unwrap_or_else(fresh);
        let created = owner.is_none();

        let identities: Vec<Identity> =
            sighting.identities().filter(|identity| !self.owners.contains_key(identity)).collect();
        self.owners.extend(identities.iter().map(|identity| (identity.clone(), card)));

        let unnamed = created || self.unnamed.contains(&card);
        let name = Some(sighting.name.clone()).filter(|name| unnamed && !name.is_empty());
        match (unnamed, &name) {
            (true, None) => self.unnamed.insert(card),
            (true, Some(_)) => self.unnamed.remove(&card),
            (false, _) => false,
        };
        Change { card, created, name, identities, linked: self.links.insert((card, sighting.shop)) }
    }
}
