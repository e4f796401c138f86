//! A figure's data as text, for those who do not see it and for files.

/// Rows under a head; a row's first cell names it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// What the rows are, with units.
    pub caption: String,
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(caption: &str, head: &[&str]) -> Self {
        Table { caption: caption.into(), head: head.iter().map(ToString::to_string).collect(), rows: Vec::new() }
    }

    /// Comma-separated values with a head line; cells with a comma, quote or line break are quoted.
    pub fn csv(&self) -> String {
        let cell = |text: &String| {
            if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.clone() }
        };
        let line = |cells: &Vec<String>| cells.iter().map(cell).collect::<Vec<_>>().join(",") + "\n";
        line(&self.head) + &self.rows.iter().map(line).collect::<String>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_quotes_what_needs_it() {
        let mut table = Table::new("", &["k", "a, b"]);
        table.rows.push(vec!["1".into(), "say \"x\"".into()]);
        assert_eq!(table.csv(), "k,\"a, b\"\n1,\"say \"\"x\"\"\"\n");
    }
}
