//! Before anything starts: what can't be watched is refused, nothing starts before the first reading, and an alarm that is
//! active already keeps a deployment from beginning.

use super::site::{ROLLS_BACK, Site, by_file};

#[test]
fn nothing_starts_before_the_first_reading_nor_while_an_alarm_is_active() {
    let slow = "{ command: { run: [sh, -c, 'while [ ! -e go ]; do sleep 0.02; done; echo full; exit $(cat disk)'] } }";
    let alarms = "{ enabled: true, alarms: [{ name: disk }] }";
    let group = ("production", ("role", "web"), alarms, ROLLS_BACK);
    let site = Site::up(1, &[("disk", slow)], &[group]);
    site.write("disk", "0");
    site.write("go", "");
    assert_eq!(site.lab.deploy(&["production", "1.0"]).1, 0);
    let before = site.lab.trace("web-1").len();

    std::fs::remove_file(site.lab.folder().join("go")).unwrap();
    site.write("disk", "1");
    let id = site.lab.ok(&["deploy", "shop", "production", "2.0"]);
    site.lab
        .wait_for(&id, |now| now["deploymentInfo"]["status"] == "Queued");
    let says = site.info(&id)["deploymentStatusMessages"][0].to_string();
    assert!(
        says.contains("waiting for the first reading of disk, ") && says.contains(" at most"),
        "{says}"
    );
    site.write("go", "");
    assert_eq!(site.stopped(&id), "alarm active: disk: full");
    assert_eq!(site.lab.trace("web-1").len(), before, "nothing ran");
    let info = site.info(&id);
    assert_eq!(
        info["rollbackInfo"]["rollbackDeploymentId"],
        serde_json::Value::Null
    );
    let why = info["rollbackInfo"]["rollbackMessage"].as_str().unwrap();
    assert_eq!(why, "it had not begun, so there is nothing to roll back");

    // Whoever knows better deploys without, and goes back without.
    let (without, code) = site.lab.deploy(&["production", "2.0", "--alarms", "off"]);
    assert_eq!(code, 0);
    let back = site.lab.run(&["rollback", &without, "--wait"]);
    assert_eq!(back.status.code(), Some(0), "{back:?}");
    let back = site.lab.list(&[])[0].clone();
    assert_eq!(back["status"], "Succeeded", "{back}");
    assert_ne!(back["deploymentId"], without);
}

#[test]
fn what_cannot_be_watched_is_refused() {
    let alarms = "{ enabled: true, alarms: [{ name: dsk }] }";
    let group = ("typo", ("role", "web"), alarms, "");
    let site = Site::up(1, &[("disk", &by_file("disk"))], &[group]);
    site.write("disk", "0");
    let refused = |group: &str, more: &[&str]| {
        let output = site
            .lab
            .run(&[&["deploy", "shop", group, "1.0"], more].concat());
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let told = refused("typo", &[]);
    let expected = "shop/typo can't be watched: there is no alarm called dsk: did you mean disk?. `connections.alarms` of cutover.yaml";
    assert!(told.contains(expected), "{told}");
    let told = refused("typo", &["--alarms", "disk,disk"]);
    assert!(told.contains("\"disk\" is named twice"), "{told}");
    let told = refused("typo", &["--alarms", "gone"]);
    assert!(told.contains("there is no alarm called gone"), "{told}");
    assert_eq!(site.lab.list(&[]).len(), 0);

    // Others instead of the group's, none, or one that nobody can read and nobody minds.
    let plan = site
        .lab
        .ok(&["plan", "shop", "typo", "1.0", "--alarms", "disk"]);
    let watched = "the alarm disk is watched, and stops it when active";
    assert!(plan.contains(watched), "{plan}");
    for more in [
        &["--alarms", "disk"][..],
        &["--alarms", "off"],
        &["--alarms", "gone", "--ignore-poll-alarm-failure"],
    ] {
        let all = [&["typo", "1.0"], more].concat();
        assert_eq!(site.lab.deploy(&all).1, 0, "{more:?}");
    }
}
