//! Hand-written modules behave as before. A case is a few functions; each exported one is called with 0 to 7.

#[path = "support/mod.rs"]
mod support;

use support::before_and_after;

/// `$any` returns 100 for 0 and above 5, throws for 1 to 4, traps for 5. `$note` keeps what happened in order.
const PRELUDE: &str = r#"
    (tag $a (param i32)) (tag $b (param i32)) (tag $n) WIDE_TAG
    (type $unary (func (param i32) (result i32)))
    (global $notes (mut i64) (i64.const 0))
    (func (export "notes") (result i64) (global.get $notes))
    (func $note (param i32)
      (global.set $notes (i64.add (i64.mul (global.get $notes) (i64.const 31)) (i64.extend_i32_u (local.get 0)))))
    (func $any (param $x i32) (result i32)
      (block $5 (block $4 (block $3 (block $2 (block $1 (block $0
        (br_table $0 $1 $2 $3 $4 $5 $0 (local.get $x)))
        (return (i32.const 100)))
        (throw $a (i32.const 11)))
        (throw $b (i32.const 22)))
        (throw $n))
        WIDE_THROW)
      (unreachable))"#;

/// A module that mentions `$w` has a tag with a payload of three values, and `$any` throws it for 4.
fn module(case: &str) -> String {
    let (tag, throw) = match case.contains("$w") {
        true => ("(tag $w (param i32 i64 f64))", "(throw $w (i32.const 1) (i64.const 2) (f64.const 3.5))"),
        false => ("", "(throw $b (i32.const 33))"),
    };
    let prelude = PRELUDE.replace("WIDE_TAG", tag).replace("WIDE_THROW", throw);
    // Imports and types may not follow definitions, and nothing else cares for the order.
    format!("(module {prelude} {case})")
}

