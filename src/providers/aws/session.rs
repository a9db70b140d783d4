//! Who this program is at AWS: found by the SDK's own chain of environment, profiles and machine; and the role that it assumes.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use tokio::sync::Mutex;

use super::credentials::kept;
use super::{Accounts, Trouble};
use crate::model::connections::{AwsAccount, account};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);

/// As AWS names who was there, where it keeps a record.
const NAME: &str = "cutover";

/// What was found, by account and region.
pub(super) type Sessions = Mutex<BTreeMap<(Option<AwsAccount>, Option<String>), SdkConfig>>;

impl Accounts {
    /// What clients of a service are made of: in this account, and in this region if the thing that is asked for is there.
    ///
    /// # Errors
    /// If no account is meant, or no region is known.
    pub(crate) async fn session(
        &self,
        named: Option<&str>,
        region: Option<&str>,
    ) -> Result<SdkConfig, Trouble> {
        let all = (self.0.documents)();
        let meant = account(&all, named).map_err(|wrong| Trouble::refused(wrong.to_string()))?;
        let key = (meant.cloned(), region.map(str::to_owned));
        let mut sessions = self.0.sessions.lock().await;
        if let Some(known) = sessions.get(&key) {
            return Ok(known.clone());
        }
        let found = Box::pin(load(meant, region)).await?;
        // Whom the documents do not have any more, nobody asks for.
        sessions.retain(|(known, _), _| known.as_ref().is_none_or(|known| all.contains(known)));
        sessions.insert(key, found.clone());
        Ok(found)
    }

    /// Looks for credentials again before the next request: those that were found are not accepted any more.
    pub(crate) async fn renew(&self, trouble: &Trouble) {
        if trouble.kind == super::Kind::Credentials {
            self.0.sessions.lock().await.clear();
        }
    }
}

async fn load(meant: Option<&AwsAccount>, region: Option<&str>) -> Result<SdkConfig, Trouble> {
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).build();
    let profile = meant.and_then(|account| account.profile.as_deref());
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        // Whoever asks asks again, and knows when.
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .region(regions(meant, region, profile));
    if let Ok(name) = AppName::new(NAME) {
        loader = loader.app_name(name);
    }
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = meant.and_then(|account| account.endpoint_url.as_deref()) {
        loader = loader.endpoint_url(url);
    }
    let mut found = loader.load().await;
    if found.region().is_none() {
        let remedy = "no region is known: give the account a `region` in `connections.aws`, or set AWS_REGION";
        return Err(Trouble::refused(remedy.to_owned()));
    }
    // The SDK prefers the environment even to a profile that is named.
    if let Some(profile) = profile {
        let here = ProviderConfig::without_region().with_region(found.region().cloned());
        let profile = ProfileFileCredentialsProvider::builder()
            .configure(&here)
            .profile_name(profile)
            .build();
        let profile = SharedCredentialsProvider::new(profile);
        found = found.into_builder().credentials_provider(profile).build();
    }
    if let Some(role) = meant.and_then(|account| account.role_arn.as_deref()) {
        let assumed = AssumeRoleProvider::builder(role)
            .configure(&found)
            .session_name(NAME)
            .build()
            .await;
        let assumed = SharedCredentialsProvider::new(assumed);
        found = found.into_builder().credentials_provider(assumed).build();
    }
    if let Some(region) = region {
        let region = Region::new(region.to_owned());
        found = found.into_builder().region(region).build();
    }
    Ok(kept(found))
}

/// Where the account is, what is asked for, the environment, or the profile: the first that says it. The machine is not asked:
/// where there is none to answer, that takes longer than anybody waits.
fn regions(
    meant: Option<&AwsAccount>,
    region: Option<&str>,
    profile: Option<&str>,
) -> RegionProviderChain {
    let own = meant.and_then(|account| account.region.as_deref());
    let own = own.or(region).map(|region| Region::new(region.to_owned()));
    let mut of_profile = ProfileFileRegionProvider::builder();
    if let Some(profile) = profile {
        of_profile = of_profile.profile_name(profile);
    }
    RegionProviderChain::first_try(own)
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(of_profile.build())
}
