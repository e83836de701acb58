//! Bytes that are no component, or one that somebody has tampered with: refused, or ended; the host goes on.

use crate::support::{COMMAND, ENGINE, ENTRY, FILES, FUNCTIONS, PROCESS, Setting, component, limit, program};
use perilune_cell::Limits;
use perilune_component::{Program, Refusal};
use perilune_value::Value;
use std::sync::Arc;
use std::time::Duration;

fn load(bytes: &[u8], method: Option<&str>) -> Result<Program, Refusal> {
    Program::new(&ENGINE, bytes, method, &[])
}

#[test]
fn what_is_no_component_is_refused() {
    let core = wat::parse_str("(module)").unwrap();
    let whole = component(FUNCTIONS);
    let half = &whole[..whole.len() / 2];
    for bytes in [&b""[..], b"garbage", b"\0asm\x0d\0\x01\0\xff\xff\xff\xff", &core, half] {
        assert!(matches!(load(bytes, None), Err(Refusal::NoComponent(_) | Refusal::NoExport { .. })));
    }
    assert!(matches!(load(half, Some("add")), Err(Refusal::NoComponent(_))));
}

#[test]
fn a_component_cut_off_anywhere_is_refused() {
    let whole = component(ENTRY);
    // Behind its exports only names for debuggers follow.
    let name = b"perilune:component/entry@0.1.0";
    let exported = whole.windows(name.len()).rposition(|part| part == name).expect("it is exported");
    for end in 0..exported + name.len() {
        assert!(load(&whole[..end], None).is_err(), "cut off at {end}");
    }
}

#[tokio::test]
async fn json_of_more_values_than_the_instance_has_room_for_is_refused() {
    let program = program(ENTRY, None);
    let many = Value::Array(vec![Value::Integer(0); 2_000_000]);
    let failure = Setting::new().call(&program, &[many]).await.unwrap_err();
    assert_eq!(limit(&failure), Some("memory"));
    let expected = "app:main: what it returned: JSON of so many values exceeds `limits.memory`";
    assert_eq!(failure.message, expected);

    let text = Value::from("\",[\\".repeat(500_000));
    let same = Setting::new().call(&program, std::slice::from_ref(&text)).await.unwrap();
    assert_eq!(same, Value::Array(vec![text]), "what is quoted is no value");
}

/// Random numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

#[tokio::test]
async fn a_thousand_components_that_were_tampered_with_end_in_a_result_a_refusal_or_a_dead_instance() {
    let limits =
        Limits { memory: 4 << 20, cpu: Duration::from_millis(20), timeout: Some(Duration::from_millis(200)) };
    let mut random = Random(1);
    let guests =
        [(FUNCTIONS, Some("same")), (ENTRY, None), (FILES, Some("count")), (COMMAND, None), (PROCESS, None)];
    let (mut refused, mut failed, mut done) = (0, 0, 0);
    for (text, method) in guests {
        let whole = component(text);
        for _ in 0..200 {
            let mut bytes = whole.clone();
            for _ in 0..=random.below(4) {
                let at = 8 + random.below(bytes.len() - 8);
                bytes[at] = u8::try_from(random.below(256)).unwrap();
            }
            let Ok(program) = load(&bytes, method) else {
                refused += 1;
                continue;
            };
            let mut setting = Setting::new();
            setting.limits = limits;
            match setting.call(&Arc::new(program), &[Value::from("text")]).await {
                Ok(_) => done += 1,
                Err(failure) => {
                    assert!(!failure.message.is_empty());
                    assert_ne!(limit(&failure), Some("cells"));
                    failed += 1;
                }
            }
        }
    }
    assert_eq!(refused + failed + done, 1000);
    assert!(refused > 0 && failed > 0 && done > 0, "{refused} refused, {failed} failed, {done} done");
}

#[tokio::test]
async fn what_asks_the_host_for_more_than_it_may_have_ends() {
    // A list of 4 GiB in a memory of 64 KiB.
    let text = r#"(component
      (core module $m (memory (export "memory") 1) (func (export "f") (result i32)
        (i32.store (i32.const 4) (i32.const -1)) (i32.const 0)))
      (core instance $i (instantiate $m))
      (alias core export $i "memory" (core memory $memory))
      (func (export "f") (result (list u8)) (canon lift (core func $i "f") (memory $memory))))"#;
    let program = load(&component(text), Some("f")).unwrap_or_else(|refusal| panic!("it fits: {refusal}"));
    assert!(Setting::new().call(&Arc::new(program), &[]).await.is_err());
}
