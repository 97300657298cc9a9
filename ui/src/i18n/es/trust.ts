import type { trust as english } from "../en/trust.ts";

export const trust: Record<keyof typeof english, string> = {
  "request.mark": "Quiere escribirte",
  "request.title": "{name} quiere escribirte",
  "request.letters":
    "Letras de la cuenta: {letters}. Pregunta a esa persona por otro medio si son las suyas.",
  "request.text":
    "Puedes leer lo que escribió. Hasta que aceptes, nadie sabrá que lo leíste ni que estás aquí.",
  "request.label": "Aceptar, eliminar o bloquear",
  "request.accept": "Aceptar",
  "request.decline": "Eliminar",
  "request.block": "Bloquear",
  "decline.title": "¿Eliminar la solicitud de {name}?",
  "decline.text":
    "La solicitud y sus mensajes se eliminan. Esta persona no puede volver a pedir escribirte durante 30 días.",
  "looksLike.text":
    "Este nombre se parece a {other}, que ya está en tus chats. Puede ser otra persona que quiere hacerse pasar por ella.",

  "asked.left":
    "{count, plural, =0 {{name} tiene que aceptar antes de que puedas escribir más.} one {Puedes escribir # mensaje más antes de que {name} acepte.} other {Puedes escribir # mensajes más antes de que {name} acepte.}}",
  "asked.full": "Espera a que {name} acepte",

  "removed.mark": "Quitado de la cuenta",
  "removed.text":
    "Este equipo se quitó de tu cuenta: ya no envía ni recibe. Tus mensajes siguen aquí y se pueden exportar. Para volver a escribir desde este equipo, inicia Relevo con una carpeta vacía (relevo --profile CARPETA) y restaura allí con tus 24 palabras.",

  "blocked.mark": "Bloqueado",
  "blocked.text": "Bloqueaste a {name}. Los mensajes de esta cuenta no te llegan.",
  "blocked.unblock": "Desbloquear",
  "block.menu": "Bloquear",
  "block.title": "¿Bloquear a {name}?",
  "block.text":
    "Los mensajes de esta cuenta dejarán de llegarte y no verá si estás en línea. No se avisa a nadie. Puedes deshacerlo en los ajustes.",
  "block.request": "La solicitud y sus mensajes se eliminan.",
  "block.confirm": "Bloquear",
  "blockList.title": "Personas bloqueadas",
  "blockList.text": "No pueden escribirte ni ven si estás en línea.",
  "blockList.none": "No has bloqueado a nadie.",

  "presence.online": "En línea",
  "presence.offline": "Sin conexión",
  "presence.unknown": "No se sabe mientras no tengas conexión",
  "presence.today": "Visto por última vez hoy",
  "presence.yesterday": "Visto por última vez ayer",
  "presence.week": "Visto por última vez esta semana",
  "presence.month": "Visto por última vez este mes",
  "presence.long": "Visto por última vez hace mucho",
  "typing.now": "Escribiendo…",
  "typing.announce": "{name} está escribiendo",

  "details.menu": "Detalles",
  "details.title": "Detalles del mensaje",
  "details.written": "Escrito",
  "details.sent": "Enviado",
  "details.sent.hint": "lo tiene el relay",
  "details.delivered": "Entregado",
  "details.delivered.hint": "lo tiene un dispositivo de {name}",
  "details.read": "Leído",
  "details.read.hint": "{name} lo tuvo en pantalla",
  "details.notYet": "Aún no",
  "details.notKnown": "No se sabe",
  "details.readOff": "No se muestra cuando uno de los dos no dice qué ha leído.",
  "details.from": "De",

  "safety.menu": "Número de seguridad",
  "safety.title": "Número de seguridad",
  "safety.compare": "Comparar el número de seguridad",
  "safety.text":
    "{name} ve el mismo número en este lugar si no hay nadie en medio. Compárenlo cuando se vean o por teléfono.",
  "safety.verified": "Comparaste el número con {name}. Era el mismo.",
  "safety.mark": "Número de seguridad comparado",
  "safety.number": "Número de seguridad tuyo y de {name}",
  "safety.qr": "Código con el número de seguridad",
  "safety.copy": "Copiar el número",
  "safety.making": "Calculando el número",
  "safety.check.title": "Comparar",
  "safety.check.label": "El número que ve {name}",
  "safety.check.hint": "Pega el número o usa una imagen del código.",
  "safety.check": "Comparar",
  "safety.byEye": "Lo comparé entero: es el mismo",
  "safety.unmark": "Quitar la marca",
  "safety.same": "Los números son iguales. Solo {name} y tú pueden leer lo que escriben.",
  "safety.unreadable":
    "No es un número de seguridad completo. Tiene sesenta cifras. Cópialo entero y pégalo de nuevo.",
  "safety.different.title": "Los números son distintos",
  "safety.different":
    "Puede que alguien más esté leyendo, o que hayas comparado con el número de otra persona. Por ahora no escribas aquí nada privado. Pide a {name}, en persona o por teléfono, que abra también esta página y comparen otra vez. Si siguen siendo distintos, avisa a quien administra tu relay.",

  "privacy.text": "Todo esto vale en los dos sentidos: lo que no muestras, tampoco lo ves de los demás.",
  "privacy.read": "Decir qué he leído",
  "privacy.read.hint": "Los demás ven cuándo lees sus mensajes y tú ves cuándo leen los tuyos.",
  "privacy.typing": "Decir que estoy escribiendo",
  "privacy.typing.hint": "Los demás ven que estás escribiendo y tú ves cuándo escriben.",
  "privacy.announce": "Mostrar cuándo estoy en línea",
  "privacy.announce.hint":
    "Las personas que aceptaste ven si estás en línea y cuándo estuviste aquí por última vez, y tú lo ves de ellas.",
};
