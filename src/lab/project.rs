//! The lab's project: its applications with their groups, and revisions whose hooks take a few visible seconds.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::record::{Agent, Record};
use super::{checkout, gallery, thumbs};
use crate::model::yaml;

/// A revision of the lab.
#[derive(Clone, Copy, Debug)]
pub struct LabRevision {
    /// Whose.
    pub application: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// Whether it fails validation on some hosts, or answers with errors.
    pub(super) broken: bool,
}

/// The revisions, oldest first.
pub const REVISIONS: [LabRevision; 8] = [
    revision(checkout::APPLICATION, checkout::FIRST, false),
    revision(checkout::APPLICATION, checkout::SECOND, false),
    revision(checkout::APPLICATION, "2.2-broken", true),
    revision("shop", "1.0.0", false),
    revision("shop", "1.1.0", false),
    revision("shop", "1.2.0-broken", true),
    revision("search", "7.1", false),
    revision("search", "7.2", false),
];

const fn revision(application: &'static str, label: &'static str, broken: bool) -> LabRevision {
    LabRevision {
        application,
        label,
        broken,
    }
}

impl LabRevision {
    /// Its folder, below the lab's.
    pub fn folder(&self) -> String {
        format!("revisions/{}-{}", self.application, self.label)
    }
}

const APPSPEC: &str = include_str!("../../assets/lab/appspec.yml");
const HOOKS: [(&str, &str); 5] = [
    ("stop.sh", include_str!("../../assets/lab/hooks/stop.sh")),
    (
        "prepare.sh",
        include_str!("../../assets/lab/hooks/prepare.sh"),
    ),
    (
        "migrate.sh",
        include_str!("../../assets/lab/hooks/migrate.sh"),
    ),
    ("start.sh", include_str!("../../assets/lab/hooks/start.sh")),
    (
        "validate.sh",
        include_str!("../../assets/lab/hooks/validate.sh"),
    ),
];
const BROKEN: &str = include_str!("../../assets/lab/hooks/validate-broken.sh");

/// Writes documents and revisions for the hosts of a lab.
///
/// # Errors
/// If a file can't be written.
pub(super) fn write(folder: &Path, record: &Record) -> io::Result<()> {
    let hosts = &record.agents;
    let file = |path: &str, text: &str| write_file(folder, path, text);
    file("cutover.yaml", &project(folder, record)?)?;
    file("applications/shop/application.yaml", &application("shop"))?;
    file(
        "applications/shop/production.yaml",
        &production(hosts.len()),
    )?;
    file("applications/shop/staging.yaml", STAGING)?;
    file(
        "applications/search/application.yaml",
        &application("search"),
    )?;
    file("applications/search/production.yaml", SEARCH)?;
    file("configurations/ThreeQuartersHealthy.yaml", THREE_QUARTERS)?;
    for revision in REVISIONS {
        if revision.application != checkout::APPLICATION {
            write_revision(&folder.join(revision.folder()), revision)?;
        }
    }
    if record.thumbs.is_some() {
        thumbs::write(folder)?;
    }
    if record.gallery.is_some() {
        gallery::write(folder)?;
    }
    match &record.checkout {
        Some(parts) => checkout::write(folder, parts, record),
        None => Ok(()),
    }
}

/// Writes a file of a lab, and the folders above it.
pub(super) fn write_file(folder: &Path, path: &str, text: &str) -> io::Result<()> {
    let path = folder.join(path);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(path, text)
}

