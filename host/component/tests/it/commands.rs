//! Programs of `wasi:cli`, which any language compiles to.

use crate::support::{COMMAND, Setting, program};
use perilune_component::Purpose;
use perilune_value::{Kind, Value};

#[tokio::test]
async fn a_program_reads_its_arguments_from_stdin_and_writes_its_result_to_stdout() {
    let mut setting = Setting::new();
    let args = [Value::from("a"), Value::Integer(2)];
    let result = setting.call(&program(COMMAND, None), &args).await.unwrap();
    assert_eq!(result, Value::Array(args.to_vec()));
    // What it says besides is in the log, a line without its end as well.
    assert_eq!(setting.printed(), ["app:main:stderr reading", "app:main:stderr half"]);
}

#[tokio::test]
async fn a_program_that_fails_gives_its_code_and_its_last_words() {
    let failure = Setting::new().call(&program(COMMAND, None), &[Value::from("fail")]).await.unwrap_err();
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (Kind::Internal, "app:main: ended with exit code 1: half")
    );
    assert_eq!(failure.details.unwrap().get("exit_code"), Some(&Value::Integer(1)));
}

#[tokio::test]
async fn a_program_that_is_run_for_what_it_does_prints_and_reads_nothing() {
    let mut setting = Setting::new();
    setting.purpose = Purpose::Effect;
    let result = setting.call(&program(COMMAND, None), &[Value::from("fail")]).await.unwrap();
    assert_eq!(result, Value::Nil);
    let printed = setting.printed();
    assert_eq!(printed[..2], ["app:main:stderr reading", "app:main:stdout reading"]);
}
