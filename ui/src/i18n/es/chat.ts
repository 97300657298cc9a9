import type { chat as english } from "../en/chat.ts";

export const chat: Record<keyof typeof english, string> = {
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

  "chat.none": "Elige un chat o empieza uno nuevo.",
  "chat.notLoaded": "No se pudieron leer los mensajes de este chat.",
  "chat.waiting":
    "Aún sin conexión con la otra persona. Puedes escribir ya; tus mensajes saldrán cuando esté.",
  "chat.held":
    "Hiciste demasiadas solicitudes en poco tiempo, así que el relay no acepta más tuyas hasta {time}. Esta saldrá sola entonces.",
  "chat.encrypted": "Cifrado de extremo a extremo",
  "chat.empty.text":
    "Los mensajes van cifrados de extremo a extremo. El relay {relay} los transporta y no puede leerlos.",
  "chat.back": "Volver a los chats",
  "chat.menu": "Más sobre este chat",
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
  "message.unreadable":
    "Este mensaje no se pudo abrir. Se conserva como llegó, y a la otra app se le pide que lo envíe de nuevo.",
  "message.unsupported": "Este mensaje necesita una versión más reciente de Relevo.",
  "message.missing": "Pueden faltar algunos mensajes aquí.",
  "message.missingCount": "{count, plural, one {Falta # mensaje aquí.} other {Faltan # mensajes aquí.}}",
  "message.accepted": "{name} aceptó. Ya pueden escribirse.",
  "message.acceptedByMe": "Aceptaste a {name}. Ya pueden escribirse.",
  "message.rejoined":
    "Este equipo estuvo un tiempo fuera de este chat y ha vuelto. Pueden faltar mensajes de ese tiempo.",
  "message.reset": "Este chat se preparó de nuevo para repararlo. Todo lo escrito antes se conserva.",
  "message.devices": "Los dispositivos de {name} han cambiado. El número de seguridad sigue igual.",
  "message.splitView":
    "El relay les dijo a {name} y a ti cosas distintas sobre este chat. Eso no debe pasar. Compara el número de seguridad antes de escribir algo privado.",
  "message.relayWentBack":
    "El relay volvió a un estado anterior y perdió lo que vino después. Este equipo lo conserva todo y envía su parte de nuevo.",
  "message.startedRequest": "Lo que se escribe aquí va cifrado de extremo a extremo.",
  "message.started": "{name} ya está en tus chats. Lo que escribas aquí va cifrado de extremo a extremo.",
  "message.announce": "{sender}: {text}",

  "state.queued": "Pendiente de envío",
  "state.sent": "Enviado",
  "state.delivered": "Entregado",
  "state.read": "Leído",
  "state.failed": "No enviado",

  "day.today": "Hoy",
  "day.yesterday": "Ayer",
};
