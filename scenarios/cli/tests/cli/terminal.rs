//! What is shown on a terminal, which is a real one here, and that nothing else gets any of it.

use std::{fs::File, io::Read as _, process::Stdio};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

use crate::session::{ended, pgdrill};

/// What a terminal of so many columns gets from `pgdrill`, with these words and variables.
fn on_terminal(columns: u16, words: &str, variables: &[(&str, &str)]) -> String {
    let pty = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&pty).unwrap();
    unlockpt(&pty).unwrap();
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&pty, size).unwrap();
    let name = ptsname(&pty, Vec::new()).unwrap();
    let terminal = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let mut command = pgdrill();
    command.args(words.split(' ')).envs(variables.iter().copied()).env("TERM", "xterm");
    command.stdin(Stdio::null()).stdout(terminal).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    // The terminal ends when the last who holds it does.
    drop(command);
    let (mut shown, mut pty) = (Vec::new(), File::from(pty));
    // What a terminal without a holder says is no text and no end, but an error.
    let _ = pty.read_to_end(&mut shown);
    child.wait().unwrap();
    String::from_utf8(shown).unwrap().replace("\r\n", "\n")
}

fn widest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn rows_fit_the_terminal_and_lose_nothing() {
    for command in ["list", "laws", "coverage", "laws --known"] {
        let piped = ended(command).stdout;
        for columns in [80, 100] {
            let shown = on_terminal(columns, command, &[]);
            assert!(widest(&shown) <= usize::from(columns), "{command} at {columns}: {shown}");
            assert_eq!(words(&shown), words(&piped), "{command} at {columns}");
        }
    }
    assert!(widest(&ended("list").stdout) > 80, "or this shows nothing");
}

#[test]
fn a_run_fits_the_terminal() {
    let shown = on_terminal(60, "run --filter lessons", &[("NO_COLOR", "1")]);
    assert!(widest(&shown) <= 60, "{shown}");
    assert_eq!(words(&shown), words(&ended("run --filter lessons").stdout));
}

#[test]
fn the_variable_is_of_a_terminal_alone() {
    let narrow = on_terminal(120, "laws", &[("COLUMNS", "70")]);
    assert!(widest(&narrow) <= 70, "{narrow}");
    let as_is = on_terminal(70, "laws", &[]);
    for nonsense in ["", "0", "-1", "wide"] {
        assert_eq!(on_terminal(70, "laws", &[("COLUMNS", nonsense)]), as_is, "{nonsense:?}");
    }
    let mut piped = pgdrill();
    let piped = piped.arg("laws").env("COLUMNS", "40").output().unwrap();
    assert_eq!(String::from_utf8(piped.stdout).unwrap(), ended("laws").stdout);
}
