//! Links: round trips, and hostile fragments that must leave a usable state and tell what was ignored.

use cascade::link::{Link, Part, Pin, TextChoice, View, modes_for_link, selection_for_link};
use cascade::model::LayerMode;
use cascade::sample::{Dice, Sampling};
use cascade::sweep::Kind;
use cascade::zoo;

fn link_trained() -> Vec<LayerMode> {
    zoo::find(zoo::DEFAULT).unwrap().trained()
}

#[test]
fn default_writes_nothing() {
    assert_eq!(Link::default().fragment(), "");
    assert_eq!(Link::parse(""), (Link::default(), vec![]));
    assert_eq!(Link::parse("#"), (Link::default(), vec![]));
}

#[test]
fn round_trips() {
    let texts = ["A ship & a rope = 100 % #1?", "línea\nnueva\t\u{1F40C} + plus", "<script>alert(1)</script>"];
    for text in texts {
        let link = Link {
            model: zoo::find("gpt2-6m").unwrap(),
            text: TextChoice::Own(text.into()),
            modes: Some("linearized*7,softmax*5".into()),
            layer: Some(3),
            head: Some(5),
            view: View::Sweep,
            sweep: Kind::Alone,
            with: zoo::find("sd-6m-a1"),
            dice: Dice { after: 7, count: 9, sampling: Sampling { temperature: 0.5, top_k: 3, seed: u64::MAX } },
            cpu: true,
            embed: true,
            hide: vec![Part::Text, Part::Tabs],
            lock: vec![Pin::Model, Pin::Modes],
            check: None,
        };
        let fragment = link.fragment();
        assert!(fragment.is_ascii() && fragment.contains("modes=linearized*7,softmax*5"), "{fragment}");
        assert_eq!(Link::parse(&format!("#{fragment}")), (link, vec![]));
    }
    assert_eq!(Link::parse("dice=0,0,9,0,4").0.dice.encode(), "1,1,2,1,4", "what no page offers is clamped");
    let passage = Link { text: TextChoice::Passage("ferry"), ..Link::default() };
    assert_eq!(passage.fragment(), "v=1&p=ferry");
    assert_eq!(Link::parse("v=1&p=ferry").0, passage);
}

#[test]
fn resolves_against_the_model() {
    let (link, notes) = Link::parse("#v=1&modes=linearized*7,trained*5&l=12&h=6");
    let (modes, layer, head, more) = link.resolve();
    assert!(notes.is_empty() && more.is_empty());
    assert_eq!((modes[6], modes[7], layer, head), (LayerMode::Linearized, LayerMode::Softmax, 11, 5));
    assert_eq!(modes_for_link(&modes, &link_trained()).as_deref(), Some("linearized*7,softmax*5"));
    assert_eq!(modes_for_link(&link_trained(), &link_trained()), None);
}

#[test]
fn every_selection_round_trips() {
    for model in zoo::MODELS {
        for (layer, head) in (0..model.layers).flat_map(|l| (0..model.heads).map(move |h| (l, h))) {
            let (l, h) = selection_for_link(model, layer, head);
            let link = Link { model, layer: l, head: h, ..Link::default() };
            let (_, again, head_again, notes) = Link::parse(&link.fragment()).0.resolve();
            assert_eq!((again, head_again, notes), (layer, head, vec![]), "{} {}", model.id, link.fragment());
        }
    }
    // One key alone means what it always has: the other is 1.
    let selected = |fragment: &str| {
        let (_, layer, head, _) = Link::parse(fragment).0.resolve();
        (layer, head)
    };
    assert_eq!((selected("l=3"), selected("h=3"), selected("l=1")), ((2, 0), (0, 2), (0, 0)));
    assert_eq!(selected(""), zoo::find(zoo::DEFAULT).unwrap().first_head());
}

