//! What carries events from one service to another.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `events` of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `postgres`: subscribers read each other's logs. `nats`: JetStream brings what is told, and the logs fill the gaps.
    pub carrier: CarrierKind,
    /// The broker.
    pub nats: NatsSettings,
}

/// What carries events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CarrierKind {
    /// The producer's own log, asked by gRPC.
    #[default]
    Postgres,
    /// NATS JetStream.
    Nats,
}

/// Where NATS is, and what is Korob's there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct NatsSettings {
    /// Servers of one cluster, such as `nats://nats-0:4222` or `tls://nats:4222`.
    pub urls: Vec<String>,
    /// Who connects, with a password; empty when nobody asks.
    pub user: String,
    /// The password of `user`.
    pub password: String,
    /// Instead of user and password.
    pub token: String,
    /// Refuses to speak without TLS.
    pub require_tls: bool,
    /// Certificates of who may sign the servers', as PEM; empty for those that the machine trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The certificate of this side, as PEM, for servers that verify clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_file: Option<PathBuf>,
    /// Its key, as PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// What every subject begins with, such as `korob` in `korob.orders.OrderPlaced`.
    pub subject_prefix: String,
    /// The stream. Made when it is absent; one that exists is left as it is.
    pub stream: String,
    /// Servers that keep a copy of a stream that is made.
    pub replicas: usize,
    /// How long a stream that is made keeps events, in hours.
    pub max_age_hours: u64,
}

impl Default for NatsSettings {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            user: String::new(),
            password: String::new(),
            token: String::new(),
            require_tls: false,
            ca_file: None,
            certificate_file: None,
            key_file: None,
            subject_prefix: "korob".to_owned(),
            stream: "KOROB".to_owned(),
            replicas: 1,
            max_age_hours: 7 * 24,
        }
    }
}

/// What JetStream allows.
const REPLICAS_MAX: usize = 5;
/// Logs forget after this many hours: nothing older could be published again.
const AGE_HOURS_MAX: u64 = 90 * 24;
const NAME_LENGTH_MAX: usize = 64;

impl Settings {
    /// Refuses what cannot work, naming the key.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.carrier == CarrierKind::Postgres {
            return Ok(());
        }
        let nats = &self.nats;
        anyhow::ensure!(!nats.urls.is_empty(), "events.nats.urls: events.carrier = \"nats\" needs a server");
        for url in &nats.urls {
            let parsed = url.parse::<async_nats::ServerAddr>();
            anyhow::ensure!(
                parsed.is_ok() && !url.is_empty(),
                "events.nats.urls: {url:?} is not the URL of a server, such as nats://nats:4222"
            );
        }
        anyhow::ensure!(
            nats.user.is_empty() == nats.password.is_empty(),
            "events.nats.user: a user needs a password, and a password a user"
        );
        anyhow::ensure!(
            nats.token.is_empty() || nats.user.is_empty(),
            "events.nats.token: either a token or a user"
        );
        anyhow::ensure!(
            nats.certificate_file.is_some() == nats.key_file.is_some(),
            "events.nats.certificate_file: a certificate needs a key_file, and a key a certificate_file"
        );
        let plain = |name: &str, more: &[char]| {
            (1..=NAME_LENGTH_MAX).contains(&name.len())
                && name.chars().all(|letter| letter.is_ascii_alphanumeric() || more.contains(&letter))
        };
        let parts = nats.subject_prefix.split('.');
        anyhow::ensure!(
            parts.clone().all(|part| plain(part, &['-', '_']))
                && nats.subject_prefix.len() <= NAME_LENGTH_MAX,
            "events.nats.subject_prefix: {:?} is not letters, digits, - and _, with dots between",
            nats.subject_prefix
        );
        anyhow::ensure!(
            plain(&nats.stream, &['-', '_']),
            "events.nats.stream: {:?} is not letters, digits, - and _",
            nats.stream
        );
        anyhow::ensure!(
            (1..=REPLICAS_MAX).contains(&nats.replicas),
            "events.nats.replicas: {} is not 1 to {REPLICAS_MAX}",
            nats.replicas
        );
        anyhow::ensure!(
            (1..=AGE_HOURS_MAX).contains(&nats.max_age_hours),
            "events.nats.max_age_hours: {} is not 1 to {AGE_HOURS_MAX}",
            nats.max_age_hours
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut NatsSettings)) -> String {
        let mut settings = Settings { carrier: CarrierKind::Nats, ..Settings::default() };
        settings.nats.urls.push("nats://127.0.0.1:4222".to_owned());
        settings.check().expect("enough");
        change(&mut settings.nats);
        settings.check().expect_err("refused").to_string()
    }

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        let begins =
            |text: String, key: &str| assert!(text.starts_with(&format!("events.nats.{key}:")), "{text}");
        begins(refused(|nats| nats.urls.clear()), "urls");
        begins(refused(|nats| nats.urls.push("nats://no port:x".to_owned())), "urls");
        begins(refused(|nats| nats.urls.push(String::new())), "urls");
        begins(refused(|nats| nats.user.push('u')), "user");
        begins(refused(|nats| nats.password.push('p')), "user");
        begins(
            refused(|nats| (nats.token, nats.user, nats.password) = ("t".into(), "u".into(), "p".into())),
            "token",
        );
        begins(refused(|nats| nats.key_file = Some("key.pem".into())), "certificate_file");
        for prefix in ["", "korob.", "korob.>", "*", "a b", ".a"] {
            begins(refused(|nats| nats.subject_prefix = prefix.to_owned()), "subject_prefix");
        }
        begins(refused(|nats| nats.stream = "a.b".to_owned()), "stream");
        begins(refused(|nats| nats.replicas = 0), "replicas");
        begins(refused(|nats| nats.max_age_hours = 0), "max_age_hours");
    }

    #[test]
    fn the_log_needs_nothing() {
        let mut settings = Settings::default();
        settings.nats.replicas = 0;
        settings.check().expect("not looked at");
    }
}
