//! Keeps the objects of one kind that a simulated system knows, oldest first, findable by id and by label.

use std::collections::{BTreeMap, HashMap};

/// Objects of one kind that one system keeps. More are refused: what was sold must stay known.
pub const OBJECTS_MAX: usize = 100_000;

#[derive(Debug)]
pub(crate) struct Shelf<T> {
    objects: BTreeMap<u64, T>,
    ids: HashMap<String, u64>,
    labels: HashMap<String, Vec<u64>>,
    count: u64,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), ids: HashMap::new(), labels: HashMap::new(), count: 0 }
    }
}

impl<T> Shelf<T> {
    pub fn is_full(&self) -> bool {
        self.objects.len() >= OBJECTS_MAX
    }

    /// Puts an object on the shelf, to be found by its id and by `label`; an empty label finds nothing.
    pub fn put(&mut self, id: &str, label: &str, object: T) {
        self.count += 1;
        self.objects.insert(self.count, object);
        self.ids.insert(id.to_owned(), self.count);
        if !label.is_empty() {
            self.labels.entry(label.to_owned()).or_default().push(self.count);
        }
    }

    /// How many were ever put here; a new one may be numbered by it.
    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn get(&self, id: &str) -> Option<&T> {
        self.objects.get(self.ids.get(id)?)
    }

    pub fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.objects.get_mut(self.ids.get(id)?)
    }

    /// Lets the object be found by another id, too.
    pub fn alias(&mut self, id: &str, other: &str) {
        if let Some(number) = self.ids.get(id) {
            self.ids.insert(other.to_owned(), *number);
        }
    }

    /// Those with this label, oldest first.
    pub fn labelled<'a>(&'a self, label: &str) -> impl DoubleEndedIterator<Item = &'a T> {
        let numbers = self.labels.get(label).map(Vec::as_slice).unwrap_or_default();
        numbers.iter().filter_map(|number| self.objects.get(number))
    }

    /// All of them, oldest first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.objects.values()
    }
}
