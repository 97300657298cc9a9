import type { people as english } from "../en/people.ts";

export const people: Record<keyof typeof english, string> = {
  "newChat.title": "Nuevo chat",
  "newChat.invite": "Invitar a alguien",
  "newChat.invite.hint": "Muestra un código o envía un enlace.",
  "newChat.open": "Abrir un enlace o un código",
  "newChat.open.hint": "Usa una invitación o una tarjeta que hayas recibido.",

  "share.title": "Invitar a alguien",
  "share.text": "La otra persona abre el enlace o usa una imagen del código. Después podrán escribirse.",
  "share.qr": "Código con el enlace de invitación",
  "share.url": "Enlace de invitación",
  "share.copy": "Copiar el enlace",
  "share.expires":
    "El enlace funciona hasta el {date}, {uses, plural, one {para una persona} other {para # personas}}.",
  "share.making": "Creando un enlace",

  "openLink.title": "Abrir una invitación",
  "openLink.relay": "Esto añade a tus chats a una persona del relay {relay}.",
  "openLink.issuer":
    "El enlace es de {issuer}. Pregunta a quien te lo envió si estos ocho caracteres son los suyos.",
  "openLink.otherRelay":
    "Esta persona usa otro relay ({relay}). Esta versión solo puede escribir a personas de tu relay.",
  "openLink.noPerson":
    "Esta invitación crea una cuenta nueva y tú ya tienes una. No añade a nadie a tus chats.",
  "openLink.unused":
    "Un intento anterior sí te había creado una cuenta, en el relay {relay}. Ahora está abierta esa cuenta, y con el enlace de abajo no se creó ninguna otra.",
  "openLink.known": "Esta persona ya está en tus chats.",
  "openLink.add": "Añadir a mis chats",
  "openLink.show": "Ver el chat",

  "contact.new": "Contacto nuevo · {short}",
  "account.letters": "Letras de la cuenta: {letters}",
  "contact.you": "Tú",

  "newChat.handle": "Buscar por nombre corto",
  "newChat.handle.hint": "Alguien de tu relay te dijo el suyo.",
  "share.tabs": "Qué compartir",
  "share.invite": "Invitación",
  "share.card": "Mi tarjeta",
  "share.card.text":
    "Para quien ya usa tu relay. Quien la abra puede escribirte; no tienes que aceptar antes.",
  "share.card.qr": "Código con tu tarjeta",
  "share.card.url": "Enlace para escribirte",
  "share.links": "Mis enlaces",
  "links.title": "Mis enlaces",
  "links.text": "Estos aún funcionan. Termina un enlace que haya caído en malas manos.",
  "links.none": "Ningún enlace tuyo funciona ahora.",
  "links.invite": "Invitación",
  "links.contact": "Mi tarjeta",
  "links.until":
    "Hasta el {date}, {uses, plural, =0 {ya nadie más puede usarlo} one {para una persona más} other {para # personas más}}",
  "links.end": "Terminar",
  "links.end.label": "Terminar: {kind}, {date}",

  "picture.choose": "Imagen de un código…",
  "picture.drop": "Una foto o captura de él: elígela, suéltala o pégala aquí. Relevo no usa la cámara.",
  "picture.reading": "Leyendo la imagen",
  "picture.unreadable": "Este archivo no es una imagen que se pueda abrir, o es demasiado grande.",

  "name.save": "Guardar",
  "name.saved": "Guardado. Tus contactos te verán como {name} en cuanto tengan conexión.",

  "handle.title": "Buscar por nombre corto",
  "handle.text": "Cada persona puede elegir un nombre corto para que otras de su relay la encuentren.",
  "handle.label": "Nombre corto",
  "handle.hint": "Letras minúsculas, cifras, puntos, guiones y guiones bajos.",
  "handle.open": "Escribir a esta persona",
  "handle.accept": "Esta persona tiene que aceptar antes de que puedas escribir más que unos pocos mensajes.",
  "handle.notFound": "Nadie de tu relay se encuentra por este nombre corto. Revisa cómo se escribe.",
  "handle.setting": "Tu nombre corto",
  "handle.setting.text":
    "Las personas de tu relay que lo conozcan pueden pedir escribirte. Sin él nadie te encuentra por un nombre.",
  "handle.save": "Guardar",
  "handle.saved": "Guardado. Otros te encuentran como {name}.",
  "handle.remove": "Renunciar a él",
  "handle.removed": "Ya no tienes nombre corto.",
};
