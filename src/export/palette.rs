//! The colours of the light scheme, for files that leave the page.

/// CSS variable → value, as in `assets/style/base.css`.
pub const LIGHT: &[(&str, &str)] = &[
    ("--paper", "#ffffff"),
    ("--panel", "#f6f7f8"),
    ("--ink", "#1b1f24"),
    ("--muted", "#57606a"),
    ("--grid", "#dfe3e8"),
    ("--line", "#cfd5dc"),
    ("--routing", "#0072b2"),
    ("--capacity", "#7a8794"),
    ("--filtering", "#009e73"),
    ("--accent", "#a3397c"),
    ("--vermilion", "#c45100"),
    ("--orange", "#a86400"),
    ("--accent-soft", "#f6e6f0"),
    ("--worse", "213 94 0"),
    ("--better", "0 114 178"),
    ("--loss", "120 130 142"),
    ("--bad", "#a8320a"),
];

/// `text` with every `var(--name)` replaced by its light value; a name that is not known becomes ink.
pub(super) fn resolve(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("var(") {
        let (before, from) = rest.split_at(start);
        out += before;
        let Some(end) = from.find(')') else { return out + from };
        let name = from[4..end].split(',').next().unwrap_or_default().trim();
        let value = LIGHT.iter().find(|(known, _)| *known == name).map_or(LIGHT[2].1, |(_, value)| value);
        out += value;
        rest = &from[end + 1..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_palette_is_the_style_sheets() {
        let css = include_str!("../../assets/style/base.css");
        let (_, root) = css.split_once(":root {").unwrap();
        let (root, _) = root.split_once('}').unwrap();
        let declared: Vec<(&str, &str)> = root
            .lines()
            .filter_map(|line| line.trim().strip_suffix(';')?.split_once(": "))
            .filter(|(name, value)| {
                let triple = value.split(' ').count() == 3 && value.split(' ').all(|n| n.parse::<u8>().is_ok());
                name.starts_with("--") && (value.starts_with('#') || triple)
            })
            .collect();
        assert_eq!(declared, LIGHT, "a colour of base.css is missing in the palette, or differs");
    }

    #[test]
    fn variables_are_resolved() {
        assert_eq!(resolve("a var(--ink) b var( --grid , red)"), "a #1b1f24 b #dfe3e8");
        assert_eq!(resolve("rgb(var(--worse) / 0.5)"), "rgb(213 94 0 / 0.5)");
        assert_eq!(resolve("var(--nothing)"), "#1b1f24");
        assert_eq!(resolve("var(--open"), "var(--open");
    }
}
