import type { start as english } from "../en/start.ts";

export const start: Record<keyof typeof english, string> = {
  "app.loading": "Abriendo tus mensajes…",
  "app.name": "Relevo",

  "start.sentence": "Mensajes privados a través de un relay que administras tú o alguien de tu confianza.",
  "start.haveInvite": "Tengo una invitación",
  "start.haveInvite.hint": "Abre el enlace que te enviaron y empieza a escribir.",
  "start.addDevice": "Añadir este dispositivo o restaurar",
  "start.addDevice.hint": "Usaste Relevo en otro equipo, o tienes un código de recuperación.",
  "start.runRelay": "Quiero administrar un relay",
  "start.runRelay.hint": "Para tu familia, tu grupo o tu empresa.",

  "addDevice.title": "Añadir este dispositivo o restaurar",
  "addDevice.text":
    "En esta versión una cuenta está en un solo equipo a la vez. Cuando la restauras aquí, el otro equipo sale de la cuenta: conserva los mensajes que tiene, pero ya no puede enviar ni recibir.",
  "addDevice.instead":
    "Para usar los dos equipos, pide una nueva invitación a un contacto o a quien administra tu relay. Con ella este equipo tendrá su propia cuenta. Tus contactos te verán como una persona nueva, y los mensajes anteriores se quedan en el otro equipo.",

  "runRelay.title": "Administrar un relay",
  "runRelay.text":
    "Un relay es un pequeño programa que transporta los mensajes. No puede leerlos. Funciona en una máquina alquilada, en un servidor doméstico o en cualquier equipo que esté siempre encendido.",
  "runRelay.step1": "Prepáralo. Esto crea su configuración e imprime tu primera invitación.",
  "runRelay.named": "En una máquina que tiene un nombre en internet. Pon tu nombre en lugar del ejemplo:",
  "runRelay.network":
    "En tu casa u oficina, sin nombre. Pon la dirección de la máquina en tu red en lugar de 192.168.1.20:",
  "runRelay.step2": "Inícialo y déjalo en marcha.",
  "runRelay.step3": "Vuelve aquí con la invitación que imprimió.",

  "invite.title": "Abre tu invitación",
  "invite.label": "Enlace de invitación",
  "invite.hint": "Los enlaces empiezan por https:// o relevo:",
  "invite.pasteBlocked": "Pulsa {shortcut} para pegar el enlace aquí.",
  "invite.replaced":
    "Abriste este enlace mientras se creaba una cuenta con otro. Eso no funcionó, así que ahora cuenta este enlace.",
  "invite.summary.relay": "Tendrás una cuenta en el relay {relay}.",
  "invite.summary.issuer":
    "La invitación es de {issuer}. Pregunta a quien te la envió si estos ocho caracteres son los suyos.",
  "invite.summary.noIssuer": "La invitación es del propio relay. Después podrás añadir personas.",
  "invite.summary.contact":
    "Este enlace añade un contacto. Para tener antes una cuenta, pide una invitación a esa persona.",

  "name.title": "¿Cómo te llamas?",
  "name.text": "Lo ven las personas con las que hablas. El relay no.",
  "name.label": "Tu nombre",
  "name.create": "Empezar a escribir",
  "name.creating": "Pidiendo tu cuenta al relay. Puede tardar unos segundos.",

  "protection.title": "¿Cómo debe proteger este equipo tus mensajes?",
  "protection.text":
    "El almacén de contraseñas de este equipo no se puede usar, así que Relevo necesita saberlo.",
  "protection.passphrase": "Con una frase de contraseña",
  "protection.passphrase.hint":
    "La escribes cada vez que se inicia Relevo. Si la olvidas, solo el código de recuperación abre los mensajes de este equipo, y solo cuando ya lo hayas confirmado.",
  "protection.unprotected": "Sin protección en este equipo",
  "protection.unprotected.hint":
    "Nada que escribir. Cualquiera que pueda abrir los archivos de este equipo puede leer tus mensajes.",

  "passphrase.label": "Frase de contraseña",
  "passphrase.repeat": "La misma frase otra vez",
  "passphrase.tooShort": "Usa al menos {min, plural, one {# carácter} other {# caracteres}}.",
  "passphrase.different": "Las dos frases no son iguales.",

  "locked.title": "Hola de nuevo",
  "locked.text": "Tus mensajes en este equipo están bloqueados con tu frase de contraseña.",
  "locked.unlock": "Desbloquear",
};
