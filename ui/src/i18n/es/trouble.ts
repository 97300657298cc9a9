import type { trouble as english } from "../en/trouble.ts";

export const trouble: Record<keyof typeof english, string> = {
  "action.back": "Atrás",
  "action.cancel": "Cancelar",
  "action.close": "Cerrar",
  "action.continue": "Continuar",
  "action.copied": "Copiado",
  "action.copy": "Copiar",
  "action.delete": "Eliminar",
  "action.paste": "Pegar",
  "action.retry": "Reintentar",

  "connection.connecting": "Conectando…",
  "connection.offline":
    "{waiting, plural, =0 {Sin conexión – lo que escribas se enviará cuando vuelvas.} one {Sin conexión – los mensajes se enviarán cuando vuelvas (# en espera).} other {Sin conexión – los mensajes se enviarán cuando vuelvas (# en espera).}}",
  "connection.stopped":
    "{waiting, plural, =0 {No hay conexión.} one {No hay conexión (# mensaje en espera).} other {No hay conexión (# mensajes en espera).}}",

  "connection.removed":
    "{waiting, plural, =0 {Sin conexión.} one {Sin conexión (no se envió # mensaje).} other {Sin conexión (no se enviaron # mensajes).}}",

  "cause.relayUnreachable": "El relay no responde.",
  "cause.relayIdentity":
    "El relay no puede demostrar que es el tuyo, así que no se le envía nada. Pregunta a quien lo administra.",
  "cause.version": "El relay habla otra versión. Actualiza Relevo o pregunta a quien administra el relay.",
  "cause.replaced": "Esta cuenta se abrió en otro lugar.",
  "cause.revoked":
    "Este dispositivo se quitó de la cuenta: escribe donde la restauraste. Tus mensajes siguen en este equipo.",
  "cause.signedOut": "El relay ya no conoce esta cuenta.",
  "cause.relayBusy": "El relay tiene demasiado trabajo.",
  "cause.relayRestarting": "El relay se está reiniciando. Lo que escribas se guarda y se envía después.",
  "cause.diskFull":
    "El disco de este equipo está lleno y no se podría guardar lo que llega. No se pierde nada: libera espacio.",

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
  "error.otherProtection":
    "Un intento anterior con el mismo enlace o las mismas palabras se protegió con otra frase o de otro modo. Elige lo de entonces o pide un enlace nuevo.",
  "error.wrongPassphrase": "Esa no es la frase. Revisa las mayúsculas e inténtalo de nuevo.",
  "error.passphraseTooShort": "Esta frase es demasiado corta. Usa al menos 8 caracteres.",
  "error.keyring":
    "El almacén de contraseñas de este equipo no respondió. No se ha borrado nada. Desbloquéalo e inténtalo de nuevo.",
  "error.database":
    "Relevo no pudo escribir en sus archivos. Tus mensajes anteriores se conservan. Inténtalo de nuevo.",
  "error.damaged":
    "El archivo con tus mensajes está dañado, así que ya no se escribe en él. Reinicia Relevo para repararlo.",
  "error.newer":
    "Esto lo escribió una versión más nueva de Relevo. Instala la más nueva e inténtalo de nuevo.",
  "error.diskFull": "El disco está lleno. No se ha borrado nada. Libera espacio e inténtalo de nuevo.",
  "error.notFound": "Esto ya no está aquí.",
  "error.refused": "El relay no lo permitió. Pregunta a quien lo administra.",
  "error.busy": "El relay tiene demasiado trabajo ahora. Espera un momento e inténtalo de nuevo.",
  "error.wrongCode":
    "Estas palabras no encajan. Alguna está mal escrita, falta o está en otro lugar. Compáralas con tu papel.",
  "error.wrongWord": "Esa no es la palabra. Mira tu papel o muestra otra vez las palabras.",
  "error.handleTaken": "Alguien de tu relay ya tiene este nombre corto. Elige otro.",
  "error.handleInvalid": "Usa de 2 a 32 letras minúsculas, cifras, puntos, guiones o guiones bajos.",
  "error.noQr":
    "En esta imagen no hay un código legible. Usa una que muestre el código entero, nítido y no demasiado pequeño. Puede estar girado.",
  "error.requestLimit": "Esta persona tiene que aceptar antes de que puedas escribir más.",
  "error.lastSlot": "Es la última forma de abrir tus mensajes, así que se queda. Añade antes otra.",
  "error.folder":
    "Relevo no puede usar esta carpeta. Comprueba que el disco esté conectado y que puedas escribir en ella, o elige otra.",
  "error.noBackup":
    "En esta carpeta no hay un respaldo de Relevo, o su disco no está conectado. Busca la carpeta correcta.",
  "error.backupDamaged":
    "El respaldo de esta carpeta está incompleto o dañado. Si lo copiaste aquí, cópialo otra vez; si no, empieza uno nuevo en una carpeta vacía.",
  "error.backupOfOther":
    "Otro dispositivo guarda su respaldo en esta carpeta. Elige una carpeta propia para este equipo.",
  "error.noFileManager": "Este equipo no abrió la carpeta. Copia su ubicación y ábrela tú.",
  "error.noRecoveryRecord":
    "Las palabras son correctas, pero este relay no conoce ninguna cuenta suya. Revisa la dirección del relay.",
  "error.otherAccount": "Este respaldo es de otra cuenta. No se cambió nada.",
  "error.internal": "Algo falló en Relevo. Tus mensajes se conservan. Inténtalo de nuevo.",
};
