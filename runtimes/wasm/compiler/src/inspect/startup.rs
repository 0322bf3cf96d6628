//! The work of a module's instantiation, which the compiler puts into one function of its own.
//!
//! That function calls each segment of data or elements, and contains the code of each expression. Tables with known
//! elements are written out, with the empty places: a segment of one element behind a million others takes four
//! megabytes.

use wasmparser::{
    ConstExpr, DataKind, Element, ElementItems, ElementKind, Operator, Payload, Result, TableInit, TypeRef,
};

/// Maximum number of table entries that are written out, of all modules together: four bytes each.
pub(super) const MAX_ENTRIES: u64 = 1 << 22;

/// A table with more entries is not written out.
const LARGEST_TABLE: u64 = 1 << 20;

/// Weight of a segment's copy, beside its offset.
const SEGMENT: u64 = 4;

/// Weight of an element that is not written out, but put into its table by code; and of one that waits for
/// `table.init`.
const ELEMENT: u64 = 8;
const PASSIVE_ELEMENT: u64 = 2;

/// The findings about the current module, and about all of them.
#[derive(Debug, Default)]
pub(super) struct Startup {
    /// The weight of this module's function.
    pub weight: u64,
    /// Entries of all tables.
    pub entries: u64,
    /// The sizes of this module's tables; `None` for imported ones.
    tables: Vec<Option<u64>>,
    /// True if a segment of elements could not be written out: then none behind it is.
    by_code: bool,
}

impl Startup {
    /// Notes a part of a program before it is known to be valid.
    pub fn see(&mut self, payload: &Payload<'_>) -> Result<()> {
        match payload {
            Payload::Version { .. } => {
                self.weight = 0;
                self.tables.clear();
                self.by_code = false;
            }
            Payload::ImportSection(section) => {
                for import in section.clone().into_imports() {
                    if let TypeRef::Table(_) = import?.ty {
                        self.tables.push(None);
                    }
                }
            }
            Payload::TableSection(section) => {
                for table in section.clone() {
                    let table = table?;
                    self.entries = self.entries.saturating_add(table.ty.initial.min(LARGEST_TABLE));
                    self.tables.push(Some(table.ty.initial));
                    if let TableInit::Expr(expression) = &table.init {
                        self.evaluate(expression);
                    }
                }
            }
            Payload::GlobalSection(section) => {
                for global in section.clone() {
                    self.evaluate(&global?.init_expr);
                }
            }
            Payload::ElementSection(section) => {
                for element in section.clone() {
                    self.element(&element?);
                }
            }
            Payload::DataSection(section) => {
                for data in section.clone() {
                    if let DataKind::Active { offset_expr, .. } = &data?.kind {
                        self.weight = self.weight.saturating_add(SEGMENT);
                        self.evaluate(offset_expr);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn element(&mut self, element: &Element<'_>) {
        let (count, are_plain) = match &element.items {
            ElementItems::Functions(functions) => (functions.count(), true),
            ElementItems::Expressions(_, expressions) => (expressions.count(), false),
        };
        let each = match &element.kind {
            ElementKind::Active { table_index, offset_expr } => {
                self.weight = self.weight.saturating_add(SEGMENT);
                self.evaluate(offset_expr);
                let table = usize::try_from(table_index.unwrap_or(0)).ok().and_then(|at| self.tables.get(at));
                let room = table.copied().flatten().unwrap_or(0).min(LARGEST_TABLE);
                let end = constant(offset_expr).and_then(|offset| offset.checked_add(count.into()));
                self.by_code |= !are_plain || end.is_none_or(|end| end > room);
                if self.by_code { ELEMENT } else { 0 }
            }
            ElementKind::Passive => PASSIVE_ELEMENT,
            ElementKind::Declared => 0,
        };
        self.weight = self.weight.saturating_add(each * u64::from(count));
    }

    /// No instruction is shorter than a byte.
    fn evaluate(&mut self, expression: &ConstExpr<'_>) {
        let bytes = expression.get_binary_reader().range().len() as u64;
        self.weight = self.weight.saturating_add(bytes);
    }
}

/// The value of an expression that is a single constant.
fn constant(expression: &ConstExpr<'_>) -> Option<u64> {
    let mut operators = expression.get_operators_reader();
    let value = match operators.read().ok()? {
        Operator::I32Const { value } => u64::from(value.cast_unsigned()),
        Operator::I64Const { value } => value.cast_unsigned(),
        _ => return None,
    };
    matches!(operators.read(), Ok(Operator::End)).then_some(value)
}