/// Fragment, and a piece of the note that it must give.
const HOSTILE: &[(&str, &str)] = &[
    ("v=2", "version"),
    ("v=", "version"),
    ("m=gpt5", "no model"),
    ("m=../../etc/passwd", "no model"),
    ("m=sd-6m@000000000000", "other weights"),
    ("m=sd-6m@44", "other weights"),
    ("m=sd-6m@", "other weights"),
    ("modes=softmax*11", "11 modes given for 12 layers"),
    ("modes=softmax*4294967295,softmax*4294967295", "for 12 layers"),
    ("modes=softmax*99999999999999999999", "repeat count"),
    ("modes=soft*12", "not a layer mode"),
    ("modes=rank3*12", "not a layer mode"),
    ("modes=", "not a layer mode"),
    ("modes=%00%01", "not a layer mode"),
    ("view=everything", "no view"),
    ("view=", "no view"),
    ("with=everything", "to stand beside"),
    ("sweep=sideways", "no sweep"),
    ("dice=1,2,3", "five numbers"),
    ("dice=1,2,NaN,4,5", "five numbers"),
    ("l=99", "no layer 99"),
    ("l=0", "no layer 0"),
    ("h=-1", "not a head number"),
    ("h=1e3", "not a head number"),
    ("l=99999999999999999999999", "not a layer number"),
    ("t=%FF%FE", "not readable"),
    ("p=nowhere", "no passage"),
    ("p=ferry&t=hello+there", "both a text and a passage"),
    ("t=one&t=two", "given twice"),
    ("engine=quantum", "only 'cpu'"),
    ("embed=2", "only 1"),
    ("embed=", "only 1"),
    ("hide=text,everything", "no part of the page 'everything'"),
    ("hide=<script>", "no part of the page"),
    ("lock=visitor", "no thing to pin 'visitor'"),
    ("lock=modes,modes,%00", "no thing to pin"),
    ("c=", "not compared"),
    ("c=2AAAA", "version"),
    ("c=1AAAA", "damaged"),
    ("constructor=1", "does not know"),
    ("__proto__", "does not know"),
    ("<img src=x onerror=alert(1)>", "does not know"),
];

#[test]
fn hostile_fragments_are_told_and_survived() {
    for (fragment, expected) in HOSTILE {
        let (link, mut notes) = Link::parse(fragment);
        let (modes, layer, head, more) = link.resolve();
        notes.extend(more);
        assert!(notes.iter().any(|n| n.contains(expected)), "{fragment}: {notes:?}");
        assert!(modes.len() == 12 && layer < 12 && head < 6, "{fragment}");
    }
}

#[test]
fn parts_and_pins_are_read_in_any_order_and_written_in_one() {
    let (link, notes) = Link::parse("lock=modes,model,modes&hide=tabs, text,,tabs");
    assert_eq!(
        (link.hide.as_slice(), link.lock.as_slice()),
        (&[Part::Text, Part::Tabs][..], &[Pin::Model, Pin::Modes][..])
    );
    assert!(notes.is_empty(), "{notes:?}");
    assert_eq!(link.fragment(), "v=1&hide=text,tabs&lock=model,modes");
    // What is known of a list counts, whatever else is in it.
    assert_eq!(Link::parse("hide=nothing,text").0.hide, [Part::Text]);
    assert!(Link::parse("hide=&lock=").1.is_empty());
}

#[test]
fn long_values_are_cut() {
    let (link, notes) = Link::parse(&format!("t={}", "long ".repeat(4000).replace(' ', "+")));
    assert!(link.text.text().len() <= cascade::link::MAX_TEXT_BYTES);
    assert!(notes[0].contains("cut"), "{notes:?}");
    let (_, notes) = Link::parse(&"é".repeat(1 << 20));
    assert!(notes[0].contains("cut") && notes.iter().all(|n| n.len() < 300));
}

#[test]
fn text_counts_in_either_order() {
    for fragment in ["p=ferry&t=hello+there", "t=hello+there&p=ferry"] {
        assert_eq!(Link::parse(fragment).0.text, TextChoice::Own("hello there".into()));
    }
    // NUL bytes can neither be typed nor shown.
    assert_eq!(Link::parse("t=a%00b").0.text, TextChoice::Own("ab".into()));
}
