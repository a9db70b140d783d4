//! What a load balancer is to a deployment whose targets are no hosts: the alias of a function, or a listener of a service.
//! Pure.

use super::alias::Alias;
use super::balancers::Gate;
use super::listener::Listener;
use super::round::{Member, Times};
use crate::engine::Deployment;
use crate::model::diagnostics::Diagnostics;
use crate::model::name::Name;
use crate::model::project::Project;
use crate::model::traffic::Split;
use crate::providers::traffic::Observed;

/// What a load balancer is.
#[derive(Clone, Debug)]
pub enum Route {
    /// The alias of a function.
    Alias(Alias),
    /// A listener of a service.
    Listener(Listener),
}

impl Route {
    /// The routes of a deployment; none if that is to hosts.
    ///
    /// # Errors
    /// If the project says no longer where one is, in a sentence.
    pub fn of(deployment: &Deployment, project: &Project) -> Result<Vec<Self>, String> {
        if deployment.spec.service.is_some() {
            let listeners = Listener::of(deployment)?.into_iter();
            return Ok(listeners.map(Self::Listener).collect());
        }
        let alias = Alias::of(deployment, project)?;
        Ok(alias.map(Self::Alias).into_iter().collect())
    }

    /// What gives its servers requests.
    pub(super) fn gate(&self) -> Gate {
        match self {
            Self::Alias(alias) => alias.gate.clone(),
            Self::Listener(listener) => listener.gate.clone(),
        }
    }

    /// Its servers as the load balancer ought to have them.
    pub fn members(&self, deployment: &Deployment, times: Times) -> Vec<Member> {
        match self {
            Self::Alias(alias) => alias.members(deployment, times),
            Self::Listener(listener) => listener.members(deployment, times),
        }
    }

    /// How it ought to be split.
    pub fn split(&self, deployment: &Deployment) -> Option<Split> {
        match self {
            Self::Alias(_) => deployment.split(),
            Self::Listener(listener) => listener.split(deployment),
        }
    }

    /// Whether production traffic comes in here.
    pub fn is_production(&self) -> bool {
        match self {
            Self::Alias(_) => true,
            Self::Listener(listener) => !listener.tests,
        }
    }

    /// Whether anything may be changed.
    pub fn is_entrusted(&self, deployment: &Deployment) -> bool {
        match self {
            Self::Alias(alias) => alias.is_entrusted(deployment),
            Self::Listener(listener) => listener.is_entrusted(deployment),
        }
    }

    /// Why nothing can be shifted, while that is asked for the first time.
    pub fn fault(
        &self,
        deployment: &Deployment,
        observed: &Observed,
    ) -> Option<(Name, Diagnostics)> {
        match self {
            Self::Alias(alias) => alias.fault(deployment, observed),
            Self::Listener(listener) => listener.fault(deployment, observed),
        }
    }
}
