//! The words a variant is found by, whatever their form.
//!
//! Words are cut and folded (case, ё and є, і ї ы, ґ, apostrophes and ъ), so that Russian and Ukrainian spellings meet.
//! Beside itself, each word stands in the index as its stem: Snowball's for Russian and English. PostgreSQL and Snowball
//! have none for Ukrainian; on folded letters the Russian one cuts most Ukrainian endings as well, and what it leaves of
//! them, vowels at the end, is cut here, together with the vowel that comes and goes (чашка, чашек, чашок). A search asks
//! for words that begin like the word asked for or like its stem, so a cruder stem finds more, never less.

use std::collections::BTreeSet;

use rust_stemmers::{Algorithm, Stemmer};

/// Words of one variant; the rest of a very long name is not searched.
const WORDS_MAX: usize = 200;
/// Words of one search; more do not make it narrower.
const ASKED_WORDS_MAX: usize = 16;
/// A stem has at least so many letters.
const STEM_LENGTH_MIN: usize = 3;

/// What `texts` are found by: their words and the stems of these, each once, in a fixed order.
pub(crate) fn search_words<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let words = texts.into_iter().flat_map(words).take(WORDS_MAX);
    let all: BTreeSet<String> = words.flat_map(|word| [stem(&word), word]).collect();
    all.into_iter().collect()
}

/// What is asked of the index for `text`, as a tsquery; nothing when the text has no words.
pub(crate) fn search_query(text: &str) -> Option<String> {
    let asked = |word: String| {
        let stem = stem(&word);
        // Words are letters and digits: nothing in them needs an escape.
        if stem == word || word.starts_with(&stem) {
            format!("'{stem}':*")
        } else {
            format!("('{word}':* | '{stem}':*)")
        }
    };
    let asked: Vec<String> = words(text).take(ASKED_WORDS_MAX).map(asked).collect();
    (!asked.is_empty()).then(|| asked.join(" & "))
}

/// A name as it is compared with other spellings of it: folded, with single spaces.
pub(crate) fn folded(name: &str) -> String {
    let letters: String = name.chars().flat_map(char::to_lowercase).filter_map(fold).collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The folded words of a text: letters and digits, cut at everything else.
fn words(text: &str) -> impl Iterator<Item = String> {
    let folded: String = text.chars().flat_map(char::to_lowercase).filter_map(fold).collect();
    let words = folded.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// One letter as every spelling of it; nothing for signs that are inside words and say nothing there.
fn fold(letter: char) -> Option<char> {
    match letter {
        'ё' | 'є' | 'э' => Some('е'),
        'і' | 'ї' | 'ы' => Some('и'),
        'ґ' => Some('г'),
        'ъ' | '\'' | '’' | 'ʼ' | '`' | '\u{301}' => None,
        other => Some(other),
    }
}

fn stem(word: &str) -> String {
    if word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Stemmer::create(Algorithm::English).stem(word).into_owned();
    }
    if !word.chars().all(|letter| ('а'..='я').contains(&letter)) {
        return word.to_owned();
    }
    let stem = Stemmer::create(Algorithm::Russian).stem(word);
    let mut letters: Vec<char> = stem.chars().collect();
    while letters.len() > STEM_LENGTH_MIN && letters.last().is_some_and(|last| is_ending(*last)) {
        letters.pop();
    }
    // The vowel that comes and goes before the last consonant: чашек, носок, отец.
    if let [.., before, vowel, last] = letters[..]
        && letters.len() > STEM_LENGTH_MIN
        && matches!(last, 'к' | 'ц')
        && matches!(vowel, 'о' | 'е')
        && !is_ending(before)
    {
        letters.remove(letters.len() - 2);
    }
    if letters.len() < STEM_LENGTH_MIN.min(word.chars().count()) {
        word.to_owned()
    } else {
        letters.into_iter().collect()
    }
}

fn is_ending(letter: char) -> bool {
    matches!(letter, 'а' | 'е' | 'и' | 'о' | 'у' | 'ю' | 'я' | 'й' | 'ь')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a name is found by a text, as the index does it.
    fn finds(name: &str, text: &str) -> bool {
        let index = search_words([name]);
        let query = search_query(text).expect("words");
        query.split(" & ").all(|word| {
            let prefixes = word.trim_matches(['(', ')']).split(" | ");
            let mut prefixes = prefixes.map(|prefix| prefix.trim_end_matches(":*").trim_matches('\''));
            prefixes.any(|prefix| index.iter().any(|known| known.starts_with(prefix)))
        })
    }

    #[test]
    fn words_are_found_in_every_form() {
        for (name, texts) in [
            (
                "Чашка керамическая белая",
                "чашки|чашку|чашек|ЧАШКА|чаш|керамических чашек|белую чашку|бел чаш",
            ),
            ("Футболка з об’єктивом", "футболки|футболок|футболкою|обєктив|об'єктиви|объективы|объектив"),
            ("Червоний м'яч", "червона|червоного|червоної|червоні м’ячі|мячи|мяч"),
            ("Ёлка искусственная", "елка|ёлки|елок|елку|искусственные елки"),
            ("Ковдра тепла їжак", "ковдри|ковдрою|теплої ковдри|їжаки|тепл"),
            ("Rechargeable batteries AA", "battery|batteries|recharge|aa"),
            ("Running shoes 42", "shoe|shoes|run|running shoes|42"),
            ("iPhone 15 Pro-Max 256GB", "iphone|IPHONE pro max|256gb|15"),
            ("Молоток слюсарний", "молотки|молотка|молоток|слюсарного"),
            ("Стол письменный", "столы|стола|столом|письменного|письменные"),
        ] {
            for text in texts.split('|') {
                assert!(
                    finds(name, text),
                    "{name} by {text}: {:?} {:?}",
                    search_words([name]),
                    search_query(text)
                );
            }
        }
    }

    #[test]
    fn other_words_are_not_found() {
        for (name, text) in [
            ("Чашка белая", "чайник"),
            ("Стол письменный", "стул"),
            ("Running shoes", "runway"),
            ("Кот", "кит"),
            ("Футболка", "футляр"),
        ] {
            assert!(
                !finds(name, text),
                "{name} by {text}: {:?} {:?}",
                search_words([name]),
                search_query(text)
            );
        }
    }

    #[test]
    fn a_text_without_words_asks_for_nothing() {
        assert_eq!(search_query(" -- «…» ' "), None);
        assert_eq!(search_query("a'b\\c"), Some("'ab':* & 'c':*".to_owned()));
    }

    proptest::proptest! {
        #[test]
        fn a_name_is_found_by_each_of_its_words(name in "\\PC{1,60}") {
            for word in words(&name) {
                proptest::prop_assert!(finds(&name, &word), "{name} by {word}");
            }
        }
    }
}
