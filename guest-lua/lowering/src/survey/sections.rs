//! Everything but the bodies: types, tags, and what crosses the module's boundary.

use super::Survey;
use crate::check::{LowerError, Reason, Refusal, has_default, is_exnref, is_funcref};
use std::collections::HashMap;
use wasmparser::{
    CompositeInnerType, ConstExpr, ElementItems, ExternalKind, FuncType, Operator, Payload, SectionLimited,
    SubType, TableInit, TagType, TypeRef, TypeSectionReader, ValType,
};

impl<'a> Survey<'a> {
    pub(super) fn section(&mut self, payload: &Payload<'a>) -> Result<(), LowerError> {
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

    fn type_section(&mut self, section: TypeSectionReader<'a>) -> Result<(), LowerError> {
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

    fn tag_section(&mut self, section: SectionLimited<'a, TagType>) -> Result<(), LowerError> {
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

    pub(super) fn escapes(&mut self, function: u32) {
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
