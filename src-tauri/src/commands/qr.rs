//! QR codes, drawn and read. Their texts may be secrets: none is logged, or part of an error.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use qrcode::{QrCode, render::svg};
use rqrr::PreparedImage;
use zeroize::Zeroizing;

use super::ReadQr;
use crate::{
    dto::{AppError, ErrorCode},
    state::{Shell, blocking},
};

/// The side of a QR code, in pixels before the page scales it.
const SIDE: u32 = 240;
/// The longest side of a picture that is looked at; the page scales larger ones down.
const LONGEST_SIDE: usize = 2_000;

/// Black on white whatever the theme: scanners want it so.
pub(super) fn draw(text: &str) -> Result<String, AppError> {
    let code = QrCode::new(text)
        .map_err(|error| AppError::new(ErrorCode::Internal, format!("draw the code: {error}")))?;
    Ok(code
        .render::<svg::Color<'_>>()
        .min_dimensions(SIDE, SIDE)
        .build())
}

pub(super) async fn read(_shell: &Shell, params: ReadQr) -> Result<String, AppError> {
    let side = |length: u32| {
        usize::try_from(length)
            .ok()
            .filter(|length| (1..=LONGEST_SIDE).contains(length))
            .ok_or_else(|| none("the picture is empty or too large"))
    };
    let (width, height) = (side(params.width)?, side(params.height)?);
    blocking(move || find(width, height, &params.luma.0)).await?
}

/// The text of the first code in a picture that can be read.
fn find(width: usize, height: usize, luma: &str) -> Result<String, AppError> {
    let size = width.saturating_mul(height);
    // four letters are three bytes: more than that are not these pixels
    if luma.len() > size.div_ceil(3).saturating_mul(4) {
        return Err(none("more pixels than the picture has"));
    }
    let pixels = STANDARD
        .decode(luma)
        .map(Zeroizing::new)
        .map_err(|_| none("the pixels are damaged"))?;
    if pixels.len() != size {
        return Err(none("other pixels than the picture has"));
    }
    let pixel = |x: usize, y: usize| {
        let place = y.saturating_mul(width).saturating_add(x);
        pixels.get(place).copied().unwrap_or(u8::MAX)
    };
    let mut picture = PreparedImage::prepare_from_greyscale(width, height, pixel);
    picture
        .detect_grids()
        .iter()
        .find_map(|grid| grid.decode().ok())
        .map(|(_, text)| text)
        .ok_or_else(|| none("no code can be read in the picture"))
}

fn none(detail: &str) -> AppError {
    AppError::new(ErrorCode::NoQr, detail)
}

#[cfg(test)]
mod tests {
    use qrcode::Color;

    use super::*;

    /// A code with a light border, each of its squares this many pixels wide.
    fn picture(text: &str, scale: usize) -> (usize, Vec<u8>) {
        let code = QrCode::new(text).unwrap();
        let (modules, border) = (code.width(), 4);
        let side = (modules + 2 * border) * scale;
        let mut pixels = vec![255; side * side];
        for (index, color) in code.to_colors().into_iter().enumerate() {
            let (x, y) = (index % modules + border, index / modules + border);
            if color == Color::Dark {
                for row in y * scale..(y + 1) * scale {
                    pixels[row * side + x * scale..row * side + (x + 1) * scale].fill(0);
                }
            }
        }
        (side, pixels)
    }

    #[test]
    fn a_link_is_drawn_as_svg() {
        let svg = draw(&format!("https://relay.example/i#{}", "a".repeat(180))).unwrap();
        assert!(
            svg.starts_with("<?xml") && svg.contains("<svg") && svg.ends_with("</svg>"),
            "{svg:.200}"
        );
        assert!(!svg.contains("<script") && !svg.contains("href"));
    }

    #[test]
    fn what_is_drawn_is_read() {
        // a safety number, and the longest recovery code
        for text in [
            format!("relevo:s#{}", "12345".repeat(12)),
            format!("relevo:r#{}", "aB3-_".repeat(100)),
        ] {
            let (side, pixels) = picture(&text, 3);
            assert_eq!(find(side, side, &STANDARD.encode(&pixels)), Ok(text));
        }
    }

    #[test]
    fn a_picture_without_a_code_and_pixels_that_are_none_are_refused() {
        let (side, pixels) = picture("relevo:s#", 3);
        let light = STANDARD.encode(vec![255; side * side]);
        let short = STANDARD.encode(&pixels[1..]);
        let long = STANDARD.encode([&pixels[..], &[0; 64]].concat());
        for luma in [light.as_str(), "", "no base64!", &short, &long] {
            let error = find(side, side, luma).unwrap_err();
            assert_eq!(error.code, ErrorCode::NoQr);
        }
    }
}
