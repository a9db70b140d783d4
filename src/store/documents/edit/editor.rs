//! The operator's own editor.

use std::path::Path;
use std::process::Command;

/// Editors that go to a line when they are given `+LINE` before the file.
const AT_A_LINE: [&str; 13] = [
    "vi",
    "vim",
    "nvim",
    "view",
    "nano",
    "emacs",
    "emacsclient",
    "micro",
    "hx",
    "helix",
    "kak",
    "joe",
    "mg",
];

/// An editor, which may be a command with options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Editor(String);

impl Editor {
    /// What `$VISUAL` or `$EDITOR` says, as `variable` reads them.
    pub fn find(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        ["VISUAL", "EDITOR"]
            .into_iter()
            .filter_map(variable)
            .find(|editor| !editor.trim().is_empty())
            .map(Self)
    }

    /// As it was said.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// What runs it on a file, at a line if it can be told one.
    pub fn command(&self, file: &Path, line: Option<usize>) -> Command {
        let line = line.filter(|_| self.goes_to_lines());
        let at = line.map_or_else(String::new, |line| format!("+{line} "));
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("{} {at}\"$1\"", self.0), "sh"])
            .arg(file);
        command
    }

    fn goes_to_lines(&self) -> bool {
        let program = self.0.split_whitespace().next().unwrap_or_default();
        let name = Path::new(program)
            .file_name()
            .and_then(|name| name.to_str());
        name.is_some_and(|name| AT_A_LINE.contains(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(visual: &str, editor: &str) -> Option<Editor> {
        Editor::find(|name| match name {
            "VISUAL" => Some(visual.to_owned()),
            "EDITOR" => Some(editor.to_owned()),
            _ => None,
        })
    }

    #[test]
    fn the_editor_is_what_the_environment_says() {
        assert_eq!(found("hx", "vi"), Some(Editor("hx".to_owned())));
        assert_eq!(found(" ", "vi"), Some(Editor("vi".to_owned())));
        assert_eq!(found("", ""), None);
        assert_eq!(Editor::find(|_| None), None);
    }

    #[test]
    fn a_line_is_given_to_those_that_take_one() {
        let script = |editor: &str| {
            let command = Editor(editor.to_owned()).command(Path::new("a b.yaml"), Some(7));
            let words = command.get_args().map(|word| word.to_string_lossy());
            words.map(std::borrow::Cow::into_owned).collect::<Vec<_>>()
        };
        assert_eq!(script("/usr/bin/vim -n")[1], "/usr/bin/vim -n +7 \"$1\"");
        assert_eq!(script("code --wait")[1], "code --wait \"$1\"");
        assert_eq!(script("code --wait")[3], "a b.yaml");
    }
}
