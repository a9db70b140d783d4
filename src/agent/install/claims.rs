//! Which other deployment group of this host has installed a path.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::cleanup;
use crate::agent::layout::{Layout, Pointer};
use crate::agent::retention;

/// What the clean-up files of all groups but one say. They are read when the first question is asked.
#[derive(Debug)]
pub struct Claims<'a> {
    layout: &'a Layout,
    group: &'a str,
    owners: OnceCell<HashMap<PathBuf, String>>,
}

impl<'a> Claims<'a> {
    /// What others than this group have.
    pub fn of_others(layout: &'a Layout, group: &'a str) -> Self {
        Self {
            layout,
            group,
            owners: OnceCell::new(),
        }
    }

    /// The group that has installed a path, by its name and application if they are known, else by its id.
    pub fn owner(&self, path: &Path) -> Option<&str> {
        let owners = self.owners.get_or_init(|| self.read());
        owners.get(path).map(String::as_str)
    }

    /// The answers are only for people: what cannot be read claims nothing.
    fn read(&self) -> HashMap<PathBuf, String> {
        let mut owners = HashMap::new();
        for (group, file) in self.layout.cleanups().unwrap_or_default() {
            if group == self.group {
                continue;
            }
            let name = self.name(&group);
            for path in cleanup::read(&file).unwrap_or_default().paths {
                owners.insert(path, name.clone());
            }
        }
        owners
    }

    fn name(&self, group: &str) -> String {
        let installed = self.layout.pointer(group, Pointer::LastInstalled);
        let record = installed
            .ok()
            .flatten()
            .as_ref()
            .and_then(retention::record);
        record.map_or_else(
            || group.to_owned(),
            |record| {
                let (name, application) = (record.deployment_group_name, record.application_name);
                format!("{name} of {application}")
            },
        )
    }
}
