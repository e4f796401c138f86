//! The kernels alone, as the WebAssembly module that the page's CPU engine runs in a worker. It imports nothing and
//! is a few dozen kilobytes; `worker.js` copies numbers in and out.
//!
//! The kernels' source is that of the page, compiled once more: with SIMD, and without for browsers that lack it.

use std::cell::RefCell;

#[allow(dead_code)] // The page uses the rest.
#[path = "../../src/kernels/mod.rs"]
mod kernels;

use kernels::memory::{Launch, Memory};

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
    static PROGRAM: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// Where the buffer with this number lies, once it is so many words long; it keeps what fits of its contents.
#[unsafe(no_mangle)]
pub extern "C" fn resize(buffer: u32, words: usize) -> *mut f32 {
    MEMORY.with_borrow_mut(|memory| {
        let buffer = memory.buffer(buffer);
        buffer.resize(words, 0.0);
        buffer.as_mut_ptr()
    })
}

/// Where the buffer with this number lies.
#[unsafe(no_mangle)]
pub extern "C" fn address(buffer: u32) -> *const f32 {
    MEMORY.with_borrow_mut(|memory| memory.buffer(buffer).as_ptr())
}

/// Where a program of so many words is to be written.
#[unsafe(no_mangle)]
pub extern "C" fn program(words: usize) -> *mut u32 {
    PROGRAM.with_borrow_mut(|program| {
        program.resize(words, 0);
        program.as_mut_ptr()
    })
}

/// Runs the program's launches in order.
#[unsafe(no_mangle)]
pub extern "C" fn run() {
    PROGRAM.with_borrow(|program| {
        let mut rest = program.as_slice();
        while !rest.is_empty() {
            let launch = Launch::read(&mut rest);
            MEMORY.with_borrow_mut(|memory| memory.run(&launch));
        }
    });
}
