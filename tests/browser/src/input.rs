//! Mouse and keyboard: what a person does to a page.

use serde_json::json;

use crate::Page;

impl Page {
    /// Moves the mouse to the middle of an element.
    #[track_caller]
    pub fn hover(&self, selector: &str) {
        let (x, y) = self.middle(selector);
        self.mouse("mouseMoved", x, y);
    }

    /// Clicks an element with the mouse, as a person would: it must be visible and uncovered.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        let (x, y) = self.middle(selector);
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            self.mouse(kind, x, y);
        }
    }

    fn mouse(&self, kind: &str, x: f64, y: f64) {
        let button = if kind == "mouseMoved" { "none" } else { "left" };
        let params = json!({ "type": kind, "x": x, "y": y, "button": button, "clickCount": 1 });
        self.call("Input.dispatchMouseEvent", params);
    }

    /// Scrolls an element into view and returns its middle. What lies on top of it must be a part of it.
    #[track_caller]
    fn middle(&self, selector: &str) -> (f64, f64) {
        let find = format!(
            "(e => {{
                if (!e) return null;
                e.scrollIntoView({{ block: 'center', inline: 'center', behavior: 'instant' }});
                const box = e.getClientRects()[0] ?? e.getBoundingClientRect();
                const x = box.x + box.width / 2, y = box.y + box.height / 2;
                const top = document.elementFromPoint(x, y);
                return {{ x, y, seen: e.contains(top) }};
            }})(document.querySelector({}))",
            json!(selector)
        );
        self.wait(&format!("{selector} can be reached by the mouse"), || {
            let found = self.eval(&find);
            if found["seen"] == true { found["x"].as_f64().zip(found["y"].as_f64()) } else { None }
        })
    }

    /// A key that is pressed (`keyDown`) or let go (`keyUp`), by its name and code.
    pub fn key(&self, kind: &str, key: &str, code: u32) {
        let params = json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code });
        self.call("Input.dispatchKeyEvent", params);
    }

    /// Chooses an option of a select element by its value.
    #[track_caller]
    pub fn select(&self, selector: &str, value: &str) {
        let change = format!(
            "(e => {{
                if (![...e?.options ?? []].some(option => option.value === {value})) return false;
                e.value = {value};
                e.dispatchEvent(new Event('input', {{ bubbles: true }}));
                e.dispatchEvent(new Event('change', {{ bubbles: true }}));
                return true;
            }})(document.querySelector({}))",
            json!(selector),
            value = json!(value),
        );
        self.wait(&format!("{selector} offers {value}"), || (self.eval(&change) == true).then_some(()));
    }

    /// Replaces the content of a visible text field by typing; an empty text deletes it.
    #[track_caller]
    pub fn type_into(&self, selector: &str, text: &str) {
        let focus = format!(
            "(e => {{ e.focus(); e.select(); return document.activeElement === e; }})(document.querySelector({}))",
            json!(selector)
        );
        assert_eq!(self.eval(&focus), true, "{selector} can't be typed into");
        if text.is_empty() {
            self.eval("document.execCommand('delete')");
        } else {
            self.call("Input.insertText", json!({ "text": text }));
        }
    }
}
