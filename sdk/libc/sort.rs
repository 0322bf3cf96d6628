//! `qsort` and `bsearch`.
//!
//! The comparison is the program's own and may be inconsistent. Nothing here relies on it except for the order of the
//! result: in any case only the array's elements are accessed, and the work is bounded by n log n. Quicksort does the
//! work, insertion sort handles small ranges, and heapsort takes over if quicksort degenerates.

use core::ffi::{c_int, c_void};
use core::ptr;

type Compare = unsafe extern "C" fn(*const c_void, *const c_void) -> c_int;
type CompareWith = unsafe extern "C" fn(*const c_void, *const c_void, *mut c_void) -> c_int;

/// Runs of at most this many elements are sorted by insertion.
const SMALL: usize = 12;

/// An array of elements of one size, and the program's order of them.
struct Elements<C> {
    start: *mut u8,
    size: usize,
    compare: C,
}

impl<C: Fn(*const c_void, *const c_void) -> c_int> Elements<C> {
    fn at(&self, index: usize) -> *mut u8 {
        self.start.wrapping_add(index * self.size)
    }

    fn less(&self, left: usize, right: usize) -> bool {
        (self.compare)(self.at(left).cast(), self.at(right).cast()) < 0
    }

    fn swap(&self, left: usize, right: usize) {
        if left != right {
            // SAFETY: whoever made `self` gave an array that has both elements; different ones do not overlap.
            unsafe { ptr::swap_nonoverlapping(self.at(left), self.at(right), self.size) };
        }
    }

    /// Sorts the elements from `from` up to `to`, going down at most `depth` levels by quicksort.
    fn sort(&self, mut from: usize, mut to: usize, mut depth: u32) {
        while to - from > SMALL {
            if depth == 0 {
                return self.heap_sort(from, to);
            }
            depth -= 1;
            let pivot = self.partition(from, to);
            // The smaller part by recursion, the larger one by the loop: the stack stays small.
            if pivot - from < to - pivot {
                self.sort(from, pivot, depth);
                from = pivot + 1;
            } else {
                self.sort(pivot + 1, to, depth);
                to = pivot;
            }
        }
        self.insertion_sort(from, to);
    }

    /// Splits at the median of three, and returns its final place.
    fn partition(&self, from: usize, to: usize) -> usize {
        let (middle, last) = (from + (to - from) / 2, to - 1);
        if self.less(middle, from) {
            self.swap(middle, from);
        }
        if self.less(last, middle) {
            self.swap(last, middle);
            if self.less(middle, from) {
                self.swap(middle, from);
            }
        }
        self.swap(from, middle);
        let (mut low, mut high) = (from + 1, last);
        loop {
            while low <= high && self.less(low, from) {
                low += 1;
            }
            while low <= high && self.less(from, high) {
                high -= 1;
            }
            if low >= high {
                break;
            }
            self.swap(low, high);
            low += 1;
            high -= 1;
        }
        self.swap(from, high);
        high
    }

    fn insertion_sort(&self, from: usize, to: usize) {
        for sorted in from + 1..to {
            let mut place = sorted;
            while place > from && self.less(place, place - 1) {
                self.swap(place, place - 1);
                place -= 1;
            }
        }
    }

    fn heap_sort(&self, from: usize, to: usize) {
        for root in (from..from + (to - from) / 2).rev() {
            self.sift(from, root, to);
        }
        for end in (from + 1..to).rev() {
            self.swap(from, end);
            self.sift(from, from, end);
        }
    }

    /// Sifts the element at `root` down to its place in the heap from `from` up to `to`.
    fn sift(&self, from: usize, mut root: usize, to: usize) {
        loop {
            let mut child = from + 2 * (root - from) + 1;
            if child >= to {
                return;
            }
            if child + 1 < to && self.less(child, child + 1) {
                child += 1;
            }
            if !self.less(root, child) {
                return;
            }
            self.swap(root, child);
            root = child;
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn qsort(start: *mut c_void, count: usize, size: usize, compare: Compare) {
    sort(start, count, size, |left, right| {
        // SAFETY: both are elements of the caller's array, for which it gave this function.
        unsafe { compare(left, right) }
    });
}

#[unsafe(no_mangle)]
unsafe extern "C" fn qsort_r(
    start: *mut c_void,
    count: usize,
    size: usize,
    compare: CompareWith,
    context: *mut c_void,
) {
    sort(start, count, size, |left, right| {
        // SAFETY: both are elements of the caller's array, for which it gave this function.
        unsafe { compare(left, right, context) }
    });
}

fn sort(
    start: *mut c_void,
    count: usize,
    size: usize,
    compare: impl Fn(*const c_void, *const c_void) -> c_int,
) {
    if count > 1 && size > 0 {
        Elements { start: start.cast(), size, compare }.sort(0, count, 2 * count.ilog2());
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn bsearch(
    key: *const c_void,
    start: *const c_void,
    count: usize,
    size: usize,
    compare: Compare,
) -> *mut c_void {
    let (mut from, mut to) = (0, count);
    while from < to {
        let middle = from + (to - from) / 2;
        let element = start.wrapping_byte_add(middle * size);
        // SAFETY: an element of the caller's array, for which it gave this function.
        match unsafe { compare(key, element) } {
            0 => return element.cast_mut(),
            ..0 => to = middle,
            _ => from = middle + 1,
        }
    }
    ptr::null_mut()
}
