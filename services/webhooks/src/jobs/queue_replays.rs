//! Queues anew what somebody wants to hear again: one page of the first replay of a stream at a time.

use store::Tx;

use super::call;
use super::queue_events::{Hearer, is_lost, queued};
use crate::Webhooks;
use crate::error::{Error, Result};
use crate::kinds;
use crate::model::message_rows;
use crate::model::replay_rows::{self, Replay};
use crate::streams::Stream;

/// Queues one page; answers whether there was a replay.
pub(crate) async fn run(webhooks: &Webhooks, stream: &Stream) -> Result<bool> {
    let Some(replay) = replay_rows::first(&webhooks.store, stream.name).await? else { return Ok(false) };
    let wanted = kinds::all().iter().filter(|kind| replay.event_types.iter().any(|name| name == kind.name));
    let types = wanted.filter(|kind| kind.stream == stream.name).map(|kind| kind.type_name.clone());
    let types: Vec<String> = types.collect();
    if types.is_empty() {
        // Its endpoint wants nothing of this stream any more.
        return finish(webhooks, stream, &replay).await;
    }
    let page = stream.read(replay.place.position, types, std::time::Duration::ZERO).await;
    let page = page.map_err(|status| Error::Upstream(Box::new(status)))?;
    if is_lost(&replay.place, &page) {
        tracing::warn!(stream = stream.name, replay_id = %replay.id, "what was to be sent again is no longer kept");
        return finish(webhooks, stream, &replay).await;
    }

    let position = page.read_position.min(replay.end_position);
    let mut events = page.events;
    events.retain(|event| event.position <= position);
    let hearer =
        Hearer { endpoint: replay.endpoint, audience: &replay.audience, event_types: &replay.event_types };
    let span = Some((replay.start_time, replay.end_time));
    let (messages, deliveries) = queued(&events, &[hearer], true, span);
    let call = call();
    let stored = webhooks.store.transaction(&call, async |tx: &mut Tx| {
        if !replay_rows::advance(tx, stream.name, &replay, position).await? {
            return Ok(0);
        }
        if position >= replay.end_position {
            replay_rows::end(tx, stream.name, replay.id).await?;
        }
        message_rows::queue(tx, &messages, &deliveries).await
    });
    let stored: Result<usize> = stored.await;
    let count = stored?;
    if count > 0 {
        metrics::counter!("korob_webhooks_queued_total").increment(count as u64);
        webhooks.due.notify_one();
    }
    Ok(true)
}

async fn finish(webhooks: &Webhooks, stream: &Stream, replay: &Replay) -> Result<bool> {
    let call = call();
    let ended = webhooks.store.transaction(&call, async |tx: &mut Tx| {
        replay_rows::end(tx, stream.name, replay.id).await?;
        Ok::<_, Error>(true)
    });
    ended.await
}
