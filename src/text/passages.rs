//! Passages that ship with the page, in the manner of the old books that the models were trained on.

/// A text to start from.
#[derive(Debug, PartialEq)]
pub struct Passage {
    /// As in links.
    pub id: &'static str,
    pub title: &'static str,
    pub text: &'static str,
}

pub const PASSAGES: &[Passage] = &[
    Passage {
        id: "clockmaker",
        title: "The clockmaker (a story)",
        text: include_str!("../../assets/passages/clockmaker.txt"),
    },
    Passage {
        id: "salt-marsh",
        title: "The salt marsh (a description)",
        text: include_str!("../../assets/passages/salt-marsh.txt"),
    },
    Passage { id: "ferry", title: "The ferry (a dialogue)", text: include_str!("../../assets/passages/ferry.txt") },
    Passage {
        id: "inventory",
        title: "A true account (a list)",
        text: include_str!("../../assets/passages/inventory.txt"),
    },
];

pub fn passage(id: &str) -> Option<&'static Passage> {
    PASSAGES.iter().find(|p| p.id == id)
}
