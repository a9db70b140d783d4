//! The lab's project: two applications, three groups, and revisions whose hooks take a few visible seconds.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::model::yaml;

/// A revision of the lab.
#[derive(Clone, Copy, Debug)]
pub struct LabRevision {
    /// Whose.
    pub application: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// Whether it fails validation on some hosts.
    broken: bool,
}

/// The revisions, oldest first.
pub const REVISIONS: [LabRevision; 5] = [
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

/// Writes documents and revisions for hosts at these addresses, in this order.
///
/// # Errors
/// If a file can't be written.
pub fn write(folder: &Path, hosts: &[(String, String)]) -> io::Result<()> {
    let file = |path: &str, text: &str| {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, text)
    };
    file("cutover.yaml", &project(hosts)?)?;
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
        write_revision(&folder.join(revision.folder()), revision)?;
    }
    Ok(())
}

fn project(hosts: &[(String, String)]) -> io::Result<String> {
    let count = hosts.len();
    let hosts: Vec<serde_json::Value> = hosts
        .iter()
        .enumerate()
        .map(|(index, (name, address))| {
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
    let document = serde_json::json!({
        "name": "lab",
        "settings": { "stateDirectory": ".state" },
        "hosts": hosts,
    });
    yaml::to_string(&document).map_err(io::Error::other)
}

fn application(name: &str) -> String {
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
    std::fs::create_dir_all(folder.join("hooks"))?;
    let destination = format!("/srv/{}", revision.application);
    let appspec = APPSPEC.replace("/srv/shop", &destination);
    std::fs::write(folder.join("appspec.yml"), appspec)?;
    let version = format!("version={}\n", revision.label);
    std::fs::write(app.join("version.conf"), version)?;
    let page = format!("<h1>{} {}</h1>\n", revision.application, revision.label);
    std::fs::write(app.join("index.html"), page)?;
    for (name, text) in HOOKS {
        let text = if revision.broken && name == "validate.sh" {
            BROKEN
        } else {
            text
        };
        let path = folder.join("hooks").join(name);
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}
