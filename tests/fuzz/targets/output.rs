//! The kept output of scripts: a file with anything in it is read to its end or refused, and what is read can be shown.

use std::cell::RefCell;

use cutover::store::output::{OutputLine, Outputs};
use cutover::text::safe;
use tempfile::TempDir;

use super::kind;
use super::sanitiser::is_harmful;
use crate::engine::Target;

pub static TARGET: Target = Target {
    name: "output",
    seeds: Vec::new,
    examine,
};

thread_local! {
    static FOLDER: RefCell<TempDir> = RefCell::new(tempfile::tempdir().unwrap());
}

fn examine(bytes: &[u8]) -> Result<String, String> {
    FOLDER.with_borrow(|folder| {
        let deployment = "d-A1B2C3D4E".parse().unwrap();
        let target = "web-1".parse().unwrap();
        let path = folder.path().join("d-A1B2C3D4E");
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("web-1.jsonl"), bytes).unwrap();
        let outputs = Outputs::new(folder.path().to_owned());
        let mut reader = match outputs.reader(&deployment, &target) {
            Ok(reader) => reader,
            Err(error) => return Ok(kind(&error.to_string())),
        };
        let mut all = 0;
        loop {
            let lines = match reader.lines() {
                Ok(lines) => lines,
                Err(error) => return Ok(format!("{} {}", all.min(5), kind(&error.to_string()))),
            };
            if lines.is_empty() {
                return Ok(format!("{} lines", all.min(5)));
            }
            for line in lines {
                all += 1;
                let json = serde_json::to_string(&line).unwrap();
                let read: OutputLine =
                    serde_json::from_str(&json).map_err(|error| error.to_string())?;
                if read != line {
                    return Err(format!("{line:?} is read as {read:?}"));
                }
                if safe(&line.text).chars().any(is_harmful) {
                    return Err(format!("{line:?} can't be shown"));
                }
            }
            if all > bytes.len() {
                return Err("more lines than bytes".to_owned());
            }
        }
    })
}
