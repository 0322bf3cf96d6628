//! What a module does when it is instantiated, which the compiler makes one function of that no program has written.
//!
//! Each segment of data or elements becomes a call of it, each expression code. Tables whose elements are known are written out, with
//! the empty places: a segment of one element behind a million others takes four megabytes.

use wasmparser::{ConstExpr, DataKind, ElementItems, ElementKind, Payload, Result, TableInit};

/// Entries of tables that are written out at most, of all modules together: four bytes each.
pub(super) const MAX_ENTRIES: u64 = 1 << 22;

/// A table with more entries is not written out.
const LARGEST_TABLE: u64 = 1 << 20;

/// What copying a segment weighs beside its offset.
const SEGMENT: u64 = 4;

/// What an element weighs that is an expression: a call of the engine's, and a store with its checks.
const EXPRESSION: u64 = 16;

/// What was found of it in the module that is being read, and in all of them.
#[derive(Debug, Default)]
pub(super) struct Startup {
    /// What the function of this module weighs.
    pub weight: u64,
    /// Entries of all tables.
    pub entries: u64,
}

impl Startup {
    /// Takes notice of a part of a program before it is known to be valid.
    pub fn see(&mut self, payload: &Payload<'_>) -> Result<()> {
        match payload {
            Payload::Version { .. } => self.weight = 0,
            Payload::TableSection(section) => {
                for table in section.clone() {
                    let table = table?;
                    self.entries = self.entries.saturating_add(table.ty.initial.min(LARGEST_TABLE));
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
                    let element = element?;
                    if let ElementKind::Active { offset_expr, .. } = &element.kind {
                        self.weight = self.weight.saturating_add(SEGMENT);
                        self.evaluate(offset_expr);
                    }
                    if let ElementItems::Expressions(_, expressions) = &element.items {
                        let weight = EXPRESSION.saturating_mul(expressions.count().into());
                        self.weight = self.weight.saturating_add(weight);
                    }
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

    /// No instruction is shorter than a byte.
    fn evaluate(&mut self, expression: &ConstExpr<'_>) {
        let bytes = expression.get_binary_reader().range().len() as u64;
        self.weight = self.weight.saturating_add(bytes);
    }
}
