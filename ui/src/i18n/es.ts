/** Spanish: neutral, with «tú». */
import type { MessageKey } from "./en.ts";

export const es: Record<MessageKey, string> = {
  "action.back": "Atrás",
  "action.cancel": "Cancelar",
  "action.close": "Cerrar",
  "action.continue": "Continuar",
  "action.copied": "Copiado",
  "action.copy": "Copiar",
  "action.delete": "Eliminar",
  "action.paste": "Pegar",
  "action.retry": "Reintentar",

  "app.loading": "Abriendo tus mensajes…",
  "app.name": "Relevo",

  "start.sentence": "Mensajes privados a través de un relay que administras tú o alguien de tu confianza.",
  "start.haveInvite": "Tengo una invitación",
  "start.haveInvite.hint": "Abre el enlace que te enviaron y empieza a escribir.",
  "start.addDevice": "Añadir este dispositivo o restaurar",
  "start.addDevice.hint": "Ya usas Relevo en otro equipo.",
  "start.runRelay": "Quiero administrar un relay",
  "start.runRelay.hint": "Para tu familia, tu grupo o tu empresa.",

  "addDevice.title": "Añadir este dispositivo o restaurar",
  "addDevice.text":
    "Esta versión aún no puede añadir un segundo dispositivo ni restaurar una cuenta. Tu cuenta en el otro equipo está a salvo y sigue funcionando.",
  "addDevice.instead":
    "Mientras tanto, pide una nueva invitación a un contacto o a quien administra tu relay. Con ella este equipo tendrá su propia cuenta. Tus contactos te verán como una persona nueva, y los mensajes anteriores se quedan en el otro equipo.",

  "runRelay.title": "Administrar un relay",
  "runRelay.text":
    "Un relay es un pequeño programa que transporta los mensajes. No puede leerlos. Funciona en un servidor doméstico, en una máquina alquilada o en este mismo equipo para probarlo.",
  "runRelay.step1": "Prepáralo. Esto crea su configuración e imprime tu primera invitación.",
  "runRelay.step2": "Inícialo y déjalo en marcha.",
  "runRelay.step3": "Vuelve aquí con la invitación que imprimió.",

  "invite.title": "Abre tu invitación",
  "invite.label": "Enlace de invitación",
  "invite.hint": "Los enlaces empiezan por https:// o relevo:",
  "invite.pasteBlocked": "Pulsa {shortcut} para pegar el enlace aquí.",
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
    "La escribes cada vez que se inicia Relevo. Si la olvidas, los mensajes de este equipo no se podrán volver a leer.",
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
  "keyringFailed.title": "El almacén de contraseñas no respondió",
  "keyringFailed.text":
    "Tus mensajes están en este equipo y a salvo, pero el almacén de contraseñas no entregó a Relevo lo que los abre. Desbloquea el almacén y vuelve a intentarlo. No se ha borrado nada.",
  "broken.title": "No se pueden abrir tus mensajes",
  "broken.text":
    "Relevo no pudo abrir el lugar donde guarda tus mensajes. No se ha borrado nada. Comprueba que el disco no esté lleno ni sea de solo lectura y vuelve a intentarlo.",
  "inUse.title": "Relevo ya está abierto",
  "inUse.text": "Relevo ya está abierto con estos mensajes. Cierra la otra ventana y vuelve a intentarlo.",
  "broken.details": "Detalles",

  "keys.paste": "Ctrl+V",

  "list.label": "Chats",
  "list.search": "Buscar",
  "list.clearSearch": "Borrar la búsqueda",
  "list.newChat": "Nuevo chat",
  "list.settings": "Ajustes",
  "list.draft": "Borrador: {text}",
  "list.you": "Tú: {text}",
  "list.unread": "{count, plural, one {# mensaje sin leer} other {# mensajes sin leer}}",
  "list.noMessages": "Aún no hay mensajes",
  "list.waiting": "Esperando a la otra persona",
  "list.empty.title": "Aún no hay chats",
  "list.empty.text": "Invita a alguien o abre una invitación que hayas recibido.",
  "search.chats": "Chats",
  "search.messages": "Mensajes",
  "search.none": "No se encontró nada para {query}.",
  "search.none.hint": "Prueba con menos letras o con otra palabra.",
  "search.running": "Buscando",

  "newChat.title": "Nuevo chat",
  "newChat.invite": "Invitar a alguien",
  "newChat.invite.hint": "Muestra un código o envía un enlace.",
  "newChat.open": "Abrir una invitación",
  "newChat.open.hint": "Usa un enlace que hayas recibido.",

  "share.title": "Invitar a alguien",
  "share.text": "La otra persona escanea el código o abre el enlace. Después podrán escribirse.",
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
  "openLink.known": "Esta persona ya está en tus chats.",
  "openLink.add": "Añadir a mis chats",
  "openLink.show": "Ver el chat",

  "contact.new": "Contacto nuevo · {short}",
  "contact.you": "Tú",

  "chat.none": "Elige un chat o empieza uno nuevo.",
  "chat.waiting":
    "Aún sin conexión con la otra persona. Puedes escribir ya; tus mensajes saldrán cuando esté.",
  "chat.encrypted": "Cifrado de extremo a extremo",
  "chat.empty.text":
    "Los mensajes van cifrados de extremo a extremo. El relay {relay} los transporta y no puede leerlos.",
  "chat.back": "Volver a los chats",
  "chat.header": "Chat con {name}",

  "composer.label": "Mensaje para {name}",
  "composer.placeholder": "Escribe un mensaje",
  "composer.send": "Enviar",

  "timeline.label": "Mensajes con {name}",
  "timeline.loading": "Cargando mensajes anteriores",
  "timeline.unread": "{count, plural, one {# mensaje nuevo} other {# mensajes nuevos}}",
  "timeline.toEnd": "Ir al mensaje más reciente",
  "timeline.toEndUnread":
    "{count, plural, one {Ir al mensaje más reciente, # sin leer} other {Ir al mensaje más reciente, # sin leer}}",
  "message.label": "{sender}, {text}, {time}",
  "message.labelState": "{sender}, {text}, {time}, {state}",
  "message.copy": "Copiar el texto",
  "message.menu": "Mensaje",
  "message.more": "Ver todo",
  "message.less": "Ver menos",
  "message.unreadable": "Este mensaje aún no se puede abrir. Se conserva y Relevo lo intentará de nuevo.",
  "message.unsupported": "Este mensaje necesita una versión más reciente de Relevo.",
  "message.missing":
    "Algunos mensajes no llegaron a este equipo: estuvo ausente más tiempo del que el relay los guarda.",
  "message.started": "{name} ya está en tus chats. Lo que escribas aquí va cifrado de extremo a extremo.",
  "message.announce": "{sender}: {text}",
  "state.queued": "Pendiente de envío",
  "state.sent": "Enviado",
  "state.delivered": "Entregado",
  "state.failed": "No enviado",

  "connection.connecting": "Conectando…",
  "connection.offline":
    "{waiting, plural, =0 {Sin conexión – lo que escribas se enviará cuando vuelvas.} one {Sin conexión – los mensajes se enviarán cuando vuelvas (# en espera).} other {Sin conexión – los mensajes se enviarán cuando vuelvas (# en espera).}}",
  "connection.stopped":
    "{waiting, plural, =0 {No hay conexión.} one {No hay conexión (# mensaje en espera).} other {No hay conexión (# mensajes en espera).}}",
  "cause.relayUnreachable": "El relay no responde.",
  "cause.relayIdentity":
    "El relay no puede demostrar que es el tuyo, así que no se le envía nada. Pregunta a quien lo administra.",
  "cause.version": "El relay habla otra versión. Actualiza Relevo o pregunta a quien administra el relay.",
  "cause.replaced": "Esta cuenta se abrió en otro lugar.",
  "cause.revoked": "Este dispositivo se quitó de la cuenta. Tus mensajes siguen en este equipo.",
  "cause.signedOut": "El relay ya no conoce esta cuenta.",
  "cause.relayBusy": "El relay tiene demasiado trabajo.",

  "settings.title": "Ajustes",
  "settings.theme": "Apariencia",
  "settings.theme.system": "Como el sistema",
  "settings.theme.light": "Clara",
  "settings.theme.dark": "Oscura",
  "settings.language": "Idioma",
  "settings.language.system": "Como el sistema",
  "settings.zoom": "Tamaño",
  "settings.zoomIn": "Más grande",
  "settings.zoomOut": "Más pequeño",
  "settings.account": "Cuenta",
  "settings.account.text": "{name} en el relay {relay}",
  "settings.shortcuts": "Atajos de teclado",

  "shortcuts.title": "Atajos de teclado",
  "shortcuts.search": "Buscar y cambiar de chat",
  "shortcuts.newChat": "Nuevo chat",
  "shortcuts.step": "Chat anterior y siguiente",
  "shortcuts.cycle": "Chat siguiente",
  "shortcuts.unread": "Chat sin leer anterior y siguiente",
  "shortcuts.position": "Chat por posición",
  "shortcuts.send": "Enviar",
  "shortcuts.newline": "Nueva línea",
  "shortcuts.toEnd": "Mensaje más reciente",
  "shortcuts.region": "Siguiente parte de la ventana",
  "shortcuts.zoom": "Más grande, más pequeño, normal",
  "shortcuts.settings": "Ajustes",
  "shortcuts.help": "Esta lista",
  "shortcuts.leave": "Cerrar, volver",

  "day.today": "Hoy",
  "day.yesterday": "Ayer",

  "error.badLink": "No es un enlace de Relevo completo. Cópialo entero y pégalo de nuevo.",
  "error.linkExpired": "Este enlace ya se usó o es demasiado antiguo. Pide uno nuevo.",
  "error.wrongRelay": "Este enlace es de otro relay. Pide un enlace del tuyo.",
  "error.ownLink": "Este enlace es tuyo. Envíalo a la persona con la que quieres hablar.",
  "error.offline": "No tienes conexión. No se ha perdido nada. Inténtalo de nuevo cuando la tengas.",
  "error.relayUnreachable":
    "El relay no responde. No se ha perdido nada. Revisa tu red e inténtalo de nuevo.",
  "error.relayIdentity":
    "El relay no pudo demostrar que es el de tu invitación, así que no se le envió nada. Pide una nueva invitación a quien lo administra.",
  "error.version":
    "El relay habla otra versión de Relevo. Actualiza Relevo o pregunta a quien administra el relay.",
  "error.nameInvalid": "Este nombre no se puede usar. Escribe entre 1 y 64 caracteres.",
  "error.textInvalid":
    "Este mensaje está vacío o es demasiado largo. No se envió. Si es largo, divídelo en varios.",
  "error.wrongPassphrase": "Esa no es la frase. Revisa las mayúsculas e inténtalo de nuevo.",
  "error.passphraseTooShort": "Esta frase es demasiado corta. Usa al menos 8 caracteres.",
  "error.keyring":
    "El almacén de contraseñas de este equipo no respondió. No se ha borrado nada. Desbloquéalo e inténtalo de nuevo.",
  "error.database":
    "Relevo no pudo escribir en sus archivos. Tus mensajes anteriores se conservan. Inténtalo de nuevo.",
  "error.diskFull": "El disco está lleno. No se ha borrado nada. Libera espacio e inténtalo de nuevo.",
  "error.notFound": "Esto ya no está aquí.",
  "error.refused": "El relay no lo permitió. Pregunta a quien lo administra.",
  "error.busy": "El relay tiene demasiado trabajo ahora. Espera un momento e inténtalo de nuevo.",
  "error.internal": "Algo falló en Relevo. Tus mensajes se conservan. Inténtalo de nuevo.",
};
