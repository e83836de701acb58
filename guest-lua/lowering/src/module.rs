//! The sections, put together.

use crate::check::LowerError;
use crate::erase::Erase;
use crate::function::{BlockTypes, Context};
use crate::may_throw::MayThrow;
use crate::signal::Signal;
use crate::survey::Survey;
use std::collections::BTreeMap;
use wasm_encoder::reencode::Reencode;
use wasm_encoder::{
    CodeSection, CustomSection, ExportSection, FunctionSection, GlobalSection, Module, RawSection, SectionId,
    StartSection, TypeSection, ValType,
};
use wasmparser::{CustomSectionReader, ExternalKind, KnownCustom, Parser, Payload};

/// Sections that come before that of globals.
const BEFORE_GLOBALS: [SectionId; 6] = [
    SectionId::Type,
    SectionId::Import,
    SectionId::Function,
    SectionId::Table,
    SectionId::Memory,
    SectionId::Tag,
];

pub(crate) fn rewrite(module: &[u8], survey: &Survey, may_throw: &MayThrow) -> Result<Vec<u8>, LowerError> {
    let signal = Signal::new(survey)?;
    let context = Context { survey, may_throw, signal: &signal };
    let mut block_types = BlockTypes::after(survey.types.len());
    let mut code = CodeSection::new();
    for (index, function) in survey.defined() {
        code.function(&context.rewrite(index, function, &mut block_types)?);
    }

    let entrances = survey.exported.iter().copied().chain(survey.start);
    let mut wrappers: BTreeMap<u32, u32> =
        entrances.filter(|index| may_throw.function(*index)).map(|index| (index, 0)).collect();
    for (wrapper, (index, place)) in (survey.function_types.len()..).zip(&mut wrappers) {
        *place = u32::try_from(wrapper).expect("invariant: indices are 32 bits");
        code.function(&context.wrapper(*index));
    }

    let sections = Sections { survey, signal: &signal, wrappers, added_types: block_types.added() };
    sections.copy(module, &code)
}

struct Sections<'a> {
    survey: &'a Survey<'a>,
    signal: &'a Signal,
    /// By the function that is wrapped.
    wrappers: BTreeMap<u32, u32>,
    added_types: Vec<Vec<ValType>>,
}

impl Sections<'_> {
    fn copy(&self, module: &[u8], code: &CodeSection) -> Result<Vec<u8>, LowerError> {
        let mut out = Module::new();
        // Nothing carries an exception if there is no tag, and nothing is added then.
        let mut globals_due = !self.survey.tags.is_empty();
        for payload in Parser::new(0).parse_all(module) {
            let payload = payload?;
            let section = payload.as_section();
            let before = section.as_ref().is_some_and(|(id, _)| {
                *id == SectionId::Custom as u8 || BEFORE_GLOBALS.iter().any(|section| *section as u8 == *id)
            });
            if globals_due && !before && !matches!(payload, Payload::Version { .. }) {
                globals_due = false;
                if !matches!(payload, Payload::GlobalSection(_)) {
                    let mut globals = GlobalSection::new();
                    self.signal.declare(&mut globals);
                    out.section(&globals);
                }
            }
            match payload {
                Payload::TypeSection(section) => out.section(&self.types(section)?),
                Payload::FunctionSection(section) => out.section(&self.functions(section)?),
                Payload::TagSection(_) | Payload::CodeSectionEntry(_) => &mut out,
                Payload::GlobalSection(section) => out.section(&self.globals(section)?),
                Payload::ExportSection(section) => out.section(&self.exports(section)?),
                Payload::StartSection { func, .. } => {
                    out.section(&StartSection { function_index: self.entrance(func) })
                }
                Payload::CodeSectionStart { .. } => out.section(code),
                Payload::CustomSection(section) => custom(&mut out, section)?,
                _ => match section {
                    Some((id, range)) => {
                        let range = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
                        let (start, end) = range.expect("invariant: the module is in memory");
                        out.section(&RawSection { id, data: &module[start..end] })
                    }
                    None => &mut out,
                },
            };
        }
        Ok(out.finish())
    }

    /// What others call in place of the function.
    fn entrance(&self, function: u32) -> u32 {
        self.wrappers.get(&function).copied().unwrap_or(function)
    }

    fn types(&self, section: wasmparser::TypeSectionReader) -> Result<TypeSection, LowerError> {
        let mut types = TypeSection::new();
        Erase.parse_type_section(&mut types, section)?;
        for results in &self.added_types {
            types.ty().function([], results.iter().copied());
        }
        Ok(types)
    }

    fn functions(&self, section: wasmparser::FunctionSectionReader) -> Result<FunctionSection, LowerError> {
        let mut functions = FunctionSection::new();
        Erase.parse_function_section(&mut functions, section)?;
        for wrapped in self.wrappers.keys() {
            functions.function(self.survey.function_types[*wrapped as usize]);
        }
        Ok(functions)
    }

    fn globals(&self, section: wasmparser::GlobalSectionReader) -> Result<GlobalSection, LowerError> {
        let mut globals = GlobalSection::new();
        Erase.parse_global_section(&mut globals, section)?;
        if !self.survey.tags.is_empty() {
            self.signal.declare(&mut globals);
        }
        Ok(globals)
    }

    fn exports(&self, section: wasmparser::ExportSectionReader) -> Result<ExportSection, LowerError> {
        let mut exports = ExportSection::new();
        for export in section {
            let export = export?;
            let is_function = matches!(export.kind, ExternalKind::Func | ExternalKind::FuncExact);
            let index = if is_function { self.entrance(export.index) } else { export.index };
            exports.export(export.name, Erase.export_kind(export.kind)?, index);
        }
        Ok(exports)
    }
}

fn custom<'a>(out: &'a mut Module, section: CustomSectionReader) -> Result<&'a mut Module, LowerError> {
    let name = section.name();
    Ok(match section.as_known() {
        KnownCustom::Name(names) => out.section(&Erase.custom_name_section(names)?),
        KnownCustom::BranchHints(_) | KnownCustom::Linking(_) | KnownCustom::Reloc(_) => out,
        _ if name.starts_with(".debug_") => out,
        _ => out.section(&CustomSection { name: name.into(), data: section.data().into() }),
    })
}
