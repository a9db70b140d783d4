//! From a document to the load balancer that it means.

use std::sync::Arc;

#[cfg(feature = "aws")]
use super::elbv2::{Elbv2Balancer, Swap};
use super::envoy::EnvoyBalancer;
use super::haproxy::HaProxyBalancer;
use super::http::RequestBalancer;
#[cfg(feature = "aws")]
use super::lambda::LambdaBalancer;
use super::nginx::NginxBalancer;
use super::router::RouterBalancer;
use super::{Balancer, TargetGroup, TrafficError};
use crate::model::connections::{
    FunctionConnection, LambdaAlias, LoadBalancer, TrafficProvider, Version,
};
use crate::model::name::Name;
use crate::model::project::Project;
use crate::providers::aws::Accounts;
use crate::providers::hosts::Network;
use crate::providers::secrets::Secrets;
use crate::providers::services::Listener;

/// A connection to a load balancer; those behind agents are reached as their hosts are, and `secrets` and `accounts` are for
/// those that want some. Nothing is sent yet.
///
/// # Errors
/// If its document can't be right.
pub fn connect(
    document: &LoadBalancer,
    project: &Project,
    network: &Network,
    secrets: &Secrets,
    accounts: &Accounts,
) -> Result<Arc<dyn Balancer>, TrafficError> {
    let name = &document.name;
    let agent = |host: &Name| {
        let known = project.host(host).ok_or_else(|| TrafficError::Refused {
            balancer: format!("the connection {name}"),
            reason: format!("{host} is no host of this project"),
        })?;
        Ok(network.agent(&known.name, &known.address))
    };
    let http = network.plain();
    Ok(match &document.provider {
        TrafficProvider::Haproxy(connection) => {
            Arc::new(HaProxyBalancer::new(name, connection, agent)?)
        }
        TrafficProvider::Nginx(connection) => {
            let (host, upstream) = (connection.host.clone(), connection.upstream.clone());
            Arc::new(NginxBalancer::new(agent(&host)?, host, upstream))
        }
        TrafficProvider::Envoy(connection) => {
            Arc::new(EnvoyBalancer::new(http.clone(), connection))
        }
        TrafficProvider::Router(connection) => {
            Arc::new(RouterBalancer::new(http.clone(), connection))
        }
        TrafficProvider::Http(connection) => {
            Arc::new(RequestBalancer::new(name, connection, secrets)?)
        }
        #[cfg(feature = "aws")]
        TrafficProvider::Elbv2(connection) => {
            Arc::new(Elbv2Balancer::new(name, connection, accounts))
        }
        #[cfg(not(feature = "aws"))]
        TrafficProvider::Elbv2(connection) => {
            return Err(TrafficError::Refused {
                balancer: accounts.label(&format!("ELB {name}"), connection.account.as_deref()),
                reason: crate::providers::aws::ABSENT.to_owned(),
            });
        }
    })
}

/// A connection to the alias of a function at AWS Lambda. Nothing is sent yet.
///
/// # Errors
/// If this build has no AWS.
pub fn connect_function(
    function: &FunctionConnection,
    at: &LambdaAlias,
    accounts: &Accounts,
) -> Result<Arc<dyn Balancer<Version>>, TrafficError> {
    #[cfg(feature = "aws")]
    return Ok(Arc::new(LambdaBalancer::new(function, at, accounts)));
    #[cfg(not(feature = "aws"))]
    Err(TrafficError::Refused {
        balancer: accounts.label(&format!("Lambda {}", function.name), at.account.as_deref()),
        reason: crate::providers::aws::ABSENT.to_owned(),
    })
}

/// A connection to a listener by which a service at AWS ECS gets its requests. Nothing is sent yet.
///
/// # Errors
/// If this build has no AWS.
pub fn connect_listener(
    listener: &Listener,
    account: Option<&str>,
    accounts: &Accounts,
) -> Result<Arc<dyn Balancer<TargetGroup>>, TrafficError> {
    #[cfg(feature = "aws")]
    return Ok(Arc::new(Swap::new(listener, account, accounts)));
    #[cfg(not(feature = "aws"))]
    Err(TrafficError::Refused {
        balancer: accounts.label(&format!("ECS {}", listener.service.short_name()), account),
        reason: crate::providers::aws::ABSENT.to_owned(),
    })
}
