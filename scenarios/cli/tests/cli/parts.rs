//! Parts of a run and of a search: together they are the whole, and what is not all of it is refused.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use pgdrill_scenarios::yaml;
use serde_json::Value;

use crate::session::{FAILING, GOOD, Session, pgdrill};

/// A scenario that is refused.
const WRONG: &str = "scenario: nobody can do this\nfire: [{ hook: no-such-hook }]\n";

/// Writes what each of so many parts of a command prints, and returns the files with spaces between.
fn parts(session: &Session, command: &str, of: u64, codes: &[i32]) -> String {
    let mut files = Vec::new();
    for number in 1..=of {
        let ended =
            session.ended(&format!("{command} --partition {number}/{of} --format json"), b"");
        assert!(codes.contains(&ended.code), "part {number}: {} {}", ended.code, ended.stderr);
        let file = format!("part-{number}.json");
        fs::write(session.folder().join(&file), ended.stdout).unwrap();
        // The order in which they are given makes no difference.
        files.insert(0, file);
    }
    files.join(" ")
}

/// The merged report of the parts is that of the whole, to the byte.
fn is_whole(session: &Session, command: &str, of: u64, code: i32, codes: &[i32]) {
    let files = parts(session, command, of, codes);
    for format in ["text", "json"] {
        let whole = session.ended(&format!("{command} --format {format}"), b"");
        let merged = session.ended(&format!("merge {files} --format {format}"), b"");
        assert_eq!((whole.code, merged.code), (code, code), "{}", merged.stderr);
        assert_eq!(whole.stdout, merged.stdout, "{command}, {of} parts, {format}");
    }
}

#[test]
fn the_parts_of_a_run_are_the_whole_run() {
    is_whole(&Session::new(), "run", 3, 0, &[0]);
    let several = format!("{GOOD}---\n{FAILING}---\n{WRONG}");
    let session = Session::new().file("a/one.yaml", &several).file("a/two.yaml", GOOD);
    let session = session.file("a/three.yaml", WRONG).file("a/nobody.snap", "");
    for of in [1, 2, 7] {
        is_whole(&session, "run a --require-snapshots=true", of, 2, &[0, 1, 2]);
        is_whole(&session, "run a --require-snapshots=false --no-config", of, 2, &[0, 1, 2]);
    }
}

#[test]
fn the_parts_of_a_search_are_the_whole_search() {
    let bounds = "--units 2 --tls=true --events 4";
    let search = format!("explore --seeds 100..1400 {bounds} --no-amendment replica-ends-active");
    is_whole(&Session::new(), &search, 2, 1, &[1]);
}

/// A search of a part for so long names seeds that give the same again.
#[test]
fn what_a_part_reached_in_its_time_can_be_had_again() {
    let session = Session::new();
    let first = session.ended(
        "explore --for 1ms --jobs 1 --units 1 --events 2 --partition 2/3 --format json",
        b"",
    );
    let last: Value = serde_json::from_str(first.stdout.lines().last().unwrap()).unwrap();
    let seeds = format!("{}..{}", last["seeds"][0], last["seeds"][1]);
    assert_eq!(seeds, "0..4096", "one block of its own, and those of others before the next");
    let again =
        format!("explore --seeds {seeds} --units 1 --events 2 --partition 2/3 --format json");
    assert_eq!(session.ended(&again, b"").stdout, first.stdout);
}

#[test]
fn what_is_not_all_of_one_whole_is_refused() {
    let session = Session::new().file("a/one.yaml", GOOD).file("a/two.yaml", GOOD);
    let write = |session: Session, name: &str, words: &str| {
        let stdout = session.ended(&format!("{words} --format json"), b"").stdout;
        session.file(name, stdout)
    };
    let mut session = session;
    for (name, words) in [
        ("1.json", "run a --partition 1/2"),
        ("2.json", "run a --partition 2/2"),
        ("of-3.json", "run a --partition 2/3"),
        ("one.json", "run a/one.yaml --partition 2/2"),
        ("off.json", "run a --partition 2/2 --no-amendment replica-ends-active"),
        ("whole.json", "run a"),
        ("s1.json", "explore --seeds 0..10 --partition 1/2"),
        ("s2.json", "explore --seeds 0..20 --partition 2/2"),
        ("s2-of-others.json", "explore --seeds 0..10 --partition 2/2 --units 2"),
    ] {
        session = write(session, name, words);
    }
    let whole = session.read("1.json");
    let (first, last) = whole.split_once('\n').unwrap();
    let another = whole.replace(
        &format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION")),
        "\"version\":\"0.0.9\"",
    );
    let session = session
        .file("cut.json", &whole[..whole.len() - 9])
        .file("no-end.json", format!("{first}\n"))
        .file("no-middle.json", last)
        .file("empty.json", "")
        .file("another.json", another);
    session
        .run("merge 1.json 2.json")
        .run("merge 2.json")
        .run("merge 1.json 2.json 1.json")
        .run("merge 1.json of-3.json")
        .run("merge 2.json another.json")
        .run("merge 1.json off.json")
        .run("merge 1.json s2.json")
        .run("merge cut.json 2.json")
        .run("merge no-end.json 2.json")
        .run("merge no-middle.json 2.json")
        .run("merge empty.json 2.json")
        .run("merge whole.json")
        .run("merge none.json")
        .run("merge s1.json s2.json")
        .run("merge s1.json s2-of-others.json")
        .run("run a --partition 3/2")
        .run("run a --partition 2")
        .run("run a --partition 2/2 --quiet")
        .holds("parts");
    // The same names with another scenario in one of them are another whole.
    let other = Session::new().file("a/one.yaml", GOOD).file("a/two.yaml", FAILING);
    let part = other.ended("run a --partition 1/2 --format json", b"").stdout;
    let other = other.file("1.json", part).file("a/two.yaml", GOOD);
    let part = other.ended("run a --partition 2/2 --format json", b"").stdout;
    let refused = other.file("2.json", part).ended("merge 1.json 2.json", b"");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("`selection`"), "{}", refused.stderr);
}