fn project(folder: &Path, record: &Record) -> io::Result<String> {
    let count = record.agents.len();
    let mut hosts: Vec<serde_json::Value> = record
        .agents
        .iter()
        .enumerate()
        .map(|(index, Agent { name, address, .. })| {
            let stage = if index < 2 { "staging" } else { "production" };
            let zone = if 2 * index < count { "a" } else { "b" };
            serde_json::json!({
                "name": name,
                "address": address,
                "zone": zone,
                "tags": { "role": "web", "stage": stage },
            })
        })
        .collect();
    let mut document = serde_json::json!({
        "name": "lab",
        "settings": {
            "stateDirectory": ".state",
            "limits": { "shiftMinuteSeconds": 60 / record.speed.clamp(1, 60) },
        },
    });
    if let Some(checkout) = &record.checkout {
        let (agents, places) = (&checkout.agents, &checkout.places);
        hosts.extend(
            agents
                .iter()
                .map(|agent| checkout::host(&agent.name, &agent.address, places)),
        );
        let mut connections = checkout::connections(folder, places)?;
        if let Some(parts) = &record.thumbs {
            thumbs::connect(&mut connections, parts, places.admin);
        }
        if record.gallery.is_some() {
            gallery::connect(&mut connections, folder, places.admin)?;
        }
        document["connections"] = connections;
    }
    document["hosts"] = hosts.into();
    yaml::to_string(&document).map_err(io::Error::other)
}

pub(super) fn application(name: &str) -> String {
    format!("applicationName: {name}\ncomputePlatform: Server\n")
}

/// Three quarters must stay healthy: two of eight at a time. Fewer than four hosts leave no room for that.
fn production(hosts: usize) -> String {
    let configuration = if hosts >= 4 {
        "ThreeQuartersHealthy"
    } else {
        "CodeDeployDefault.OneAtATime"
    };
    format!(
        "applicationName: shop
deploymentGroupName: production
deploymentConfigName: {configuration}
ec2TagFilters:
  - {{ Key: role, Value: web, Type: KEY_AND_VALUE }}
deploymentStyle:
  deploymentType: IN_PLACE
  deploymentOption: WITHOUT_TRAFFIC_CONTROL
"
    )
}

const THREE_QUARTERS: &str = "deploymentConfigName: ThreeQuartersHealthy
computePlatform: Server
minimumHealthyHosts: { type: FLEET_PERCENT, value: 75 }
";

const STAGING: &str = "applicationName: shop
deploymentGroupName: staging
deploymentConfigName: CodeDeployDefault.OneAtATime
ec2TagFilters:
  - { Key: stage, Value: staging, Type: KEY_AND_VALUE }
autoRollbackConfiguration:
  enabled: true
  events: [DEPLOYMENT_FAILURE]
";

const SEARCH: &str = "applicationName: search
deploymentGroupName: production
deploymentConfigName: CodeDeployDefault.HalfAtATime
ec2TagSet:
  ec2TagSetList:
    - - { Key: role, Value: web, Type: KEY_AND_VALUE }
    - - { Key: stage, Value: prod*, Type: KEY_AND_VALUE }
      - { Key: stage, Value: staging, Type: KEY_AND_VALUE }
";

fn write_revision(folder: &Path, revision: LabRevision) -> io::Result<()> {
    let app = folder.join("app");
    std::fs::create_dir_all(&app)?;
    let destination = format!("/srv/{}", revision.application);
    let appspec = APPSPEC.replace("/srv/shop", &destination);
    std::fs::write(folder.join("appspec.yml"), appspec)?;
    let version = format!("version={}\n", revision.label);
    std::fs::write(app.join("version.conf"), version)?;
    let page = format!("<h1>{} {}</h1>\n", revision.application, revision.label);
    std::fs::write(app.join("index.html"), page)?;
    let scripts = HOOKS.map(|(name, text)| {
        let broken = revision.broken && name == "validate.sh";
        (name, if broken { BROKEN } else { text })
    });
    write_scripts(folder, &scripts)
}

/// Writes the scripts of a revision.
pub(super) fn write_scripts(folder: &Path, scripts: &[(&str, &str)]) -> io::Result<()> {
    std::fs::create_dir_all(folder.join("hooks"))?;
    for (name, text) in scripts {
        let path = folder.join("hooks").join(name);
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}
