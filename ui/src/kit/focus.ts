/** For what appears in place of the control that had the focus: `{@attach takeFocus}`. */
export function takeFocus(element: HTMLElement): void {
  element.focus();
}