fn example(name: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(root.join("ci/parts").join(name)).unwrap();
    let document = yaml::documents(&text, name).remove(0).unwrap_or_else(|error| panic!("{error}"));
    yaml::from_document(&document).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs a script of an example as its shell would, with this program and these variables.
fn script(session: &Session, shell: &[&str], script: &str, variables: &[(&str, &str)]) -> Output {
    let program = pgdrill().get_program().to_owned();
    let folder = Path::new(&program).parent().unwrap().to_path_buf();
    let script = format!("PATH={}:$PATH\n{script}", folder.display());
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).arg(script).current_dir(session.folder());
    command.env_remove("CI").envs(variables.iter().copied()).output().unwrap()
}

#[test]
fn the_job_of_kubernetes_explores_every_part_once() {
    let job = example("kubernetes.yaml");
    let spec = &job["spec"];
    let container = &spec["template"]["spec"]["containers"][0];
    let value = |name: &str| {
        let variables = container["env"].as_array().unwrap();
        let own = variables.iter().find(|it| it["name"] == name).unwrap();
        own["value"].as_str().unwrap().to_owned()
    };
    let count: u64 = value("PARTS").parse().unwrap();
    assert_eq!(spec["completionMode"], "Indexed");
    assert_eq!((&spec["completions"], &spec["parallelism"]), (&count.into(), &count.into()));
    assert!(value("SEEDS").contains(".."), "{}", value("SEEDS"));
    let mounted = container["volumeMounts"][0]["mountPath"].as_str().unwrap();
    assert_eq!(value("OUT"), mounted);
    let shell: Vec<&str> =
        container["command"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let session = Session::new();
    for index in 0..count {
        let index = index.to_string();
        let variables = [
            ("JOB_COMPLETION_INDEX", index.as_str()),
            ("PARTS", &value("PARTS")),
            ("SEEDS", "0..1030"),
            ("OUT", "."),
        ];
        let ended = script(&session, &shell, container["args"][0].as_str().unwrap(), &variables);
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    let files: Vec<String> = (0..count).map(|index| format!("{index}.json")).collect();
    let merged = session.ended(&format!("merge {}", files.join(" ")), b"");
    assert_eq!(
        merged.stdout,
        session.ended("explore --seeds 0..1030", b"").stdout,
        "{}",
        merged.stderr
    );
}

#[test]
fn the_matrix_of_github_runs_every_part_once() {
    let workflow = example("github.yml");
    let (part, merge) = (&workflow["jobs"]["part"], &workflow["jobs"]["merge"]);
    let count = part["env"]["PARTS"].as_u64().unwrap();
    let numbers: Vec<Value> = (1..=count).map(Value::from).collect();
    assert_eq!(part["strategy"]["matrix"]["part"], Value::from(numbers));
    let last = |job: &Value| {
        let steps = job["steps"].as_array().unwrap().iter();
        steps.filter_map(|step| step["run"].as_str()).next_back().unwrap().to_owned()
    };
    let session = Session::new();
    for number in 1..=count {
        let (number, count) = (number.to_string(), count.to_string());
        let variables = [("PART", number.as_str()), ("PARTS", &count)];
        let ended = script(&session, &["bash", "-e", "-c"], &last(part), &variables);
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    let merged = script(&session, &["bash", "-e", "-c"], &last(merge), &[]);
    let whole = session.ended("run", b"");
    assert_eq!(String::from_utf8_lossy(&merged.stdout), whole.stdout);
}
