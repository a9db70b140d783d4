//! The project of the tests, and revisions whose scripts leave a trace.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::seed::Random;

/// The events that scripts of the tests' revisions run in.
const EVENTS: [&str; 5] = [
    "ApplicationStop",
    "BeforeInstall",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
];

/// Deployment configurations of the tests.
pub const ALL: &str = "CodeDeployDefault.AllAtOnce";
pub const HALF: &str = "CodeDeployDefault.HalfAtATime";
pub const ONE: &str = "CodeDeployDefault.OneAtATime";
pub const THREE_QUARTERS: &str = "ThreeQuartersHealthy";

/// Writes the documents; a deployment that fails is rolled back.
pub fn write(folder: &Path, hosts: &[(String, SocketAddr)], state: &str) {
    let mut root = format!("name: torture\nsettings:\n  stateDirectory: {state}\nhosts:\n");
    for (name, address) in hosts {
        let host =
            format!("  - name: {name}\n    address: http://{address}\n    tags: {{ role: web }}\n");
        root.push_str(&host);
    }
    let file = |path: &str, text: &str| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    file("cutover.yaml", &root);
    file(
        "applications/shop/application.yaml",
        "applicationName: shop\ncomputePlatform: Server\n",
    );
    file(
        "applications/shop/production.yaml",
        &format!(
            "applicationName: shop
deploymentGroupName: production
deploymentConfigName: {THREE_QUARTERS}
ec2TagFilters:
  - {{ Key: role, Value: web, Type: KEY_AND_VALUE }}
deploymentStyle:
  deploymentType: IN_PLACE
  deploymentOption: WITHOUT_TRAFFIC_CONTROL
autoRollbackConfiguration:
  enabled: true
  events: [DEPLOYMENT_FAILURE]
"
        ),
    );
    file(
        "configurations/ThreeQuartersHealthy.yaml",
        "deploymentConfigName: ThreeQuartersHealthy
computePlatform: Server
minimumHealthyHosts: { type: FLEET_PERCENT, value: 75 }
",
    );
}

/// A revision of the tests.
#[derive(Clone, Copy)]
pub struct Revision<'a> {
    pub label: &'a str,
    /// How many seconds each script takes.
    pub pause: &'a str,
    /// The hosts on which `ValidateService` fails.
    pub failing: &'a [&'a str],
    /// The hosts on which it hangs.
    pub hanging: &'a [&'a str],
}

impl Revision<'_> {
    /// Writes it. Every script says that it starts before it does anything else, and that it ends.
    pub fn write(&self, folder: &Path, trace: &Path) -> PathBuf {
        let folder = folder.join("revisions").join(self.label);
        std::fs::create_dir_all(folder.join("app/pages")).unwrap();
        std::fs::write(folder.join("app/version"), self.label).unwrap();
        for page in 0..6 {
            let text = format!("{} {page}\n", self.label).repeat(40);
            std::fs::write(folder.join(format!("app/pages/{page}")), text).unwrap();
        }
        // Something that does not get smaller when it is packed.
        let mut random = Random(self.label.bytes().map(u64::from).sum());
        let noise: Vec<u8> = (0..20_000)
            .map(|_| u8::try_from(random.below(256)).unwrap())
            .collect();
        std::fs::write(folder.join("app/noise"), noise).unwrap();
        let hooks = lines(
            EVENTS
                .iter()
                .map(|event| format!("  {event}:\n    - location: hook.sh\n      timeout: 120\n")),
        );
        let appspec = format!(
            "version: 0.0\nos: linux\nfiles:\n  - source: app\n    destination: /srv/app\nhooks:\n{hooks}"
        );
        std::fs::write(folder.join("appspec.yml"), appspec).unwrap();
        let fails = lines(self.failing.iter().map(|host| {
            format!("  *~{host}~*/ValidateService/*) echo 'no cache' >&2; exit 7;;\n")
        }));
        let hangs = lines(
            self.hanging
                .iter()
                .map(|host| format!("  *~{host}~*/ValidateService/*) sleep 1000;;\n")),
        );
        let trace = trace.display();
        let hook = format!(
            "#!/bin/sh
echo \"start $CUTOVER_SCRIPT\" >> {trace}
echo \"{label} runs $LIFECYCLE_EVENT\"
[ {pause} = 0 ] || sleep {pause}
case $CUTOVER_SCRIPT in
{fails}{hangs}esac
echo \"end $CUTOVER_SCRIPT\" >> {trace}
",
            label = self.label,
            pause = self.pause,
        );
        let path = folder.join("hook.sh");
        std::fs::write(&path, hook).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        folder
    }
}

fn lines(all: impl Iterator<Item = String>) -> String {
    all.collect::<Vec<_>>().concat()
}
