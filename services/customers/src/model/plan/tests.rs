//! Which card a sighting leads to: by rule, and one by one as in batches.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use ::rpc::{Call, Caller};
use proptest::prelude::*;
use types::{CustomerId, ShopId};
use uuid::Uuid;

use super::{Change, Plan};
use crate::model::{Email, Identity, Known, Phone, Sighting};

fn shop(number: u128) -> ShopId {
    ShopId::from_uuid(Uuid::from_u128(number))
}

fn card(number: u128) -> CustomerId {
    CustomerId::from_uuid(Uuid::from_u128(number))
}

fn phone(number: u32) -> Phone {
    Phone::read(&format!("+38067{number:07}"), None).expect("a phone")
}

fn email(number: u32) -> Email {
    Email::read(&format!("buyer{number}@example.com")).expect("an e-mail")
}

fn sighting(by: u128, name: &str, phone: Option<u32>, email: Option<u32>) -> Sighting {
    let call = Call::begin(Caller::service("orders"), Duration::from_secs(1));
    let (phone, email) = (phone.map(self::phone), email.map(self::email));
    Sighting { call, shop: shop(by), name: name.to_owned(), phone, email }
}

/// Cards 1 and 2: phone 1 and e-mail 2.
fn two_cards() -> Known {
    let mut known = Known::default();
    known.owners.insert(Identity::Phone(phone(1)), card(1));
    known.owners.insert(Identity::Email(email(2)), card(2));
    known.links.extend([(card(1), shop(1)), (card(2), shop(1))]);
    known
}

fn change(known: Known, sighting: Sighting) -> Change {
    Plan::of(known, &[sighting], || card(99)).0.remove(0)
}

#[test]
fn who_is_known_in_full_changes_nothing() {
    let plan = Plan::of(two_cards(), &[sighting(1, "Ольга", Some(1), None)], || card(99));
    assert!(plan.is_empty());
    assert_eq!(plan.0[0].card, card(1));
}

#[test]
fn the_card_of_the_phone_wins_and_the_other_keeps_its_mail() {
    let change = change(two_cards(), sighting(1, "", Some(1), Some(2)));
    assert_eq!(
        (change.card, change.identities.as_slice(), change.touches()),
        (card(1), [].as_slice(), false)
    );
}

#[test]
fn a_contact_nobody_has_is_added() {
    let added = change(two_cards(), sighting(1, "", Some(1), Some(3)));
    assert_eq!((added.card, added.identities), (card(1), vec![Identity::Email(email(3))]));
    let added = change(two_cards(), sighting(1, "", Some(3), Some(2)));
    assert_eq!((added.card, added.identities), (card(2), vec![Identity::Phone(phone(3))]));
}

#[test]
fn another_shop_is_remembered() {
    let change = change(two_cards(), sighting(2, "", Some(1), None));
    assert!(change.linked && !change.touches());
}

#[test]
fn a_card_without_a_name_gets_the_first_one() {
    let mut known = two_cards();
    known.unnamed.insert(card(1));
    let sightings = [
        sighting(1, "", Some(1), None),
        sighting(1, "Ольга", Some(1), None),
        sighting(1, "Оля", Some(1), None),
    ];
    let names: Vec<_> =
        Plan::of(known, &sightings, || card(99)).0.into_iter().map(|change| change.name).collect();
    assert_eq!(names, [None, Some("Ольга".to_owned()), None]);
}

#[test]
fn twice_in_one_batch_is_one_card() {
    let sightings = [
        sighting(1, "A", Some(7), None),
        sighting(2, "B", Some(7), Some(8)),
        sighting(3, "C", None, Some(8)),
    ];
    let mut next = 100;
    let plan = Plan::of(Known::default(), &sightings, || {
        next += 1;
        card(next)
    });
    assert!(plan.0.iter().all(|change| change.card == card(101)));
    assert_eq!(plan.0.iter().map(|change| change.created).collect::<Vec<_>>(), [true, false, false]);
}

/// What a database holds after the changes of a plan.
#[derive(Default)]
struct Written {
    owners: BTreeMap<Identity, CustomerId>,
    named: HashSet<CustomerId>,
    cards: HashSet<CustomerId>,
    links: HashSet<(CustomerId, ShopId)>,
}

impl Written {
    fn known(&self) -> Known {
        Known {
            owners: self.owners.clone().into_iter().collect(),
            unnamed: self.cards.difference(&self.named).copied().collect(),
            links: self.links.clone(),
        }
    }

    fn write(&mut self, sightings: &[Sighting], next: &mut u128) -> Vec<Change> {
        let plan = Plan::of(self.known(), sightings, || {
            *next += 1;
            card(*next)
        });
        for (change, sighting) in plan.0.iter().zip(sightings) {
            assert_eq!(change.created, self.cards.insert(change.card));
            assert_eq!(change.linked, self.links.insert((change.card, sighting.shop)));
            if change.name.is_some() {
                assert!(self.named.insert(change.card), "a name is never overwritten");
            }
            for identity in &change.identities {
                assert_eq!(self.owners.insert(identity.clone(), change.card), None, "a contact never moves");
            }
        }
        plan.0
    }
}

proptest! {
    #[test]
    fn a_batch_is_the_same_as_one_by_one(
        seen in prop::collection::vec((0..3_u128, prop::bool::ANY, prop::option::of(0..5_u32), prop::option::of(0..5_u32)), 0..40),
        cut in 1..8_usize,
    ) {
        let sightings: Vec<_> = seen.into_iter()
            .filter(|(_, _, phone, email)| phone.is_some() || email.is_some())
            .map(|(shop, named, phone, email)| sighting(shop, if named { "Ольга" } else { "" }, phone, email))
            .collect();
        let (mut alone, mut together) = (Written::default(), Written::default());
        let (mut of_alone, mut of_together) = (0, 0);
        let one_by_one: Vec<_> = sightings.iter().flat_map(|one| alone.write(std::slice::from_ref(one), &mut of_alone)).collect();
        let in_batches: Vec<_> = sightings.chunks(cut).flat_map(|batch| together.write(batch, &mut of_together)).collect();
        prop_assert_eq!(one_by_one, in_batches);
    }
}
