//! `korob events`: events that could not be applied, listed, shown, and tried again.

mod body;

use std::process::ExitCode;
use std::time::Duration;

use proto::events::v1::event_log_service_client::EventLogServiceClient;
use proto::events::v1::{ListParkedEventsRequest, ParkedEvent, ReplayParkedEventRequest};
use rpc::{BoundChannel, Call, Caller, Directory};
use tonic::Status;

use crate::arguments::Events;
use crate::configuration::Configuration;
use crate::roles::SERVICES;

const PATIENCE: Duration = Duration::from_secs(10);
const PAGE_SIZE: i32 = 200;

/// Lists, shows or replays. Exit status 1 when there is nothing to show or to replay.
pub async fn run(configuration: Configuration, asked: Events) -> anyhow::Result<ExitCode> {
    let desk = Desk { directory: super::running_suite(&configuration)? };
    match asked {
        Events::Parked { service } => desk.list(service.map(crate::roles::Role::name)).await,
        Events::Show { event_id } => desk.show(&event_id).await,
        Events::Replay { event_id, consumer, all: _ } => {
            desk.replay(event_id.as_deref(), consumer.as_deref()).await
        }
    }
}

/// The parked events of all services.
struct Desk {
    directory: Directory,
}

/// One of them.
struct Parked {
    service: &'static str,
    event: ParkedEvent,
}

impl Desk {
    async fn list(&self, service: Option<&str>) -> anyhow::Result<ExitCode> {
        let found = self.all(service).await?;
        for parked in &found {
            println!("{}", parked.line());
        }
        let waits = found.iter().filter(|parked| !parked.event.error.is_empty()).count();
        println!("{} events are parked, {waits} of them failed, the others wait behind those", found.len());
        Ok(ExitCode::SUCCESS)
    }

    async fn show(&self, event_id: &str) -> anyhow::Result<ExitCode> {
        let mut found = self.all(None).await?;
        found.retain(|parked| parked.id() == event_id);
        anyhow::ensure!(!found.is_empty(), "no event {event_id} is parked; `korob events parked` lists them");
        for parked in found {
            println!("{}", parked.line());
            let event = parked.event.event.unwrap_or_default();
            println!(
                "  aggregate {} version {}, actor {}",
                event.aggregate_id, event.aggregate_version, event.actor
            );
            println!("  traceparent {}", event.traceparent);
            match body::read(&event.r#type, event.body.as_ref()) {
                Some(body) => println!("{}", serde_json::to_string_pretty(&body)?),
                None => println!("  {} bytes that this version cannot read", event.body.len()),
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The one that is named, or all that failed; of one consumer, or of all.
    async fn replay(&self, event_id: Option<&str>, consumer: Option<&str>) -> anyhow::Result<ExitCode> {
        let mut found = self.all(None).await?;
        found.retain(|parked| match event_id {
            Some(event_id) => parked.id() == event_id,
            None => !parked.event.error.is_empty(),
        });
        found.retain(|parked| consumer.is_none_or(|consumer| parked.event.consumer == consumer));
        if found.is_empty() {
            anyhow::ensure!(event_id.is_none(), "no such event is parked; `korob events parked` lists them");
            println!("no event waits for an operator");
            return Ok(ExitCode::SUCCESS);
        }
        for parked in &found {
            let request = ReplayParkedEventRequest {
                consumer: parked.event.consumer.clone(),
                event_id: parked.id().to_owned(),
            };
            let mut log = EventLogServiceClient::new(self.channel(parked.service));
            let replayed = log.replay_parked_event(request).await;
            replayed.map_err(|status| super::explain(&status))?;
            println!("due again: {}", parked.line());
        }
        println!(
            "{} events are tried again within seconds; `korob events parked` tells how it went",
            found.len()
        );
        Ok(ExitCode::SUCCESS)
    }

    async fn all(&self, service: Option<&str>) -> anyhow::Result<Vec<Parked>> {
        let mut found = Vec::new();
        for name in SERVICES.into_iter().filter(|name| service.is_none_or(|service| service == *name)) {
            let events = all_parked(|| self.channel(name)).await;
            let events = events.map_err(|status| super::explain(&status))?;
            found.extend(events.into_iter().map(|event| Parked { service: name, event }));
        }
        Ok(found)
    }

    fn channel(&self, service: &str) -> BoundChannel {
        self.directory.channel(service).bind(&Call::begin(Caller::operator("events"), PATIENCE))
    }
}

/// What the consumers of a service could not apply; `channel` leads to the service, for one call.
pub async fn all_parked(channel: impl Fn() -> BoundChannel) -> Result<Vec<ParkedEvent>, Status> {
    let mut found = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListParkedEventsRequest { page_size: PAGE_SIZE, page_token };
        let page = EventLogServiceClient::new(channel()).list_parked_events(request).await?.into_inner();
        found.extend(page.parked_events);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(found);
        }
    }
}

impl Parked {
    fn id(&self) -> &str {
        self.event.event.as_ref().map_or("", |event| event.event_id.as_str())
    }

    fn line(&self) -> String {
        let event = self.event.event.clone().unwrap_or_default();
        let why = match self.event.error.as_str() {
            "" => "waits behind another one".to_owned(),
            error => format!("{} tries: {error}", self.event.tries),
        };
        format!(
            "{} {} position {} {} {}: {why}",
            self.event.consumer, event.event_id, event.position, event.aggregate_id, event.r#type
        )
    }
}
