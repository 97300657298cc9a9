import type { keeping as english } from "../en/keeping.ts";

export const keeping: Record<keyof typeof english, string> = {
  "recovery.banner": "Anota tu código de recuperación. Te devuelve la cuenta si se pierde este equipo.",
  "recovery.show": "Anotarlo",
  "recovery.later": "Más tarde",
  "recovery.title": "Tu código de recuperación",
  "recovery.why":
    "El código de recuperación son 24 palabras en papel. Con ellas recuperas tu cuenta si este equipo se pierde o se rompe, y abres tus mensajes si olvidas la frase de contraseña. Nadie más las tiene: ni el relay ni nosotros. Si se pierden junto con todos tus equipos, la cuenta también se pierde.",
  "recovery.why.care":
    "Quien tenga las palabras puede ser tú. Guarda el papel donde guardas el pasaporte. No le hagas fotos.",
  "recovery.why.once":
    "Toma papel y lápiz. Las palabras se muestran ahora y no vuelven a mostrarse después de confirmarlas.",
  "recovery.reveal": "Mostrar las palabras",
  "recovery.making": "Preparando las palabras",
  "recovery.words": "Tus 24 palabras",
  "recovery.qr": "Código con las 24 palabras",
  "recovery.written": "Ya las anoté",
  "recovery.check.text": "Dos de las palabras, para comprobar que el papel está bien:",
  "recovery.word": "Palabra {position}",
  "recovery.again": "Ver otra vez las palabras",
  "recovery.confirm": "Confirmar",
  "recovery.done": "Muy bien. Las palabras ya no están en este equipo. Desde ahora solo las tiene tu papel.",
  "recovery.done.damaged":
    "Bien hecho. Las palabras ya no están en tus mensajes ni en sus copias. Solo los archivos dañados que Relevo guardó pueden tenerlas aún, cifradas como tus mensajes: los ajustes muestran dónde están y los borran.",
  "recovery.finish": "Terminar",
  "recovery.setting": "Código de recuperación",
  "recovery.setting.open": "Aún sin anotar.",
  "recovery.setting.confirmed": "Lo anotaste y lo confirmaste. Solo está en tu papel.",

  "restore.title": "Restaurar tu cuenta",
  "restore.card": "Restaurar con el código de recuperación",
  "restore.card.hint": "Tienes las 24 palabras en papel. El otro equipo sale de la cuenta.",
  "restore.text":
    "Para tus contactos sigues siendo la misma persona. Los mensajes anteriores solo vuelven desde una carpeta de respaldo.",
  "restore.code": "Tus 24 palabras",
  "restore.code.hint":
    "{count, plural, =0 {En su orden, separadas por espacios.} one {# palabra de 24} other {# palabras de 24}}",
  "restore.code.picture": "El código se leyó de su imagen.",
  "restore.code.damaged":
    "El texto de este código no está completo o es de otra cosa. Usa la imagen entera o escribe las 24 palabras.",
  "restore.relay": "Relay",
  "restore.relay.hint": "Su dirección, como relay.example.org, o cualquier enlace suyo.",
  "restore.relay.bad":
    "Esta no es la dirección de un relay. Escríbela tal como se llama tu relay, o pega cualquier enlace suyo.",
  "restore.folder": "Carpeta de respaldo, si tienes una",
  "restore.folder.hint": "La carpeta en la que Relevo escribía el respaldo.",
  "restore.choose": "Elegir…",
  "restore.name": "Tu nombre, si quieres cambiarlo",
  "restore.name.hint": "Déjalo vacío para usar el que se guardó con las palabras.",
  "restore.name.unknown":
    "Tu nombre anterior no está en el código de recuperación. Escribe el nombre que verán los demás.",
  "restore.do": "Restaurar",
  "restore.sure":
    "Tu cuenta pasa a este equipo. El otro equipo, si todavía funciona, sale de la cuenta: conserva los mensajes que tiene, pero ya no puede enviar ni recibir, y lo que espera allí para enviarse no se envía.",
  "restore.sure.do": "Restaurar aquí",
  "restore.running": "Restaurando. Puede tardar unos minutos si hay un respaldo. Deja la ventana abierta.",

  "ways.title": "Abre tus mensajes",
  "ways.text": "Tus mensajes en este equipo están bloqueados. No se ha borrado nada.",
  "ways.passphrase": "Con tu frase de contraseña",
  "ways.recovery": "Con el código de recuperación",
  "ways.recovery.text": "Las 24 palabras que anotaste.",
  "ways.keyring": "Con el almacén de contraseñas de este equipo",
  "ways.keyring.ok": "Antes respondía. Inténtalo de nuevo.",
  "ways.keyring.missing":
    "El almacén de contraseñas ya no tiene lo que abre tus mensajes. Quizá se vació o se creó de nuevo. Usa otra forma de entrar; Relevo lo repondrá después.",
  "ways.keyring.locked":
    "El almacén de contraseñas está bloqueado. Desbloquéalo como haces para otros programas, a menudo entrando otra vez en el equipo, y reintenta.",
  "ways.keyring.failed":
    "El almacén de contraseñas no respondió. Espera un momento y reintenta. Si sigue igual, reinicia el equipo.",
  "ways.keyring.changed":
    "Lo que hay en el almacén de contraseñas no abre estos mensajes. Quizá los archivos vienen de otro equipo o de una copia anterior. Usa otra forma de entrar; Relevo lo arreglará después.",
  "ways.failed": "Esta forma de entrar no funciona ahora. Prueba otra o reintenta.",
  "ways.unprotected": "Sin protección",
  "ways.unprotected.text": "Lo que abre tus mensajes está en un archivo de este equipo y no se puede leer.",
  "ways.none":
    "Si nada de esto funciona: tus archivos se quedan donde están. Escribe a quien administra tu relay antes de borrar nada.",

  "protect.text": "Esto abre tus mensajes en este equipo. Basta con cualquiera de estas formas.",
  "protect.keyring": "Almacén de contraseñas de este equipo",
  "protect.keyring.hint": "Se abre solo cuando has entrado en el equipo.",
  "protect.passphrase": "Frase de contraseña",
  "protect.passphrase.hint": "La escribes cuando se inicia Relevo.",
  "protect.recovery": "Código de recuperación",
  "protect.recovery.hint": "Las 24 palabras de tu cuenta.",
  "protect.unprotected": "Sin protección",
  "protect.unprotected.hint":
    "Cualquiera que pueda abrir los archivos de este equipo puede leer tus mensajes.",
  "protect.remove": "Quitar",
  "protect.remove.label": "Quitar: {way}",
  "protect.remove.ask":
    "{way}: esto dejará de abrir tus mensajes en este equipo. Asegúrate de que puedes usar otra forma.",
  "protect.remove.sure": "Quitarla",
  "protect.last":
    "La última forma de entrar no se puede quitar: nada podría abrir tus mensajes. Añade antes otra.",
  "protect.change": "Cambiar la frase de contraseña",
  "protect.add.passphrase": "Añadir una frase de contraseña",
  "protect.add.keyring": "Usar el almacén de contraseñas",
  "protect.add.recovery": "Usar el código de recuperación",
  "protect.code": "Tu código de recuperación",
  "protect.code.hint": "Las 24 palabras de tu papel, todas, porque Relevo no las guarda.",
  "protect.code.save": "Comprobarlo y usarlo",
  "protect.code.saved": "Desde ahora tu código de recuperación abre tus mensajes en este equipo.",
  "protect.code.first": "Cuando se hayan comprobado dos de sus palabras, también abrirá aquí tus mensajes.",
  "protect.save": "Guardar la frase",
  "protect.saved": "La frase de contraseña está guardada.",

  "health.unopened":
    "{count, plural, =0 {# mensajes no se pudieron abrir en los últimos 30 días} one {# mensaje no se pudo abrir al llegar en los últimos 30 días, aunque se haya enviado de nuevo después} other {# mensajes no se pudieron abrir al llegar en los últimos 30 días, aunque se hayan enviado de nuevo después}}",
  "health.missing":
    "{count, plural, =0 {No falta ningún mensaje} one {Ahora falta # mensaje} other {Ahora faltan # mensajes}}",
  "health.missing.perhaps":
    "Pueden faltar mensajes, porque se dañó un archivo de este equipo: mira más abajo",
  "health.copy": "Copia automática en este equipo: {time}",
  "health.copy.none": "Aún no hay copia automática",
  "health.loading": "Contando",
  "backup.banner.notWritten": "Sin respaldo desde el {time}. {problem}",
  "backup.banner.notRestorable":
    "La prueba de restauración del {time} falló: no confíes en el respaldo. {problem}",
  "backup.elsewhere": "Elegir otra carpeta",
  "bringBack.title": "Recuperar de un respaldo",
  "bringBack.text":
    "Si aquí faltan mensajes, una carpeta de respaldo de esta cuenta puede tenerlos. Lo que hay aquí se queda como está.",
  "bringBack.choose": "Recuperar de un respaldo…",
  "bringBack.code": "Código de recuperación de este respaldo",
  "bringBack.code.hint": "Las 24 palabras con las que está cifrado.",
  "bringBack.do": "Recuperar",
  "bringBack.running": "Leyendo el respaldo. Puede tardar unos minutos.",
  "bringBack.done":
    "{count, plural, =0 {Aquí no falta nada: el respaldo de {time} no tiene nada que no tengas.} one {Volvió # mensaje del respaldo de {time}.} other {Volvieron # mensajes del respaldo de {time}.}}",
  "damaged.title": "Archivos dañados",
  "damaged.text":
    "Lo que se dañó se guarda aquí como se encontró, cifrado como tus mensajes. Los archivos de antes de que anotaras el código de recuperación todavía lo tienen. Bórralos cuando no te falte nada.",
  "damaged.discard": "Borrar los archivos dañados…",
  "damaged.discard.sure": "Borrarlos para siempre",
  "backup.title": "Respaldo",
  "backup.text":
    "Una vez al día Relevo escribe un respaldo cifrado en una carpeta. Elige una en otro disco. Solo tu código de recuperación lo abre.",
  "backup.folder": "Carpeta",
  "backup.none": "Sin carpeta de respaldo",
  "backup.choose": "Elegir una carpeta…",
  "backup.change": "Otra carpeta…",
  "backup.stop": "Dejar de respaldar",
  "backup.code": "Tu código de recuperación, una vez",
  "backup.code.hint": "El respaldo se cierra con él. Relevo no guarda las palabras.",
  "backup.start": "Empezar a respaldar",
  "backup.now": "Respaldar ahora",
  "backup.last": "Último respaldo: {time}",
  "backup.last.none": "Aún no hay respaldo",
  "backup.problem": "El último respaldo falló: {problem}",
  "backup.test": "Última prueba de restauración: {time}, bien",
  "backup.test.none": "El respaldo nunca se ha probado",
  "backup.test.failed": "La prueba de restauración falló ({time}): {problem}",
  "backup.aside":
    "{count, plural, one {Se apartó un respaldo anterior: puede tener mensajes que aquí no están.} other {Se apartaron # respaldos anteriores: pueden tener mensajes que aquí no están.}} No se borró nada. «Recuperar de un respaldo» los toma junto con la carpeta del respaldo. Cuando tus mensajes estén aquí de nuevo, puedes borrar una carpeta así. Caben 8; después los respaldos fallan hasta que elijas otra carpeta o vacíes esta.",
  "backup.test.now": "Probar ahora",
  "backup.test.hint": "Restaura el respaldo junto a tus mensajes, compara y descarta el resultado.",

  "export.menu": "Exportar el chat",
  "export.title": "Exportar el chat con {name}",
  "export.text": "El archivo no va cifrado. Quien pueda abrirlo puede leer el chat.",
  "export.format": "Formato",
  "export.html": "Una página para el navegador",
  "export.html.hint": "Para leer e imprimir.",
  "export.markdown": "Texto",
  "export.markdown.hint": "Se abre con cualquier editor.",
  "export.json": "Datos para programas",
  "export.json.hint": "Con todas las horas y estados.",
  "export.folder": "Carpeta",
  "export.choose": "Elegir…",
  "export.do": "Exportar",
  "export.running": "Escribiendo el archivo",
  "export.done": "El chat se escribió en:",

  "when.never": "nunca",
  "when.today": "hoy a las {time}",
  "when.yesterday": "ayer a las {time}",
};
