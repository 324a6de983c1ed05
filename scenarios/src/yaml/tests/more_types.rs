//! Types that scenarios may come to use: conversions, wrappers, keys of many kinds, places.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU8;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Spanned, complains, only, read};

#[derive(Debug, PartialEq, Deserialize)]
#[serde(try_from = "String")]
struct Shape(String);

impl TryFrom<String> for Shape {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once('/') {
            Some((_, shape)) => Ok(Self(shape.into())),
            None => Err(format!("`{text}` names no chart")),
        }
    }
}

#[derive(Debug, PartialEq, Deserialize)]
struct Wrapped(u16);

#[derive(Debug, PartialEq, Deserialize)]
struct Aliased {
    #[serde(alias = "b")]
    a: char,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Free {
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
    Items(Vec<Free>),
    Keys(BTreeMap<String, Free>),
}

#[test]
fn complaints_of_types_are_located_too() {
    complains::<Vec<Shape>>("- a/b\n- 'c'\n", "2:3+3 `[1]`: `c` names no chart | -");
    complains::<Aliased>("a: x\nb: y", "1:1+1 the key `a` is given twice | -");
    complains::<Aliased>("a: xy", "1:4+2 `a`: expected a single character, found `xy` | -");
    complains::<NonZeroU8>("0", "1:1+1 expected a whole number other than 0, found `0` | -");
    complains::<()>("x", "1:1+1 expected nothing, found `x` | -");
    complains::<Free>("1e999", "1:1+5 expected a number of at most 64 bits, found `1e999` | -");
    complains::<[u8; 2]>("[1, 2, 3]", "1:1+9 expected a list of 2, found one of 3 | -");
    let long = format!("{}\n", "x".repeat(200));
    let expected =
        format!("1:1+200 expected a whole number from 0 to 255, found `{}…` | -", "x".repeat(60));
    complains::<u8>(&long, &expected);
}

#[test]
fn other_types_are_read() {
    assert_eq!(read("7"), Ok(Wrapped(7)));
    assert_eq!(read("a: x"), Ok(Aliased { a: 'x' }));
    assert_eq!(read("[a/b]"), Ok(vec![Shape("b".into())]));
    assert_eq!(read("[2, 1]"), Ok(BTreeSet::from([1u8, 2])));
    assert_eq!(read("[-1, .5]"), Ok((-1i8, 0.5f32)));
    assert_eq!(
        read("{a: , b: ~, c: 'null'}"),
        Ok(BTreeMap::from([
            ("a".to_owned(), None),
            ("b".to_owned(), None),
            ("c".to_owned(), Some("null".to_owned())),
        ]))
    );
    assert_eq!(read("{true: 1}"), Ok(BTreeMap::from([(true, 1u8)])));
    assert_eq!(
        read("{update-status: 1}").map(|map: BTreeMap<String, i128>| map),
        Ok(BTreeMap::from([("update-status".to_owned(), 1)]))
    );
    let free = "[~, true, -1, 18446744073709551615, 1.5, '1', {a: b}]";
    assert_eq!(
        read(free),
        Ok(Free::Items(vec![
            Free::Null,
            Free::Bool(true),
            Free::Signed(-1),
            Free::Unsigned(u64::MAX),
            Free::Float(1.5),
            Free::Text("1".into()),
            Free::Keys(BTreeMap::from([("a".into(), Free::Text("b".into()))])),
        ]))
    );
    assert!(read::<IgnoredAny>("a: [b]").is_ok());
}

type Inner = BTreeMap<Spanned<String>, Spanned<Vec<Spanned<IgnoredAny>>>>;

#[test]
fn places_are_read_and_can_be_pointed_at() {
    let document = only("# c\n---\na:\n  ké: [x, {b: 1}]\n").unwrap();
    let read: BTreeMap<String, Inner> = super::from_document(&document).unwrap();
    let (key, value) = read["a"].first_key_value().unwrap();
    assert_eq!((key.line, key.column, key.width), (4, 3, 2));
    assert_eq!((value.line, value.column, value.width), (4, 7, 11));
    let item = &value.value[1];
    let complaint = document.diagnostic(item.line, item.column, item.width, "no", Some("h".into()));
    assert_eq!(super::line(&complaint), "4:11+6 no | h");
    assert_eq!(complaint.source, "  ké: [x, {b: 1}]");
    assert_eq!(complaint.file, "case.yaml");
    complains::<Vec<Spanned<u8>>>(
        "[1, x]",
        "1:5+1 `[1]`: expected a whole number from 0 to 255, found `x` | -",
    );
    assert_eq!(document.diagnostic(99, 1, 1, "x", None).source, "");
}
