import type { damage as english } from "../en/damage.ts";

export const damage: Record<keyof typeof english, string> = {
  "broken.title": "No se pueden abrir tus mensajes",
  "broken.text":
    "Relevo no pudo abrir el lugar donde guarda tus mensajes. No se ha borrado nada. Comprueba que el disco no esté lleno ni sea de solo lectura y vuelve a intentarlo.",
  "broken.details": "Detalles",

  "failed.title": "Relevo dejó de funcionar",
  "failed.text":
    "Una parte de Relevo falló varias veces. Tus mensajes se conservan. Inténtalo de nuevo; si sigue así, reinicia el equipo y busca una actualización.",

  "inUse.title": "Relevo ya está abierto",
  "inUse.text": "Relevo ya está abierto con estos mensajes. Cierra la otra ventana y vuelve a intentarlo.",

  "newer.title": "Estos mensajes necesitan un Relevo más nuevo",
  "newer.text":
    "Aquí se usó una versión más nueva de Relevo, y esta no sabe cómo guarda los mensajes. No se ha cambiado nada. Instala la versión más nueva e iníciala.",

  "lost.title": "No se pueden abrir tus mensajes",
  "lost.missing": "El archivo con tus mensajes ya no está en este equipo y no hay una copia automática.",
  "lost.damaged":
    "El archivo con tus mensajes está dañado. No se puede leer nada de él y no hay una copia automática.",
  "lost.ways":
    "Lo que abre tus mensajes en este equipo falta o está dañado, así que no se pueden leer. Tu cuenta no se ha perdido si tienes el código de recuperación.",
  "lost.account": "Tu cuenta no se ha perdido.",
  "lost.noKeys": "Aquí no se puede leer nada de tu cuenta. Vuelve con el código de recuperación.",
  "lost.nothingDone":
    "No se ha borrado ni cambiado nada. Si un disco no estaba conectado o moviste tú los archivos, devuélvelos a su lugar y reintenta.",
  "lost.backup": "Restaurar desde un respaldo",
  "lost.backup.hint": "Tienes una carpeta de respaldo y las 24 palabras.",
  "lost.backup.text":
    "Tus mensajes vuelven tal como estaban cuando se escribió el respaldo. Lo que escribiste o recibiste después se pide de nuevo, si otros aún lo tienen.",
  "lost.backup.do": "Restaurar",
  "lost.backup.running": "Restaurando. Puede tardar unos minutos. Deja la ventana abierta.",
  "lost.without": "Seguir sin los mensajes anteriores",
  "lost.without.hint": "Sigues siendo la misma persona y tus chats vuelven vacíos.",
  "lost.without.text":
    "Para tus contactos sigues siendo la misma persona. Tus chats vuelven desde el relay sin los mensajes anteriores. Los archivos dañados se conservan, pero después ya no se podrá usar un respaldo.",
  "lost.without.do": "Seguir sin ellos",
  "lost.code": "Restaurar con el código de recuperación",
  "lost.code.hint": "Tienes las 24 palabras en papel y quizá una carpeta de respaldo.",
  "lost.code.text":
    "Los archivos que no se pueden abrir se mueven a una carpeta al lado, y no se borra nada de ellos. Después restauras tu cuenta con las 24 palabras.",
  "lost.code.do": "Moverlos y restaurar",
  "lost.opening": "Abriendo tu cuenta",

  "damaged.banner":
    "El archivo con tus mensajes está dañado. Ya no se escribe en él, para que nada empeore. Al reiniciar se repara lo que se pueda.",
  "damaged.restart": "Reiniciar y reparar",
  "damaged.restarting": "Relevo se está reiniciando",

  "mended.title": "Tus mensajes se dañaron y se repararon",
  "mended.salvaged":
    "El archivo con tus mensajes estaba dañado. Relevo leyó todo lo que aún se podía leer y lo escribió en uno nuevo.",
  "mended.salvagedAndCopy":
    "El archivo con tus mensajes estaba dañado. Relevo leyó todo lo que aún se podía leer, tomó el resto de la copia de {time} y lo escribió en un archivo nuevo.",
  "mended.copy":
    "El archivo con tus mensajes estaba dañado y no se podía leer. Relevo volvió a la copia del {time}. Lo que llegó después se pide al relay si aún lo tiene; los chats dicen dónde falta algo.",
  "mended.backup":
    "El archivo con tus mensajes no se podía leer. Se restauraron desde tu respaldo del {time}. Lo que llegó después se pide de nuevo, si otros aún lo tienen; los chats dicen dónde falta algo.",
  "mended.identityOnly":
    "El archivo con tus mensajes ya no estaba o no se podía leer, y no había copia. Tu cuenta se conserva: para tus contactos eres la misma persona. Los mensajes anteriores ya no están aquí.",
  "mended.kept":
    "{count, plural, =0 {No se conserva ningún mensaje.} one {Se conserva # mensaje.} other {Se conservan # mensajes.}}",
  "mended.missing":
    "{count, plural, =0 {No falta nada.} one {Falta como mucho # mensaje.} other {Faltan como mucho # mensajes.}}",
  "mended.missing.unknown": "No se puede saber cuántos mensajes faltan.",
  "mended.chats": "{count, plural, =0 {No hay ningún chat.} one {Hay # chat.} other {Hay # chats.}}",
  "mended.since": "Pueden faltar mensajes a partir del {time}.",
  "mended.where": "Los archivos dañados no se borraron. Están aquí:",
  "mended.todo":
    "Estos daños suelen venir de un disco que falla o de un corte de luz. Haz revisar el disco y elige en los ajustes una carpeta de respaldo en otro disco.",
  "mended.understood": "Lo he leído",

  "folder.open": "Abrir la carpeta",
};
