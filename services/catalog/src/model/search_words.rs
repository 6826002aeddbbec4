//! The words a product is found by.

use std::collections::BTreeSet;

/// Words of one product; the rest of a very long name is not searched.
const WORDS_MAX: usize = 200;

/// The lower-case words of `texts`, each once, in a fixed order: letters and digits, cut at everything else.
pub(crate) fn search_words<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let words = texts.into_iter().flat_map(|text| text.split(|letter: char| !letter.is_alphanumeric()));
    let words: BTreeSet<String> =
        words.filter(|word| !word.is_empty()).map(str::to_lowercase).take(WORDS_MAX).collect();
    words.into_iter().collect()
}
