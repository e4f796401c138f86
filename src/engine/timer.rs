//! The time that the device itself spends on a run, where it offers timestamps.

pub(super) struct Timer {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    /// Nanoseconds a tick.
    period: f64,
}

impl Timer {
    /// Bytes that the two timestamps of a run take in its readback.
    pub const BYTES: u64 = 16;

    pub fn new(device: &wgpu::Device, queue: &wgpu::Queue) -> Self {
        let queries = device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("run"),
            ty: wgpu::QueryType::Timestamp,
            count: 2,
        });
        let resolved = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("timestamps"),
            size: Self::BYTES,
            usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        Timer { queries, resolved, period: f64::from(queue.get_timestamp_period()) }
    }

    /// For the pass that is timed.
    pub fn writes(&self) -> wgpu::ComputePassTimestampWrites<'_> {
        wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(0),
            end_of_pass_write_index: Some(1),
        }
    }

    /// Copies the timestamps to that place of the readback.
    pub fn resolve(&self, encoder: &mut wgpu::CommandEncoder, staging: &wgpu::Buffer, at: u64) {
        encoder.resolve_query_set(&self.queries, 0..2, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, staging, at, Self::BYTES);
    }

    /// What the words of a readback say.
    pub fn milliseconds(&self, words: &[f32]) -> Option<f64> {
        let [a, b, c, d] = words else { return None };
        elapsed_ms([*a, *b, *c, *d].map(f32::to_bits), self.period)
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
