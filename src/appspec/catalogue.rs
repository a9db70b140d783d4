//! The catalogue of findings: every id, what it means and what to do about it.
//!
//! Ids never change their meaning, and an id that is gone is not used again. `E01` … `E42`, `E50` … `E52` and `L01` … `L05` are
//! those of the specification; the rest are cutover's own.

use crate::model::deployment::ErrorCode;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The revision is refused, or the event fails.
    Error,
    /// It is carried out, but looks like a mistake.
    Warning,
}

impl Severity {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }

    /// That of a finding with this id.
    pub fn of(id: &str) -> Self {
        if id.starts_with('W') {
            Self::Warning
        } else {
            Self::Error
        }
    }
}

/// One kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: &'static str,
    /// A few words for it.
    pub title: &'static str,
    /// When it is found.
    pub meaning: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

impl Entry {
    /// How bad it is.
    pub fn severity(&self) -> Severity {
        Severity::of(self.id)
    }

    /// The code with which a deployment ends that meets it. Errors of servers fail an event of a host, not the deployment.
    pub fn error_code(&self) -> Option<ErrorCode> {
        match self.id {
            "L08" => Some(ErrorCode::InvalidLambdaConfiguration),
            id if id.starts_with('L') => Some(ErrorCode::InvalidRevision),
            _ => None,
        }
    }
}

/// The entry of an id, in capitals or not.
pub fn find(id: &str) -> Option<&'static Entry> {
    ENTRIES
        .iter()
        .find(|entry| entry.id.eq_ignore_ascii_case(id))
}

const fn entry(
    id: &'static str,
    title: &'static str,
    meaning: &'static str,
    remedy: &'static str,
) -> Entry {
    Entry {
        id,
        title,
        meaning,
        remedy,
    }
}

