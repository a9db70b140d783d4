//! Credentials that were found are kept until shortly before they expire: the SDK's clients do so, each request that is signed
//! here would have a role assumed or a program run anew.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use tokio::sync::Mutex;

/// How long before they expire others are looked for: the SDK's clients do so later, and are not to get the same again.
const MARGIN: Duration = Duration::from_mins(1);

/// How long those are kept that do not say when they expire.
const OTHERWISE: Duration = Duration::from_mins(15);

/// The same session, with credentials that are kept. They end with it, and nobody else sees them.
pub(super) fn kept(session: SdkConfig) -> SdkConfig {
    let Some(provider) = session.credentials_provider() else {
        return session;
    };
    let keeper = Keeper {
        provider,
        session: session.clone(),
        kept: Mutex::default(),
    };
    let keeper = SharedCredentialsProvider::new(keeper);
    session.into_builder().credentials_provider(keeper).build()
}

/// Asks whoever has credentials, and keeps them.
#[derive(Debug)]
struct Keeper {
    provider: SharedCredentialsProvider,
    /// Whose clock counts.
    session: SdkConfig,
    /// What was found, and until when it is good. Held while somebody looks, so that nobody does so beside him.
    kept: Mutex<Option<(Credentials, SystemTime)>>,
}

impl Keeper {
    async fn find(&self) -> provider::Result {
        let mut kept = self.kept.lock().await;
        let now = self.session.time_source().map(|source| source.now());
        if let (Some((found, until)), Some(now)) = (&*kept, now)
            && now < *until
        {
            return Ok(found.clone());
        }
        let found = self.provider.provide_credentials().await?;
        let until = match found.expiry() {
            Some(expiry) => expiry.checked_sub(MARGIN),
            None => now.and_then(|now| now.checked_add(OTHERWISE)),
        };
        *kept = until.map(|until| (found.clone(), until));
        Ok(found)
    }
}

impl ProvideCredentials for Keeper {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.find())
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.provider.fallback_on_interrupt()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_config::{BehaviorVersion, Region};

    use super::*;

    /// Gives out credentials with this expiry, and counts how often.
    #[derive(Clone, Debug)]
    struct Source(Option<SystemTime>, Arc<AtomicUsize>);

    impl ProvideCredentials for Source {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            self.1.fetch_add(1, Ordering::Relaxed);
            let found = Credentials::new("key", "secret", None, self.0, "test");
            future::ProvideCredentials::ready(Ok(found))
        }
    }

    /// How often credentials with this expiry are looked for, if they are needed three times.
    async fn looks(expiry: Option<SystemTime>) -> usize {
        let source = Source(expiry, Arc::default());
        let session = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(source.clone())
            .load()
            .await;
        let provider = kept(session).credentials_provider().unwrap();
        for _ in 0..3 {
            let found = provider.provide_credentials().await.unwrap();
            assert_eq!(found.access_key_id(), "key");
        }
        source.1.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn credentials_are_looked_for_once_until_shortly_before_they_expire() {
        let now = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .load()
            .await
            .time_source()
            .unwrap()
            .now();
        assert_eq!(looks(None).await, 1);
        assert_eq!(looks(now.checked_add(MARGIN * 2)).await, 1);
        assert_eq!(looks(now.checked_add(MARGIN / 2)).await, 3);
        assert_eq!(looks(Some(SystemTime::UNIX_EPOCH)).await, 3);
    }
}
