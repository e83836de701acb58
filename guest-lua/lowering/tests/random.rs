//! Random call graphs that throw, catch, loop and tail-call behave as before.

#[path = "support/mod.rs"]
mod support;

use proptest::prelude::*;
use std::fmt::Write;
use support::before_and_after;

const FUNCTIONS: u32 = 5;

/// Entries into functions until all of them return at once: graphs may be cyclic.
const FUEL: u32 = 60;

/// `$w` has a payload that no reference holds, so its regions have no `catch_all_ref`.
#[derive(Clone, Copy, Debug)]
enum Tag {
    Word,
    Other,
    Empty,
    Wide,
}

#[derive(Clone, Copy, Debug)]
enum Clause {
    One(Tag),
    OneRef(Tag),
    All,
}

#[derive(Clone, Debug)]
enum Step {
    Note(u8),
    Throw(Tag),
    /// Throws if the parameter has this bit.
    ThrowIf(Tag, u8),
    ThrowAgain,
    Call(u32),
    CallIndirect(u32),
    TailCall(u32),
    TailCallIndirect(u32),
    Return(u8),
    /// Leaves the block, loop or region this many levels out, if the parameter has this bit.
    Leave(u32, u8),
    Block(Vec<Step>),
    Loop(Vec<Step>),
    If(u8, Vec<Step>, Vec<Step>),
    Try(Vec<(Clause, Vec<Step>)>, Vec<Step>),
}

fn tag() -> impl Strategy<Value = Tag> {
    prop_oneof![Just(Tag::Word), Just(Tag::Other), Just(Tag::Empty), Just(Tag::Wide)]
}

fn clause() -> impl Strategy<Value = Clause> {
    let narrow = prop_oneof![Just(Tag::Word), Just(Tag::Other), Just(Tag::Empty)];
    prop_oneof![3 => tag().prop_map(Clause::One), 2 => narrow.prop_map(Clause::OneRef), 1 => Just(Clause::All)]
}

fn step() -> impl Strategy<Value = Step> {
    let function = 0..FUNCTIONS;
    let leaf = prop_oneof![
        3 => any::<u8>().prop_map(Step::Note),
        1 => tag().prop_map(Step::Throw),
        3 => (tag(), 0..3_u8).prop_map(|(tag, bit)| Step::ThrowIf(tag, bit)),
        1 => Just(Step::ThrowAgain),
        4 => function.clone().prop_map(Step::Call),
        2 => function.clone().prop_map(Step::CallIndirect),
        1 => function.clone().prop_map(Step::TailCall),
        1 => function.prop_map(Step::TailCallIndirect),
        1 => any::<u8>().prop_map(Step::Return),
        2 => (0..4_u32, 0..3_u8).prop_map(|(levels, bit)| Step::Leave(levels, bit)),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        let steps = || prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            1 => steps().prop_map(Step::Block),
            1 => steps().prop_map(Step::Loop),
            1 => (0..3_u8, steps(), steps()).prop_map(|(bit, yes, no)| Step::If(bit, yes, no)),
            4 => (prop::collection::vec((clause(), steps()), 0..4), steps())
                .prop_map(|(handlers, body)| Step::Try(handlers, body)),
        ]
    })
}

/// Writes steps as text. `labels` are those of the function that a `Leave` may name, innermost last.
struct Writer {
    text: String,
    labels: Vec<String>,
    next: u32,
}

impl Writer {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn label(&mut self, what: &str) -> String {
        self.next += 1;
        format!("${what}{}", self.next)
    }

