//! Changes a module so that a used instance of it can be made as it was after its start: what the
//! host cannot see of an instance is exported, and what cannot be undone is asked of a function.
//!
//! * Every mutable global gets an export, `trellis:global:<n>`.
//! * A memory cannot shrink. So its size as the guest sees it becomes one more such global, and
//!   `memory.size` and `memory.grow` become a read of it and a call of an added function, which
//!   grows the real memory only where that is smaller. The guest cannot tell, but that a stray
//!   access beyond its size meets zeroes, up to the size that an earlier call asked for, where it
//!   would have trapped.
//!
//! Indices of types, functions and globals stay as they are: what is added comes last.

use wasm_encoder::reencode::{self, Reencode, utils};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, CoreTypeEncoder, CustomSection, EntityType, ExportKind,
    ExportSection, Function, FunctionSection, GlobalSection, GlobalType, Instruction, MemorySection,
    Module, SectionId, TypeSection, ValType,
};
use wasmparser::{Imports, Operator, Parser};

/// Counted up when the change becomes another: code compiled before is not used then.
pub const FORM: u32 = 1;
const EXPORT_PREFIX: &str = "trellis:global:";
/// More than this many would cost more to restore than a new instance.
const GLOBALS_MAX: usize = 32;

/// The module cannot be made restorable; it is used as it is.
#[derive(Debug)]
struct Unsuited;
type Outcome<T> = Result<T, reencode::Error<Unsuited>>;

fn unsuited<T>() -> Outcome<T> {
    Err(reencode::Error::UserError(Unsuited))
}

#[derive(Default)]
struct Restorable {
    types: u32,
    functions: u32,
    globals: u32,
    mutable_globals: Vec<u32>,
    memories: Vec<u32>, // initial pages
    grow_type: u32,
    grow_function: u32,
    pages_global: u32,
    has_types: bool,
    has_functions: bool,
    has_globals: bool,
    has_exports: bool,
    has_code: bool,
}

/// The changed module; `None` when its instances cannot be restored, or when it is no valid module
/// (of which the compiler says more).
pub fn restorable(wasm: &[u8]) -> Option<Vec<u8>> {
    let mut change = Restorable::default();
    let mut module = Module::new();
    change.parse_core_module(&mut module, Parser::new(0), wasm).ok()?;
    (change.has_exports && change.has_code).then(|| module.finish())
}

impl Restorable {
    fn add_pages_global(&mut self, globals: &mut GlobalSection) -> Outcome<()> {
        let [pages] = self.memories[..] else {
            return unsuited();
        };
        self.has_globals = true;
        self.pages_global = self.globals;
        self.mutable_globals.push(self.globals);
        if self.mutable_globals.len() > GLOBALS_MAX {
            return unsuited();
        }
        globals.global(
            GlobalType { val_type: ValType::I32, mutable: true, shared: false },
            &ConstExpr::i32_const(pages as i32),
        );
        Ok(())
    }

    /// (delta pages) -> the size before, or -1
    fn grow_function(&self) -> Function {
        const DELTA: u32 = 0;
        const BEFORE: u32 = 1;
        const WANTED: u32 = 2;
        let pages = self.pages_global;
        let mut f = Function::new([(2, ValType::I32)]);
        let mut add = |instructions: &[Instruction]| {
            for instruction in instructions {
                f.instruction(instruction);
            }
        };
        use Instruction::*;
        add(&[LocalGet(DELTA), GlobalGet(pages), LocalTee(BEFORE), I32Add, LocalTee(WANTED)]);
        add(&[LocalGet(BEFORE), I32LtU]); // more than 32 bits
        add(&[If(BlockType::Empty), I32Const(-1), Return, End]);
        add(&[LocalGet(WANTED), MemorySize(0), I32GtU, If(BlockType::Empty)]);
        add(&[LocalGet(WANTED), MemorySize(0), I32Sub, MemoryGrow(0), I32Const(-1), I32Eq]);
        add(&[If(BlockType::Empty), I32Const(-1), Return, End, End]);
        add(&[LocalGet(WANTED), GlobalSet(pages), LocalGet(BEFORE), End]);
        f
    }
}

