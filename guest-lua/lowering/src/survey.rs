//! Reads and validates the module: what throws and calls where.

use crate::check::{self, LowerError, Reason, Refusal, has_default, is_exnref, is_funcref, mentions};
use crate::regions::Regions;
use std::collections::{BTreeSet, HashMap};
use wasmparser::{
    CompositeInnerType, ConstExpr, ElementItems, ExternalKind, FuncType, FuncValidatorAllocations,
    FunctionBody, Operator, OperatorsReader, Parser, Payload, SectionLimited, SubType, TableInit, TypeRef,
    ValType, ValidPayload, Validator, WasmFeatures,
};

/// The last two are not lowered: they are allowed here so that the refusal can name them.
const FEATURES: WasmFeatures = WasmFeatures::WASM3
    .union(WasmFeatures::THREADS)
    .union(WasmFeatures::LEGACY_EXCEPTIONS)
    .union(WasmFeatures::STACK_SWITCHING);

/// Whom an instruction calls.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Callee {
    Function(u32),
    /// Any escaping function whose signature has this shape.
    Shape(u32),
}

/// A body, and what may leave it.
pub(crate) struct Function<'a> {
    pub(crate) body: FunctionBody<'a>,
    /// Whether it holds a throw that it does not itself catch.
    pub(crate) throws: bool,
    /// Calls from which an exception would leave the function.
    pub(crate) calls: Vec<Callee>,
    /// Calls in place of a return.
    pub(crate) tail_calls: Vec<Callee>,
}

/// The module, as far as exceptions are concerned.
#[derive(Default)]
pub(crate) struct Survey<'a> {
    pub(crate) types: Vec<FuncType>,
    /// By type index.
    shapes: Vec<u32>,
    /// Type index of each function, imported ones first.
    pub(crate) function_types: Vec<u32>,
    imported_functions: u32,
    pub(crate) globals: u32,
    pub(crate) tags: Vec<FuncType>,
    /// Functions that can be called through a reference.
    pub(crate) escaping: Vec<bool>,
    pub(crate) exported: BTreeSet<u32>,
    pub(crate) start: Option<u32>,
    bodies: Vec<Function<'a>>,
    /// Where references to functions may pass between this module and others.
    pub(crate) function_crossings: Vec<(&'static str, u64)>,
    tables: Vec<ValType>,
    global_types: Vec<ValType>,
}

impl<'a> Survey<'a> {
    pub(crate) fn read(module: &'a [u8]) -> Result<Self, LowerError> {
        let mut survey = Survey::default();
        let mut validator = Validator::new_with_features(FEATURES);
        let mut allocations = FuncValidatorAllocations::default();
        for payload in Parser::new(0).parse_all(module) {
            let payload = payload?;
            let validated = validator.payload(&payload)?;
            survey.section(&payload)?;
            if let ValidPayload::Func(function, body) = validated {
                let mut validator = function.into_validator(allocations);
                survey.body(body, &mut validator)?;
                allocations = validator.into_allocations();
            }
        }
        survey.indirect_references()?;
        Ok(survey)
    }

    /// Defined functions with their indices.
    pub(crate) fn defined(&self) -> impl Iterator<Item = (u32, &Function<'a>)> {
        (self.imported_functions..).zip(&self.bodies)
    }

    pub(crate) fn signature(&self, function: u32) -> &FuncType {
        &self.types[self.function_types[function as usize] as usize]
    }

    pub(crate) fn shape_of(&self, function: u32) -> u32 {
        self.shapes[self.function_types[function as usize] as usize]
    }

    pub(crate) fn shape_count(&self) -> usize {
        self.types.len()
    }

    pub(crate) fn tag_count(&self) -> u32 {
        u32::try_from(self.tags.len()).expect("invariant: indices are 32 bits")
    }

    /// `None` for all that is no call, or is one in place of a return.
    pub(crate) fn callee(&self, operator: &Operator) -> Option<Callee> {
        Some(match *operator {
            Operator::Call { function_index } => Callee::Function(function_index),
            Operator::CallIndirect { type_index, .. } | Operator::CallRef { type_index } => {
                Callee::Shape(self.shapes[type_index as usize])
            }
            _ => return None,
        })
    }

    fn tail_callee(&self, operator: &Operator) -> Option<Callee> {
        Some(match *operator {
            Operator::ReturnCall { function_index } => Callee::Function(function_index),
            Operator::ReturnCallIndirect { type_index, .. } | Operator::ReturnCallRef { type_index } => {
                Callee::Shape(self.shapes[type_index as usize])
            }
            _ => return None,
        })
    }