    /// Steps inside of a block, which is closed by the caller.
    fn inside(&mut self, label: String, steps: &[Step]) {
        self.labels.push(label);
        self.steps(steps);
        self.labels.pop();
    }

    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            self.step(step);
        }
    }

    fn throw(&mut self, tag: Tag) {
        self.put(match tag {
            Tag::Word => "(throw $a (i32.add (local.get $x) (i32.const 100)))",
            Tag::Other => "(throw $b (local.get $sum))",
            Tag::Empty => "(throw $n)",
            Tag::Wide => "(throw $w (i32.const 5) (f64.convert_i32_u (local.get $x)) (i64.const 6))",
        });
    }

    fn step(&mut self, step: &Step) {
        let bit = |bit: &u8| format!("(i32.and (local.get $x) (i32.const {}))", 1 << bit);
        // What is on the stack under a call must survive it.
        let call = |call: String| {
            format!("(local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) {call}))")
        };
        let argument = "(i32.add (local.get $x) (i32.const 1))";
        match step {
            Step::Note(note) => self.put(&format!("(call $note (i32.const {note}))")),
            Step::Throw(tag) => self.throw(*tag),
            Step::ThrowIf(tag, mask) => {
                self.put(&format!("(if {} (then", bit(mask)));
                self.throw(*tag);
                self.put("))");
            }
            Step::ThrowAgain => self.put("(throw_ref (local.get $e))"),
            Step::Call(to) => self.put(&call(format!("(call $f{to} {argument})"))),
            Step::CallIndirect(to) => {
                self.put(&call(format!("(call_indirect (type $t) {argument} (i32.const {to}))")));
            }
            Step::TailCall(to) => self.put(&format!("(return_call $f{to} {argument})")),
            Step::TailCallIndirect(to) => {
                self.put(&format!("(return_call_indirect (type $t) {argument} (i32.const {to}))"));
            }
            Step::Return(value) => self.put(&format!("(return (i32.const {value}))")),
            Step::Leave(levels, mask) => {
                let label = self.labels.iter().rev().nth(*levels as usize).cloned();
                if let Some(label) = label {
                    self.put(&format!("(br_if {label} {})", bit(mask)));
                }
            }
            Step::Block(steps) => {
                let label = self.label("block");
                self.put(&format!("(block {label}"));
                self.inside(label, steps);
                self.put(")");
            }
            Step::Loop(steps) => {
                let label = self.label("loop");
                self.put(&format!(
                    "(loop {label} (if (call $tired) (then (return (i32.const 1))))
                       (local.set $x (i32.add (local.get $x) (i32.const 1)))"
                ));
                self.inside(label.clone(), steps);
                self.put(&format!("(br_if {label} (i32.and (local.get $x) (i32.const 1))))"));
            }
            Step::If(mask, yes, no) => {
                let label = self.label("if");
                self.put(&format!("(if {label} {} (then", bit(mask)));
                self.inside(label.clone(), yes);
                self.put(") (else");
                self.inside(label, no);
                self.put("))");
            }
            Step::Try(handlers, body) => self.region(handlers, body),
        }
    }

    /// One block a clause, left by the payload; its handler follows.
    fn region(&mut self, handlers: &[(Clause, Vec<Step>)], body: &[Step]) {
        let done = self.label("done");
        self.put(&format!("(block {done}"));
        let mut clauses = String::new();
        let landings: Vec<_> = handlers.iter().map(|_| self.label("handler")).collect();
        for ((clause, _), landing) in handlers.iter().zip(&landings).rev() {
            let (head, results) = match clause {
                Clause::One(tag) => (format!("catch {}", name(*tag)), payload(*tag).to_owned()),
                Clause::OneRef(tag) => {
                    (format!("catch_ref {}", name(*tag)), format!("{} exnref", payload(*tag)))
                }
                Clause::All => ("catch_all".to_owned(), String::new()),
            };
            clauses = format!("({head} {landing}) {clauses}");
            self.put(&format!("(block {landing} (result {results})"));
        }
        let region = self.label("try");
        self.put(&format!("(try_table {region} {clauses}"));
        self.inside(region, body);
        self.put(&format!(") (br {done})"));
        for (clause, steps) in handlers {
            self.put(")");
            if let Clause::OneRef(_) = clause {
                self.put("(local.set $e)");
            }
            match clause {
                Clause::All => {}
                Clause::One(tag) | Clause::OneRef(tag) => self.put(match tag {
                    Tag::Word | Tag::Other => "(call $note)",
                    Tag::Empty => "",
                    Tag::Wide => "(call $note (i32.wrap_i64)) (call $note (i32.trunc_f64_u)) (call $note)",
                }),
            }
            self.inside(done.clone(), steps);
            self.put(&format!("(br {done})"));
        }
        self.put(")");
    }
}

fn name(tag: Tag) -> &'static str {
    match tag {
        Tag::Word => "$a",
        Tag::Other => "$b",
        Tag::Empty => "$n",
        Tag::Wide => "$w",
    }
}

fn payload(tag: Tag) -> &'static str {
    match tag {
        Tag::Word | Tag::Other => "i32",
        Tag::Empty => "",
        Tag::Wide => "i32 f64 i64",
    }
}

fn module(functions: &[Vec<Step>]) -> String {
    let mut text = String::from(
        r#"(module
        (tag $a (param i32)) (tag $b (param i32)) (tag $n) (tag $w (param i32 f64 i64))
        (type $t (func (param i32) (result i32)))
        (global $notes (mut i64) (i64.const 0)) (global $fuel (mut i32) (i32.const 0))
        (func (export "notes") (result i64) (global.get $notes))
        (func $note (param i32)
          (global.set $notes (i64.add (i64.mul (global.get $notes) (i64.const 31)) (i64.extend_i32_u (local.get 0)))))
        (func $tired (result i32)
          (if (i32.eqz (global.get $fuel)) (then (return (i32.const 1))))
          (global.set $fuel (i32.sub (global.get $fuel) (i32.const 1)))
          (i32.const 0))
        "#,
    );
    let names: String = (0..functions.len()).map(|index| format!("$f{index} ")).collect();
    writeln!(text, "(table funcref (elem {names}))").expect("a string takes all");
    for (index, steps) in functions.iter().enumerate() {
        let mut writer = Writer { text: String::new(), labels: Vec::new(), next: 0 };
        writer.steps(steps);
        writeln!(
            text,
            r#"(func $f{index} (param $x i32) (result i32) (local $sum i32) (local $e exnref)
              (if (call $tired) (then (return (i32.const 2))))
              {}
              (local.get $sum))
            (func (export "run{index}") (param i32) (result i32)
              (global.set $fuel (i32.const {FUEL})) (call $f{index} (local.get 0)))"#,
            writer.text
        )
        .expect("a string takes all");
    }
    text.push(')');
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn modules_behave_as_before(
        functions in prop::collection::vec(prop::collection::vec(step(), 1..6), FUNCTIONS as usize)
    ) {
        let wat = module(&functions);
        let (before, after) = before_and_after(&wat, 0..8);
        prop_assert_eq!(before, after, "{}", wat);
    }
}
