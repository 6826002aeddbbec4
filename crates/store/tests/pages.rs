//! A page token leads to the next page of the same list, and to nothing else.

use proptest::prelude::*;
use store::{Page, Store};

use crate::workbench::Workbench;

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_to_the_end() {
    let bench = Workbench::new().await;
    let (mut token, mut seen) = (String::new(), Vec::new());
    loop {
        let page = Page::<i64>::parse(&bench.store, 3, &token, b"notes").expect("a token of this list");
        let rows: Vec<i64> = (0..10)
            .filter(|id| page.after.is_none_or(|after| *id > after))
            .take(page.limit() as usize)
            .collect();
        let (rows, next) = page.cut(&bench.store, rows, |id| *id);
        seen.extend(rows);
        token = next;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, (0..10).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_for_its_own_filters_and_its_own_installation() {
    let bench = Workbench::new().await;
    let token = token(&bench.store);

    assert!(Page::<i64>::parse(&bench.store, 3, &token, b"notes").is_ok());
    assert!(Page::<i64>::parse(&bench.store, 3, &token, b"notes of another shop").is_err());
    assert!(Page::<(String, i64)>::parse(&bench.store, 3, &token, b"notes").is_err());
    assert!(Page::<i64>::parse(&bench.stranger(), 3, &token, b"notes").is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_token_is_refused() {
    let bench = Workbench::new().await;
    let token = token(&bench.store);
    for at in 0..token.len() {
        let mut altered = token.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).expect("ASCII");
        // The last letter of base64 may carry bits that mean nothing; a token that reads the same is the same.
        let refused = Page::<i64>::parse(&bench.store, 3, &altered, b"notes");
        assert!(refused.is_err() || at == token.len() - 1, "{altered} was accepted");
    }
    for cut in 0..token.len() {
        assert!(Page::<i64>::parse(&bench.store, 3, &token[..cut], b"notes").is_err() || cut == 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_text_is_a_token_or_a_refusal() {
    let bench = Workbench::new().await;
    proptest!(|(text in "\\PC{1,80}")| {
        prop_assert!(Page::<i64>::parse(&bench.store, 3, &text, b"notes").is_err());
    });
    for size in [-1, 201, i32::MIN, i32::MAX] {
        assert!(Page::<i64>::parse(&bench.store, size, "", b"notes").is_err());
    }
}

fn token(store: &Store) -> String {
    let page = Page::<i64>::parse(store, 3, "", b"notes").expect("the first page");
    let (_, token) = page.cut(store, vec![1, 2, 3, 4], |id| *id);
    assert!(!token.is_empty());
    token
}
