//! Tables in the manner of `juju status`: columns under their heads, two spaces apart.

use pgdrill_flow::shown;
use textwrap::{Options, WordSplitter, core::display_width, wrap};

use super::fit::{cut, padded};

/// The least columns in which a text is wrapped beside its row.
const LEAST_TEXT: usize = 30;
/// The least columns to which a cell is cut.
const LEAST_CELL: usize = 4;
/// The columns before a text that stands below its row.
const INDENT: &str = "      ";

/// A table whose last column holds texts. Where its lines may have only so many columns, a text that is too long for them is
/// wrapped, beside its row or below it; a cell is cut only if the others leave no room for it.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>], columns: Option<usize>) -> String {
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let rows = rows.iter().map(|row| row.iter().map(|cell| shown(cell).into_owned()).collect());
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let fixed = rows.first().map_or(0, |head| head.len().saturating_sub(1));
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| display_width(cell)).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..fixed).map(width).collect();
    let most = columns.unwrap_or(usize::MAX);
    while taken(&widths) > most && shrink(&mut widths) {}
    rows.iter().map(|row| line(row, &widths, most)).collect()
}

/// How many columns cells take, with the gaps behind them.
fn taken(widths: &[usize]) -> usize {
    widths.iter().map(|width| width + 2).sum()
}

/// Takes one column from the widest; whether there is one that can spare it.
fn shrink(widths: &mut [usize]) -> bool {
    match widths.iter_mut().max() {
        Some(widest) if *widest > LEAST_CELL => {
            *widest -= 1;
            true
        }
        Some(_) | None => false,
    }
}

fn line(row: &[String], widths: &[usize], most: usize) -> String {
    let Some((text, cells)) = row.split_last() else { return String::new() };
    let cells = cells.iter().zip(widths);
    let cells = cells.map(|(cell, width)| format!("{}  ", padded(&cut(cell, *width), *width)));
    let cells: String = cells.collect();
    let room = most.saturating_sub(taken(widths));
    if display_width(text) <= room {
        return format!("{}\n", format!("{cells}{text}").trim_end());
    }
    let wrapped = |first: &str, rest: &str| {
        let options = Options::new(most).initial_indent(first).subsequent_indent(rest);
        let options = options.word_splitter(WordSplitter::NoHyphenation).break_words(false);
        wrap(text, options).join("\n")
    };
    if room >= LEAST_TEXT {
        format!("{}\n", wrapped(&cells, &" ".repeat(display_width(&cells))))
    } else {
        format!("{}\n{}\n", cells.trim_end(), wrapped(INDENT, INDENT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: [&str; 4] = ["Unit", "Role", "Status", "Message"];

    fn rows() -> Vec<Vec<String>> {
        let text = "failed to create stanza pgb, please check your S3 settings, and then again";
        [["0*", "primary", "active", "Primary"], ["1", "replica", "blocked", text]]
            .map(|row| row.map(str::to_owned).to_vec())
            .to_vec()
    }

    #[test]
    fn without_a_limit_every_row_is_a_line() {
        let text = "failed to create stanza pgb, please check your S3 settings, and then again";
        let expected = format!(
            "Unit  Role     Status   Message\n0*    primary  active   Primary\n1     replica  blocked  {text}\n"
        );
        assert_eq!(table(&HEAD, &rows(), None), expected);
        assert_eq!(table(&HEAD, &rows(), Some(100)), expected);
    }

    #[test]
    fn a_long_text_is_wrapped_beside_its_row() {
        let expected = "\
Unit  Role     Status   Message
0*    primary  active   Primary
1     replica  blocked  failed to create stanza pgb, please check your S3
                        settings, and then again
";
        assert_eq!(table(&HEAD, &rows(), Some(80)), expected);
    }

    #[test]
    fn a_long_text_stands_below_its_row_where_beside_it_is_no_room() {
        let expected = "\
Unit  Role     Status   Message
0*    primary  active   Primary
1     replica  blocked
      failed to create stanza pgb,
      please check your S3 settings, and
      then again
";
        assert_eq!(table(&HEAD, &rows(), Some(40)), expected);
    }

    #[test]
    fn cells_are_cut_only_where_there_is_no_room_for_them() {
        let expected = "\
Unit  Role  Sta…
      Message
0*    pri…  act…
      Primary
1     rep…  blo…
      failed to
      create
      stanza pgb,
      please check
      your S3
      settings,
      and then
      again
";
        assert_eq!(table(&HEAD, &rows(), Some(18)), expected);
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped_before_it_is_measured() {
        let rows = [vec!["\u{1b}[2J".to_owned(), "x".to_owned()]];
        assert_eq!(
            table(&["A", "B"], &rows, None),
            "A           B\n\\u{1b}[2J  x\n".replace("A           B", "A          B")
        );
    }
}