impl Reencode for Restorable {
    type Error = Unsuited;

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: wasmparser::TypeSectionReader<'_>,
    ) -> Outcome<()> {
        self.has_types = true;
        utils::parse_type_section(self, types, section)?;
        self.grow_type = self.types;
        types.ty().function([ValType::I32], [ValType::I32]);
        Ok(())
    }

    fn parse_recursive_type_group(
        &mut self,
        encoder: CoreTypeEncoder,
        group: wasmparser::RecGroup,
    ) -> Outcome<()> {
        self.types += group.types().len() as u32;
        utils::parse_recursive_type_group(self, encoder, group)
    }

    fn parse_imports(
        &mut self,
        imports: &mut wasm_encoder::ImportSection,
        group: Imports<'_>,
    ) -> Outcome<()> {
        let Imports::Single(_, import) = group else {
            return unsuited();
        };
        let ty = self.entity_type(import.ty)?;
        let EntityType::Function(_) = ty else {
            return unsuited(); // belongs to somebody else
        };
        self.functions += 1;
        imports.import(import.module, import.name, ty);
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Outcome<()> {
        if !self.has_types {
            return unsuited();
        }
        self.has_functions = true;
        self.functions += section.count();
        utils::parse_function_section(self, functions, section)?;
        self.grow_function = self.functions;
        functions.function(self.grow_type);
        Ok(())
    }

    fn parse_memory_section(
        &mut self,
        memories: &mut MemorySection,
        section: wasmparser::MemorySectionReader<'_>,
    ) -> Outcome<()> {
        for memory in section.clone() {
            let memory = memory?;
            if memory.shared || memory.memory64 || memory.page_size_log2.is_some() {
                return unsuited();
            }
            self.memories.push(u32::try_from(memory.initial).or_else(|_| unsuited())?);
        }
        utils::parse_memory_section(self, memories, section)
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Outcome<()> {
        for global in section.clone() {
            let ty = global?.ty;
            if ty.mutable {
                use wasmparser::ValType::*;
                if !matches!(ty.content_type, I32 | I64 | F32 | F64) {
                    return unsuited(); // a reference, or too wide to set from outside
                }
                self.mutable_globals.push(self.globals);
            }
            self.globals += 1;
        }
        utils::parse_global_section(self, globals, section)?;
        self.add_pages_global(globals)
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Outcome<()> {
        for export in section.clone() {
            if export?.name.starts_with(EXPORT_PREFIX) {
                return unsuited();
            }
        }
        self.has_exports = true;
        utils::parse_export_section(self, exports, section)?;
        for (n, global) in self.mutable_globals.iter().enumerate() {
            exports.export(&format!("{EXPORT_PREFIX}{n}"), ExportKind::Global, *global);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Outcome<()> {
        if !self.has_functions || !self.has_globals {
            return unsuited();
        }
        self.has_code = true;
        utils::parse_code_section(self, code, section)?;
        code.function(&self.grow_function());
        Ok(())
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Outcome<Instruction<'a>> {
        match operator {
            Operator::MemorySize { .. } => Ok(Instruction::GlobalGet(self.pages_global)),
            Operator::MemoryGrow { .. } => Ok(Instruction::Call(self.grow_function)),
            // State that the host cannot put back.
            Operator::TableSet { .. }
            | Operator::TableGrow { .. }
            | Operator::TableFill { .. }
            | Operator::TableCopy { .. }
            | Operator::TableInit { .. }
            | Operator::ElemDrop { .. }
            | Operator::DataDrop { .. } => unsuited(),
            other => utils::instruction(self, other),
        }
    }

    // As they are: the indices they speak of have not changed.
    fn parse_custom_section(
        &mut self,
        module: &mut Module,
        section: wasmparser::CustomSectionReader<'_>,
    ) -> Outcome<()> {
        module.section(&CustomSection {
            name: section.name().into(),
            data: section.data().into(),
        });
        Ok(())
    }

    // A module without globals of its own has no such section.
    fn intersperse_section_hook(
        &mut self,
        module: &mut Module,
        _after: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Outcome<()> {
        use SectionId::*;
        let due = matches!(before, Some(Export | Start | Element | DataCount | Code | Data));
        if due && !self.has_globals {
            let mut globals = GlobalSection::new();
            self.add_pages_global(&mut globals)?;
            module.section(&globals);
        }
        Ok(())
    }
}
