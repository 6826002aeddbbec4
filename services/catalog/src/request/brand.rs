//! Reads a brand.

use ::rpc::{Fields, Invalid};
use proto::catalog::v1 as pb;

use crate::model::{BrandDetails, folded};

/// The longest name, in characters: that of a vendor.
const NAME_LENGTH_MAX: usize = 200;
const ALIASES_MAX: usize = 50;

/// Everything a caller may set on a brand. An alias that spells the name or another alias says nothing and is left out.
pub(crate) fn brand(brand: &pb::Brand) -> Result<BrandDetails, Invalid> {
    let mut fields = Fields::new();
    let name = fields.required_text("brand.name", brand.name.trim(), NAME_LENGTH_MAX);
    if brand.aliases.len() > ALIASES_MAX {
        fields.refuse("brand.aliases", "TOO_MANY", format!("at most {ALIASES_MAX} entries"));
    }
    let mut spellings = vec![folded(&name)];
    let mut aliases = Vec::new();
    for (at, alias) in brand.aliases.iter().take(ALIASES_MAX).enumerate() {
        let alias = fields.required_text(&format!("brand.aliases[{at}]"), alias.trim(), NAME_LENGTH_MAX);
        let spelling = folded(&alias);
        if !spellings.contains(&spelling) {
            spellings.push(spelling);
            aliases.push(alias);
        }
    }
    let says = spellings.iter().all(|spelling| !spelling.is_empty());
    fields.check(says || name.is_empty(), "brand.name", "MALFORMED", "a name has letters or digits");
    fields.finish()?;
    Ok(BrandDetails { name, aliases, archived: brand.archived })
}
