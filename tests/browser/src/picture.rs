//! Pictures of the page, small, and compared with what they looked like before.

use std::path::Path;

/// A picture, reduced so that fonts drawn a little differently on another machine are no difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    /// \[height, width, 3\].
    pub rgb: Vec<u8>,
}

/// Side of the squares of pixels that become one.
const REDUCE: usize = 3;
/// A channel that is further off than this counts as different.
const FAR: u8 = 48;

impl Picture {
    /// Reads a PNG and reduces it.
    pub fn reduced(png: &[u8]) -> Result<Self, String> {
        let whole = Self::read(png)?;
        let (width, height) = (whole.width / REDUCE, whole.height / REDUCE);
        let mut rgb = Vec::with_capacity(width * height * 3);
        for (y, x, c) in (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..3).map(move |c| (y, x, c)))) {
            let square = (0..REDUCE * REDUCE).map(|i| {
                let (row, column) = (y * REDUCE + i / REDUCE, x * REDUCE + i % REDUCE);
                usize::from(whole.rgb[(row * whole.width + column) * 3 + c])
            });
            rgb.push((square.sum::<usize>() / (REDUCE * REDUCE)) as u8);
        }
        Ok(Picture { width, height, rgb })
    }

    /// Reads a PNG as it is.
    pub fn read(png: &[u8]) -> Result<Self, String> {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
        decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::STRIP_16);
        let mut reader = decoder.read_info().map_err(|e| e.to_string())?;
        let mut data = vec![0; reader.output_buffer_size().ok_or("the picture is too large")?];
        let info = reader.next_frame(&mut data).map_err(|e| e.to_string())?;
        let channels = info.color_type.samples();
        let rgb =
            data[..info.buffer_size()].chunks_exact(channels).flat_map(|p| [p[0], p[1 % channels], p[2 % channels]]);
        Ok(Picture { width: info.width as usize, height: info.height as usize, rgb: rgb.collect() })
    }

    pub fn write(&self, path: &Path) -> Result<(), String> {
        let error = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        std::fs::create_dir_all(path.parent().unwrap_or(path)).map_err(|e| error(&e))?;
        let file = std::fs::File::create(path).map_err(|e| error(&e))?;
        let mut encoder = png::Encoder::new(std::io::BufWriter::new(file), self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        encoder.write_header().and_then(|mut writer| writer.write_image_data(&self.rgb)).map_err(|e| error(&e))
    }

    /// Share of the pixels that differ; 1 where the sizes do.
    pub fn difference(&self, other: &Picture) -> f64 {
        if (self.width, self.height) != (other.width, other.height) {
            return 1.0;
        }
        let pairs = self.rgb.chunks_exact(3).zip(other.rgb.chunks_exact(3));
        let far = pairs.filter(|(a, b)| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > FAR)).count();
        far as f64 / (self.width * self.height) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(width: usize, height: usize, value: u8) -> Picture {
        Picture { width, height, rgb: vec![value; width * height * 3] }
    }

    #[test]
    fn written_pictures_are_read_back_and_reduced() {
        let folder = std::env::temp_dir().join(format!("cascade-picture-{}", std::process::id()));
        let path = folder.join("p.png");
        let mut picture = flat(9, 6, 200);
        picture.rgb[0] = 20;
        picture.write(&path).unwrap();
        let png = std::fs::read(&path).unwrap();
        assert_eq!(Picture::read(&png).unwrap(), picture);
        let reduced = Picture::reduced(&png).unwrap();
        assert_eq!((reduced.width, reduced.height, reduced.rgb[0], reduced.rgb[1]), (3, 2, 180, 200));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn differences_are_shares_of_the_pixels() {
        let (a, mut b) = (flat(10, 10, 100), flat(10, 10, 100));
        assert_eq!(a.difference(&b), 0.0);
        b.rgb[..15].fill(200);
        assert_eq!(a.difference(&b), 0.05);
        b.rgb[..15].fill(140);
        assert_eq!(a.difference(&b), 0.0);
        assert_eq!(a.difference(&flat(10, 9, 100)), 1.0);
    }
}
