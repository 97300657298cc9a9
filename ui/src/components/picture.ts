/** The words around a picture of a code, the same everywhere. */
import { t } from "../i18n/i18n.svelte.ts";

export function pictureWords() {
  return {
    label: t("picture.choose"),
    hint: t("picture.drop"),
    readingLabel: t("picture.reading"),
    unreadableLabel: t("picture.unreadable"),
  };
}
