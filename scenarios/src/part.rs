//! What was walked of some of the charts, and whether charts and code agree.

use crate::coverage::Coverage;

impl Coverage {
    /// The coverage of the charts of this name, and what is missing on either side of these alone.
    #[must_use]
    pub fn of_chart(mut self, name: &str) -> Self {
        self.charts.retain(|cover| cover.chart.name == name);
        let (inside, whole) = (format!("{name}: "), format!("chart {name}"));
        let is_of_chart = |missing: &String| missing.starts_with(&inside) || *missing == whole;
        self.missing_in_core.retain(is_of_chart);
        self.missing_in_chart.retain(is_of_chart);
        self
    }

    /// The names of the charts, in the order of their document.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.charts.iter().map(|cover| cover.chart.name.as_str()).collect()
    }

    /// Whether nothing is missing on either side and every chart could be read, whatever was walked.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.missing_in_core.is_empty()
            && self.missing_in_chart.is_empty()
            && self.unread.is_empty()
    }
}
