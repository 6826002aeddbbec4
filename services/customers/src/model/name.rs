//! The words of a name, to search by.

/// The words in lower case, each once, without the punctuation around them.
pub(crate) fn name_words(name: &str) -> Vec<String> {
    let split = |letter: char| letter.is_whitespace() || letter.is_control() || ",;.()\"".contains(letter);
    let mut words: Vec<String> =
        name.to_lowercase().split(split).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    words.sort();
    words.dedup();
    words
}
