//! The pages of a list, found as a reader finds them: from token to token.

use super::suite::Suite;

/// The paths of the first `count` pages of the list at `path`; fewer when there are fewer.
pub async fn walk(suite: &Suite, path: &str, count: usize) -> anyhow::Result<Vec<String>> {
    let mut pages = vec![path.to_owned()];
    while pages.len() < count {
        let Some(page) = pages.last() else { break };
        let page = suite.rest.get(page).await?.ok()?;
        match page["nextPageToken"].as_str() {
            Some(token) if !token.is_empty() => pages.push(format!("{path}&pageToken={token}")),
            _ => break,
        }
    }
    Ok(pages)
}
