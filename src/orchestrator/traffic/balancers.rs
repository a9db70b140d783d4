//! The load balancers of a group: from names to connections.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::connections::LoadBalancer;
use crate::model::project::Project;
use crate::providers::traffic::{Balancer, connect};

/// Connections that are kept for as long as their documents stay the same.
#[derive(Default)]
pub(super) struct Connections(BTreeMap<String, (LoadBalancer, Arc<dyn Balancer>)>);

impl Connections {
    /// The load balancer of this name, by the project's documents as they are now.
    pub fn get(
        &mut self,
        project: &Project,
        name: &str,
    ) -> Result<(LoadBalancer, Arc<dyn Balancer>), String> {
        let document = project.connections.load_balancer(name).ok_or_else(|| {
            format!("{name} is no load balancer of `connections` in cutover.yaml any more")
        })?;
        if let Some((known, balancer)) = self.0.get(name)
            && known == document
        {
            return Ok((known.clone(), Arc::clone(balancer)));
        }
        let balancer = connect(document, project).map_err(|error| error.to_string())?;
        let entry = (document.clone(), balancer);
        self.0.insert(name.to_owned(), entry.clone());
        Ok(entry)
    }
}
