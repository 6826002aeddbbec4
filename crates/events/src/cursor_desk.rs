//! Puts cursors right after a log was restored.

use diesel::OptionalExtension;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use proto::events::v1::cursor_service_server::CursorService;
use proto::events::v1::{ResetCursorRequest, ResetCursorResponse};
use rpc::{Call, Fault, Fields};
use store::{Audit, Store, Tx, cached_sql};
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

/// The longest name of a consumer, in characters.
const NAME_LENGTH_MAX: usize = 200;

/// The cursors of one service's consumers, as a gRPC service.
#[derive(Clone)]
pub struct CursorDesk {
    store: Store,
}

impl CursorDesk {
    /// The cursors in `store`.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// The consumer's own loop sees that it is elsewhere, and goes on from there.
    async fn reset(&self, call: &Call, to: &Place) -> Result<Option<ResetCursorResponse>, store::Error> {
        self.store
            .transaction(call, async |tx: &mut Tx| {
                let found: Option<(String, String, i64)> = cached_sql(
                    "SELECT producer, epoch, position FROM event_cursors WHERE consumer = $1 FOR UPDATE",
                )
                .bind::<Text, _>(&to.consumer)
                .returns::<(Text, Text, BigInt)>()
                .get_result(tx.conn())
                .await
                .optional()?;
                let Some((producer, previous_epoch, previous_position)) = found else { return Ok(None) };
                let before = ResetCursorResponse { producer, previous_epoch, previous_position };
                if (&before.previous_epoch, before.previous_position) == (&to.epoch, to.position) {
                    return Ok(Some(before));
                }
                let now = tx.now();
                cached_sql(
                    "UPDATE event_cursors SET epoch = $2, position = $3, update_time = $4 WHERE consumer = $1",
                )
                .bind::<Text, _>(&to.consumer)
                .bind::<Text, _>(&to.epoch)
                .bind::<BigInt, _>(to.position)
                .bind::<Timestamptz, _>(now)
                .execute(tx.conn())
                .await?;
                tx.audit(
                    Audit::new("events.reset_cursor", &to.consumer)
                        .change("epoch", &before.previous_epoch, &to.epoch)
                        .change("position", before.previous_position, to.position),
                );
                Ok(Some(before))
            })
            .await
    }
}

/// Where a consumer goes on.
struct Place {
    consumer: String,
    epoch: String,
    position: i64,
}

#[tonic::async_trait]
impl CursorService for CursorDesk {
    async fn reset_cursor(
        &self,
        request: Request<ResetCursorRequest>,
    ) -> Result<Response<ResetCursorResponse>, Status> {
        let (call, request) = rpc::open(request)?;
        let mut fields = Fields::new();
        let consumer = fields.required_text("consumer", &request.consumer, NAME_LENGTH_MAX);
        let epoch: Option<Uuid> = fields.parse("epoch", &request.epoch);
        fields.check(request.position >= 0, "position", "OUT_OF_RANGE", "0 or more");
        let epoch = fields.finish_with(epoch).map_err(|invalid| Fault::invalid(&invalid))?;

        let to = Place { consumer, epoch: epoch.to_string(), position: request.position };
        match self.reset(&call, &to).await.map_err(|error| error.fault())? {
            Some(before) => Ok(Response::new(before)),
            None => {
                Err(Fault::new(Code::NotFound, "CONSUMER_NOT_FOUND", "no such consumer has read anything")
                    .into())
            }
        }
    }
}
