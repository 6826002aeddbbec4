//! Joins labels into one document, whoever drew them.

use lopdf::{Dictionary, Document, Object, ObjectId, dictionary};

use crate::error::{Error, Result};

/// What pages may have from the nodes above them.
const INHERITED: [&[u8]; 4] = [b"Resources", b"MediaBox", b"CropBox", b"Rotate"];
/// Nodes above a page: more is no honest document.
const DEPTH_MAX: usize = 16;

/// The pages of all documents, in order.
pub fn join(documents: &[Vec<u8>]) -> Result<Vec<u8>> {
    let mut joined = Document::with_version("1.7");
    let root = joined.new_object_id();
    let mut kids = Vec::new();
    for content in documents {
        let mut document = Document::load_mem(content).map_err(|_| Error::LabelsNotJoinable)?;
        if document.is_encrypted() {
            return Err(Error::LabelsNotJoinable);
        }
        document.renumber_objects_with(joined.max_id + 1);
        joined.max_id = document.max_id;
        let pages: Vec<ObjectId> = document.get_pages().into_values().collect();
        for id in pages {
            let page = standing_alone(&document, id, root).ok_or(Error::LabelsNotJoinable)?;
            document.objects.insert(id, Object::Dictionary(page));
            kids.push(Object::Reference(id));
        }
        joined.objects.append(&mut document.objects);
    }
    let count = i64::try_from(kids.len()).unwrap_or(i64::MAX);
    let pages = dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => count };
    joined.objects.insert(root, Object::Dictionary(pages));
    let catalog = joined.add_object(dictionary! { "Type" => "Catalog", "Pages" => root });
    joined.trailer.set("Root", catalog);
    // Catalogs and nodes of the documents that nothing leads to any more.
    joined.prune_objects();
    let mut content = Vec::new();
    joined.save_to(&mut content).map_err(|_| Error::LabelsNotJoinable)?;
    Ok(content)
}

/// A page with what it had from the nodes above it, below another root.
fn standing_alone(document: &Document, id: ObjectId, root: ObjectId) -> Option<Dictionary> {
    let mut page = document.get_dictionary(id).ok()?.clone();
    let mut parent = page.get(b"Parent").and_then(Object::as_reference).ok();
    for _ in 0..DEPTH_MAX {
        let Some(node) = parent.and_then(|parent| document.get_dictionary(parent).ok()) else { break };
        for name in INHERITED {
            if let (false, Ok(value)) = (page.has(name), node.get(name)) {
                page.set(name, value.clone());
            }
        }
        parent = node.get(b"Parent").and_then(Object::as_reference).ok();
    }
    page.set("Parent", root);
    Some(page)
}
