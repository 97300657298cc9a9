//! The pages that a link opens in a browser. They are the same for every link: the secret is in the fragment, which a
//! browser does not send.

use axum::{
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
};

/// Nothing may run, load, frame or leak.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The words of a page in one language.
struct Words {
    language: &'static str,
    title: &'static str,
    steps: [&'static str; 3],
    note: &'static str,
}

const INVITE_EN: Words = Words {
    language: "en",
    title: "You are invited to Relevo",
    steps: [
        "Install Relevo on this computer and open it.",
        "Copy the whole address of this page, with everything after the # sign.",
        "In Relevo choose “I have an invite” and paste it.",
    ],
    note: "The part after # is a secret. Your browser does not send it to anyone; do not post it in public.",
};

const INVITE_ES: Words = Words {
    language: "es",
    title: "Tienes una invitación a Relevo",
    steps: [
        "Instala Relevo en este ordenador y ábrelo.",
        "Copia la dirección completa de esta página, con todo lo que sigue al signo #.",
        "En Relevo elige «Tengo una invitación» y pégala.",
    ],
    note: "Lo que sigue a # es un secreto. Tu navegador no lo envía a nadie; no lo publiques.",
};

const CONTACT_EN: Words = Words {
    language: "en",
    title: "Someone wants to chat with you on Relevo",
    steps: [
        "Open Relevo on this computer. You need an account on this relay.",
        "Copy the whole address of this page, with everything after the # sign.",
        "In Relevo choose “Add contact” and paste it.",
    ],
    note: INVITE_EN.note,
};

const CONTACT_ES: Words = Words {
    language: "es",
    title: "Alguien quiere chatear contigo en Relevo",
    steps: [
        "Abre Relevo en este ordenador. Necesitas una cuenta en este servidor.",
        "Copia la dirección completa de esta página, con todo lo que sigue al signo #.",
        "En Relevo elige «Añadir contacto» y pégala.",
    ],
    note: INVITE_ES.note,
};

pub(super) async fn invite(headers: HeaderMap) -> Response {
    page(&headers, &INVITE_EN, &INVITE_ES)
}

pub(super) async fn contact(headers: HeaderMap) -> Response {
    page(&headers, &CONTACT_EN, &CONTACT_ES)
}

fn page(headers: &HeaderMap, english: &Words, spanish: &Words) -> Response {
    let preferred = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let words = if preferred.trim_start().to_lowercase().starts_with("es") {
        spanish
    } else {
        english
    };
    let [first, second, third] = words.steps;
    let Words {
        language,
        title,
        note,
        ..
    } = words;
    let html = format!(
        "<!doctype html><html lang=\"{language}\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"referrer\" content=\"no-referrer\">\
         <title>{title}</title>\
         <style>:root{{color-scheme:light dark}}body{{font:1.125rem/1.6 system-ui,sans-serif;max-inline-size:34rem;\
         margin:4rem auto;padding-inline:1.25rem}}li{{margin-block:.5rem}}</style>\
         <main><h1>{title}</h1><ol><li>{first}<li>{second}<li>{third}</ol><p>{note}</main></html>"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::VARY, "accept-language"),
    ];
    (headers, html).into_response()
}
