//! A picture as grey pixels, and the same picture smoother, smaller or larger: a code that grain or blur hides in one is often
//! plain in another.

use zeroize::Zeroizing;

/// A picture is enlarged only up to this side: what is larger has enough pixels, and takes long.
const LONGEST_ENLARGED: usize = 1_200;

/// Grey pixels, row by row. They may show a secret: wiped when dropped.
pub(super) struct Grey {
    width: usize,
    height: usize,
    pixels: Zeroizing<Vec<u8>>,
}

impl Grey {
    /// `None` where there are not as many pixels as width and height say.
    pub(super) fn new(width: usize, height: usize, pixels: Zeroizing<Vec<u8>>) -> Option<Self> {
        (width.checked_mul(height) == Some(pixels.len())).then_some(Self {
            width,
            height,
            pixels,
        })
    }

    pub(super) const fn width(&self) -> usize {
        self.width
    }

    pub(super) const fn height(&self) -> usize {
        self.height
    }

    /// The grey at a place; beyond the edge that of the edge.
    pub(super) fn at(&self, x: usize, y: usize) -> u8 {
        let (x, y) = (
            x.min(self.width.saturating_sub(1)),
            y.min(self.height.saturating_sub(1)),
        );
        let place = y.saturating_mul(self.width).saturating_add(x);
        self.pixels.get(place).copied().unwrap_or(u8::MAX)
    }

    /// Each pixel as the mean of the nine around it: without grain.
    pub(super) fn smoothed(&self) -> Self {
        self.drawn(self.width, self.height, |x, y| {
            let columns = [x.saturating_sub(1), x, x.saturating_add(1)];
            let rows = [y.saturating_sub(1), y, y.saturating_add(1)];
            mean(
                rows.iter()
                    .flat_map(|y| columns.iter().map(|x| self.at(*x, *y))),
            )
        })
    }

    /// Half as wide and high, each pixel the mean of four: with less grain and less blur.
    pub(super) fn halved(&self) -> Self {
        self.drawn(self.width.div_ceil(2), self.height.div_ceil(2), |x, y| {
            let (x, y) = (x.saturating_mul(2), y.saturating_mul(2));
            let (right, below) = (x.saturating_add(1), y.saturating_add(1));
            mean([(x, y), (right, y), (x, below), (right, below)].map(|(x, y)| self.at(x, y)))
        })
    }

    /// Twice as wide and high, with soft edges; `None` where it is large already.
    pub(super) fn doubled(&self) -> Option<Self> {
        if self.width.max(self.height) > LONGEST_ENLARGED {
            return None;
        }
        let (width, height) = (self.width.saturating_mul(2), self.height.saturating_mul(2));
        let enlarged = self.drawn(width, height, |x, y| self.at(x / 2, y / 2));
        Some(enlarged.smoothed())
    }

    fn drawn(&self, width: usize, height: usize, pixel: impl Fn(usize, usize) -> u8) -> Self {
        let rows = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Self {
            width,
            height,
            pixels: Zeroizing::new(rows.map(|(x, y)| pixel(x, y)).collect()),
        }
    }
}

fn mean(greys: impl IntoIterator<Item = u8>) -> u8 {
    let (sum, count) = greys
        .into_iter()
        .fold((0_u32, 0_u32), |(sum, count), grey| {
            (sum.saturating_add(grey.into()), count.saturating_add(1))
        });
    u8::try_from(sum.checked_div(count).unwrap_or(0)).unwrap_or(u8::MAX)
}
