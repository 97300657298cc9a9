/** @type {Record<string, (browser: import("playwright-core").Browser, address: string) => Promise<void>>} */
export const journeys = {};
