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

    /// Moves the mouse over an element, to shares of its width and height.
    #[track_caller]
    pub fn hover_at(&self, selector: &str, share: (f64, f64)) {
        let (x, y) = self.place(selector, share);
        self.mouse("mouseMoved", x, y);
    }

    /// Clicks at shares of an element's width and height.
    #[track_caller]
    pub fn click_at(&self, selector: &str, share: (f64, f64)) {
        let (x, y) = self.place(selector, share);
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            self.mouse(kind, x, y);
        }
    }

    /// Turns the wheel over an element, down where `delta` is positive.
    #[track_caller]
    pub fn wheel_at(&self, selector: &str, share: (f64, f64), delta: f64) {
        let (x, y) = self.place(selector, share);
        let params = json!({ "type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": delta });
        self.call("Input.dispatchMouseEvent", params);
    }

    /// Drags with the mouse from one place on an element to another.
    #[track_caller]
    pub fn drag(&self, selector: &str, from: (f64, f64), to: (f64, f64)) {
        let (start, end) = (self.place(selector, from), self.place(selector, to));
        self.mouse("mouseMoved", start.0, start.1);
        self.mouse("mousePressed", start.0, start.1);
        for step in 1..=4 {
            let share = f64::from(step) / 4.0;
            let (x, y) = (start.0 + share * (end.0 - start.0), start.1 + share * (end.1 - start.1));
            let params = json!({ "type": "mouseMoved", "x": x, "y": y, "button": "left", "buttons": 1 });
            self.call("Input.dispatchMouseEvent", params);
        }
        self.mouse("mouseReleased", end.0, end.1);
    }

    /// Puts two fingers on an element, side by side, and moves them apart or together about its middle: distances are
    /// shares of its width.
    #[track_caller]
    pub fn pinch(&self, selector: &str, from: f64, to: f64) {
        self.call("Emulation.setTouchEmulationEnabled", json!({ "enabled": true, "maxTouchPoints": 2 }));
        let fingers = |distance: f64| {
            let at = |id: u32, share: f64| {
                let (x, y) = self.place(selector, (share, 0.5));
                json!({ "x": x, "y": y, "id": id })
            };
            json!([at(1, 0.5 - distance / 2.0), at(2, 0.5 + distance / 2.0)])
        };
        let touch =
            |kind: &str, points| self.call("Input.dispatchTouchEvent", json!({ "type": kind, "touchPoints": points }));
        touch("touchStart", fingers(from));
        for step in 1..=5 {
            touch("touchMove", fingers(from + (to - from) * f64::from(step) / 5.0));
        }
        touch("touchEnd", json!([]));
    }

    /// Presses a key where the focus is: `ArrowDown`, `Enter`, `+`.
    pub fn press(&self, key: &str) {
        let text = if key.chars().count() == 1 { key } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let mut params = json!({ "type": kind, "key": key });
            if kind == "keyDown" && !text.is_empty() {
                params["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", params);
        }
    }

    /// Where a place on an element, in shares of its width and height, lies in the window; scrolls there.
    #[track_caller]
    fn place(&self, selector: &str, (u, v): (f64, f64)) -> (f64, f64) {
        self.middle(selector);
        let find = format!(
            "(b => [b.x + {u} * b.width, b.y + {v} * b.height])(document.querySelector({}).getBoundingClientRect())",
            json!(selector)
        );
        let found = self.eval(&find);
        found[0].as_f64().zip(found[1].as_f64()).unwrap_or_else(|| panic!("{selector} has no place: {found}"))
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