    fn section(&mut self, payload: &Payload<'a>) -> Result<(), LowerError> {
        match payload {
            Payload::TypeSection(section) => self.type_section(section.clone())?,
            Payload::ImportSection(section) => {
                for import in section.clone().into_imports_with_offsets() {
                    let (offset, import) = import?;
                    self.import(import.ty, offset)?;
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section.clone() {
                    self.function_types.push(ty?);
                }
                self.escaping.resize(self.function_types.len(), false);
            }
            Payload::TableSection(section) => {
                for table in section.clone().into_iter_with_offsets() {
                    let (offset, table) = table?;
                    self.table(ValType::Ref(table.ty.element_type), offset)?;
                    if let TableInit::Expr(initial) = &table.init {
                        self.constant(initial)?;
                    }
                }
            }
            Payload::TagSection(section) => self.tag_section(section.clone())?,
            Payload::GlobalSection(section) => {
                for global in section.clone() {
                    let global = global?;
                    self.global(global.ty.content_type);
                    self.constant(&global.init_expr)?;
                }
            }
            Payload::ExportSection(section) => {
                for export in section.clone().into_iter_with_offsets() {
                    let (offset, export) = export?;
                    self.export(export.kind, export.index, offset)?;
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(*func),
            Payload::ElementSection(section) => {
                for element in section.clone() {
                    match element?.items {
                        ElementItems::Functions(functions) => {
                            for function in functions {
                                self.escapes(function?);
                            }
                        }
                        ElementItems::Expressions(_, expressions) => {
                            for expression in expressions {
                                self.constant(&expression?)?;
                            }
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn type_section(&mut self, section: wasmparser::TypeSectionReader<'a>) -> Result<(), LowerError> {
        let mut shapes = HashMap::new();
        for group in section.into_iter_with_offsets() {
            let (offset, group) = group?;
            for ty in group.types() {
                let signature =
                    plain_function(ty).map_err(|reason| Refusal::new(reason, None, offset))?.clone();
                let next = u32::try_from(shapes.len()).expect("invariant: indices are 32 bits");
                self.shapes.push(*shapes.entry(shape(&signature)).or_insert(next));
                self.types.push(signature);
            }
        }
        Ok(())
    }

    fn tag_section(&mut self, section: SectionLimited<'a, wasmparser::TagType>) -> Result<(), LowerError> {
        for (index, tag) in (0..).zip(section.into_iter_with_offsets()) {
            let (offset, tag) = tag?;
            let payload = self.types[tag.func_type_idx as usize].clone();
            if !payload.params().iter().all(|ty| has_default(*ty)) {
                return Err(Refusal::new(Reason::PayloadWithoutDefault { tag: index }, None, offset).into());
            }
            self.tags.push(payload);
        }
        Ok(())
    }

    fn import(&mut self, ty: TypeRef, offset: u64) -> Result<(), LowerError> {
        match ty {
            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                self.function_types.push(ty);
                self.escaping.push(false);
                self.imported_functions += 1;
                self.signature_crosses(ty, "an imported function", offset)
            }
            TypeRef::Table(table) => {
                let element = ValType::Ref(table.element_type);
                self.table(element, offset)?;
                self.crosses(element, "an imported table", offset)
            }
            TypeRef::Global(global) => {
                self.global(global.content_type);
                self.crosses(global.content_type, "an imported global", offset)
            }
            TypeRef::Tag(_) => Err(Refusal::new(Reason::ImportedTag, None, offset).into()),
            TypeRef::Memory(_) => Ok(()),
        }
    }

    fn export(&mut self, kind: ExternalKind, index: u32, offset: u64) -> Result<(), LowerError> {
        match kind {
            ExternalKind::Func | ExternalKind::FuncExact => {
                self.exported.insert(index);
                let ty = self.function_types[index as usize];
                self.signature_crosses(ty, "an exported function", offset)
            }
            ExternalKind::Table => self.crosses(self.tables[index as usize], "an exported table", offset),
            ExternalKind::Global => {
                self.crosses(self.global_types[index as usize], "an exported global", offset)
            }
            ExternalKind::Tag => Err(Refusal::new(Reason::ExportedTag, None, offset).into()),
            ExternalKind::Memory => Ok(()),
        }
    }

    fn table(&mut self, element: ValType, offset: u64) -> Result<(), LowerError> {
        self.tables.push(element);
        if is_exnref(element) {
            return Err(Refusal::new(Reason::ReferenceTable, None, offset).into());
        }
        Ok(())
    }

    fn global(&mut self, ty: ValType) {
        self.global_types.push(ty);
        self.globals += 1;
    }

    fn signature_crosses(&mut self, ty: u32, what: &'static str, offset: u64) -> Result<(), LowerError> {
        let signature = self.types[ty as usize].clone();
        for ty in signature.params().iter().chain(signature.results()) {
            self.crosses(*ty, what, offset)?;
        }
        Ok(())
    }

    fn crosses(&mut self, ty: ValType, what: &'static str, offset: u64) -> Result<(), LowerError> {
        if is_exnref(ty) {
            return Err(Refusal::new(Reason::ReferenceCrosses(what), None, offset).into());
        }
        if is_funcref(ty) {
            self.function_crossings.push((what, offset));
        }
        Ok(())
    }

    fn escapes(&mut self, function: u32) {
        self.escaping[function as usize] = true;
    }

    fn constant(&mut self, expression: &ConstExpr<'a>) -> Result<(), LowerError> {
        // The function section comes before every constant expression but a table's, which follows it as well.
        for operator in expression.get_operators_reader() {
            if let Operator::RefFunc { function_index } = operator? {
                self.escapes(function_index);
            }
        }
        Ok(())
    }

    fn body(
        &mut self,
        body: FunctionBody<'a>,
        validator: &mut wasmparser::FuncValidator<wasmparser::ValidatorResources>,
    ) -> Result<(), LowerError> {
        let index = validator.index();
        let mut regions = Regions::default();
        let mut function =
            Function { body: body.clone(), throws: false, calls: Vec::new(), tail_calls: Vec::new() };
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader)?;
        let mut operators = OperatorsReader::new(reader);
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset()?;
            let refuse = |reason| Err(Refusal::new(reason, index, offset).into());
            if let Some(reason) = check::instruction(&operator) {
                return refuse(reason);
            }
            if let Some(name) = check::test_of_reference(&operator)
                && validator.get_operand_type(0).flatten().is_some_and(is_exnref)
            {
                return refuse(Reason::ReferenceTest(name));
            }
            validator.op(offset, &operator)?;
            if let Some(reason) = self.clauses(&operator) {
                return refuse(reason);
            }
            if let Some(reason) = self.calls_with_reference(&operator) {
                return refuse(reason);
            }
            self.follow(&operator, &regions, &mut function);
            regions.step(&operator);
        }
        operators.finish()?;
        function.calls.sort_unstable_by_key(order);
        function.calls.dedup();
        self.bodies.push(function);
        Ok(())
    }

    /// Notes what the instruction means for exceptions.
    fn follow(&mut self, operator: &Operator, regions: &Regions, function: &mut Function<'a>) {
        let tags = self.tag_count();
        match operator {
            Operator::Throw { tag_index } => function.throws |= !regions.catch(Some(*tag_index), tags),
            Operator::ThrowRef => function.throws |= !regions.catch(None, tags),
            Operator::RefFunc { function_index } => self.escapes(*function_index),
            _ => {
                function.tail_calls.extend(self.tail_callee(operator));
                if let Some(callee) = self.callee(operator)
                    && !regions.catch(None, tags)
                {
                    function.calls.push(callee);
                }
            }
        }
    }

    /// A clause that makes a reference to more than a reference can hold.
    fn clauses(&self, operator: &Operator) -> Option<Reason> {
        let Operator::TryTable { try_table } = operator else { return None };
        let wide = |tag: &u32| !matches!(self.tags[*tag as usize].params(), [] | [ValType::I32]);
        let tag = try_table.catches.iter().find_map(|clause| match clause {
            wasmparser::Catch::OneRef { tag, .. } => Some(*tag).filter(wide),
            wasmparser::Catch::AllRef { .. } => (0..self.tag_count()).find(wide),
            _ => None,
        });
        tag.map(|tag| Reason::ReferenceToPayload { tag })
    }

    fn calls_with_reference(&self, operator: &Operator) -> Option<Reason> {
        let (Operator::CallIndirect { type_index, .. }
        | Operator::CallRef { type_index }
        | Operator::ReturnCallIndirect { type_index, .. }
        | Operator::ReturnCallRef { type_index }) = operator
        else {
            return None;
        };
        mentions(&self.types[*type_index as usize], is_exnref).then_some(Reason::ReferenceIndirect)
    }

    /// An escaping function with an `exnref` could be called as one with an `i64` afterwards.
    fn indirect_references(&self) -> Result<(), LowerError> {
        for (index, function) in self.defined() {
            if self.escaping[index as usize] && mentions(self.signature(index), is_exnref) {
                let offset = function.body.range().start;
                return Err(Refusal::new(Reason::ReferenceIndirect, index, offset).into());
            }
        }
        Ok(())
    }
}

fn order(callee: &Callee) -> (bool, u32) {
    match *callee {
        Callee::Function(index) => (false, index),
        Callee::Shape(shape) => (true, shape),
    }
}

fn plain_function(ty: &SubType) -> Result<&FuncType, Reason> {
    match &ty.composite_type.inner {
        CompositeInnerType::Func(_) if !ty.is_final || !ty.supertype_idxs.is_empty() => {
            Err(Reason::GarbageCollection("sub"))
        }
        CompositeInnerType::Func(signature) => Ok(signature),
        CompositeInnerType::Array(_) => Err(Reason::GarbageCollection("array")),
        CompositeInnerType::Struct(_) => Err(Reason::GarbageCollection("struct")),
        CompositeInnerType::Cont(_) => Err(Reason::StackSwitching("cont")),
    }
}

/// Two types that an indirect call may take for each other have the same shape. References are not told apart, since
/// different indices may mean equal types.
fn shape(signature: &FuncType) -> FuncType {
    let blur = |types: &[ValType]| -> Vec<ValType> {
        types.iter().map(|ty| if ty.is_reference_type() { ValType::FUNCREF } else { *ty }).collect()
    };
    FuncType::new(blur(signature.params()), blur(signature.results()))
}
