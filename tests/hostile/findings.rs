//! Many tries at once, and what was wrong with any of them.

use futures_util::stream::{Stream, StreamExt as _};

/// Tries at once.
const AT_ONCE: usize = 16;

/// What the tries found, each at most one thing.
pub async fn findings(tries: impl Stream<Item = impl Future<Output = Option<String>>>) -> Vec<String> {
    let tried: Vec<Option<String>> = tries.buffer_unordered(AT_ONCE).collect().await;
    tried.into_iter().flatten().collect()
}
