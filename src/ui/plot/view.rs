//! A figure on the page: the picture, what it says in words, and its data for those who do not see it.

use leptos::prelude::*;

use super::Picture;
use crate::figure::Table;

/// `label` names the picture for screen readers; the table is one click away for everybody. A figure whose data
/// stands elsewhere has no table here.
#[component]
pub fn Plot(
    #[prop(into)] picture: Signal<Picture>,
    #[prop(into)] label: Signal<String>,
    #[prop(optional, into)] table: Option<Signal<Table>>,
) -> impl IntoView {
    view! {
        <div class="plot" role="img" aria-label=move || label.get() inner_html=move || picture.with(|p| p.svg.clone())></div>
        {table.map(|table| view! { <Data table=table/> })}
    }
}

/// A figure's data, folded away.
#[component]
pub fn Data(#[prop(into)] table: Signal<Table>) -> impl IntoView {
    let open = RwSignal::new(false);
    // Built only while it is open: a figure may be redrawn at every step of a drag.
    let body = move || {
        open.get().then(|| {
            let table = table.get();
            view! {
                <div class="table-scroll">
                    <table class="heads">
                        <caption>{table.caption}</caption>
                        <thead><tr>{table.head.into_iter().map(|h| view! { <th scope="col">{h}</th> }).collect_view()}</tr></thead>
                        <tbody>{table.rows.into_iter().map(row).collect_view()}</tbody>
                    </table>
                </div>
            }
        })
    };
    view! {
        <details class="figure-data" on:toggle=move |_| open.update(|open| *open = !*open)>
            <summary>"Data"</summary>
            {body}
        </details>
    }
}

fn row(cells: Vec<String>) -> impl IntoView {
    let mut cells = cells.into_iter();
    let name = cells.next();
    view! { <tr><th scope="row">{name}</th>{cells.map(|c| view! { <td>{c}</td> }).collect_view()}</tr> }
}
