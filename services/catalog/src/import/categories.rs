//! Takes the file's category tree in: what it names by (source, id) follows the file, the rest of the tree stays.

use std::collections::{HashMap, HashSet};

use store::Tx;
use types::CategoryId;

use super::{METHOD, run::Import};
use crate::error::Result;
use crate::feed::{FeedCategory, Refusal};
use crate::model::{Category, CategoryDetails, Changes, ExternalId};
use crate::{retry, tell};

/// Categories of one file.
pub(super) const CATEGORIES_MAX: usize = 20_000;

/// What each id of the file names.
pub(super) type CategoryMap = HashMap<String, CategoryId>;

/// Takes categories in; answers what their ids name.
pub(super) async fn take(import: &Import, categories: Vec<FeedCategory>) -> Result<CategoryMap> {
    if categories.is_empty() {
        return Ok(CategoryMap::new());
    }
    if import.dry_run {
        return Ok(categories.into_iter().map(|category| (category.id, CategoryId::new())).collect());
    }
    retry::patiently(|| {
        import.store.transaction(&import.call, async |tx: &mut Tx| {
            Category::lock_tree(tx.conn()).await?;
            let ids: Vec<&str> = categories.iter().map(|category| category.id.as_str()).collect();
            let mut named: CategoryMap =
                Category::of_source(tx.conn(), import.source, &ids).await?.into_iter().collect();
            let known_ids: Vec<CategoryId> = named.values().copied().collect();
            let known = Category::load(tx.conn(), &known_ids).await?;
            let known: HashMap<CategoryId, Category> =
                known.into_iter().map(|category| (category.id, category)).collect();

            for category in &categories {
                named.entry(category.id.clone()).or_default();
            }
            let changed: Vec<(Category, Changes)> =
                categories.iter().filter_map(|category| follow(import, category, &named, &known)).collect();

            let rows: Vec<&Category> = changed.iter().map(|(category, _)| category).collect();
            if !rows.is_empty() {
                let now = tx.now();
                Category::save(tx.conn(), &rows, now).await?;
            }

            for (category, changes) in changed {
                tell::category(tx, METHOD, &category, changes);
            }
            Ok(named)
        })
    })
    .await
}

/// The category as the file has it, when that differs from what is known.
fn follow(
    import: &Import,
    wanted: &FeedCategory,
    named: &CategoryMap,
    known: &HashMap<CategoryId, Category>,
) -> Option<(Category, Changes)> {
    let id = *named.get(&wanted.id)?;
    let parent = wanted.parent.as_ref().and_then(|parent| named.get(parent)).copied();
    match known.get(&id) {
        Some(old) => {
            let external_ids = old.details.external_ids.clone();
            let details = CategoryDetails { parent, name: wanted.name.clone(), external_ids };
            let changes = Changes::between(old.details.facts(), details.facts());
            (!changes.is_empty()).then(|| (Category { id, details, version: old.version + 1 }, changes))
        }
        None => {
            let external_ids = vec![ExternalId { source: import.source, id: wanted.id.clone() }];
            let details = CategoryDetails { parent, name: wanted.name.clone(), external_ids };
            let changes = Changes::of_new(details.facts());
            Some((Category { id, details, version: 1 }, changes))
        }
    }
}

