//! Which revision's scripts an event runs.

use std::io;

use crate::agent::layout::{DeploymentDir, Layout, Pointer};
use crate::agent::protocol::Order;
use crate::model::deployment::Creator;
use crate::model::group::DeploymentType;
use crate::model::lifecycle::LifecycleEvent as E;

/// The archive whose scripts run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The deployment that brought it.
    pub dir: DeploymentDir,
    /// Whether that is the order's own deployment.
    pub is_current: bool,
}

/// Chooses the archive; none means that there is nothing to run.
///
/// The scripts of an older revision are used only as long as the deployment's own archive is not there.
pub fn choose(event: E, order: &Order, layout: &Layout) -> io::Result<Option<Choice>> {
    let group = &order.deployment_group_id;
    let current = layout.deployment(group, &order.deployment_id);
    match pointer(event, order) {
        Some(pointer) if !current.archive().is_dir() => {
            let dir = layout.pointer(group, pointer)?;
            Ok(dir.map(|dir| Choice {
                is_current: dir == current,
                dir,
            }))
        }
        _ => Ok(Some(Choice {
            dir: current,
            is_current: true,
        })),
    }
}

fn pointer(event: E, order: &Order) -> Option<Pointer> {
    let blue_green_rollback = order.creator == Creator::CodeDeployRollback
        && order.deployment_type == DeploymentType::BlueGreen;
    match event {
        E::BeforeBlockTraffic | E::AfterBlockTraffic if blue_green_rollback => {
            Some(Pointer::MostRecent)
        }
        E::BeforeBlockTraffic | E::AfterBlockTraffic | E::ApplicationStop => {
            Some(Pointer::LastInstalled)
        }
        E::BeforeAllowTraffic | E::AfterAllowTraffic if blue_green_rollback => {
            Some(Pointer::LastInstalled)
        }
        _ => None,
    }
}
