//! SVG that stands alone: light colours in place of CSS variables, a generic font, and the source inside.

use super::Source;
use super::palette::resolve;

/// Space around everything and the font sizes, in the drawing's own units.
const MARGIN: f64 = 14.0;
const TITLE: f64 = 19.0;
const SENTENCE: f64 = 14.0;
const SMALL: f64 = 10.5;
/// Width of a letter as a share of the font's size, as in the widest of the usual sans-serif fonts.
const LETTER: f64 = 0.65;
/// Lines of the link that are shown; all of it is in the metadata and behind the shown part.
const LINK_LINES: usize = 2;

/// A drawing of the page (an `<svg>` element with a `viewBox`) as a file of its own: title and sentence above it,
/// model, hash and link below. None where the text is no such element.
pub fn standalone(drawing: &str, source: &Source) -> Option<String> {
    let (root, content) = split_root(drawing)?;
    let [left, top, width, height] = view_box(root)?;
    let wide = width.max(320.0);
    let per_line = |size: f64| (wide / (size * LETTER)) as usize;
    let title = wrap(&source.title, per_line(TITLE));
    let sentence = wrap(&source.sentence, per_line(SENTENCE));
    let weights = wrap(&format!("{}, weights SHA-256 {}", source.model, source.sha256), per_line(SMALL));
    let mut link = wrap(&source.link, per_line(SMALL));
    if link.len() > LINK_LINES {
        link.truncate(LINK_LINES);
        if let Some(last) = link.last_mut() {
            last.pop();
            last.push('…');
        }
    }
    let mut y = MARGIN + TITLE;
    let mut out = text_lines(&title, TITLE, "#1b1f24\" font-weight=\"600", &mut y);
    out += &text_lines(&sentence, SENTENCE, "#57606a", &mut y);
    let figure = y;
    y += height + SMALL * 1.6;
    out += &format!(
        "<g transform=\"translate({} {})\">{}</g>\n",
        MARGIN - left,
        figure - top,
        resolve(&plain_fonts(&without_classes(content)))
    );
    out += &text_lines(&weights, SMALL, "#57606a", &mut y);
    let linked = text_lines(&link, SMALL, "#0072b2", &mut y);
    out += &format!("<a href=\"{}\" target=\"_blank\">\n{linked}</a>\n", escape(&source.link));
    let (w, h) = (wide + 2.0 * MARGIN, y + MARGIN - SMALL);
    Some(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"{w:.0}\" \
         height=\"{h:.0}\" viewBox=\"0 0 {w:.2} {h:.2}\" font-family=\"sans-serif\">\n\
         <title>{}</title>\n<desc>{}</desc>\n\
         <metadata>model {} sha256 {} modes {} link {}</metadata>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{out}</svg>\n",
        escape(&source.title),
        escape(&source.sentence),
        escape(&source.model),
        escape(&source.sha256),
        escape(&source.modes),
        escape(&source.link),
    ))
}

/// A picture (a `data:` URL) as a drawing for [`standalone`], its pixels kept sharp.
pub fn with_image(data_url: &str, width: f64, height: f64) -> String {
    format!(
        "<svg viewBox=\"0 0 {width} {height}\"><rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\" \
         stroke=\"#cfd5dc\"/><image width=\"{width}\" height=\"{height}\" style=\"image-rendering:pixelated\" \
         href=\"{url}\" xlink:href=\"{url}\"/></svg>",
        url = escape(data_url)
    )
}

/// The root's tag and what lies between it and its end.
fn split_root(drawing: &str) -> Option<(&str, &str)> {
    let start = drawing.find("<svg")?;
    let open = start + drawing[start..].find('>')?;
    let end = drawing.rfind("</svg>").filter(|end| *end > open)?;
    Some((&drawing[start..open], &drawing[open + 1..end]))
}

fn view_box(root: &str) -> Option<[f64; 4]> {
    let (_, rest) = root.split_once("viewBox=\"")?;
    let (values, _) = rest.split_once('"')?;
    let values: Vec<f64> =
        values.split([' ', ',']).filter(|v| !v.is_empty()).map(|v| v.parse().ok()).collect::<Option<_>>()?;
    let [x, y, width, height] = values[..] else { return None };
    (width > 0.0 && height > 0.0 && values.iter().all(|v| v.is_finite())).then_some([x, y, width, height])
}

/// Classes mean something only beside the page's style sheet.
fn without_classes(text: &str) -> String {
    without_attribute(text, " class=\"", |_| None)
}

/// `system-ui` and the like are the page's; a file takes what its reader has.
fn plain_fonts(text: &str) -> String {
    without_attribute(text, " font-family=\"", |_| Some("sans-serif".into()))
}

/// Replaces an attribute's value, or drops the attribute.
fn without_attribute(text: &str, opening: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(opening) {
        let from = start + opening.len();
        let Some(length) = rest[from..].find('"') else { break };
        out += &rest[..start];
        if let Some(new) = value(&rest[from..from + length]) {
            out += &format!("{opening}{new}\"");
        }
        rest = &rest[from + length + 1..];
    }
    out + rest
}