/// Makes a tree of the file's categories: a second one with the same id is left out, and one whose parent is unknown or
/// lies below it is put at the top. Each of them is told.
pub(super) fn plan(categories: Vec<FeedCategory>) -> (Vec<FeedCategory>, Vec<Refusal>) {
    let mut refused = Vec::new();
    let mut tree: Vec<FeedCategory> = Vec::with_capacity(categories.len());
    let mut places: HashMap<String, usize> = HashMap::new();
    for category in categories {
        if places.contains_key(&category.id) {
            let message = format!("category {} is in the file twice; the first one counts", category.id);
            refused.push(Refusal::new(category.line, "id", "DUPLICATE", message));
        } else if tree.len() == CATEGORIES_MAX {
            let message = format!("a file has at most {CATEGORIES_MAX} categories");
            refused.push(Refusal::new(category.line, "category", "TOO_MANY", message));
        } else {
            places.insert(category.id.clone(), tree.len());
            tree.push(category);
        }
    }
    let mut parents: Vec<Option<usize>> = Vec::with_capacity(tree.len());
    for category in &mut tree {
        let place = category.parent.as_ref().and_then(|parent| places.get(parent)).copied();
        if place.is_none()
            && let Some(parent) = category.parent.take()
        {
            let message = format!("category {parent} is not in the file; {} is put at the top", category.id);
            refused.push(Refusal::new(category.line, "parentId", "PARENT_UNKNOWN", message));
        }
        parents.push(place);
    }
    for at in find_circles(&parents) {
        let category = &mut tree[at];
        category.parent = None;
        let message = format!("category {} lies below itself; it is put at the top", category.id);
        refused.push(Refusal::new(category.line, "parentId", "CATEGORY_CYCLE", message));
    }
    (tree, refused)
}

/// The first member, in the order of the file, of every circle.
fn find_circles(parents: &[Option<usize>]) -> Vec<usize> {
    let mut opened = Vec::new();
    let mut settled = vec![false; parents.len()];
    for start in 0..parents.len() {
        let (mut line, mut met) = (Vec::new(), HashSet::new());
        let mut next = Some(start);
        while let Some(at) = next.filter(|at| !settled[*at]) {
            if !met.insert(at) {
                let from = line.iter().position(|one| *one == at).unwrap_or_default();
                opened.extend(line[from..].iter().min());
                break;
            }
            line.push(at);
            next = parents[at];
        }
        line.into_iter().for_each(|at| settled[at] = true);
    }
    opened
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn category(line: u64, id: &str, parent: Option<&str>) -> FeedCategory {
        FeedCategory {
            line,
            id: id.to_owned(),
            parent: parent.map(str::to_owned),
            name: format!("Category {id}"),
        }
    }

    #[test]
    fn what_cannot_hang_where_it_says_is_put_at_the_top() {
        let (tree, refused) = plan(vec![
            category(1, "a", None),
            category(2, "b", Some("a")),
            category(3, "lost", Some("nowhere")),
            category(4, "self", Some("self")),
            category(5, "x", Some("z")),
            category(6, "y", Some("x")),
            category(7, "z", Some("y")),
            category(8, "b", None),
            category(9, "late-parent", Some("end")),
            category(10, "end", None),
        ]);
        let parents: Vec<_> = tree.iter().map(|one| (one.id.as_str(), one.parent.as_deref())).collect();
        let expected = [
            ("a", None),
            ("b", Some("a")),
            ("lost", None),
            ("self", None),
            ("x", None),
            ("y", Some("x")),
            ("z", Some("y")),
            ("late-parent", Some("end")),
            ("end", None),
        ];
        assert_eq!(parents, expected);
        let mut told: Vec<_> = refused.iter().map(|refusal| (refusal.line, refusal.reason)).collect();
        told.sort_unstable();
        let expected =
            [(3, "PARENT_UNKNOWN"), (4, "CATEGORY_CYCLE"), (5, "CATEGORY_CYCLE"), (8, "DUPLICATE")];
        assert_eq!(told, expected);
    }

    proptest! {
        #[test]
        fn every_plan_is_a_tree(parents in proptest::collection::vec(proptest::option::of(0_usize..30), 0..30)) {
            let categories = parents.iter().enumerate().map(|(at, parent)| {
                category(at as u64, &at.to_string(), parent.map(|parent| parent.to_string()).as_deref())
            });
            let (tree, _) = plan(categories.collect());
            let parent_of: HashMap<&str, Option<&str>> =
                tree.iter().map(|one| (one.id.as_str(), one.parent.as_deref())).collect();
            for one in &tree {
                let (mut at, mut steps) = (one.parent.as_deref(), 0);
                while let Some(parent) = at {
                    at = parent_of[parent];
                    steps += 1;
                    prop_assert!(steps <= tree.len(), "{} lies below itself", one.id);
                }
            }
        }
    }
}
