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
}