/// Lines of text from `y` downwards, which moves on.
fn text_lines(lines: &[String], size: f64, colour: &str, y: &mut f64) -> String {
    let mut out = String::new();
    for line in lines {
        out += &format!(
            "<text x=\"{MARGIN}\" y=\"{y:.1}\" font-size=\"{size}\" fill=\"{colour}\">{}</text>\n",
            escape(line)
        );
        *y += size * 1.35;
    }
    out
}

/// Lines of at most `width` letters, broken at spaces where there are any.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        for (i, piece) in letters.chunks(width).enumerate() {
            let fits = lines.last().is_some_and(|line| line.chars().count() + 1 + piece.len() <= width);
            match lines.last_mut() {
                Some(line) if i == 0 && fits => {
                    line.push(' ');
                    line.extend(piece);
                }
                _ => lines.push(piece.iter().collect()),
            }
        }
    }
    lines
}

/// Text for XML: markup escaped, characters that XML 1.0 forbids left out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\t' | '\n' | '\r' => out.push(' '),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWING: &str = "<svg width=\"100%\" viewBox=\"0 0 640 350\" xmlns=\"http://www.w3.org/2000/svg\">\
        <text class=\"a b\" font-family=\"system-ui, sans-serif\" fill=\"var(--ink)\">layer &amp; rank</text></svg>";

    fn source() -> Source {
        Source {
            figure: "cascade".into(),
            title: "Ranks <of> \"heads\" & more\u{0}".into(),
            sentence: "Layers 1–7 linearised: perplexity rises by 1.2 %. ".repeat(4),
            model: "sd-6m".into(),
            sha256: "d".repeat(64),
            modes: "linearized*7,softmax*5".into(),
            link: format!("https://example.org/#v=1&t={}", "abc%20".repeat(60)),
        }
    }

    #[test]
    fn stands_alone() {
        let svg = standalone(DRAWING, &source()).unwrap();
        assert!(svg.starts_with("<?xml") && svg.ends_with("</svg>\n"));
        assert!(!svg.contains("var(") && !svg.contains("class=") && !svg.contains("system-ui"), "{svg}");
        assert!(svg.contains("fill=\"#1b1f24\">layer &amp; rank</text>"));
        assert!(svg.contains("<title>Ranks &lt;of&gt; &quot;heads&quot; &amp; more</title>"));
        assert!(svg.contains(&"d".repeat(64)));
        // The whole link twice (metadata and anchor), and a part of it to read.
        let whole = escape(&source().link);
        assert_eq!(svg.matches(&whole).count(), 2);
        assert!(svg.contains("…</text>"));
        // Every mark-up sign is balanced: as many tags open as close.
        let opened = svg.matches("<text").count() + svg.matches("<g").count() + svg.matches("<a ").count();
        let closed = svg.matches("</text>").count() + svg.matches("</g>").count() + svg.matches("</a>").count();
        assert_eq!(opened, closed);
    }

    #[test]
    fn grows_with_what_is_written() {
        let height =
            |source: &Source| view_box(split_root(&standalone(DRAWING, source).unwrap()).unwrap().0).unwrap()[3];
        assert!(height(&source()) > height(&Source::default()) + 3.0 * SENTENCE);
        assert!(height(&Source::default()) > 350.0);
    }

    #[test]
    fn lines_fit_beside_the_margins() {
        let svg = standalone(DRAWING, &Source { title: "word ".repeat(40), ..source() }).unwrap();
        let texts: Vec<(f64, &str)> = svg
            .split("<text x=")
            .skip(1)
            .map(|t| {
                let size = t.split("font-size=\"").nth(1).unwrap().split('"').next().unwrap();
                (size.parse().unwrap(), t.split('>').nth(1).unwrap().split('<').next().unwrap())
            })
            .collect();
        assert!(texts.iter().filter(|(size, _)| *size == TITLE).count() > 1, "a long title is broken");
        for (size, text) in texts {
            let letters = text.replace("&amp;", "&").chars().count() as f64;
            assert!(letters * size * LETTER <= 640.0, "{text}");
        }
    }

    #[test]
    fn pictures_are_drawings_too() {
        let drawing = with_image("data:image/png;base64,AAAA", 256.0, 256.0);
        let svg = standalone(&drawing, &source()).unwrap();
        assert!(svg.contains("data:image/png;base64,AAAA"));
    }

    #[test]
    fn refuses_what_is_no_drawing() {
        for bad in
            ["", "<svg>", "<p></p>", "<svg></svg>", "<svg viewBox=\"0 0 0 1\"></svg>", "<svg viewBox=\"0 0 1\"></svg>"]
        {
            assert_eq!(standalone(bad, &source()), None, "{bad}");
        }
    }

    #[test]
    fn wraps_at_spaces_and_inside_long_words() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghijkl", 8), ["abcdefgh", "ijkl"]);
        assert!(wrap("  ", 8).is_empty());
    }
}