/// All entries in the order of their ids.
pub const ENTRIES: &[Entry] = &[
    entry(
        "E01",
        "empty AppSpec",
        "Nothing is in the file but blanks and comments.",
        "Write version, os and what is to be installed.",
    ),
    entry(
        "E02",
        "not readable as YAML",
        "The file is no valid YAML or JSON, is neither UTF-8 nor UTF-16 with a byte order mark, names a key twice, goes beyond a limit (4 MiB, 128 levels), or is a list or a word where a mapping is expected.",
        "Correct the text at the place that the message names.",
    ),
    entry(
        "E03",
        "wrong version",
        "version is missing, or something else than zero.",
        "Write version: 0.0.",
    ),
    entry(
        "E04",
        "wrong os",
        "os is missing, or something else than linux in small letters; Windows is not supported.",
        "Write os: linux.",
    ),
    entry(
        "E05",
        "files entry without source",
        "An entry of files has no source, or files is not a list of mappings.",
        "Give each entry a source, relative to the revision's root.",
    ),
    entry(
        "E06",
        "files entry without destination",
        "An entry of files has no destination.",
        "Give each entry a destination: the absolute path of a directory.",
    ),
    entry(
        "E07",
        "destination not absolute",
        "A destination does not begin with a slash. ~ and variables have no meaning.",
        "Write the whole path of the directory.",
    ),
    entry(
        "E08",
        "source not in the revision",
        "A source of files is not in the bundle.",
        "Correct the source, or put the file into the bundle.",
    ),
    entry(
        "E09",
        "path leaves the revision",
        "A source, a script or the AppSpec lies outside of the bundle, by way of .. or of a link, or is the bundle itself where a file is needed.",
        "Name a file below the revision's root.",
    ),
    entry(
        "E10",
        "two sources for one file",
        "Two sources would be copied to the same file.",
        "Give one of them another destination, or leave it out.",
    ),
    entry(
        "E11",
        "file where a directory is made",
        "A file would be copied to where this installation makes a directory.",
        "Give one of them another destination.",
    ),
    entry(
        "E12",
        "directory where a file is copied",
        "A directory would be made where this installation copies a file.",
        "Give one of them another destination.",
    ),
    entry(
        "E13",
        "the host has something else there",
        "A directory exists where a file is to be copied, or something else than a directory where a directory is needed.",
        "Remove what is there, or choose another destination.",
    ),
    entry(
        "E14",
        "wrong file_exists_behavior",
        "file_exists_behavior is something else than DISALLOW, OVERWRITE or RETAIN in capitals.",
        "Write one of the three, or leave the key out.",
    ),
    entry(
        "E15",
        "file exists",
        "A file to be copied exists on the host, was not put there by this deployment group, and file_exists_behavior is DISALLOW.",
        "Remove the file, or set file_exists_behavior to OVERWRITE or RETAIN.",
    ),
    entry(
        "E16",
        "unknown file-exists option of the deployment",
        "The deployment's own option is none of DISALLOW, OVERWRITE and RETAIN.",
        "Deploy again with one of the three.",
    ),
    entry(
        "E17",
        "no AppSpec",
        "The revision's root has neither the AppSpec that was asked for, nor appspec.yml, nor appspec.yaml.",
        "Put the AppSpec at the root of the revision, or say its name.",
    ),
    entry(
        "E18",
        "event that may not have scripts",
        "The deployment says which events may have scripts, and hooks names another one.",
        "Correct the event's name, or leave its scripts out.",
    ),
    entry(
        "E19",
        "event without an entry in hooks",
        "An event that is not one of the platform's was ordered, but hooks does not name it.",
        "Add the event to hooks, or order another one.",
    ),
    entry(
        "E20",
        "permissions on Windows",
        "permissions is only possible on Linux. Not reported: an AppSpec for Windows is refused with E04.",
        "Leave permissions out.",
    ),
    entry(
        "E21",
        "pattern with a file",
        "The object of a permissions entry is a single file, but the entry has a pattern.",
        "Leave the pattern out, or name the file's directory as object.",
    ),
    entry(
        "E22",
        "exceptions with a file",
        "The object of a permissions entry is a single file, but the entry has exceptions.",
        "Leave except out, or name the file's directory as object.",
    ),
    entry(
        "E23",
        "mode too long",
        "A mode has more than four digits.",
        "Write three or four octal digits in quotes, such as \"0644\".",
    ),
    entry(
        "E24",
        "mode not octal",
        "A mode has something else than digits from 0 to 7, or none.",
        "Write three or four octal digits in quotes, such as \"0644\".",
    ),
    entry(
        "E25",
        "malformed ACL entry",
        "An entry of acls does not follow [d:][u|g|m|o:][name]:permissions, or is there twice.",
        "Write entries such as u:bob:rw or d:g:dev:rx.",
    ),
    entry(
        "E26",
        "mask or other with a name",
        "An ACL entry gives a name to mask or other, which have none.",
        "Leave the name out: m::rw, d:o::r.",
    ),
    entry(
        "E27",
        "ACL entry that is the mode's",
        "An ACL entry is about the file's own user, group or others.",
        "Set these through mode.",
    ),
    entry(
        "E28",
        "unknown ACL permission",
        "The permissions of an ACL entry are neither one digit from 0 to 7 nor letters of rwx-.",
        "Write them like rw, r-x or 7.",
    ),
    entry(
        "E29",
        "default ACL entry for a file",
        "A permissions entry with a default ACL entry means a file, too; only directories have default entries.",
        "Set type: [directory], or give directories an entry of their own.",
    ),
    entry(
        "E30",
        "context without type",
        "An SELinux context has no type, or is not a mapping.",
        "Give the context a type.",
    ),
    entry(
        "E31",
        "context with role",
        "An SELinux context has a role, which cannot be set.",
        "Leave the role out.",
    ),
    entry(
        "E32",
        "sensitivities in the wrong order",
        "The range's second sensitivity is below its first.",
        "Write the lower one first: s0-s3.",
    ),
    entry(
        "E33",
        "empty part of a range",
        "A part of the range is empty, around a colon, a comma, a dash or a point.",
        "Write a range such as s0-s3:c0.c4,c9.",
    ),
    entry(
        "E34",
        "malformed sensitivity",
        "A sensitivity is not s and a number.",
        "Write it like s0.",
    ),
    entry(
        "E35",
        "malformed category",
        "A category is not c and a number up to 1023.",
        "Write it like c9.",
    ),
    entry(
        "E36",
        "categories in the wrong order",
        "A range of categories ends below its beginning.",
        "Write the lower one first: c0.c4.",
    ),
    entry(
        "E37",
        "category twice",
        "A category is there twice, maybe inside of a range.",
        "Name each category once.",
    ),
    entry(
        "E38",
        "setting ACL or context failed",
        "setfacl, semanage or restorecon failed on the host; the message has the command and what became of it.",
        "Do what the command's message says: often the tool or a user is missing, or the file system has no such lists.",
    ),
    entry(
        "E39",
        "two entries for one target",
        "Two entries of permissions mean the same file or directory. There is no order between them, even if they set different things.",
        "Make one entry of the two, or tell them apart by type, pattern or except.",
    ),
    entry(
        "E40",
        "unknown owner or group",
        "The host does not know the user or group.",
        "Create it in a BeforeInstall script, or correct the name.",
    ),
    entry(
        "E41",
        "permissions entry without object",
        "An entry of permissions has no object.",
        "Give each entry the absolute path of a file or directory on the host as object.",
    ),
    entry(
        "E42",
        "unknown type",
        "type has something else than file and directory.",
        "Write file, directory, both, or leave the key out.",
    ),
    entry(
        "E43",
        "malformed permissions",
        "permissions is not a list of mappings, or a key of an entry has a value of the wrong kind.",
        "Give the key a value of the kind that the message names.",
    ),
    entry(
        "E50",
        "script without location",
        "A script has no location.",
        "Give each script a location, relative to the revision's root.",
    ),
    entry(
        "E51",
        "wrong timeout",
        "A timeout is not a number of seconds above zero.",
        "Write a number such as 300, or leave the key out for an hour.",
    ),
    entry(
        "E52",
        "malformed hooks",
        "hooks is not a mapping of events to lists of scripts.",
        "Write a list of mappings with a location below each event.",
    ),
    entry(
        "E53",
        "malformed environment",
        "environment is not a mapping of names to texts, or a name is not made of letters, digits and _.",
        "Write environment: {NAME: value}.",
    ),
    entry(
        "E54",
        "reserved variable",
        "environment sets a variable that the agent sets itself.",
        "Choose another name.",
    ),
    entry(
        "E55",
        "unknown working folder",
        "workdir has something else than bundle.",
        "Write workdir: bundle for the revision's root, or leave the key out for /.",
    ),
    entry(
        "E60",
        "not enough room",
        "A file system has less room than the revision's files need, even with what removing the previous revision frees.",
        "Make room on the host, or install to another file system.",
    ),
    entry(
        "E61",
        "folder that cannot be written",
        "Something is to be made or removed in a folder that the agent may not write, or whose file system is read-only.",
        "Change the destination, or the host.",
    ),
    entry(
        "E62",
        "bundle refused",
        "The bundle is damaged or cut off, is of another format than zip, tar and tar.gz, or holds what no host unpacks, such as a name or a link that leads out of it. The message says which.",
        "Pack the revision anew, without what the message names.",
    ),
    entry(
        "L01",
        "not readable as an AppSpec of Lambda or ECS",
        "The content is empty, no valid YAML or JSON or no mapping, has another version than 0.0, or names a key twice, maybe in other capitals.",
        "Correct the text at the place that the message names.",
    ),
    entry(
        "L02",
        "not exactly one resource",
        "Resources is missing, is not a list with one named resource, or the resource's Type is not the platform's.",
        "Write one resource, of the type AWS::Lambda::Function for Lambda or AWS::ECS::Service for ECS.",
    ),
    entry(
        "L03",
        "wrong property of a function",
        "Name, Alias or TargetVersion is missing, or a property is not what it should be: a version is a whole number above zero, and never $LATEST.",
        "Write the property as the message says.",
    ),
    entry(
        "L04",
        "wrong property of a service",
        "TaskDefinition, ContainerName or ContainerPort is missing, a network is not complete, several providers have a Base or none of several has a Weight, or a property is not what it should be.",
        "Write the property as the message says.",
    ),
    entry(
        "L05",
        "unknown or repeated event",
        "Hooks names an event that the platform does not have, or in which the orchestrator acts itself, or one event twice.",
        "Correct the event's name, or leave it out.",
    ),
    entry(
        "L06",
        "malformed hooks of functions",
        "Hooks is not a list of events with a function each, or what stands for a function is neither a name nor an ARN.",
        "Write - EVENT: FUNCTION, with the function's name or ARN.",
    ),
    entry(
        "L07",
        "AppSpec of another platform",
        "The AppSpec is for another compute platform than the application's.",
        "Deploy it to an application of its platform, or write one for this platform.",
    ),
    entry(
        "L08",
        "nothing to shift",
        "CurrentVersion and TargetVersion of the function are the same.",
        "Publish a version, and write its number as TargetVersion.",
    ),
    entry(
        "W01",
        "two AppSpecs",
        "Both appspec.yml and appspec.yaml are in the revision; the first one is used.",
        "Remove the other one.",
    ),
    entry(
        "W02",
        "further documents",
        "Another YAML document follows in the same file. Like CodeDeploy's agent, cutover reads the first only.",
        "Remove the line with ---, or what follows it.",
    ),
    entry(
        "W03",
        "ignored key",
        "A key has no meaning where it stands. Capitals matter in AppSpecs of servers. Keys such as x-defaults or .defaults that keep an anchor are not reported.",
        "Correct the key's name or place, or remove it.",
    ),
    entry(
        "W04",
        "another AppSpec than asked for",
        "The revision has no AppSpec of the name that was asked for; appspec.yml or appspec.yaml is used.",
        "Correct the name, or put the AppSpec under it into the revision.",
    ),
    entry(
        "W10",
        "destination named like the file",
        "The destination of a file ends in the file's own name. A destination is always a directory, so the file is put into a directory of its name.",
        "Name the directory that the file is to be in.",
    ),
    entry(
        "W11",
        "link that leads nowhere",
        "A symbolic link is installed, but what it leads to is not.",
        "Install what the link leads to, at the same distance from the link as in the revision.",
    ),
    entry(
        "W12",
        "file of another group",
        "A file that another deployment group of the host has installed is overwritten. Each of the two groups removes the file when it deploys.",
        "Let one of the two groups install it.",
    ),
    entry(
        "W13",
        "little room",
        "The revision fits on a file system only if removing the previous one frees room, which files of a running program keep; or it has more files than the file system may take.",
        "Stop the program in ApplicationStop, or make room on the host.",
    ),
    entry(
        "W20",
        "mode without quotes",
        "A mode begins with zero and has no quotes. cutover reads the digits as they are written; CodeDeploy's agent reads another number.",
        "Put the mode in quotes.",
    ),
    entry(
        "W21",
        "directories that cannot be entered",
        "A mode without any x applies to directories: those of the type, or all if the entry has none.",
        "Set type: [file], and give directories an entry of their own.",
    ),
    entry(
        "W22",
        "pattern or exception that never matches",
        "A pattern other than \"**\" and every name in except are compared with the names directly below the object, so a slash never matches there; an exception with a slash must be the path of a target.",
        "Correct it, or name the directory as object.",
    ),
    entry(
        "W23",
        "character without a special meaning",
        "In a pattern or exception only * is special; ?, [ ] and { } stand for themselves.",
        "Write an entry for each name, or use *.",
    ),
    entry(
        "W24",
        "entry that means nothing",
        "The object is no absolute path, or no file or directory below it is made by this installation. Only those are ever changed; a directory that is the object itself needs self: true.",
        "Correct the object, or remove the entry.",
    ),
    entry(
        "W25",
        "entry that changes nothing",
        "A permissions entry sets neither owner, group, mode, acls nor context, or its type is empty.",
        "Complete or remove the entry.",
    ),
    entry(
        "W30",
        "unknown event",
        "hooks names an event that does not exist, so its scripts never run.",
        "Correct the event's name.",
    ),
    entry(
        "W31",
        "reserved event",
        "hooks names an event in which the agent or the orchestrator acts itself, so its scripts never run.",
        "Move the scripts to the event before or after it.",
    ),
    entry(
        "W32",
        "timeouts above the event's limit",
        "The timeouts of an event's scripts add up to more than 3600 seconds, which an event may take.",
        "Lower the timeouts.",
    ),
    entry(
        "W33",
        "unclear timeout",
        "A timeout is read otherwise than it may look: what follows the number is ignored, and without quotes 1:30 is ninety seconds.",
        "Write a plain number of seconds.",
    ),
    entry(
        "W34",
        "unclear sudo",
        "sudo is neither true nor false. As with CodeDeploy's agent, everything but false and null means true, even the text \"false\".",
        "Write sudo: true, or remove the key.",
    ),
    entry(
        "W35",
        "script not in the revision",
        "The location of a script is not in the bundle. The event fails when it comes to it. A location has no arguments: what follows a blank is part of the name.",
        "Correct the location, or put the script into the bundle.",
    ),
    entry(
        "W36",
        "script is not a file",
        "The location of a script is a directory or something else than a file. The event fails when it comes to it.",
        "Name a file.",
    ),
    entry(
        "W37",
        "script not executable",
        "A script has no execute bit. The agent sets it before it runs the script.",
        "chmod +x the script before it is packed.",
    ),
    entry(
        "W38",
        "script with Windows line ends",
        "The first line of a script ends as on Windows, so its interpreter is not found. The event fails when it comes to it.",
        "Save the script with Unix line ends.",
    ),
    entry(
        "W40",
        "hooks in another order",
        "The list of Hooks names an event after one that comes later. Events happen in the order of the platform, not in that of the list.",
        "Put the events into their order.",
    ),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn ids_are_in_order_and_found() {
        assert!(ENTRIES.is_sorted_by(|a, b| a.id < b.id));
        assert_eq!(find("w03").unwrap().severity(), Severity::Warning);
        assert_eq!(find("E39").unwrap().severity(), Severity::Error);
        assert!(find("E99").is_none());
    }

    #[test]
    fn every_id_in_the_code_is_in_the_catalogue() {
        let is_id = |word: &str| {
            word.len() == 3
                && word.starts_with(['E', 'L', 'W'])
                && word[1..].bytes().all(|byte| byte.is_ascii_digit())
        };
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut found = 0;
        while let Some(folder) = folders.pop() {
            for child in std::fs::read_dir(folder).unwrap() {
                let path = child.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap();
                for id in code.split('"').filter(|word| is_id(word)) {
                    assert!(find(id).is_some(), "{id} in {}", path.display());
                    found += 1;
                }
            }
        }
        assert!(found > ENTRIES.len(), "{found}");
    }
}
