//! Named tensors of a safetensors file, widened to f32 as they are taken.

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};

use super::{CheckpointError, header};
use crate::model::{Linear, Norm};

/// A parsed file. Taking a tensor checks its name, shape, dtype and values.
pub struct Tensors<'a> {
    file: SafeTensors<'a>,
    prefix: &'static str,
    /// Elements taken so far: the model's parameter count once its reader is done.
    pub parameters: usize,
    /// Those of them whose name says they belong to an attention block.
    pub attention_parameters: usize,
}

impl<'a> Tensors<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Self, CheckpointError> {
        header::check(bytes)?;
        let file = SafeTensors::deserialize(bytes).map_err(|e| CheckpointError::File(e.to_string()))?;
        Ok(Tensors { file, prefix: "", parameters: 0, attention_parameters: 0 })
    }

    /// From here on every name is looked up behind `prefix`, if the file has `name` only there.
    pub fn set_prefix_if_needed(&mut self, prefix: &'static str, name: &str) {
        if self.file.tensor(name).is_err() && self.file.tensor(&format!("{prefix}{name}")).is_ok() {
            self.prefix = prefix;
        }
    }

    /// The tensor's values in f32, row-major.
    pub fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        let name = format!("{}{name}", self.prefix);
        let view = self.file.tensor(&name).map_err(|_| CheckpointError::Missing(name.clone()))?;
        if view.shape() != shape {
            return Err(CheckpointError::Shape { name, found: view.shape().to_vec(), expected: shape.to_vec() });
        }
        let data = view.data();
        let values: Vec<f32> = match view.dtype() {
            Dtype::F32 => data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
            Dtype::F16 => data.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
            Dtype::BF16 => data.chunks_exact(2).map(|b| bf16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
            other => return Err(CheckpointError::Dtype { name, found: format!("{other:?}") }),
        };
        if let Some((index, value)) = values.iter().enumerate().find(|(_, v)| !v.is_finite()) {
            return Err(CheckpointError::NotFinite { name, index, value: *value });
        }
        self.parameters += values.len();
        if name.contains(".attn.") {
            self.attention_parameters += values.len();
        }
        Ok(values)
    }

    /// `{name}.weight` \[out, in\] and `{name}.bias` \[out\].
    pub fn linear(&mut self, name: &str, out: usize, inner: usize) -> Result<Linear, CheckpointError> {
        Ok(Linear {
            weight: self.take(&format!("{name}.weight"), &[out, inner])?,
            bias: self.take(&format!("{name}.bias"), &[out])?,
        })
    }

    /// The same stored \[in, out\], as the Hugging Face GPT-2 layout has it.
    pub fn linear_transposed(&mut self, name: &str, out: usize, inner: usize) -> Result<Linear, CheckpointError> {
        let stored = self.take(&format!("{name}.weight"), &[inner, out])?;
        let weight = (0..out * inner).map(|i| stored[i % inner * out + i / inner]).collect();
        Ok(Linear { weight, bias: self.take(&format!("{name}.bias"), &[out])? })
    }

    /// `{name}.weight` and `{name}.bias`, \[d_model\].
    pub fn norm(&mut self, name: &str, d_model: usize) -> Result<Norm, CheckpointError> {
        Ok(Norm {
            gain: self.take(&format!("{name}.weight"), &[d_model])?,
            bias: self.take(&format!("{name}.bias"), &[d_model])?,
        })
    }
}
