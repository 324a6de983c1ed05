//! Commands that a text shows with what they print, to be run line by line.

use std::{path::Path, process::Command};

/// A fenced block of a Markdown text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What stands behind the backticks that open it.
    pub info: String,
    /// Its lines, each with its line break.
    pub text: String,
}

/// A command of a text, and the lines that stand below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCommand {
    /// What a shell is given.
    pub command: String,
    /// What it prints, as the text shows it: a line `…` stands for any lines, a `…` within a line for any text.
    pub printed: Vec<String>,
}

/// Every fenced block of a text, in order.
#[must_use]
pub fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in markdown.lines() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(info), None) => {
                open = Some(Block { info: info.to_owned(), text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.text.push_str(&format!("{line}\n")),
            (None, None) => {}
        }
    }
    blocks
}

/// The commands of a block: a line that begins with `$ ` is one, the others are what it prints. What stands before the first
/// one is nobody's.
#[must_use]
pub fn commands(block: &str) -> Vec<ShownCommand> {
    let mut commands: Vec<ShownCommand> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => {
                commands.push(ShownCommand { command: command.to_owned(), printed: Vec::new() });
            }
            (None, Some(last)) => last.printed.push(line.to_owned()),
            (None, None) => {}
        }
    }
    commands
}

/// A shell that is given a command, and finds the programs of a folder first. It ends with the first command that fails.
#[must_use]
pub fn shell(programs: &Path, command: &str) -> Command {
    let program = r#"PATH="$1:$PATH"; export PATH; eval "$2""#;
    let mut shell = Command::new("sh");
    shell.args(["-euc", program, "sh"]).arg(programs).arg(command);
    shell
}

/// Whether what was printed is what is shown.
#[must_use]
pub fn is_as_shown(printed: &str, shown: &[String]) -> bool {
    let mut rest: Vec<&str> = printed.lines().map(str::trim_end).collect();
    rest.reverse();
    let mut skips = false;
    for line in shown.iter().map(|line| line.trim_end()) {
        if line == "…" {
            skips = true;
            continue;
        }
        loop {
            let Some(next) = rest.pop() else { return false };
            let fits = match line.split_once('…') {
                Some((before, after)) => {
                    next.starts_with(before.trim_end()) && next.ends_with(after)
                }
                None => next == line,
            };
            match (fits, skips) {
                (true, _) => break,
                (false, true) => {}
                (false, false) => return false,
            }
        }
        skips = false;
    }
    skips || rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_stands_for_what_is_printed() {
        let shown = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>();
        assert!(is_as_shown("a\nb\nc\n", &shown(&["a", "…", "c"])));
        assert!(is_as_shown("a 1\nb\n", &shown(&["a …", "…"])));
        assert!(is_as_shown("", &[]));
        for (printed, lines) in
            [("a\nb\n", &["a"][..]), ("a\n", &["a", "b"]), ("b\na\n", &["a", "…"]), ("x\n", &[])]
        {
            assert!(!is_as_shown(printed, &shown(lines)), "{printed:?} {lines:?}");
        }
    }

    #[test]
    fn blocks_and_commands_are_found() {
        let text = "a\n```yaml mine.yaml\nb: c\n```\n\n  ```console\n$ d\ne\n$ f\n  ```\n";
        let found = blocks(text);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].info.as_str(), found[0].text.as_str()), ("yaml mine.yaml", "b: c\n"));
        let command = |command: &str, printed: &[&str]| ShownCommand {
            command: command.into(),
            printed: printed.iter().map(|&line| line.into()).collect(),
        };
        assert_eq!(commands(&found[1].text), [command("d", &["e"]), command("f", &[])]);
    }
}
