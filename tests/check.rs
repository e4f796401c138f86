//! Figures in links: what survives the text form, what is reproduced, what differs, and hostile input.

use cascade::check::{CheckError, Figures, PERPLEXITY_TOLERANCE, RANK_TOLERANCE};
use cascade::link::Link;

fn figures() -> Figures {
    Figures {
        baseline: Some(31.912_345_678),
        perplexity: Some(32.834_567_89),
        operating: (0..12).map(|l| 2.0 + 1.7 * f64::from(l)).collect(),
        capacity: (0..12).map(|l| 20.0 + f64::from(l)).collect(),
    }
}

#[test]
fn text_form_is_short_and_keeps_the_digits_that_count() {
    let text = figures().encode();
    assert!(text.len() < 85 && text.starts_with('1'), "{text}");
    assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'), "{text}");
    let verdict = Figures::decode(&text).unwrap().compare(&figures());
    assert!(verdict.reproduced(), "{verdict:?}");
    assert!(verdict.perplexity < 1e-7 && verdict.rank < 6e-5, "{verdict:?}");
}

#[test]
fn overflows_and_zero_ranks_survive() {
    let odd = Figures { baseline: None, perplexity: None, operating: vec![0.0, 1.0], capacity: vec![1024.0, 5e9] };
    let read = Figures::decode(&odd.encode()).unwrap();
    assert_eq!((read.baseline, read.perplexity), (None, None));
    assert_eq!((&read.operating[..], read.capacity[0]), (&[0.0, 1.0][..], read.capacity[1]));
    assert!((read.capacity[0] - 1024.0).abs() < 1e-9);
    let none = Figures { operating: vec![], capacity: vec![], ..odd };
    assert_eq!(Figures::decode(&none.encode()).unwrap(), none);
    let deep = Figures { operating: vec![3.0; 255], capacity: vec![4.0; 255], ..figures() };
    assert_eq!(Figures::decode(&deep.encode()).unwrap().operating.len(), 255);
}

#[test]
fn tolerance_is_where_it_is_said_to_be() {
    let with = |perplexity: f64, rank: f64| {
        let mut here = figures();
        here.perplexity = here.perplexity.map(|p| p * (1.0 + perplexity));
        here.operating[3] *= 1.0 + rank;
        Figures::compare(&figures(), &here)
    };
    let within = with(0.9 * PERPLEXITY_TOLERANCE, 0.9 * RANK_TOLERANCE);
    assert!(within.reproduced(), "{within:?}");
    assert_eq!(
        within.sentence(),
        "Reproduced on this device. Largest difference from the link’s figures: 0.009 % in perplexity, 0.2 % in \
         effective rank (tolerance 0.01 % and 0.2 %)."
    );
    assert!(with(0.0, 0.0).sentence().contains("less than 0.0001 % in perplexity"));
    let perplexity = with(0.01, 0.0);
    assert_eq!(
        perplexity.sentence(),
        "Differs from the link’s figures: perplexity is 33.16 here and 32.83 in the link, +1.0 %."
    );
    let rank = with(0.0, -0.04);
    assert_eq!(
        rank.sentence(),
        "Differs from the link’s figures: the effective rank on this text at layer 4 is 6.82 here and 7.10 in the \
         link, −4.0 %."
    );
}

#[test]
fn everything_that_differs_is_counted() {
    let other = Figures { operating: vec![1.0; 12], perplexity: None, baseline: Some(1e9), ..figures() };
    let verdict = figures().compare(&other);
    assert_eq!(verdict.differing.len(), 14);
    let sentence = verdict.sentence();
    assert!(sentence.contains("perplexity is an overflow here and 32.83 in the link;"), "{sentence}");
    assert!(sentence.contains("and 11 more."), "{sentence}");
    let shallow = Figures { operating: vec![1.0; 8], capacity: vec![1.0; 8], ..figures() };
    assert!(figures().compare(&shallow).sentence().contains("8 layers here and 12 in the link"));
}

#[test]
fn hostile_figures_are_refused() {
    let good = figures().encode();
    assert_eq!(Figures::decode(""), Err(CheckError::Version));
    assert_eq!(Figures::decode(&good.replacen('1', "2", 1)), Err(CheckError::Version));
    let damaged = [
        "1".to_string(),
        "1!!!".into(),
        "1AAAA".into(),
        format!("{good}AAAA"),
        format!("1{}", "A".repeat(1_000_000)),
        "1ééé".into(),
        "1 ".into(),
        format!("{good}="),
    ];
    for text in damaged {
        let told: String = text.chars().take(30).collect();
        assert_eq!(Figures::decode(&text), Err(CheckError::Damaged), "{told}");
    }
    // Cut anywhere, or with any letter changed: never taken for other figures.
    for end in 1..good.len() {
        assert_eq!(Figures::decode(&good[..end]), Err(CheckError::Damaged), "{end}");
    }
    for at in 1..good.len() {
        let other = if &good[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{}{other}{}", &good[..at], &good[at + 1..]);
        assert!(Figures::decode(&changed).is_err(), "letter {at}");
    }
    // A perplexity that is no number, with a checksum that holds.
    for bad in [f64::NAN, -1.0] {
        let text = Figures { perplexity: Some(bad), ..figures() }.encode();
        assert_eq!(Figures::decode(&text), Err(CheckError::Damaged), "{bad}");
    }
}

#[test]
fn links_carry_figures_only_where_they_are_given_away() {
    let link = Link { check: Some(figures()), modes: Some("linearized*7,softmax*5".into()), ..Link::default() };
    assert_eq!(link.fragment(), "v=1&modes=linearized*7,softmax*5");
    let permanent = link.permanent_fragment();
    assert!(permanent.starts_with("v=1&m=sd-6m@") && permanent.contains("&p=clockmaker&"), "{permanent}");
    let (read, notes) = Link::parse(&permanent);
    assert!(notes.is_empty(), "{notes:?}");
    assert!(read.check.is_some_and(|claimed| claimed.compare(&figures()).reproduced()));
    let (read, notes) = Link::parse(&permanent[..permanent.len() - 3]);
    assert_eq!(read.check, None);
    assert!(notes[0].contains("not compared") && notes[0].contains("damaged"), "{notes:?}");
}
