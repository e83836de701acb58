//! How large a document a text becomes, found by parsing it without keeping anything.
//!
//! By the rules of HTML, elements such as `<b>` that were left open begin again in each block that follows, so a hundred kilobytes
//! can become gigabytes. The text is fed in small pieces, and no further than the bounds.

use crate::allowance::Allowance;
use html5ever::interface::{Attribute, ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::{ExpandedName, LocalName, Namespace, ParseOpts, QualName, local_name, ns, parse_fragment};
use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// Levels of elements. Browsers keep 512.
pub(super) const MAX_DEPTH: u32 = 1_000;

/// Bytes between two looks at the bounds; each can bring forth as many elements as are open.
const PIECE: usize = 1 << 10;

/// Computing time. A megabyte of honest text takes 30 ms. What remains is, for one, a tag with 100,000 attributes, each compared
/// with all before.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why a text is not sanitised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Nodes,
    Depth,
    Time,
}

pub(super) fn weigh(text: &str, most: usize) -> Result<(), Refused> {
    let weight = Rc::new(Weight::default());
    let mut time = Allowance::of_computing(PATIENCE);
    // As ammonia does.
    let context = QualName::new(None, ns!(html), local_name!("div"));
    let sink =
        Scales { weight: weight.clone(), document: Node::new(QualName::new(None, ns!(), local_name!(""))) };
    let mut parser = parse_fragment(sink, ParseOpts::default(), context, Vec::new(), false);
    let mut check = || match () {
        () if weight.nodes.get() > most => Err(Refused::Nodes),
        () if weight.depth.get() > MAX_DEPTH => Err(Refused::Depth),
        () if time.is_used_up() => Err(Refused::Time),
        () => Ok(()),
    };
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE.min(rest.len())));
        parser.process(StrTendril::from_slice(piece));
        check()?;
        rest = after;
    }
    parser.finish();
    check()
}

#[derive(Debug, Default)]
struct Weight {
    nodes: Cell<usize>,
    depth: Cell<u32>,
    /// Whether text came last: text that follows it joins it.
    in_text: Cell<bool>,
}

/// An element that knows its name and how deep it lies, and nothing below it.
#[derive(Debug)]
struct Node {
    name: QualName,
    depth: Cell<u32>,
    is_integration_point: bool,
}

impl Node {
    fn new(name: QualName) -> Rc<Self> {
        Rc::new(Node { name, depth: Cell::new(0), is_integration_point: false })
    }
}

struct Scales {
    weight: Rc<Weight>,
    document: Rc<Node>,
}

impl Scales {
    fn count(&self, is_text: bool) {
        if !(self.weight.in_text.replace(is_text) && is_text) {
            self.weight.nodes.set(self.weight.nodes.get() + 1);
        }
    }

    fn place(&self, depth: u32, child: &NodeOrText<Rc<Node>>) {
        match child {
            NodeOrText::AppendNode(node) => {
                node.depth.set(depth);
                self.weight.depth.set(self.weight.depth.get().max(depth));
            }
            NodeOrText::AppendText(_) => self.count(true),
        }
    }
}

impl TreeSink for Scales {
    type Handle = Rc<Node>;
    type Output = ();
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) {}

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Rc<Node> {
        self.document.clone()
    }

    fn elem_name<'a>(&'a self, target: &'a Rc<Node>) -> ExpandedName<'a> {
        target.name.expanded()
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, flags: ElementFlags) -> Rc<Node> {
        self.count(false);
        drop(attributes);
        let is_integration_point = flags.mathml_annotation_xml_integration_point;
        Rc::new(Node { name, depth: Cell::new(0), is_integration_point })
    }

    fn create_comment(&self, _: StrTendril) -> Rc<Node> {
        self.count(false);
        Node::new(QualName::new(None, Namespace::default(), LocalName::default()))
    }

    fn create_pi(&self, _: StrTendril, data: StrTendril) -> Rc<Node> {
        self.create_comment(data)
    }

    fn append(&self, parent: &Rc<Node>, child: NodeOrText<Rc<Node>>) {
        self.place(parent.depth.get() + 1, &child);
    }

    fn append_based_on_parent_node(&self, element: &Rc<Node>, _: &Rc<Node>, child: NodeOrText<Rc<Node>>) {
        self.place(element.depth.get() + 1, &child);
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &Rc<Node>) -> Rc<Node> {
        target.clone()
    }

    fn same_node(&self, one: &Rc<Node>, other: &Rc<Node>) -> bool {
        Rc::ptr_eq(one, other)
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Rc<Node>, new: NodeOrText<Rc<Node>>) {
        self.place(sibling.depth.get(), &new);
    }

    fn add_attrs_if_missing(&self, _: &Rc<Node>, _: Vec<Attribute>) {}

    fn remove_from_parent(&self, _: &Rc<Node>) {}

    fn reparent_children(&self, _: &Rc<Node>, _: &Rc<Node>) {}

    fn is_mathml_annotation_xml_integration_point(&self, target: &Rc<Node>) -> bool {
        target.is_integration_point
    }
}