const CASES: &[(&str, &str)] = &[
    (
        "an uncaught throw is a trap",
        r#"(func (export "f") (param i32) (result i32) (call $any (local.get 0)))"#,
    ),
    (
        "catch gives the payload",
        r#"(func (export "f") (param i32) (result i32)
             (block $h (result i32) (try_table (catch $a $h) (return (call $any (local.get 0)))) (unreachable)))"#,
    ),
    (
        "catch_all takes every tag",
        r#"(func (export "f") (param i32) (result i32)
             (block $h (try_table (catch_all $h) (return (call $any (local.get 0))))) (i32.const 7))"#,
    ),
    (
        "a throw in its own region",
        r#"(func (export "f") (param i32) (result i32)
             (block $h (result i32) (try_table (catch $b $h) (throw $b (local.get 0))) (unreachable)))"#,
    ),
    (
        "a throw passes a region of another tag",
        r#"(func $f (param i32) (result i32)
             (block $h (result i32) (try_table (catch $a $h) (throw $b (local.get 0))) (unreachable)))
           (func (export "f") (param i32) (result i32)
             (block $h (result i32) (try_table (catch $b $h) (return (call $f (local.get 0)))) (unreachable)))"#,
    ),
    (
        "clauses are tried in order",
        r#"(func (export "f") (param i32) (result i32)
             (block $all (block $n (block $b (result i32) (block $a (result i32)
               (try_table (catch $a $a) (catch $b $b) (catch $n $n) (catch_all $all) (catch $a $b)
                 (return (call $any (local.get 0))))
               (unreachable))
               (return (i32.add (i32.const 1000))))
               (return (i32.add (i32.const 2000))))
               (return (i32.const 3000)))
             (i32.const 4000))"#,
    ),
    (
        "every tag named makes a catch-all",
        r#"(func $f (param i32) (result i32)
             (block $n (block $ab (result i32)
               (try_table (catch $a $ab) (catch $b $ab) (catch $n $n) (return (call $any (local.get 0))))
               (unreachable))
               (return))
             (i32.const 3))
           (func (export "f") (param i32) (result i32) (call $f (local.get 0)))"#,
    ),
    (
        "nested regions, the inner first",
        r#"(func (export "f") (param i32) (result i32)
             (block $outer (result i32)
               (try_table (result i32) (catch $a $outer) (catch $b $outer)
                 (block $inner (result i32)
                   (try_table (catch $b $inner) (return (call $any (local.get 0))))
                   (unreachable))
                 (i32.add (i32.const 500)))
               (i32.add (i32.const 1))))"#,
    ),
    (
        "a handler throws again to the outer region",
        r#"(func (export "f") (param i32) (result i32)
             (block $outer (result i32)
               (try_table (catch $b $outer)
                 (block $inner (result i32)
                   (try_table (catch $a $inner) (return (call $any (local.get 0))))
                   (unreachable))
                 (throw $b (i32.mul (i32.const 3))))
               (unreachable)))"#,
    ),
    (
        "labels of clauses count from outside",
        r#"(func (export "f") (param i32) (result i32)
             (block (result i32)
               (block (result i32)
                 (try_table (catch $a 0) (catch $b 1) (return (call $any (local.get 0))))
                 (unreachable))
               (i32.add (i32.const 10)))
             (i32.add (i32.const 100)))"#,
    ),
    (
        "a clause may name the function's label",
        r#"(func (export "f") (param i32) (result i32)
             (try_table (catch $a 0) (catch $b 0) (drop (call $any (local.get 0)))) (i32.const 9))"#,
    ),
    (
        "a clause inside of blocks and loops",
        r#"(func (export "f") (param i32) (result i32) (local $i i32)
             (loop $again (result i32)
               (block $h (result i32)
                 (try_table (catch $a $h) (catch $b $h)
                   (block (loop (br_if 1 (i32.eqz (local.get 0)))
                     (drop (call $any (i32.add (local.get 0) (local.get $i)))))))
                 (i32.const 5))
               (call $note)
               (local.set $i (i32.add (local.get $i) (i32.const 1)))
               (br_if $again (i32.lt_u (local.get $i) (i32.const 3)))
               (local.get $i)))"#,
    ),
    (
        "a clause may name a loop",
        r#"(func (export "f") (param $x i32) (result i32)
             (loop $again
               (call $note (local.get $x))
               (if (i32.eqz (local.get $x)) (then (return (i32.const 77))))
               (local.set $x (i32.sub (local.get $x) (i32.const 1)))
               (try_table (catch $n $again) (catch_all $again) (drop (call $any (local.get $x)))))
             (local.get $x))"#,
    ),
    (
        "a loop takes the payload as its parameter",
        r#"(func (export "f") (param $x i32) (result i32) (local $p i32)
             (i32.const 1)
             (loop $again (param i32) (result i32)
               (local.set $p)
               (call $note (local.get $p))
               (if (i32.gt_u (local.get $p) (i32.const 1)) (then (return (local.get $p))))
               (try_table (catch $a $again) (catch $b $again) (drop (call $any (local.get $x))))
               (i32.const 55)))"#,
    ),
    (
        "branches leave a region",
        r#"(func (export "f") (param $x i32) (result i32)
             (block $out (result i32)
               (loop $top
                 (try_table (catch_all $top)
                   (br_if $out (i32.const 6) (i32.gt_u (local.get $x) (i32.const 3)))
                   (drop)
                   (local.set $x (i32.add (local.get $x) (i32.const 1)))
                   (br $top)))
               (i32.const 8)))
           (func (export "after") (param i32) (result i32) (call $any (local.get 0)))"#,
    ),
    (
        "br_table inside of a region",
        r#"(func (export "f") (param $x i32) (result i32)
             (block $h (result i32)
               (block $one (block $two
                 (try_table $t (catch $a $h) (catch $b $h)
                   (br_table $one $two $t 0 (local.get $x)))
                 (return (call $any (local.get $x))))
                 (return (i32.const 2)))
               (i32.const 1)))"#,
    ),
    (
        "a branch to the region's own label",
        r#"(func (export "f") (param $x i32) (result i32)
             (block $h (result i32)
               (try_table $t (result i32) (catch $a $h)
                 (br_if $t (i32.const 40) (i32.and (local.get $x) (i32.const 1)))
                 (drop)
                 (call $any (local.get $x)))
               (i32.add (i32.const 2))))"#,
    ),
    (
        "a region with parameters and several results",
        r#"(func (export "f") (param $x i32) (result i32 i64)
             (block $h (result i32)
               (i32.const 3) (i64.const 4)
               (try_table (param i32 i64) (result i32 i64) (catch $a $h) (catch $b $h)
                 (i64.add (i64.extend_i32_u (call $any (local.get $x)))))
               (return))
             (i64.const -1))"#,
    ),
    (
        "values under a call stay",
        r#"(func (export "f") (param $x i32) (result i64 f64 i32)
             (i64.const 1) (f64.const 2.5)
             (block $h (result i32)
               (i32.const 1000)
               (try_table (result i32) (catch $a $h)
                 (f32.const 1.5) (i64.const 6) (i32.const 20) (call $any (local.get $x))
                 (i32.add) (i32.wrap_i64 (i64.const 6)) (i32.add) (br $h))
               (i32.add)))"#,
    ),
    (
        "a payload of three values",
        r#"(func (export "f") (param $x i32) (result i32 i64 f64)
             (block $h (result i32 i64 f64)
               (try_table (catch $w $h) (call $any (local.get $x)) (return (i64.const 0) (f64.const 0)))
               (unreachable)))"#,
    ),
    (
        "a payload of three values through two functions",
        r#"(func $deep (param i32) (result i32) (call $note (i32.const 1)) (call $any (local.get 0)))
           (func (export "f") (param $x i32) (result i32 i64 f64)
             (block $h (result i32 i64 f64)
               (try_table (catch $w $h) (call $deep (local.get $x)) (return (i64.const 0) (f64.const 0)))
               (unreachable)))"#,
    ),
    (
        "a payload of vectors and references",
        r#"(tag $v (param v128 funcref externref f32))
           (func $throw (throw $v (i32x4.splat (i32.const 6)) (ref.func $any) (ref.null extern) (f32.const 1.5)))
           (elem declare func $any)
           (func (export "f") (param i32) (result i32 i32 i32 f32)
             (local $v v128) (local $g funcref) (local $r externref) (local $f f32)
             (block $h (result v128 funcref externref f32)
               (try_table (catch $v $h) (call $throw)) (unreachable))
             (local.set $f) (local.set $r) (local.set $g) (local.set $v)
             (i32x4.extract_lane 2 (local.get $v)) (ref.is_null (local.get $g)) (ref.is_null (local.get $r)) (local.get $f))"#,
    ),
    (
        "functions that return several values",
        r#"(func $pair (param i32) (result i32 f64) (call $any (local.get 0)) (f64.const 4))
           (func $triple (param i32) (result i64 i32 f64) (i64.const 9) (call $pair (local.get 0)))
           (func (export "f") (param i32) (result i64 i32 f64)
             (block $h (try_table (catch_all $h) (return (call $triple (local.get 0)))))
             (i64.const 0) (i32.const 1) (f64.const 2))
           (func (export "g") (param i32) (result i64 i32 f64) (call $triple (local.get 0)))"#,
    ),
    (
        "functions that return references",
        r#"(func $get (param i32) (result funcref) (drop (call $any (local.get 0))) (ref.null func))
           (func $get_typed (param i32) (result (ref null $unary)) (drop (call $any (local.get 0))) (ref.null $unary))
           (func (export "f") (param i32) (result i32)
             (block $h (try_table (catch_all $h) (return (ref.is_null (call $get (local.get 0))))))
             (i32.const 5))
           (func (export "g") (param i32) (result i32) (ref.is_null (call $get_typed (local.get 0))))"#,
    ),
    (
        "throws through indirect calls",
        r#"(table funcref (elem $any $safe $other))
           (func $safe (param i32) (result i32) (i32.const 1))
           (func $other (param i32))
           (func (export "f") (param $x i32) (result i32)
             (block $h (result i32)
               (try_table (catch $a $h) (catch $b $h)
                 (return (call_indirect (type $unary) (local.get $x) (i32.and (local.get $x) (i32.const 3)))))
               (unreachable)))
           (func (export "g") (param $x i32) (result i32)
             (call_indirect (type $unary) (local.get $x) (i32.const 0)))"#,
    ),
    (
        "equal types under two indices",
        r#"(type $same (func (param i32) (result i32)))
           (table funcref (elem $any))
           (func (export "f") (param $x i32) (result i32)
             (block $h (try_table (catch_all $h)
               (return (call_indirect (type $same) (local.get $x) (i32.const 0)))))
             (i32.const 4))"#,
    ),
    (
        "a function put into the table at run time",
        r#"(table $t 4 funcref) (elem declare func $any)
           (func (export "f") (param $x i32) (result i32)
             (table.set $t (i32.const 2) (ref.func $any))
             (block $h (try_table (catch_all $h)
               (return (call_indirect $t (type $unary) (local.get $x) (i32.const 2)))))
             (i32.const 4))"#,
    ),
    (
        "segments of expressions, passive ones and table.init",
        r#"(table $t 4 funcref) (elem $e funcref (ref.func $any) (ref.null func))
           (func (export "f") (param $x i32) (result i32)
             (table.init $t $e (i32.const 1) (i32.const 0) (i32.const 2))
             (block $h (result i32) (try_table (catch $b $h)
               (return (call_indirect $t (type $unary) (local.get $x) (i32.const 1)))) (unreachable)))"#,
    ),
    (
        "a function held by a global",
        r#"(global $g (mut funcref) (ref.func $any)) (table $t 1 funcref)
           (func (export "f") (param $x i32) (result i32)
             (table.set $t (i32.const 0) (global.get $g))
             (block $h (result i32) (try_table (catch $b $h)
               (return (call_indirect $t (type $unary) (local.get $x) (i32.const 0)))) (unreachable)))"#,
    ),
    (
        "call_ref",
        r#"(elem declare func $any)
           (func (export "f") (param $x i32) (result i32)
             (block $h (result i32) (try_table (catch $b $h)
               (return (call_ref $unary (local.get $x) (ref.func $any)))) (unreachable)))
           (func (export "g") (param $x i32) (result i32) (call_ref $unary (local.get $x) (ref.func $any)))"#,
    ),
    (
        "a tail call leaves its region",
        r#"(func $f (param $x i32) (result i32)
             (block $h (try_table (catch_all $h) (return_call $any (local.get $x))))
             (i32.const 1))
           (func (export "f") (param $x i32) (result i32)
             (block $h (try_table (catch_all $h) (return (call $f (local.get $x)))))
             (i32.const 2))
           (func (export "g") (param $x i32) (result i32) (return_call $f (local.get $x)))"#,
    ),
    (
        "tail calls through tables and references",
        r#"(table funcref (elem $any))
           (func $f (param $x i32) (result i32) (return_call_indirect (type $unary) (local.get $x) (i32.const 0)))
           (func $g (param $x i32) (result i32) (return_call_ref $unary (local.get $x) (ref.func $f)))
           (elem declare func $f)
           (func (export "f") (param $x i32) (result i32)
             (block $h (result i32) (try_table (catch $a $h) (return (call $g (local.get $x)))) (unreachable)))"#,
    ),
    (
        "a tail call beside calls that are checked",
        r#"(func $f (param $x i32) (result i32)
             (drop (call $any (i32.const 0)))
             (if (i32.eq (local.get $x) (i32.const 3)) (then (drop (call $any (i32.const 2)))))
             (return_call $any (local.get $x)))
           (func (export "f") (param $x i32) (result i32)
             (block $h (result i32) (try_table (catch $b $h) (return (call $f (local.get $x)))) (unreachable)))"#,
    ),
    (
        "a million tail calls, then a throw",
        r#"(func $down (param $n i32) (param $x i32) (result i32)
             (if (i32.eqz (local.get $n)) (then (return_call $any (local.get $x))))
             (return_call $down (i32.sub (local.get $n) (i32.const 1)) (local.get $x)))
           (func (export "f") (param $x i32) (result i32)
             (block $h (result i32) (try_table (catch $b $h)
               (return (call $down (i32.const 1000000) (local.get $x)))) (unreachable)))"#,
    ),
    (
        "recursion with a handler at some depth",
        r#"(func $down (param $n i32) (param $x i32) (result i32)
             (if (i32.eqz (local.get $n)) (then (return (call $any (local.get $x)))))
             (block $h (result i32)
               (if (i32.eq (local.get $n) (i32.const 50)) (then
                 (try_table (catch $a $h)
                   (return (call $down (i32.sub (local.get $n) (i32.const 1)) (local.get $x))))))
               (i32.add (i32.const 1) (call $down (i32.sub (local.get $n) (i32.const 1)) (local.get $x)))))
           (func (export "f") (param $x i32) (result i32)
             (block $h (result i32) (try_table (catch $b $h)
               (return (call $down (i32.const 100) (local.get $x)))) (unreachable)))
           (func (export "g") (param $x i32) (result i32) (call $down (i32.const 1000) (local.get $x)))"#,
    ),
    (
        "mutual recursion",
        r#"(func $even (param $n i32) (param $x i32) (result i32)
             (if (result i32) (local.get $n)
               (then (call $odd (i32.sub (local.get $n) (i32.const 1)) (local.get $x)))
               (else (call $any (local.get $x)))))
           (func $odd (param $n i32) (param $x i32) (result i32)
             (block $h (result i32) (try_table (result i32) (catch $a $h)
               (call $even (i32.sub (local.get $n) (i32.const 1)) (local.get $x)))))
           (func (export "f") (param $x i32) (result i32) (call $even (i32.const 8) (local.get $x)))"#,
    ),
    (
        "unreachable code after a throw",
        r#"(func (export "f") (param $x i32) (result i32)
             (block $h (result i32)
               (try_table (catch $a $h)
                 (throw $a (i32.const 3))
                 (call $any) (drop) (throw $b) (i32.add) (drop) (throw $n))
               (unreachable)))"#,
    ),
    (
        "unreachable regions",
        r#"(func (export "f") (param $x i32) (result i32)
             (return (call $any (local.get $x)))
             (block $h (result i32) (try_table (catch $a $h) (unreachable) (throw $b (call $any))) (unreachable)))"#,
    ),
    (
        "a throw in both arms of an if",
        r#"(func $f (param $x i32) (result i32)
             (if (result i32) (i32.and (local.get $x) (i32.const 1))
               (then (throw $a (local.get $x)))
               (else (block $h (result i32) (try_table (catch $a $h) (throw $n)) (i32.const 1)))))
           (func (export "f") (param $x i32) (result i32)
             (block $h (try_table (catch $n $h) (return (call $f (local.get $x))))) (i32.const 6))"#,
    ),
    (
        "a throw with other values on the stack",
        r#"(func (export "f") (param $x i32) (result i32)
             (block $h (result i32)
               (i64.const 1) (f32.const 2)
               (try_table (catch $a $h) (f64.const 1) (i32.const 2) (throw $a (i32.const 44)))
               (unreachable)))"#,
    ),
    (
        "catch_ref and throw_ref",
        r#"(func $again (param $x i32) (result i32) (local $e exnref)
             (block $h (result i32 exnref)
               (try_table (catch_ref $a $h) (return (call $any (local.get $x))))
               (unreachable))
             (local.set $e) (call $note) (throw_ref (local.get $e)))
           (func (export "f") (param $x i32) (result i32)
             (block $h (result i32) (try_table (catch $a $h) (return (call $again (local.get $x)))) (unreachable)))
           (func (export "g") (param $x i32) (result i32) (call $again (local.get $x)))"#,
    ),
    (
        "catch_all_ref keeps tag and payload",
        r#"(func $clean (param $x i32) (result i32)
             (block $h (result exnref) (try_table (catch_all_ref $h) (return (call $any (local.get $x)))) (unreachable))
             (call $note (i32.const 9)) (throw_ref))
           (func (export "f") (param $x i32) (result i32)
             (block $n (block $b (result i32) (block $a (result i32)
               (try_table (catch $a $a) (catch $b $b) (catch $n $n) (return (call $clean (local.get $x))))
               (unreachable))
               (return (i32.add (i32.const 100))))
               (return (i32.add (i32.const 200))))
             (i32.const 300))"#,
    ),
    (
        "throw_ref of null traps",
        r#"(func (export "f") (param $x i32) (result i32) (local $e exnref)
             (block $h (try_table (catch_all $h) (throw_ref (local.get $e)))) (i32.const 1))
           (func (export "g") (param $x i32) (throw_ref (ref.null exn)))"#,
    ),
    (
        "two references kept apart",
        r#"(func (export "f") (param $x i32) (result i32) (local $one exnref) (local $two exnref)
             (local.set $one (block $h (result exnref) (try_table (catch_all_ref $h) (throw $a (i32.const 61))) (unreachable)))
             (local.set $two (block $h (result exnref) (try_table (catch_all_ref $h) (throw $b (i32.const 62))) (unreachable)))
             (block $b (result i32) (block $a (result i32)
               (try_table (catch $a $a) (catch $b $b)
                 (throw_ref (select (result exnref) (local.get $one) (local.get $two) (i32.and (local.get $x) (i32.const 1)))))
               (unreachable))
               (return (i32.add (i32.const 1000)))))"#,
    ),
    (
        "references as parameters, results and globals",
        r#"(global $kept (mut exnref) (ref.null exn))
           (func $keep (param exnref) (result exnref) (global.set $kept (local.get 0)) (local.get 0))
           (func $catch (param $x i32) (result exnref)
             (block $h (result exnref)
               (try_table (catch_all_ref $h) (drop (call $any (local.get $x)))) (ref.null exn)))
           (func (export "f") (param $x i32) (result i32)
             (block $h (result i32)
               (try_table (catch $a $h) (throw_ref (call $keep (call $catch (local.get $x))))) (unreachable)))
           (func (export "again") (param $x i32) (throw_ref (global.get $kept)))"#,
    ),
    (
        "a reference that is never null",
        r#"(func (export "f") (param $x i32) (result i32)
             (block $a (result i32)
               (try_table (catch $a $a)
                 (block $h (result i32 (ref exn))
                   (try_table (catch_ref $a $h) (return (call $any (local.get $x)))) (unreachable))
                 (throw_ref))
               (unreachable)))"#,
    ),
    (
        "a wide tag beside references of other tags",
        r#"(func (export "f") (param $x i32) (result i32)
             (block $w (result i32 i64 f64) (block $h (result i32 exnref)
               (try_table (catch_ref $a $h) (catch $w $w) (return (call $any (local.get $x)))) (unreachable))
               (throw_ref))
             (drop) (drop))"#,
    ),
    ("a start function that throws", r#"(func $start (drop (call $any (i32.const 1)))) (start $start)"#),
    (
        "a start function that catches",
        r#"(func $start (block $h (try_table (catch_all $h) (drop (call $any (i32.const 3))))) (call $note (i32.const 8)))
           (start $start)"#,
    ),
    (
        "one function exported under two names, called from inside as well",
        r#"(func $f (export "one") (export "two") (param $x i32) (result i32) (call $any (local.get $x)))
           (func (export "three") (param $x i32) (result i32)
             (block $h (try_table (catch_all $h) (return (call $f (local.get $x))))) (i32.const -3))"#,
    ),
    (
        "after a trap the next call starts anew",
        r#"(func (export "f") (param $x i32) (result i32) (call $any (i32.const 1)))
           (func (export "g") (param $x i32) (result i32) (call $any (i32.const 0)))
           (func (export "h") (param $x i32) (result i32)
             (block $h (result i32) (try_table (result i32) (catch $a $h) (call $any (i32.const 0)))))"#,
    ),
    (
        "memory, data, and effects before the throw",
        r#"(memory 1) (data (i32.const 8) "moon")
           (func $f (param $x i32) (result i32)
             (i32.store (i32.const 0) (local.get $x))
             (drop (call $any (local.get $x)))
             (i32.store (i32.const 0) (i32.const -1))
             (i32.const 0))
           (func (export "f") (param $x i32) (result i32 i32)
             (block $h (try_table (catch_all $h) (drop (call $f (local.get $x)))))
             (i32.load (i32.const 0)) (i32.load (i32.const 8)))"#,
    ),
    (
        "a memory of 64 bits, passive data and bulk instructions",
        r#"(memory i64 1) (data $d "perilune")
           (func (export "f") (param $x i32) (result i64)
             (memory.init $d (i64.const 16) (i32.const 0) (i32.const 8))
             (block $h (try_table (catch_all $h) (drop (call $any (local.get $x)))))
             (i64.load (i64.const 16)))"#,
    ),
    (
        "locals survive a throw into their function",
        r#"(func (export "f") (param $x i32) (result i32) (local $y i32) (local $z i64)
             (block $h
               (try_table (catch_all $h)
                 (local.set $y (i32.const 3)) (local.set $z (i64.const 4))
                 (drop (call $any (local.get $x)))
                 (local.set $y (i32.const 30))))
             (i32.add (local.get $y) (i32.wrap_i64 (local.get $z))))"#,
    ),
    (
        "a region without clauses, and one that nothing throws in",
        r#"(func (export "f") (param $x i32) (result i32)
             (try_table (result i32) (call $any (local.get $x))))
           (func (export "g") (param $x i32) (result i32)
             (block $h (try_table (catch_all $h) (call $note (i32.const 2)) (return (local.get $x)))) (i32.const 0))"#,
    ),
    (
        "several clauses to one label of no operands",
        r#"(func (export "f") (param $x i32) (result i32)
             (block $h (try_table (catch $n $h) (catch_all $h) (return (call $any (local.get $x))))) (i32.const 2))"#,
    ),
];

#[test]
fn modules_behave_as_before() {
    for (name, case) in CASES {
        let (before, after) = before_and_after(&module(case), 0..8);
        assert_eq!(before, after, "{name}");
    }
}

/// The corpus is worth something only if exceptions are caught and left uncaught in it.
#[test]
fn the_prelude_returns_throws_and_traps() {
    let (_, after) = before_and_after(&module(CASES[1].1), 0..8);
    insta::assert_snapshot!(after);
}
