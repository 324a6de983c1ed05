//! Reads any text as a document of charts, and every chart that it gives back as a chart again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pgdrill_flow::{Chart, Form, charts_in_markdown, mermaid, parse};

fuzz_target!(|text: &str| {
    let document = charts_in_markdown(text, "fuzz.md");
    for complaint in document.warnings.iter().chain(&document.errors) {
        let lines = text.split('\n').count();
        assert!((1..=lines).contains(&complaint.line), "{complaint:?}");
        assert!(complaint.column >= 1 && complaint.width >= 1, "{complaint:?}");
    }
    for chart in &document.charts {
        check(chart);
    }
    if let Ok(parsed) = parse(text, "fuzz.mmd", "fuzz", 1) {
        check(&parsed.chart);
    }
});

/// Lists the paths of a chart, paints it and reads the painting.
fn check(chart: &Chart) {
    for path in &chart.paths(1000).listed {
        assert_eq!(path.nodes.len(), path.arrows.len() + 1);
        let _ = path.display(chart).to_string();
    }
    let visits: Vec<u64> = (0..chart.arrows.len() as u64).map(|n| n % 3).collect();
    let painted = mermaid(chart, &visits);
    let again = parse(&painted, "painted.mmd", &chart.name, 1).expect("a painted chart is a chart");
    assert!(again.warnings.is_empty(), "{:?}\n{painted}", again.warnings);
    assert_eq!(nodes(&again.chart), nodes(chart), "{painted}");
    assert_eq!(again.chart.arrows.len(), chart.arrows.len());
    for ((one, other), visits) in again.chart.arrows.iter().zip(&chart.arrows).zip(visits) {
        assert_eq!((one.from, one.to, one.dotted), (other.from, other.to, other.dotted));
        let label = match &other.label {
            Some(label) => format!("{label} · {visits}×"),
            None => format!("{visits}×"),
        };
        assert_eq!(one.label.as_deref(), Some(label.as_str()), "{painted}");
    }
}

fn nodes(chart: &Chart) -> Vec<(&str, &str, Form)> {
    let nodes = chart.nodes.iter();
    nodes.map(|node| (node.id.as_str(), node.caption.as_str(), node.form)).collect()
}
