//! Agents and an orchestrator of which every group has alarms.

use std::fmt::Write as _;

use serde_json::Value;

use crate::lab::Lab;

/// Every alarm that may roll back.
pub const ROLLS_BACK: &str =
    "autoRollbackConfiguration: { enabled: true, events: [DEPLOYMENT_STOP_ON_ALARM] }\n";

pub struct Site {
    pub lab: Lab,
}

/// A group's name, the tag of its hosts, its alarms, and more lines of its document.
type Group<'a> = (&'a str, (&'a str, &'a str), &'a str, &'a str);

impl Site {
    /// So many hosts, one at a time, with these alarms, a name and a source each, polled every second, and these groups.
    pub fn up(hosts: usize, alarms: &[(&str, &str)], groups: &[Group<'_>]) -> Self {
        let lab = Lab::up(hosts);
        let names: Vec<String> = (1..=hosts).map(|n| format!("web-{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        lab.project(&names, "{}");
        let document = lab.folder().join("cutover.yaml");
        let mut text = std::fs::read_to_string(&document).unwrap();
        text = text.replace(
            "settings:\n",
            "settings:\n  alarms: { intervalSeconds: 1 }\n",
        );
        text.push_str("connections:\n  alarms:\n");
        for (name, source) in alarms {
            writeln!(text, "    - {{ name: {name}, source: {source} }}").unwrap();
        }
        std::fs::write(document, text).unwrap();
        for (name, (key, value), alarms, more) in groups {
            let one = "deploymentConfigName: CodeDeployDefault.OneAtATime";
            let more = format!("{one}\nalarmConfiguration: {alarms}\n{more}");
            lab.group(name, key, value, &more);
        }
        // The first command has somebody orchestrate, who reads all of that.
        lab.push("1.0", "0", None);
        lab.push("2.0", "0.4", None);
        Self { lab }
    }

    /// Writes a file of the project's folder, whole at once.
    pub fn write(&self, file: &str, text: &str) {
        let new = self.lab.folder().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.lab.folder().join(file)).unwrap();
    }

    pub fn info(&self, id: &str) -> Value {
        self.lab.show(id)["deploymentInfo"].clone()
    }

    /// Waits until somebody works on the first host.
    pub fn under_way(&self, id: &str) {
        self.lab.wait_for(id, |now| {
            now["deploymentInfo"]["deploymentOverview"]["InProgress"].as_u64() > Some(0)
        });
    }

    /// Waits for the end that an alarm causes; answers the message.
    pub fn stopped(&self, id: &str) -> String {
        assert_eq!(self.lab.wait_for_end(id), "Stopped");
        let error = self.info(id)["errorInformation"].clone();
        assert_eq!(error["code"], "ALARM_ACTIVE");
        error["message"].as_str().unwrap().to_owned()
    }

    /// An alarm as `cutover alarms` tells it.
    pub fn alarm(&self, name: &str) -> Value {
        let text = self.lab.ok(&["alarms", name, "--output", "json"]);
        let all: Value = serde_json::from_str(&text).unwrap();
        all["alarms"][0].clone()
    }
}

/// The source of an alarm whose state is the exit code in a file of the project's folder.
pub fn by_file(file: &str) -> String {
    format!("{{ command: {{ run: [sh, -c, 'echo {file} says so; exit $(cat {file})'] }} }}")
}
