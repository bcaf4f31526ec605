use super::*;

#[test]
fn a_clone_of_a_map_is_the_same_map() {
    let map = Dict::new(DictKind::Any);
    let other = map.clone();
    other.insert("a", Value::int(1));
    assert!(matches!(map.get("a"), Some(Value::Int(IntKind::Int, 1))));
    assert!(map.is(&other));
    other.remove("a");
    assert!(map.is_empty());
}

#[test]
fn a_million_nested_maps_and_lists_are_dropped_without_a_stack() {
    let mut value = Value::Nil;
    for at in 0..1_000_000 {
        value = if at % 2 == 0 { Value::list(vec![value]) } else { Dict::of([("a", value)]).into() };
    }
    drop(value);
}

#[test]
fn a_map_that_holds_itself_is_too_deep_to_encode() {
    let map = Dict::new(DictKind::Any);
    map.insert("self", map.clone().into());
    assert_eq!(Value::from(map.clone()).to_document(), Err(TooDeep));
    map.downgraded().clear();
    assert!(map.is_empty());
}

#[test]
fn bytes_that_are_no_text_survive() {
    let text = Text::from_bytes(b"a\xff\xfeb");
    assert_eq!(text.as_bytes(), b"a\xff\xfeb");
    assert_eq!(text.as_str(), "a\u{fffd}\u{fffd}b");
    assert!(text.cut(3, 4) == Some(Text::from("b")));
    assert!(text.cut(3, 9).is_none());
}

#[test]
fn documents_become_values_and_come_back() {
    let text = "a: [1, x, true, ~, 1.5]\nb: {c: 10000000}\n";
    let node =
        &crate::yaml::Loader::new(crate::yaml::Profile::Kubectl).load("f", text.as_bytes()).unwrap()[0];
    let value = Value::from_document(&node.value);
    let number = value.as_dict().and_then(|d| d.get("b")).and_then(|b| b.as_dict()).and_then(|b| b.get("c"));
    assert!(matches!(number, Some(Value::Float(n)) if n == 1e7));
    let back = value.to_document().unwrap();
    assert_eq!(crate::yaml::emit(&back.into()), "a:\n- 1\n- x\n- true\n- null\n- 1.5\nb:\n  c: 10000000\n");
}
