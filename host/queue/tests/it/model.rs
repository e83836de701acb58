//! A queue and its dead letters against a model of them, step by step: nothing is lost, nothing is delivered out of turn, too
//! early or twice at a time, and the bounds hold.

use crate::support::{App, publish, said};
use perilune_queue::Delivery;
use perilune_value::{Kind, Value};
use proptest::prelude::*;
use std::time::Duration;

const MOST: usize = 6;
const MOST_DEAD: usize = 2;
const ATTEMPTS: u32 = 3;
const DELAYS: [u64; 3] = [100, 200, 400];

const JOBS: &str = r#"{"driver": "memory", "dead_letter": {"queue": "dead", "max_attempts": 3}, "driver_options":
    {"memory": {"max_length": 6, "retry_delay": "100ms", "max_retry_delay": "400ms"}}}"#;
const DEAD: &str = r#"{"driver": "memory", "driver_options": {"memory": {"max_length": 2}}}"#;

#[derive(Clone, Debug)]
enum Step {
    Publish,
    Take,
    Ack(usize),
    Nack(usize),
    Drop(usize),
    Pass(u64),
    BuryDead,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Publish),
        4 => Just(Step::Take),
        1 => any::<usize>().prop_map(Step::Ack),
        3 => any::<usize>().prop_map(Step::Nack),
        1 => any::<usize>().prop_map(Step::Drop),
        3 => (1_u64..500).prop_map(Step::Pass),
        1 => Just(Step::BuryDead),
    ]
}

/// What the model knows of a message.
#[derive(Clone, Copy, Debug)]
struct Known {
    number: i64,
    due: u64,
    attempts: u32,
    returns: usize,
}

#[derive(Default)]
struct Model {
    now: u64,
    published: i64,
    /// In the order of publishing.
    waiting: Vec<Known>,
    dead: Vec<i64>,
}

impl Model {
    fn put_back(&mut self, mut message: Known) {
        message.due = self.now + DELAYS[message.returns.min(DELAYS.len() - 1)];
        message.returns += 1;
        let at = self.waiting.partition_point(|other| other.number < message.number);
        self.waiting.insert(at, message);
    }

    fn fail(&mut self, mut message: Known) {
        message.attempts += 1;
        if message.attempts >= ATTEMPTS && self.dead.len() < MOST_DEAD {
            self.dead.push(message.number);
        } else {
            self.put_back(message);
        }
    }

    fn take(&mut self) -> Option<Known> {
        let at = self.waiting.iter().position(|message| message.due <= self.now)?;
        Some(self.waiting.remove(at))
    }
}

async fn run(steps: Vec<Step>) {
    let app = App::queues(&[("jobs", JOBS), ("dead", DEAD)]);
    let (queue, dead) = (app.queue("jobs"), app.queue("dead"));
    let mut model = Model::default();
    let mut in_hand: Vec<(Delivery, Known)> = Vec::new();
    for step in steps {
        let pick = |n: usize, in_hand: &mut Vec<(Delivery, Known)>| {
            (!in_hand.is_empty()).then(|| in_hand.remove(n % in_hand.len()))
        };
        match step {
            Step::Publish => {
                let has_room = model.waiting.len() + in_hand.len() < MOST;
                match publish(&queue, model.published + 1).await {
                    Ok(_) => assert!(has_room),
                    Err(failure) => assert_eq!((failure.kind, has_room), (Kind::Unavailable, false)),
                }
                if has_room {
                    model.published += 1;
                    let number = model.published;
                    model.waiting.push(Known { number, due: model.now, attempts: 0, returns: 0 });
                }
            }
            Step::Take => {
                let (delivery, known) = (queue.try_take(), model.take());
                let seen = delivery.as_ref().map(|delivery| (said(delivery), delivery.attempts()));
                let expected = known.map(|known| (Value::from(known.number), known.attempts + 1));
                assert_eq!(seen, expected);
                in_hand.extend(delivery.zip(known));
            }
            Step::Ack(n) => {
                if let Some((delivery, _)) = pick(n, &mut in_hand) {
                    delivery.ack().expect("it is not settled yet");
                }
            }
            Step::Nack(n) => {
                if let Some((delivery, known)) = pick(n, &mut in_hand) {
                    delivery.nack("no").expect("it is not settled yet");
                    model.fail(known);
                }
            }
            Step::Drop(n) => {
                if let Some((_, known)) = pick(n, &mut in_hand) {
                    model.put_back(known);
                }
            }
            Step::Pass(millis) => {
                tokio::time::advance(Duration::from_millis(millis)).await;
                model.now += millis;
            }
            Step::BuryDead => {
                let letter = dead.try_take();
                let number = (!model.dead.is_empty()).then(|| Value::from(model.dead.remove(0)));
                assert_eq!(letter.as_ref().map(said), number);
                if let Some(letter) = letter {
                    letter.ack().expect("it is not settled yet");
                }
            }
        }
        assert_eq!(queue.info().messages, model.waiting.len() + in_hand.len());
        assert_eq!(dead.info().messages, model.dead.len());
    }
}

proptest! {
    #[test]
    fn a_queue_does_what_its_model_does(steps in prop::collection::vec(step(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime is made").block_on(run(steps));
    }
}
