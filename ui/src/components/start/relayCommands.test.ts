import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { relayCommands } from "./relayCommands.ts";

describe("the commands that begin a relay", () => {
  const guide = readFileSync(new URL("../../../../docs/relay.md", import.meta.url), "utf8").split("\n");

  it.each(Object.values(relayCommands))("are those of the guide: %s", (command) => {
    expect(guide).toContain(command);
  });
});
