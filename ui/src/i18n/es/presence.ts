/** Cómo están las personas: ausentes, sin querer que las molesten, una frase propia. */
export const presence = {
  "presence.idle": "Ausente",
  "presence.idleHours": "{hours, plural, one {Ausente desde hace # hora} other {Ausente desde hace # horas}}",
  "presence.doNotDisturb": "No molestar",
  "presence.invisible": "Invisible",

  "status.open": "Tu estado: {status}",
  "status.title": "Tu estado",
  "status.available": "Disponible",
  "status.available.hint":
    "Los demás ven que estás en línea, y que estás ausente tras cinco minutos sin actividad.",
  "status.doNotDisturb.hint": "Los demás ven que no quieres que te molesten. Los mensajes llegan igual.",
  "status.invisible.hint": "Nadie ve que estás en línea y tú no lo ves de nadie. Los mensajes llegan igual.",
  "status.until": "Por cuánto tiempo",
  "status.until.open": "Hasta que lo cambie",
  "status.until.halfHour": "30 minutos",
  "status.until.hour": "1 hora",
  "status.until.morning": "Hasta las 8 de la mañana",
  "status.until.today": "Hoy",
  "status.until.kept": "Hasta {time}",
  "status.text": "Texto de estado",
  "status.text.hint": "Una frase que las personas que aceptaste leen junto a tu nombre.",
  "status.text.long": "Como máximo 100 caracteres.",
  "status.text.invalid": "Este texto contiene caracteres que no se pueden mostrar.",
  "status.text.lasts": "Cuánto tiempo se muestra",
  "status.save": "Guardar",
};
