//! The time that the device itself spends on a run, where it offers timestamps.

pub(super) struct Timer {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    passes: u32,
    /// Nanoseconds a tick.
    period: f64,
}

impl Timer {
    /// For so many passes a run.
    pub fn new(device: &wgpu::Device, queue: &wgpu::Queue, passes: u32) -> Self {
        let queries = device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("run"),
            ty: wgpu::QueryType::Timestamp,
            count: 2 * passes,
        });
        let resolved = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("timestamps"),
            size: 16 * u64::from(passes),
            usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        Timer { queries, resolved, passes, period: f64::from(queue.get_timestamp_period()) }
    }

    /// What the timestamps of a run take in its readback: two a pass.
    pub fn bytes(&self) -> u64 {
        self.resolved.size()
    }

    /// For a pass at whose beginning, or at whose end, the time of the pass of that number is taken.
    pub fn writes(&self, number: u32, begins: bool, ends: bool) -> Option<wgpu::ComputePassTimestampWrites<'_>> {
        (begins || ends).then_some(wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: begins.then_some(2 * number),
            end_of_pass_write_index: ends.then_some(2 * number + 1),
        })
    }

    /// Copies the timestamps to that place of the readback.
    pub fn resolve(&self, encoder: &mut wgpu::CommandEncoder, staging: &wgpu::Buffer, at: u64) {
        encoder.resolve_query_set(&self.queries, 0..2 * self.passes, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, staging, at, self.bytes());
    }

    /// Milliseconds of every pass, as the words of a readback say.
    pub fn milliseconds(&self, words: &[f32]) -> Vec<Option<f64>> {
        let pass = |words: &[f32]| elapsed_ms(std::array::from_fn(|i| words[i].to_bits()), self.period);
        words.chunks_exact(4).map(pass).collect()
    }
}

/// Two timestamps, low words first. None where they are not in order: browsers may round them, and drivers may
/// leave them out.
fn elapsed_ms([start_low, start_high, end_low, end_high]: [u32; 4], period_ns: f64) -> Option<f64> {
    let join = |low: u32, high: u32| (u64::from(high) << 32) | u64::from(low);
    let ticks = join(end_low, end_high).checked_sub(join(start_low, start_high))?;
    (ticks > 0).then_some(ticks as f64 * period_ns * 1e-6)
}

#[cfg(test)]
mod tests {
    use super::elapsed_ms;

    #[test]
    fn timestamps_are_64_bits_wide() {
        assert_eq!(elapsed_ms([u32::MAX, 0, 999_999, 1], 1.0), Some(1.0));
        assert_eq!(elapsed_ms([0, 0, 500_000, 0], 2.0), Some(1.0));
        assert_eq!(elapsed_ms([5, 0, 5, 0], 1.0), None, "no time at all");
        assert_eq!(elapsed_ms([6, 0, 5, 0], 1.0), None, "backwards");
    }
}
