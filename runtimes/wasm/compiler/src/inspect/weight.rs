//! The work that a function makes for the compiler.
//!
//! The compiler takes one function at a time and cannot be stopped inside its passes. The number of bytes says little
//! about the time: a call of two bytes may carry two thousand values, and each local variable may have another value
//! behind each loop. So functions are weighed: an ordinary instruction weighs 1, and those that were measured to cost
//! more weigh more.

use wasmparser::{
    BlockType, FrameKind, FuncValidator, FunctionBody, Operator, ValidatorResources, WasmModuleResources,
};

use crate::deadline::Deadline;
use crate::inspect::Stop;

/// A block or a branch, and each value that it carries: it is another variable behind it.
const CONTROL: u64 = 8;
const CARRIED: u64 = 8;
/// A value that goes into a call or comes out of it.
const PASSED: u64 = 2;
/// An instruction with a check: memory accesses, divisions, conversions that may trap.
const CHECKED: u64 = 8;
/// The number of pairs of a local variable and a block that weigh 1; of a local variable and a loop; of those and each
/// level of nesting.
const LOCALS_IN_BLOCKS: u64 = 256;
const LOCALS_IN_LOOPS: u64 = 64;
const LOCALS_IN_NESTED_LOOPS: u64 = 4096;

/// Instructions between two checks of the clock.
const CLOCK: u64 = 1 << 12;

/// Checks a function's code, and weighs it. Each instruction is weighed before it is checked, and nothing is checked
/// behind the maximum weight of a function.
pub(super) fn weigh(
    validator: &mut FuncValidator<ValidatorResources>,
    body: &FunctionBody<'_>,
    most: u64,
    deadline: Deadline,
) -> Result<u64, Stop> {
    let mut reader = body.get_binary_reader();
    validator.read_locals(&mut reader)?;
    let locals = u64::from(validator.len_locals());
    let mut code = body.get_operators_reader()?;
    let (mut weight, mut total) = (0_u64, 0_u64);
    let (mut blocks, mut loops, mut levels, mut clock) = (0_u64, 0_u64, 0_u64, 0_u64);
    while !code.eof() {
        if clock.is_multiple_of(CLOCK) {
            deadline.check()?;
        }
        clock += 1;
        let (operator, offset) = code.read_with_offset()?;
        weight = weight.saturating_add(of(validator, &operator));
        match operator {
            Operator::Block { .. } | Operator::If { .. } | Operator::Else | Operator::TryTable { .. } => {
                blocks += 1
            }
            Operator::Loop { .. } => {
                loops += 1;
                levels = levels.saturating_add(validator.control_stack_height().into()).saturating_add(1);
            }
            _ => {}
        }
        let by_locals =
            [(blocks, LOCALS_IN_BLOCKS), (loops, LOCALS_IN_LOOPS), (levels, LOCALS_IN_NESTED_LOOPS)]
                .map(|(count, pairs)| locals.saturating_mul(count) / pairs);
        total = by_locals.into_iter().fold(weight, u64::saturating_add);
        if total > most {
            return Ok(total);
        }
        validator.op(offset, &operator)?;
    }
    code.finish()?;
    Ok(total)
}

/// The weight of one instruction. An invalid one is found by the validator afterwards.
fn of(validator: &FuncValidator<ValidatorResources>, operator: &Operator<'_>) -> u64 {
    let resources = validator.resources();
    let passed = |ty: Option<u32>| 1 + PASSED * ty.map_or(0, |ty| sum(signature(resources, ty)));
    match operator {
        Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } => {
            CONTROL + CARRIED * sum(block(resources, *blockty))
        }
        Operator::TryTable { try_table } => CONTROL + CARRIED * sum(block(resources, try_table.ty)),
        Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
            CONTROL + CARRIED * label(validator, *relative_depth)
        }
        Operator::BrTable { targets } => targets
            .targets()
            .flatten()
            .chain([targets.default()])
            .map(|depth| 1 + CARRIED * label(validator, depth))
            .fold(CONTROL, u64::saturating_add),
        Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
            passed(resources.type_index_of_function(*function_index))
        }
        Operator::CallIndirect { type_index, .. }
        | Operator::ReturnCallIndirect { type_index, .. }
        | Operator::CallRef { type_index }
        | Operator::ReturnCallRef { type_index } => CHECKED + passed(Some(*type_index)),
        Operator::Return => {
            CONTROL + CARRIED * label(validator, validator.control_stack_height().saturating_sub(1))
        }
        Operator::I32DivS
        | Operator::I32DivU
        | Operator::I32RemS
        | Operator::I32RemU
        | Operator::I64DivS
        | Operator::I64DivU
        | Operator::I64RemS
        | Operator::I64RemU
        | Operator::I32TruncF32S
        | Operator::I32TruncF32U
        | Operator::I32TruncF64S
        | Operator::I32TruncF64U
        | Operator::I64TruncF32S
        | Operator::I64TruncF32U
        | Operator::I64TruncF64S
        | Operator::I64TruncF64U => CHECKED,
        operator if reaches_out(operator) => CHECKED,
        _ => 1,
    }
}

/// Parameters and results of a type.
pub(super) fn signature(resources: &ValidatorResources, ty: u32) -> (usize, usize) {
    match resources.sub_type_at(ty).map(|ty| &ty.composite_type.inner) {
        Some(wasmparser::CompositeInnerType::Func(ty)) => (ty.params().len(), ty.results().len()),
        _ => (0, 0),
    }
}

fn block(resources: &ValidatorResources, ty: BlockType) -> (usize, usize) {
    match ty {
        BlockType::Empty => (0, 0),
        BlockType::Type(_) => (0, 1),
        BlockType::FuncType(ty) => signature(resources, ty),
    }
}

/// Values that a branch to that label carries.
fn label(validator: &FuncValidator<ValidatorResources>, depth: u32) -> u64 {
    let Some(frame) = usize::try_from(depth).ok().and_then(|depth| validator.get_control_frame(depth)) else {
        return 0;
    };
    let (params, results) = block(validator.resources(), frame.block_type);
    (if frame.kind == FrameKind::Loop { params } else { results }) as u64
}

fn sum((params, results): (usize, usize)) -> u64 {
    (params + results) as u64
}

macro_rules! reaches_out {
    ($( @$proposal:ident $operator:ident $({ $($argument:ident: $type:ty),* })? => $visit:ident ($($rest:tt)*) )*) => {
        /// Returns true if an instruction works on a memory or a table.
        fn reaches_out(operator: &Operator<'_>) -> bool {
            const PLACES: [&str; 5] = ["memarg", "mem", "table", "dst_mem", "dst_table"];
            let arguments: &[&str] = match operator {
                $( Operator::$operator { .. } => &[$($(stringify!($argument)),*)?], )*
                _ => &[],
            };
            arguments.iter().any(|argument| PLACES.contains(argument))
        }
    };
}
wasmparser::for_each_operator!(reaches_out);
