//! QR codes, drawn and read. Their texts may be secrets: none is logged, or part of an error.

mod grey;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use qrcode::{QrCode, render::svg};
use rqrr::PreparedImage;
use zeroize::Zeroizing;

use self::grey::Grey;
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

/// The text of the first code in a picture that can be read. A photo is turned, grainy and somewhat out of focus: where the
/// picture as it is shows none, it is looked at smoother, smaller and larger.
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
    let picture = Grey::new(width, height, pixels)
        .ok_or_else(|| none("other pixels than the picture has"))?;
    let looks: [&dyn Fn() -> Option<Grey>; 3] = [
        &|| Some(picture.smoothed()),
        &|| Some(picture.halved()),
        &|| picture.smoothed().doubled(),
    ];
    first_code(&picture)
        .or_else(|| {
            let mut others = looks.iter().filter_map(|look| look());
            others.find_map(|picture| first_code(&picture))
        })
        .ok_or_else(|| none("no code can be read in the picture"))
}

fn first_code(picture: &Grey) -> Option<String> {
    let (width, height) = (picture.width(), picture.height());
    PreparedImage::prepare_from_greyscale(width, height, |x, y| picture.at(x, y))
        .detect_grids()
        .iter()
        .find_map(|grid| grid.decode().ok())
        .map(|(_, text)| text)
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

    /// Greys as a camera gives them: the code turned by some degrees on a table, out of focus by some pixels, in uneven light,
    /// with grain.
    fn photo(text: &str, degrees: f64, blur: usize) -> (usize, Vec<u8>) {
        let (side, pixels) = picture(text, 6);
        let wide = side * 3 / 2;
        let (sin, cos) = degrees.to_radians().sin_cos();
        let middle = |side: usize| side as f64 / 2.0;
        let grey = |x: usize, y: usize| {
            let (dx, dy) = (x as f64 - middle(wide), y as f64 - middle(wide));
            let from_x = (dx * cos + dy * sin + middle(side)).floor();
            let from_y = (dy * cos - dx * sin + middle(side)).floor();
            let inside = |at: f64| (0.0..side as f64).contains(&at);
            if inside(from_x) && inside(from_y) {
                f64::from(pixels[from_y as usize * side + from_x as usize])
            } else {
                110.0
            }
        };
        let turned: Vec<f64> = (0..wide * wide)
            .map(|at| grey(at % wide, at / wide))
            .collect();
        let mean = |x: usize, y: usize| {
            let span = |at: usize| at.saturating_sub(blur)..(at + blur + 1).min(wide);
            let around = span(y).flat_map(|y| span(x).map(move |x| y * wide + x));
            let (sum, count) = around.fold((0.0, 0.0), |(sum, count), at| {
                (sum + turned[at], count + 1.0)
            });
            sum / count
        };
        let mut grain = 7_u32;
        let mut lit = |at: usize| {
            grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (x, y) = (at % wide, at / wide);
            let light = 0.55 + 0.4 * (x + y) as f64 / (2 * wide) as f64;
            let noise = f64::from(grain >> 24) / 255.0 * 40.0 - 20.0;
            (25.0 + mean(x, y) * light + noise).clamp(0.0, 255.0) as u8
        };
        (wide, (0..wide * wide).map(&mut lit).collect())
    }

    #[test]
    fn an_invite_is_read_from_a_photo_that_is_turned_blurred_and_grainy() {
        let link = protocol::Link {
            kind: protocol::LinkKind::Invite,
            addresses: vec!["relay.example.org:8443".parse().unwrap()],
            relay: protocol::RelayId::new([0x5a; 32]),
            secret: protocol::LinkSecret::new([0xc3; 16]),
            issuer: Some(protocol::AccountId::new([0x96; 16])),
        }
        .to_https();
        for degrees in [0.0, 4.0, 21.0, 90.0, 137.0] {
            for blur in [0, 1, 2] {
                let (side, pixels) = photo(&link, degrees, blur);
                let read = find(side, side, &STANDARD.encode(&pixels));
                assert_eq!(
                    read.as_deref(),
                    Ok(link.as_str()),
                    "{degrees}°, {blur} pixels of blur"
                );
            }
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
