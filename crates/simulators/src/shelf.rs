//! Keeps the objects of one kind that a simulated system knows, oldest first, findable by id and by label.

use std::collections::{BTreeMap, HashMap, VecDeque};

/// Objects of one kind that one system keeps. More are refused: what was sold must stay known.
pub const OBJECTS_MAX: usize = 100_000;

#[derive(Debug)]
pub(crate) struct Shelf<T> {
    kept: BTreeMap<u64, Kept<T>>,
    ids: HashMap<String, u64>,
    labels: HashMap<String, VecDeque<u64>>,
    count: u64,
}

#[derive(Debug)]
struct Kept<T> {
    id: String,
    label: String,
    object: T,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { kept: BTreeMap::new(), ids: HashMap::new(), labels: HashMap::new(), count: 0 }
    }
}

impl<T> Shelf<T> {
    pub fn is_full(&self) -> bool {
        self.kept.len() >= OBJECTS_MAX
    }

    /// Puts an object on the shelf, to be found by its id and by `label`; an empty label finds nothing.
    pub fn put(&mut self, id: &str, label: &str, object: T) {
        self.count += 1;
        self.ids.insert(id.to_owned(), self.count);
        if !label.is_empty() {
            self.labels.entry(label.to_owned()).or_default().push_back(self.count);
        }
        self.kept.insert(self.count, Kept { id: id.to_owned(), label: label.to_owned(), object });
    }

    /// The same for objects that only tell of others: a full shelf forgets its oldest. They must have no other id.
    pub fn put_and_forget(&mut self, id: &str, label: &str, object: T) {
        self.put(id, label, object);
        if self.kept.len() <= OBJECTS_MAX {
            return;
        }
        if let Some((_, oldest)) = self.kept.pop_first() {
            self.ids.remove(&oldest.id);
            if let Some(numbers) = self.labels.get_mut(&oldest.label) {
                numbers.pop_front();
            }
        }
    }

    /// How many were ever put here; a new one may be numbered by it.
    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn get(&self, id: &str) -> Option<&T> {
        self.kept.get(self.ids.get(id)?).map(|kept| &kept.object)
    }

    pub fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.kept.get_mut(self.ids.get(id)?).map(|kept| &mut kept.object)
    }

    /// Lets the object be found by another id, too.
    pub fn alias(&mut self, id: &str, other: &str) {
        if let Some(number) = self.ids.get(id) {
            self.ids.insert(other.to_owned(), *number);
        }
    }

    /// Those with this label, oldest first.
    pub fn labelled<'a>(&'a self, label: &str) -> impl DoubleEndedIterator<Item = &'a T> {
        let numbers = self.labels.get(label).into_iter().flatten();
        numbers.filter_map(|number| self.kept.get(number)).map(|kept| &kept.object)
    }
}
