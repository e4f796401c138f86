//! Kernels on numbered buffers in plain memory, and their launches as words, so that they can be run by another
//! thread that shares no memory with this one.

use super::{KernelId, Op};

/// One kernel launch.
#[derive(Clone, Debug)]
pub struct Launch {
    pub op: Op,
    pub inputs: Vec<u32>,
    pub output: u32,
}

impl Launch {
    /// Kernel, output, number of inputs, inputs, number of parameters, parameters.
    pub fn write(&self, words: &mut Vec<u32>) {
        let params: &[u32] = bytemuck::cast_slice(self.op.params());
        words.extend([self.op.kernel() as u32, self.output, self.inputs.len() as u32]);
        words.extend(&self.inputs);
        words.push(params.len() as u32);
        words.extend(params);
    }

    /// Takes one launch off the front of what [`Launch::write`] wrote.
    pub fn read(words: &mut &[u32]) -> Self {
        // Not through the table: it would bring the shaders' text along.
        let (kernel, output) = (KernelId::ALL[words[0] as usize], words[1]);
        let (inputs, rest) = words[3..].split_at(words[2] as usize);
        let (params, rest) = rest[1..].split_at(rest[0] as usize);
        *words = rest;
        let op = Op::from_params(kernel, bytemuck::cast_slice(params));
        Launch { op, inputs: inputs.to_vec(), output }
    }
}

/// Buffers by number.
#[derive(Default)]
pub struct Memory {
    buffers: Vec<Vec<f32>>,
}

impl Memory {
    /// The buffer with this number, empty at first.
    pub fn buffer(&mut self, number: u32) -> &mut Vec<f32> {
        let number = number as usize;
        if self.buffers.len() <= number {
            self.buffers.resize_with(number + 1, Vec::new);
        }
        &mut self.buffers[number]
    }

    pub fn run(&mut self, launch: &Launch) {
        // An output is never its own input, so it can be taken out while it is written.
        let mut output = std::mem::take(self.buffer(launch.output));
        output.resize(launch.op.output_words(), 0.0);
        let inputs: Vec<&[f32]> = launch.inputs.iter().map(|n| self.buffers[*n as usize].as_slice()).collect();
        launch.op.compute(&inputs, &mut output);
        *self.buffer(launch.output) = output;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{chunk_scan, row_norms};

    #[test]
    fn launches_come_out_of_words_as_they_went_in() {
        let scan = Op::ChunkScan(chunk_scan::Params { chunks: 3, words: 5, pad: [0; 2] });
        let norms = Op::RowNorms(row_norms::Params { rows: 2, width: 4, inputs: 1, first: 1, total: 3, pad: [0; 3] });
        let launches =
            [Launch { op: scan, inputs: vec![7], output: 300 }, Launch { op: norms, inputs: vec![1, 0, 2], output: 9 }];
        let mut words = Vec::new();
        launches.iter().for_each(|launch| launch.write(&mut words));
        let mut rest = words.as_slice();
        for launch in &launches {
            assert_eq!(format!("{:?}", Launch::read(&mut rest)), format!("{launch:?}"));
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn a_launch_leaves_its_inputs_and_replaces_its_output() {
        let mut memory = Memory::default();
        *memory.buffer(2) = vec![3.0, 4.0, 6.0, 8.0];
        *memory.buffer(0) = vec![9.0; 5];
        let norms = Op::RowNorms(row_norms::Params { rows: 2, width: 2, inputs: 1, first: 0, total: 2, pad: [0; 3] });
        memory.run(&Launch { op: norms, inputs: vec![2], output: 0 });
        assert_eq!(*memory.buffer(0), [5.0, 10.0]);
        assert_eq!(*memory.buffer(2), [3.0, 4.0, 6.0, 8.0]);
    }
}
