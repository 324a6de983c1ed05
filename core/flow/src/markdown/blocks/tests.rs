//! Headings and diagrams of small documents.

use super::*;

/// The headings and the texts of the diagrams, with the lines of their fences.
fn found(text: &str) -> Vec<String> {
    let shown = blocks(text).into_iter().map(|block| match block {
        Block::Heading(text) => format!("# {text}"),
        Block::Diagram(block) => format!("{}: {}", block.line, block.text),
        Block::Unclosed(block) => format!("{}: open", block.line),
    });
    shown.collect()
}

#[test]
fn fences_are_found_in_lists_and_quotes() {
    for (text, line) in [
        ("- a\n\n  ```mermaid\n  x\n    y\n  ```\n", 3),
        ("1. a\n   - b\n     ~~~mermaid\n     x\n       y\n     ~~~\nz\n", 3),
        ("* ```mermaid\n  x\n    y\n  ```", 1),
        ("> a\n> ```mermaid\n> x\n>   y\n> ```\n", 2),
        (">- a\n>\n>  ```mermaid\n>  x\n>    y\n>  ```\n", 3),
        ("-\ta\n\n\t```mermaid\n\tx\n\t  y\n\t```\n", 3),
        ("!!! note \"T\"\n    ```mermaid\n    x\n      y\n    ```\n", 2),
        ("=== \"Tab\"\n\n    ```mermaid\n    x\n      y\n    ```\n", 3),
    ] {
        assert_eq!(found(text), [format!("{line}: x\n  y\n")], "{text}");
    }
}

#[test]
fn a_fence_ends_with_its_list_or_quote() {
    assert_eq!(found("> ```mermaid\n> x\n\n# T"), ["1: x\n", "# T"]);
    assert_eq!(found("- ```mermaid\n  x\n\n# T"), ["1: x\n\n", "# T"]);
    assert_eq!(found("> ```mermaid\n> x"), ["1: open"]);
    assert_eq!(found("- ```sh\n  x\n# T"), ["# T"]);
}

#[test]
fn what_is_indented_as_code_is_code() {
    assert_eq!(found("    ```mermaid\n    x\n    ```\n"), Vec::<String>::new());
    assert_eq!(found("- a\n\n      ```mermaid\n      x\n      ```\n"), Vec::<String>::new());
    assert_eq!(found("    # T\n\n    T\n    =\n"), Vec::<String>::new());
}

#[test]
fn headings_of_both_kinds_are_found() {
    assert_eq!(
        found("# One #\n\nTwo\n===\nThree\ntoo\n  --- \n"),
        ["# One #", "# Two", "# Three too"]
    );
    assert_eq!(found("- a\n---\n* * *\n\n---\n"), Vec::<String>::new());
    assert_eq!(found("> Q\n> =\n- I\n  -\n"), ["# Q", "# I"]);
    assert_eq!(found("(label)=\nTitle\n=====\n"), ["# Title"]);
    assert_eq!(found("---\ntitle: T\n---\n# H"), ["# H"]);
    assert_eq!(found("---\n# H"), ["# H"], "front matter that is never closed is none");
}

#[test]
fn what_stands_in_a_comment_is_not_there() {
    let chart = "```mermaid\na --> b\n```";
    assert_eq!(found(&format!("<!--\n{chart}\n-->\n# T\n{chart}")), ["# T", "7: a --> b\n"]);
    assert_eq!(found(&format!("<!-- x -->\n{chart}\n<!-->\n-->\n{chart}")).len(), 2);
    assert_eq!(found(&format!("- <!--\n  {chart}\n  -->\n# T\n")), ["# T"]);
    assert_eq!(found(&format!("<!-- x\n\n# T\n--> y\n{chart}")).len(), 1);
    assert_eq!(found("<!-- x\n# T"), Vec::<String>::new());
    assert_eq!(found(&format!("`<!--`\n{chart}")).len(), 1);
    assert_eq!(found(&format!("```html\n<!--\n```\n{chart}")).len(), 1);
}

#[test]
fn a_comment_that_only_an_arrow_ends_ends_there() {
    assert_eq!(found("<!--\n```mermaid\na --> b\n# T\n"), ["# T"]);
    let many = "<!--\n```\n-->\n".repeat(20_000);
    assert_eq!(found(&format!("{many}# T\n")), ["# T"]);
}

#[test]
fn directives_hold_markdown_or_code() {
    let chart = "```{mermaid}\nx\n```";
    for (before, after) in [
        (":::{note}", ":::"),
        ("::::{tab-set}\n:::{tab-item} A", ":::\n::::"),
        ("````{tip} T", "````"),
    ] {
        let text = format!("{before}\n{chart}\n{after}\nT\n=\n");
        let [diagram, heading] = found(&text).try_into().unwrap();
        assert!(diagram.ends_with(": x\n"), "{text}: {diagram}");
        assert_eq!(heading, "# T", "{text}");
    }
    let shown = format!(":::{{code-block}} md\n{chart}\n# no\n:::\n````{{code}}\n{chart}\n````\n");
    assert_eq!(found(&shown), Vec::<String>::new());
    assert_eq!(found(":::{mermaid}\nx\n\n---\ny\n:::\n# T"), ["1: x\n\n---\ny\n", "# T"]);
}

#[test]
fn options_are_those_of_a_directive() {
    let options = |text: &str| match blocks(text).remove(0) {
        Block::Diagram(block) => (block.without_options().0.to_owned(), block.without_options().1),
        other @ (Block::Heading(_) | Block::Unclosed(_)) => panic!("{other:?}"),
    };
    assert_eq!(options("```{mermaid}\n:name: x\n:zoom:\n\nx\n```"), ("\nx\n".to_owned(), 2));
    assert_eq!(options(":::{mermaid} y.mmd\n:::"), (String::new(), 0));
    assert_eq!(options("```mermaid\n:x\n```"), (":x\n".to_owned(), 0));
}
