//! Files for the user: text and bytes as downloads, an SVG as PNG.

use leptos::prelude::*;
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, BlobPropertyBag, CanvasRenderingContext2d, HtmlAnchorElement, HtmlCanvasElement, HtmlImageElement, Url,
};

/// Pixels of a PNG for a unit of its drawing: sharp in print and on a projector.
const SCALE: f64 = 2.0;

/// Hands a file to the browser's downloads.
pub fn save(name: &str, kind: &str, content: &[u8]) -> Result<(), JsValue> {
    let url = Url::create_object_url_with_blob(&blob(kind, content)?)?;
    let anchor: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    anchor.set_href(&url);
    anchor.set_download(name);
    anchor.click();
    // The download has its own hold on the content once it has begun.
    set_timeout(move || drop(Url::revoke_object_url(&url)), std::time::Duration::from_secs(30));
    Ok(())
}

fn blob(kind: &str, content: &[u8]) -> Result<Blob, JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(content));
    Blob::new_with_u8_array_sequence_and_options(&parts, &options)
}

/// The PNG of a standalone SVG.
pub async fn png(svg: &str) -> Result<Vec<u8>, JsValue> {
    let url = Url::create_object_url_with_blob(&blob("image/svg+xml", svg.as_bytes())?)?;
    let drawn = rasterise(&url).await;
    let _ = Url::revoke_object_url(&url);
    drawn
}

async fn rasterise(url: &str) -> Result<Vec<u8>, JsValue> {
    let image = HtmlImageElement::new()?;
    image.set_src(url);
    JsFuture::from(image.decode()).await?;
    let size = |length: u32| (f64::from(length) * SCALE) as u32;
    let canvas: HtmlCanvasElement = document().create_element("canvas")?.unchecked_into();
    canvas.set_width(size(image.natural_width()));
    canvas.set_height(size(image.natural_height()));
    let context = canvas.get_context("2d")?.ok_or("no canvas")?.unchecked_into::<CanvasRenderingContext2d>();
    let (w, h) = (f64::from(canvas.width()), f64::from(canvas.height()));
    context.draw_image_with_html_image_element_and_dw_and_dh(&image, 0.0, 0.0, w, h)?;
    let data = canvas.to_data_url_with_type("image/png")?;
    let (_, base64) = data.split_once(',').ok_or("no picture")?;
    // `atob` gives a byte as a character below 256.
    Ok(window().atob(base64)?.chars().map(|c| c as u8).collect())
}
